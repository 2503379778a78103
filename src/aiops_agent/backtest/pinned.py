"""An environment as it could be known at a moment: whoever looks ahead is stopped.

Each question is looked at before it is asked, and each answer before it is given, whatever the
vendor behind it promises.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from aiops_agent.domain.errors import LookAhead, NoSource, SourceError
from aiops_agent.domain.telemetry import (
    AlertRule,
    Change,
    LogLine,
    RuleReading,
    Series,
    ServiceName,
    Signal,
    Span,
    Window,
)
from aiops_agent.ports.telemetry import Changes, Clock, Environment, Logs, Metrics, Rules, Spans


def pinned(environment: Environment, clock: Clock) -> tuple[Environment, "Moment"]:
    """Return the environment as of the clock's moment, and the watch over it.

    Topology and workloads take no time: who opened the environment answers for theirs.
    """
    moment = Moment(clock)
    kept = replace(
        environment,
        metrics=_PastMetrics(environment.metrics, moment),
        logs=_PastLogs(environment.logs, moment),
        changes=_PastChanges(environment.changes, moment),
        rules=_PastRules(environment.rules, moment),
        spans=_PastSpans(environment.spans, moment),
        clock=clock,
    )
    return kept, moment


@dataclass(frozen=True)
class Moment:
    """Compares with the clock; keeps why metrics could not be read, where they should be there."""

    clock: Clock
    failed: list[str] = field(default_factory=list)

    def asked(self, until: datetime) -> None:
        """Raise LookAhead when a question reaches beyond the moment."""
        self._within(until, "was asked for")

    def answered(self, times: Iterable[datetime]) -> None:
        """Raise LookAhead when an answer tells of a later time."""
        self._within(max(times, default=self.clock.now()), "was answered with")

    def _within(self, at: datetime, how: str) -> None:
        now = self.clock.now()
        if at > now:
            raise LookAhead(f"At {now:%Y-%m-%d %H:%M:%S} what is of {at:%H:%M:%S} {how}.")


@dataclass(frozen=True)
class _PastMetrics:
    port: Metrics
    moment: Moment

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        """Return what was known of these signals."""
        self.moment.asked(window.end)
        try:
            found = await self.port.read(services, signals, window)
        except NoSource:
            raise
        except SourceError as error:
            self.moment.failed.append(str(error))
            raise
        self.moment.answered(one.times[-1] for one in found if one.times)
        return found


@dataclass(frozen=True)
class _PastLogs:
    port: Logs
    moment: Moment

    async def lines(self, services: Sequence[ServiceName], window: Window) -> tuple[LogLine, ...]:
        """Return what was written by then."""
        self.moment.asked(window.end)
        found = await self.port.lines(services, window)
        self.moment.answered(one.at for one in found)
        return found


@dataclass(frozen=True)
class _PastChanges:
    port: Changes
    moment: Moment

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Return what was changed by then."""
        self.moment.asked(window.end)
        found = await self.port.changes(window)
        self.moment.answered(one.at for one in found)
        return found


@dataclass(frozen=True)
class _PastSpans:
    port: Spans
    moment: Moment

    async def spans(self, services: Sequence[ServiceName], window: Window) -> tuple[Span, ...]:
        """Return what was traced by then."""
        self.moment.asked(window.end)
        found = await self.port.spans(services, window)
        self.moment.answered(one.start for one in found)
        return found


@dataclass(frozen=True)
class _PastRules:
    port: Rules
    moment: Moment

    async def rules(self) -> tuple[AlertRule, ...]:
        """Return the rules; they are read as they are written now."""
        return await self.port.rules()

    async def evaluate(
        self, rule: AlertRule, at: datetime | None = None
    ) -> tuple[RuleReading, ...]:
        """Return where a rule held at a moment, by default the present one of the replay."""
        at = at or self.moment.clock.now()
        self.moment.asked(at)
        return await self.port.evaluate(rule, at)


OpenPast = Callable[[Clock], Environment]
