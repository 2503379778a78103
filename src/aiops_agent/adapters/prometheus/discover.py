"""Asks Prometheus which series there are, and keeps the answer for a little while."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.mapping import Catch, SignalMap, declared_metric, signal_map
from aiops_agent.adapters.prometheus.names import Names, Row
from aiops_agent.adapters.prometheus.query import Aggregate, Matcher, Operator, Over, Select, among
from aiops_agent.adapters.prometheus.recipe import Recipe, usual_recipes
from aiops_agent.domain.declaration import Declarations
from aiops_agent.ports.telemetry import Clock, Roster

_PAST = timedelta(hours=1)  # a service that fell silent is still known that long
_AT_ONCE = 40  # metrics in one question
_MOST_METRICS = 400  # ten questions of _AT_ONCE
_LONGEST_NAME = 200  # characters; a longer one is no name
_ALWAYS = ("job", "instance")
_FIRST_BUCKET = Matcher("le", Operator.MATCHES, r"\+Inf|")  # one series per histogram, not all


@dataclass(frozen=True)
class Discovery:
    """Finds out where signals come from. `roster` knows what runs, where somebody does.

    What was found is used for `refresh`, so that new replicas are seen soon.
    """

    client: PrometheusClient
    clock: Clock
    declared: Declarations = field(default_factory=dict)
    roster: Roster | None = None
    recipes: Sequence[Recipe] = field(default_factory=usual_recipes)
    refresh: timedelta = timedelta(seconds=15)
    _kept: list[tuple[datetime, SignalMap]] = field(default_factory=list, repr=False)

    async def signals(self) -> SignalMap:
        """Return where signals come from now. Raises SourceError."""
        now = self.clock.now()
        if self._kept and now - self._kept[0][0] < self.refresh:
            return self._kept[0][1]
        running = await self.roster.instances() if self.roster else ()
        names = Names.of(running, self.declared)
        known = await self.client.metrics(now - _PAST, now)
        asked = self._wanted(known)
        labels = self._labels()
        rows: dict[str, list[Row]] = {}
        for first in range(0, len(asked), _AT_ONCE):
            metrics = tuple(asked[first : first + _AT_ONCE])
            select = Select("", (among("__name__", metrics), _FIRST_BUCKET))
            seen = Over("last_over_time", select, _PAST)
            counted = Aggregate("count", seen, ("__name__", *labels))
            for sample in await self.client.instant(counted):
                row = dict(sample.labels)
                rows.setdefault(row.pop("__name__", ""), []).append(row)
        found = signal_map(Catch(rows, await self._intervals()), self.recipes, names)
        self._kept[:] = [(now, found)]
        return found

    def _wanted(self, known: Iterable[str]) -> list[str]:
        declared = {
            name
            for declaration in self.declared.values()
            for signal in declaration.signals.values()
            for name in (declared_metric(signal), signal.whole)
        }
        names = sorted(name for name in known if len(name) <= _LONGEST_NAME)
        there = set(names)
        wanted = {name: None for name in names if name in declared}
        for recipe in self.recipes:
            for name in names:
                needed = (one for one in self._needs(recipe, name) if one in there)
                wanted |= dict.fromkeys(needed)
        return list(wanted)[:_MOST_METRICS]

    @staticmethod
    def _needs(recipe: Recipe, name: str) -> Iterable[str]:
        for rule in recipe.signals:
            if rule.fits(name):
                yield name
                yield from rule.companions(rule.whole, name)
                yield from rule.companions(rule.per, name)
        yield from (calls.metric for calls in recipe.calls if calls.metric == name)

    def _labels(self) -> tuple[str, ...]:
        named = [*_ALWAYS, *(name for recipe in self.recipes for name in recipe.labels)]
        for declaration in self.declared.values():
            named += declaration.match.labels
            named += [name for signal in declaration.signals.values() for name in signal.labels]
        return tuple(dict.fromkeys(named))

    async def _intervals(self) -> dict[str, timedelta]:
        """How often each job is scraped; a job that pushes is not listed."""
        found: dict[str, timedelta] = {}
        for target in await self.client.targets():
            job = target.labels.get("job", "")
            if target.interval is not None:
                found[job] = max(target.interval, found.get(job, timedelta(0)))
        return found
