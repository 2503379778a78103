"""Are the signals of other people's metrics pages found, and read as a site engineer would?

`python -m bench metrics --cases DIR`: a real Prometheus scrapes the pages of DIR, and what our
adapter reads is compared with the queries of DIR/expected.yaml by metric family and by value, each
page judged alone and all together. Cases that are not right are told on stderr.
"""

import argparse
import asyncio
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from aiops_agent.adapters.prometheus.catch import Catch
from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.mapping import SignalMap, signal_map
from aiops_agent.adapters.prometheus.names import Names
from aiops_agent.adapters.prometheus.query import Expression
from aiops_agent.adapters.prometheus.recipe import usual_recipes
from aiops_agent.adapters.prometheus.signals import Source, question
from aiops_agent.adapters.prometheus.telemetry import PrometheusMetrics
from aiops_agent.domain.labels import carried
from aiops_agent.domain.telemetry import ServiceName, Signal, Window
from aiops_agent.evaluation.goals import Goal
from bench.exposition import NoPrometheusError, Page, scraped
from bench.told import tell
from bench.within import PageClient, Text

CLOSE = 0.01  # two values are the same that differ by less than this share
_LAG = timedelta(seconds=3)  # what was scraped by then can be asked for
_SCRAPE = timedelta(seconds=2)
_GOALS = {"right": ">= 0.92", "wrong": "<= 0.01", "diluted": "<= 0.03"}
_SHOWN = ("right", "wrong", "diluted", "other family", "missed")
_COUNTS = (Signal.QUEUE, Signal.REPLICAS, Signal.RESTARTS)  # no shares, whoever tells them
_RATE = re.compile(r"\b(?:rate|increase)\(([A-Za-z_:][A-Za-z0-9_:]*)")
_END = re.compile(r"(_bucket|_count|_sum|_total)$")


@dataclass(frozen=True)
class Case:
    """One signal of one page, as `expected.yaml` says; `queries` from the strictest on."""

    job: str
    service: ServiceName
    signal: Signal
    metric: str
    queries: tuple[str, ...]
    absolute: bool


@dataclass(frozen=True)
class Verdict:
    """How one case ended, and in words what was read beside what is right."""

    case: Case
    word: str
    told: str = ""


def _named(found: SignalMap, case: Case) -> tuple[ServiceName, ...]:
    """Return what the product may call a page's service: an exporter's page tells of its thing."""
    meant = found.names.meant(case.service) or case.service
    thing = carried(case.service)
    return (ServiceName(thing), meant) if thing else (meant,)


@dataclass(frozen=True)
class Clock:
    """The time at which everything is asked for."""

    at: datetime

    def now(self) -> datetime:
        """Return it."""
        return self.at

    async def wait_until(self, at: datetime) -> None:
        """Return at once."""


