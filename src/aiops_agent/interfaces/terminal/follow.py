"""Follow incidents: the timeline as it grows, and each block when its time comes."""

from typing import Self

from rich.console import Console

from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Status
from aiops_agent.domain.payload import EventType
from aiops_agent.interfaces.terminal.blocks import Blocks
from aiops_agent.interfaces.terminal.closing import closing, escalation
from aiops_agent.interfaces.terminal.footer import Footer, LiveFooter
from aiops_agent.interfaces.terminal.screen import is_live
from aiops_agent.interfaces.terminal.timeline import line

NEXT_SHOP = ("aiops trace {incident}", "aiops demo --list", "aiops doctor")
NEXT_REAL = ("aiops incident show {incident}", "aiops trace {incident}", "aiops services")
_WHOLE = (EventType.APPROVAL_REFUSED, EventType.APPROVAL_ENDED)  # somebody must read why
# After these nothing works: a question is asked, or the end is near.
_STILL = (
    EventType.APPROVAL_PENDING,
    EventType.INCIDENT_RESOLVED,
    EventType.INCIDENT_DISMISSED,
    EventType.INCIDENT_ESCALATED,
    EventType.REPORT_WRITTEN,
)


class Follower:
    """Prints what it is fed. It asks nothing, decides nothing, and reads no clock but a stopwatch.

    `many` prints lines of many incidents without blocks or footer, `whole` lines that are not cut
    at the edge. As a context manager it finishes on leaving.
    """

    def __init__(
        self, console: Console, blocks: Blocks, *, many: bool = False, whole: bool = False
    ) -> None:
        self._console = console
        self._blocks = blocks
        self._many, self._whole = many, whole
        self._seen: list[Event] = []
        self._again = 0  # events since the last line that say the same
        self._footer = Footer()
        self._live = LiveFooter(console, self._footer) if is_live(console) and not many else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if error is None:
            self.finish()
        else:
            self.pause()

    def feed(self, event: Event) -> None:
        """Print the event's line and its block, if it has one; bring the footer back."""
        before = self._seen[-1] if self._seen and not self._many else None
        self._footer.note(event)
        if before is not None and event.says_as(before):
            self._again += 1
            self._seen.append(event)
            return
        self._tell_again()
        self._seen = [event] if self._many else [*self._seen, event]
        if self._live and event.type in _STILL:
            self._live.hide()
        self._print(event)
        if self._live and event.type not in _STILL:
            self._live.show()

    def sending(self, stopped: str) -> None:
        """Show that nothing is sent, and why; "" when sending is on again."""
        self._footer.stopped = stopped

    def pause(self) -> None:
        """Take the footer away, so that a question can be the last line."""
        self._tell_again()
        if self._live:
            self._live.hide()

    def finish(self) -> None:
        """Take the footer away and, when the incident ended, print its dashboard."""
        self.pause()
        if self._many or not self._seen:
            return
        incident = self._blocks.incident(self._seen[-1].incident)
        if incident is None or not incident.ended:
            return
        if incident.status is Status.ESCALATED:
            self._console.print(escalation(incident))
        commands = NEXT_SHOP if incident.environment.simulated else NEXT_REAL
        following = [command.format(incident=incident.id) for command in commands]
        self._console.print(
            closing(
                incident,
                self._seen,
                self._console.width,
                calls=self._blocks.calls(incident.id),
                next_commands=following,
            )
        )

    def _tell_again(self) -> None:
        """Print how often the last line was found again, if it was."""
        again, self._again = self._again, 0
        if again:
            self._print(self._seen[-1], again)

    def _print(self, event: Event, again: int = 0) -> None:
        whole = self._whole or event.type in _WHOLE
        if self._console.is_terminal and not whole:
            width = self._console.width
            self._console.print(line(event, width=width, many=self._many, again=again))
        else:
            self._console.print(line(event, many=self._many, again=again), soft_wrap=True)
        if not self._many and not again:
            for block in self._blocks.below(event, self._console.width):
                self._console.print(block)
