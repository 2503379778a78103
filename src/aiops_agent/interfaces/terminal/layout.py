"""The shapes that things take on the screen: a frame, names beside texts, a table."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aiops_agent.domain.remediation import Recovery
from aiops_agent.interfaces.terminal.escape import say
from aiops_agent.interfaces.terminal.palette import QUIET, RECOVERY_MARK, words

GAP = 2  # cells between columns


def panel(title: str | Text, content: Table, ink: str) -> Panel:
    """Return `content` in a frame with its title on the left."""
    heading = title if isinstance(title, Text) else say(title)
    heading.stylize(ink)
    return Panel(content, title=heading, title_align="left", border_style=ink, box=box.ROUNDED)


def judged(recovery: Recovery) -> Text:
    """Return what telemetry says after an action: a sign and the words."""
    sign, ink = RECOVERY_MARK[recovery]
    return say(f"{sign} {words(recovery.value)}", ink)


def facts_grid() -> Table:
    """Return an empty two-column grid: a grey name, and text that wraps beside it."""
    grid = Table.grid(expand=True, padding=(0, 1, 0, 0))
    grid.add_column(style=QUIET, no_wrap=True, min_width=11)
    grid.add_column(ratio=1, overflow="fold")
    return grid


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[Text]],
    width: int,
    caps: Mapping[str, int] | None = None,
) -> Table:
    """Return rows under their heads within `width`; the last column is cut, never wrapped.

    `caps` gives the most cells of a column by its head.
    """
    sizes = [max(len(head), *(row[i].cell_len for row in rows), 0) for i, head in enumerate(heads)]
    for i, head in enumerate(heads):
        sizes[i] = min(sizes[i], (caps or {}).get(head, sizes[i]))
    room = width - sum(sizes[:-1]) - GAP * len(sizes)
    sizes[-1] = max(min(sizes[-1], room), len(heads[-1]))
    grid = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
    for size in sizes:
        grid.add_column(width=size, no_wrap=True, overflow="ellipsis")
    grid.add_row(*[say(head, QUIET) for head in heads])
    for row in rows:
        grid.add_row(*row)
    return grid