def main(arguments: Sequence[str]) -> int:
    """Measure; 1 when a goal is missed, 2 when nothing can be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench metrics", description=__doc__)
    parser.add_argument("--cases", type=Path, required=True, help="a folder of *.prom pages")
    parser.add_argument("--only", default="", help="pages whose name contains this")
    parser.add_argument("--verbose", action="store_true", help="tell what is right too")
    given = parser.parse_args(arguments)
    try:
        cases = tuple(read_cases(given.cases, given.only))
        with scraped(_pages(given.cases, cases)) as url:
            verdicts = asyncio.run(_judged(url, cases))
    except (NoPrometheusError, OSError) as error:
        print(f"bench metrics: {error}", file=sys.stderr)
        return 2
    for row, found in verdicts.items():
        for one in found:
            if given.verbose or one.word not in {"right", "left alone"}:
                name = f"{one.case.job} {one.case.signal}"
                print(f"{row}: {name}: {one.word}: {one.told}", file=sys.stderr)
    return tell(goal for row, found in verdicts.items() for goal in _goals(row, found))


def read_cases(folder: Path, only: str = "") -> Iterator[Case]:
    """Yield every signal that the pages of a folder are said to have."""
    for entry in yaml.safe_load((folder / "expected.yaml").read_text("utf-8")):
        job = str(entry["page"]).removesuffix(".prom")
        service = ServiceName(entry.get("service_as") or job)
        for name, one in entry["signals"].items() if only in job else ():
            queries = tuple(one[key] for key in ("promql_strict", "promql") if key in one)
            absolute = bool(one.get("absolute_only"))
            yield Case(job, service, Signal(name), one["metric"], queries, absolute)


def _pages(folder: Path, cases: Sequence[Case]) -> list[Page]:
    """Return the pages; what a query takes the rate of is a counter, though its page is silent."""
    counters: dict[str, set[str]] = {}
    for case in cases:
        named = (name for query in case.queries for name in _RATE.findall(query))
        counters.setdefault(case.job, set()).update(named)
    return [Page.of(folder / f"{job}.prom", names) for job, names in counters.items()]


async def _judged(url: str, cases: Sequence[Case]) -> dict[str, list[Verdict]]:
    at = datetime.now(UTC) - _LAG
    every = PrometheusClient(url)
    together = await _Judge.of(every, at, cases)
    found: dict[str, list[Verdict]] = {"alone": [], "all together": [], "one recipe left out": []}
    found["all together"] = [await together.verdict(case) for case in cases]
    for job in dict.fromkeys(case.job for case in cases):
        own = [case for case in cases if case.job == job]
        client = PageClient(url, page=job)
        judge = await _Judge.of(client, at, own)
        found["alone"] += [await judge.verdict(case) for case in own]
        found["one recipe left out"] += [await judge.worst_without_one(case) for case in own]
        await client.close()
    await every.close()
    return found


@dataclass(frozen=True)
class _Judge:
    """What the adapter makes of one Prometheus."""

    client: PrometheusClient
    at: datetime
    discovery: Discovery
    catch: Catch
    found: SignalMap
    cases: tuple[Case, ...]
    left: dict[str, SignalMap] = field(default_factory=dict)  # by the recipe that is left out

    @classmethod
    async def of(cls, client: PrometheusClient, at: datetime, cases: Sequence[Case]) -> "_Judge":
        discovery = Discovery(client, Clock(at))
        catch, found = await discovery.catch(), await discovery.signals()
        return cls(client, at, discovery, catch, found, tuple(cases))

    async def verdict(self, case: Case) -> Verdict:
        """Judge what is read for a case, with all recipes."""
        source = self._source(self.found, case)
        if source is None:
            return await self._compared(case, None, None)
        window = Window(start=self.at - _SCRAPE, end=self.at)
        read = await PrometheusMetrics(self.client, self.discovery).read(
            [source.service], [case.signal], window
        )
        value = next((one.values[-1] for one in read), None)
        return await self._compared(case, source, value, self.at - _SCRAPE)

    async def worst_without_one(self, case: Case) -> Verdict:
        """Judge a case with each recipe that tells anything of its page left out in turn."""
        own = _named(self.found, case)
        told = {one.recipe for one in self.found.sources.values() if one.service in own}
        verdicts = []
        for name in sorted(told):
            source = self._source(self._without(name), case)
            if source is None:
                verdicts.append(await self._compared(case, None, None))
                continue
            value = await self._value(question([source], timedelta(0)).expression)
            verdicts.append(await self._compared(case, source, value))
        order = ("wrong", "other family", "missed", "diluted", "left alone", "right")
        missed = Verdict(case, "left alone" if case.absolute else "missed")
        return min(verdicts, key=lambda one: order.index(one.word), default=missed)

    def _without(self, name: str) -> SignalMap:
        if name not in self.left:
            recipes = [one for one in usual_recipes() if one.name != name]
            self.left[name] = signal_map(self.catch, recipes, Names.of((), {}))
        return self.left[name]

    def _same(self, case: Case) -> list[Case]:
        key = (case.service, case.signal)
        return [one for one in self.cases if (one.service, one.signal) == key]

    @staticmethod
    def _source(found: SignalMap, case: Case) -> Source | None:
        named = (found.sources.get((one, case.signal)) for one in _named(found, case))
        return next((one for one in named if one is not None), None)

    async def _compared(
        self, case: Case, source: Source | None, value: float | None, at: datetime | None = None
    ) -> Verdict:
        shown = source is not None and value is not None
        if case.absolute:
            wrong = shown and case.signal not in _COUNTS
            return Verdict(case, "wrong" if wrong else "left alone", _words(source, value))
        # Pages that tell of one service share its one answer, which is of one of them.
        verdicts = [await self._one(case, one, source, value, at) for one in self._same(case)]
        return min(verdicts, key=lambda one: one.word != "right")

    async def _one(
        self,
        case: Case,
        wanted: Case,
        source: Source | None,
        value: float | None,
        at: datetime | None,
    ) -> Verdict:
        span = max(source.range, _SCRAPE) if source else timedelta(seconds=10)
        texts = (
            query.replace("$sel", f'job="{wanted.job}"').replace(
                "$w", f"{span.total_seconds():.0f}s"
            )
            for query in wanted.queries
        )
        truths = [await self._value(Text(text), at) for text in texts]
        told = f"{_words(source, value)}; right is {wanted.metric} = {truths[0]}"
        if source is None or value is None:
            return Verdict(case, "right" if truths[-1] is None else "missed", told)
        equal = [truth is not None and _close(value, truth) for truth in truths]
        if not any(equal):
            return Verdict(case, "wrong", told)
        if _family(source.spec.metric) != _family(wanted.metric):
            return Verdict(case, "other family", told)
        return Verdict(case, "right" if equal[0] else "diluted", told)

    async def _value(self, expression: Expression, at: datetime | None = None) -> float | None:
        samples = await self.client.instant(expression, at or self.at)
        return samples[0].value if samples else None


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= CLOSE * max(abs(one), abs(other)) + 1e-12


def _family(metric: str) -> str:
    return _END.sub("", _END.sub("", metric))


def _words(source: Source | None, value: float | None) -> str:
    if source is None:
        return "nothing found"
    query = question([source], timedelta(0)).expression.render()
    return f"{source.recipe} reads {value} from {query}"


def _goals(row: str, found: Sequence[Verdict]) -> Iterator[Goal]:
    """Yield the shares over the signals that are no absolute ones; those count where shown."""
    counted = sum(not one.case.absolute for one in found)
    words = Counter(one.word for one in found)
    goals: dict[str, Any] = _GOALS if row != "one recipe left out" else {"wrong": "<= 0.02"}
    for word in _SHOWN:
        yield Goal(f"{row}: {word}", counted, words[word] / max(counted, 1), goals.get(word, ""))
