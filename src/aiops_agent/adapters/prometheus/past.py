"""Prometheus as it could be read at a moment of the past: nothing later, and no present state."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Never, TypeVar

import httpx2

from aiops_agent.adapters.prometheus.client import PrometheusClient, RawSeries, Sample
from aiops_agent.adapters.prometheus.query import Expression
from aiops_agent.adapters.prometheus.rules import PrometheusRules
from aiops_agent.domain.errors import LookAhead, SourceError
from aiops_agent.domain.telemetry import AlertRule, RuleReading, RuleState
from aiops_agent.domain.value import Json
from aiops_agent.ports.past import Meter
from aiops_agent.ports.telemetry import Clock

# Modifiers by which an expression may read another time than that of its question.
_ELSEWHEN = re.compile(r"@|\boffset\s{0,20}-")
T = TypeVar("T")


@dataclass(frozen=True)
class PastClient(PrometheusClient):
    """Asks nothing that lies behind the clock's moment, and counts what it asks and reads.

    What a page says of its metrics (`metadata`) and which rules there are is read as it is now:
    both are descriptions, and no state.
    """

    clock: Clock | None = None  # None: only counted
    meter: Meter = field(default_factory=Meter)

    @classmethod
    def of(cls, client: PrometheusClient, clock: Clock | None, meter: Meter) -> "PastClient":
        """Return a client of the same server, over the same connections."""
        known = {one.name: getattr(client, one.name) for one in fields(client)}
        return cls(**known, clock=clock, meter=meter)

    async def instant(self, query: Expression, at: datetime | None = None) -> tuple[Sample, ...]:
        """Return the values at a moment, by default that of the clock."""
        return await super().instant(query, self._known(at))

    async def range(
        self, query: Expression, start: datetime, end: datetime, step: timedelta
    ) -> tuple[RawSeries, ...]:
        """Return every series from `start` to `end`; raises LookAhead."""
        self._known(end)
        return await super().range(query, start, end, step)

    async def metrics(self, since: datetime, until: datetime) -> tuple[str, ...]:
        """Return the names of all metrics of that time; raises LookAhead."""
        self._known(until)
        return await super().metrics(since, until)

    async def targets(self) -> Never:
        """Raise SourceError: what is scraped now says nothing of then."""
        raise SourceError("Prometheus tells only what it scrapes now, not what it scraped then.")

    async def rules(self) -> tuple[AlertRule, ...]:
        """Return the rules as they are written now, without their present state."""
        found = await super().rules()
        return tuple(one.model_copy(update={"state": RuleState.UNKNOWN}) for one in found)

    def _known(self, at: datetime | None) -> datetime | None:
        if self.clock is None:
            return at
        now = self.clock.now()
        if at is not None and at > now:
            raise LookAhead(f"At {now:%Y-%m-%d %H:%M:%S} nobody could read {at:%H:%M:%S}.")
        return at or now

    async def _ask(
        self, method: str, path: str, form: Mapping[str, str], read: Callable[[Json], T]
    ) -> T:
        self.meter.ask()
        return await super()._ask(method, path, form, read)

    async def _body(self, answer: httpx2.Response) -> bytes:
        body = await super()._body(answer)
        self.meter.took(len(body))
        return body


@dataclass(frozen=True)
class PastRules(PrometheusRules):
    """The Rules port at a moment of the past."""

    async def evaluate(
        self, rule: AlertRule, at: datetime | None = None
    ) -> tuple[RuleReading, ...]:
        """Return where a rule held then; raises SourceError where it may tell of another time."""
        if _ELSEWHEN.search(rule.expression):
            raise SourceError(f"The rule {rule.name!r} may read what came later (`@`, offset -).")
        return await super().evaluate(rule, at)
