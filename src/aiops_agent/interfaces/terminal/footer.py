"""The two live lines at the bottom: which phase, and since when."""

import time
from collections.abc import Callable
from datetime import timedelta

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from aiops_agent.domain.event import Event, Phase
from aiops_agent.domain.quantity import span
from aiops_agent.interfaces.terminal.escape import say
from aiops_agent.interfaces.terminal.palette import BAD, GOOD, QUIET, STRONG, WARN
from aiops_agent.interfaces.terminal.screen import Tier, tier

_REFRESHES = 8  # per second
_DONE, _NOW, _NEXT = ("●", GOOD), ("◐", WARN), ("○", QUIET)
_DOTS = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Footer:
    """What is drawn: done ●, now ◐, next ○, and one line of status. It only reads a stopwatch."""

    def __init__(self, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._stopwatch = stopwatch
        self._began = stopwatch()
        self.phase = Phase.ALERT
        self.status = "starting"
        self.stopped = ""  # why nothing is sent
        self.steps = 0

    def note(self, event: Event) -> None:
        """Take in the newest event."""
        self.phase, self.status, self.steps = event.phase, event.message, self.steps + 1

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the two lines, each within the width."""
        yield self._bar(options.max_width)
        yield self._line(options.max_width)

    def _bar(self, width: int) -> Text:
        phases = list(Phase)
        now, bar = phases.index(self.phase), Text(no_wrap=True, overflow="ellipsis")
        for place, phase in enumerate(phases):
            sign, ink = _DONE if place < now else _NOW if place == now else _NEXT
            named = place == now or tier(width) is not Tier.NARROW
            bar.append(f"{sign} {phase.value}  " if named else f"{sign} ", style=ink)
        bar.truncate(width, overflow="ellipsis")
        return bar

    def _line(self, width: int) -> Text:
        gone = self._stopwatch() - self._began
        elapsed = span(timedelta(seconds=gone))
        dot = _DOTS[int(gone * _REFRESHES) % len(_DOTS)]
        right = say(f"  {elapsed} · {self.steps} steps · ctrl-c pauses", QUIET)
        status = say(self.status, STRONG)
        if self.stopped:
            status = say(f"NOTHING IS SENT: {self.stopped}", BAD)
        left = Text.assemble((dot, WARN), " ", status)
        left.truncate(max(width - right.cell_len, 1), overflow="ellipsis")
        line = Text.assemble(left, right, no_wrap=True)
        line.truncate(width, overflow="ellipsis")
        return line


class LiveFooter:
    """The footer on a terminal: shown while working, erased before anything is asked."""

    def __init__(self, console: Console, footer: Footer) -> None:
        self._console = console
        self._footer = footer
        self._live: Live | None = None

    def show(self) -> None:
        """Draw it; does nothing when it is drawn already."""
        if self._live is None:
            self._live = Live(
                self._footer, console=self._console, transient=True, refresh_per_second=_REFRESHES
            )
            self._live.start(refresh=True)

    def hide(self) -> None:
        """Erase it; the lines above stay."""
        if self._live is not None:
            self._live.stop()
            self._live = None
