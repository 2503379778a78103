"""One event, one line, never wrapped."""

from collections.abc import Iterable, Iterator

from rich.text import Text

from aiops_agent.domain.event import Event
from aiops_agent.domain.quantity import stopwatch
from aiops_agent.interfaces.terminal.escape import say
from aiops_agent.interfaces.terminal.palette import EVENT_INK, PHASE_INK, QUIET
from aiops_agent.interfaces.terminal.screen import Tier, tier

_COLUMN = 8  # cells: the longest phase
_REFS_SHOWN, _REFS_NARROW = 3, 1  # the message matters more


def folded(events: Iterable[Event]) -> Iterator[tuple[Event, int]]:
    """Yield each event with 0; of those that say what the one before said the last, and how many.

    One look after another that finds the same is one line, however long it goes on.
    """
    before: Event | None = None
    times = 0
    for event in events:
        if before is not None and event.says_as(before):
            before, times = event, times + 1
            continue
        if before is not None and times:
            yield before, times
        yield event, 0
        before, times = event, 0
    if before is not None and times:
        yield before, times


def line(event: Event, *, width: int | None = None, many: bool = False, again: int = 0) -> Text:
    """Return `HH:MM:SS PHASE agent message refs/duration` within `width` columns.

    Without `width` the whole message is shown, for a pipe. With `many` the incident's id leads.
    With `again` it stands for so many that said what was said before.
    """
    left = Text(no_wrap=True)
    left.append(f"{event.at:%H:%M:%S} ", style=QUIET)
    if many:
        left.append(_column(event.incident), style="bold")
    left.append(_column(event.phase.value.upper()), style=PHASE_INK[event.phase])
    left.append(_column(event.agent), style="blue")
    same = "as before" if again == 1 else f"as before, {again} times"
    message = say(same if again else event.message, EVENT_INK.get(event.type, ""))
    right = _right(event, narrow=width is not None and tier(width) is Tier.NARROW)
    if width is None:
        return Text("  ").join([Text.assemble(left, message), *([right] if right.plain else [])])
    room = width - left.cell_len - (right.cell_len + 1 if right.plain else 0)
    message.truncate(max(room, 1), overflow="ellipsis", pad=bool(right.plain))
    gap = " " if right.plain else ""
    return Text.assemble(left, message, gap, right, no_wrap=True, overflow="crop")


def _column(text: str) -> str:
    cell = say(text)
    cell.truncate(_COLUMN, overflow="ellipsis", pad=True)
    return f"{cell.plain} "


def _right(event: Event, *, narrow: bool) -> Text:
    most = _REFS_NARROW if narrow else _REFS_SHOWN
    refs = list(event.refs[:most])
    if len(event.refs) > most:
        refs.append(f"+{len(event.refs) - most}")
    parts = [" ".join(refs)] if refs else []
    took = event.effort.took if event.effort else 0.0
    if took >= 0.05 and not narrow:
        parts.append(stopwatch(took))
    return say(" ".join(parts), QUIET)
