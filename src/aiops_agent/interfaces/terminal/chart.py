"""A small chart of one signal: bars over time, its levels at the side, the beginning marked."""

from collections.abc import Callable, Sequence
from datetime import datetime

from rich.text import Text

from aiops_agent.domain.telemetry import Window
from aiops_agent.interfaces.terminal.escape import say
from aiops_agent.interfaces.terminal.palette import QUIET, WARN

EIGHTHS = " ▁▂▃▄▅▆▇█"
MOST_CELLS = 72  # two dozen values need no more
_MARGIN = 2  # cells between a level's words and the bars


def chart(
    values: Sequence[float],
    shown: Window | None,
    began: datetime | None,
    *,
    words: Callable[[float], str],
    width: int,
    height: int = 6,
    ink: str = "",
) -> list[Text]:
    """Return the lines of a chart of finite `values`, oldest left, no wider than `width`.

    Without room for a dozen bars there is none. Its foot is the time of the left and right edge.
    """
    top, bottom = max(values, default=0.0), min(*values, 0.0) if values else 0.0
    labels = (words(top), words(bottom))
    side = max(map(len, labels)) + _MARGIN
    cells = min(width - side, MOST_CELLS)
    if not values or cells < 12:
        return []
    bars = [values[place * len(values) // cells] for place in range(cells)]
    span = (top - bottom) or 1.0
    levels = [round((value - bottom) / span * height * 8) for value in bars]
    lines = []
    for row in reversed(range(height)):
        label = labels[0] if row == height - 1 else labels[1] if row == 0 else ""
        drawn = "".join(EIGHTHS[max(0, min(8, level - 8 * row))] for level in levels)
        # What is zero still is a value: the lowest line shows where it was seen.
        drawn = drawn.replace(" ", "▁") if row == 0 else drawn
        lines.append(Text.assemble(say(f"{label:>{side - 2}} ┤", QUIET), say(drawn, ink)))
    return lines + _foot(shown, began, side, cells)


def _foot(shown: Window | None, began: datetime | None, side: int, cells: int) -> list[Text]:
    if shown is None or shown.length.total_seconds() <= 0:
        return []
    first, last = f"{shown.start:%H:%M:%S}", f"{shown.end:%H:%M:%S}"
    lines = []
    if began is not None and shown.start <= began < shown.end:
        place = int((began - shown.start) / shown.length * cells)
        label = f"▲ began {began:%H:%M:%S}"
        if place + len(label) <= cells:
            marked = " " * place + label
        else:
            marked = f"began {began:%H:%M:%S} ▲".rjust(place + 1)
        lines.append(say(" " * side + marked, WARN))
    return [*lines, say(" " * side + first + last.rjust(cells - len(first)), QUIET)]
