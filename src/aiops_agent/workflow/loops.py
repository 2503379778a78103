"""Loops that never end silently: what fails is logged once a minute, counted, and tried again."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from aiops_agent.domain.errors import AiopsError

log = logging.getLogger(__name__)

LOG_SECONDS = 60.0  # between two lines of one loop: what fails each second says so once
STUCK_SECONDS = 2.0  # of failures in a row; one hiccup is none
SILENT_SECONDS = 60.0  # without a sign of life: it hangs

T = TypeVar("T")


class LoopName(StrEnum):
    """What loops there are in a process. A label of a metric, so the set is closed."""

    ALARM = "alarm"
    ANSWERS = "answers"
    EXECUTION = "execution"
    FEED = "feed"
    INBOX = "inbox"
    LEASE = "lease"
    LEFT_BEHIND = "left_behind"
    NOTICES = "notices"
    PLATFORM = "platform"
    PRUNING = "pruning"
    RELEASES = "releases"
    SCREEN = "screen"
    SENDERS = "senders"
    STORIES = "stories"
    TRACES = "traces"
    VECTORS = "vectors"
    WATCH = "watch"


@dataclass(eq=False)
class Loop:
    """One loop and how it fares; `clock` is monotonic, in seconds.

    `about` says which one, where there are several. `silent` is how long it may show no sign of
    life; None when it may wait for ever for somebody else.
    """

    name: LoopName
    clock: Callable[[], float]
    about: str = ""
    silent: float | None = SILENT_SECONDS
    failures: int = 0
    why: str = ""  # it failed last; "" when it went well
    _since: float = field(init=False)  # the first failure in a row
    _beat: float = field(init=False)
    _logged: float = float("-inf")

    def __post_init__(self) -> None:
        self._beat = self._since = self.clock()

    def alive(self) -> None:
        """Show a sign of life in the middle of a long turn."""
        self._beat = self.clock()

    def well(self) -> None:
        """Say that a turn went well, or that it goes on without an end."""
        self.alive()
        if self.why:
            log.info("loop works again", extra={"loop": self.name.value, "about": self.about})
        self.why = ""

    def failed(self, error: BaseException) -> None:
        """Count a failure, and log it unless one was logged within the last minute."""
        self._beat = self.clock()
        self._since = self._since if self.why else self._beat
        self.failures += 1
        self.why = str(error) if isinstance(error, AiopsError) else _words(error)
        self.tell("loop turn failed", error)

    def tell(self, message: str, error: BaseException) -> None:
        """Log an error, at most one a minute, with its trace when it is not one of ours."""
        if self.clock() - self._logged < LOG_SECONDS:
            return
        self._logged = self.clock()
        known = isinstance(error, AiopsError)
        about = {"loop": self.name.value, "about": self.about, "failures": self.failures}
        log.warning(message, extra={**about, "why": str(error)}, exc_info=None if known else error)

    @property
    def troubled(self) -> float:
        """For how many seconds it has failed in a row, or shown no sign of life; 0 when well."""
        now = self.clock()
        if self.why:
            return max(now - self._since, 0.001)
        quiet = now - self._beat
        return quiet if self.silent is not None and quiet > self.silent else 0.0

    @property
    def trouble(self) -> str:
        """What is wrong in a sentence, once it is more than a hiccup; "" when nothing is."""
        seconds = self.troubled
        if not seconds or seconds < STUCK_SECONDS:
            return ""
        name = f"{self.name.replace('_', ' ')} ({self.about})" if self.about else self.name.value
        if not self.why:
            return f"The loop {name} hangs: {seconds:.0f} s without a sign of life."
        return f"The loop {name} has failed for {seconds:.0f} s: {self.why.rstrip('.')}."

    async def run(
        self,
        turn: Callable[[], Awaitable[object]],
        wait: Callable[[], Awaitable[object]],
        *,
        once: bool = False,
    ) -> None:
        """Take turn after turn, whatever one raises, until the task is cancelled.

        With `once`, until one went well.
        """
        task = asyncio.current_task()
        assert task is not None
        # Asked each time: what runs inside may swallow a cancellation, or raise one of its own.
        while not task.cancelling():
            if await self.tried(turn) and once:
                return
            await wait()

    async def tried(self, turn: Callable[[], Awaitable[object]]) -> bool:
        """Take one turn, and say whether it went well; raises when the process is to end."""
        try:
            await turn()
        except BaseException as error:  # border: a loop that ended would be missed by nobody
            if _final(error):
                raise
            self.failed(error)
            return False
        self.well()
        return True


@dataclass
class Loops:
    """All loops of a process; `clock` is monotonic, in seconds."""

    clock: Callable[[], float] = time.monotonic
    _all: dict[tuple[LoopName, str], Loop] = field(default_factory=dict)
    _before: Counter[LoopName] = field(default_factory=Counter)

    def begin(self, name: LoopName, about: str = "", silent: float | None = SILENT_SECONDS) -> Loop:
        """Return a loop that begins now, in place of one of the same name."""
        was = self._all.pop((name, about), None)
        self._before[name] += was.failures if was else 0
        self._all[name, about] = loop = Loop(name, self.clock, about, silent)
        return loop

    def alive(self, name: LoopName) -> None:
        """Show a sign of life of the loops of a name."""
        for loop in self:
            if loop.name is name:
                loop.alive()

    def end(self, *loops: Loop) -> None:
        """Watch these no longer."""
        for loop in loops:
            if self._all.get((loop.name, loop.about)) is loop:
                del self._all[loop.name, loop.about]
                self._before[loop.name] += loop.failures

    def __iter__(self) -> Iterator[Loop]:
        """Yield those that run."""
        return iter(tuple(self._all.values()))

    def failures(self) -> Mapping[LoopName, int]:
        """Return how many turns have failed since the process began, of each kind of loop."""
        found = Counter(self._before)
        for loop in self:
            found[loop.name] += loop.failures
        return {name: found[name] for name in LoopName}

    def troubled(self) -> Mapping[LoopName, float]:
        """Return for how many seconds each kind of loop has been in trouble; 0 when it is not."""
        found = dict.fromkeys(LoopName, 0.0)
        for loop in self:
            found[loop.name] = max(found[loop.name], loop.troubled)
        return found

    def trouble(self, name: LoopName) -> str:
        """Return what is wrong with the loops of a name, or ""."""
        return next((loop.trouble for loop in self if loop.name is name and loop.trouble), "")


async def each(items: Iterable[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Do the work for every item; one that fails holds up no other, and is raised at the end."""
    failed: BaseException | None = None
    for item in items:
        try:
            await work(item)
        except BaseException as error:  # border: raised again below
            if _final(error):
                raise
            failed = failed or error
    if failed is not None:
        raise failed


def _final(error: BaseException) -> bool:
    """Whether the process is to end, or the task: a cancellation may also come from inside."""
    task = asyncio.current_task()
    cancelled = task is not None and bool(task.cancelling())
    ends = isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)
    return ends or (cancelled and isinstance(error, asyncio.CancelledError))


def _words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
