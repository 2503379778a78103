"""The shop as a Prometheus scrapes it: counters on the wall clock, from the same physics."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import exp
from threading import Lock

from aiops_agent.domain.telemetry import ServiceKind
from aiops_agent.domain.value import Document
from aiops_agent.simulator.faults import Fault
from aiops_agent.simulator.node import SEEN_FROM, STEP, Node, asks_of
from aiops_agent.simulator.physics import Deed, Weather, World
from aiops_agent.simulator.queueing import P95
from aiops_agent.simulator.scenarios import find_scenario
from aiops_agent.simulator.scribe import Scribe

BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8,
    1.0, 1.5, 2.0, 3.0, 5.0, 10.0,
)  # fmt: skip
MOST_LINES = 4000  # as a log server cuts its answers
_NOISE = 0.04  # of a latency: nothing measured is smooth


@dataclass
class _Served:
    """What one service has counted since it was started."""

    ok: float = 0.0
    failed: float = 0.0
    seconds: float = 0.0
    within: list[float] = field(default_factory=lambda: [0.0] * len(BUCKETS))
    hits: float = 0.0
    misses: float = 0.0


@dataclass
class LiveShop:
    """A shop that lives with the wall clock, `speed` of its seconds in each of ours.

    Rates stay those of the shop: what is counted is divided by the speed. `now` is wall time.
    """

    world: World
    scribe: Scribe
    now: Callable[[], datetime]
    speed: float
    started: datetime
    dice: random.Random
    _served: dict[str, _Served] = field(default_factory=dict)
    _asked: dict[tuple[str, str], list[float]] = field(default_factory=dict)  # [all, failed]
    _turn: Lock = field(default_factory=Lock)  # scrapes come side by side

    def __post_init__(self) -> None:
        """Count from now on."""
        self._served = {name: _Served() for name in self.world.nodes}
        self.world.watchers.append(self._count)

    def metrics(self) -> str:
        """Return the page that is scraped, with HELP and TYPE of every family."""
        with self._turn:
            self._catch_up()
            return "".join(f"{line}\n" for line in self._lines())

    def lines(self, since: datetime) -> list[Document]:
        """Return what was written since a moment, oldest first, at most MOST_LINES."""
        with self._turn:
            self._catch_up()
            found = [
                {"at": self._wall(one.at).isoformat(), "service": one.service,
                 "level": one.level, "text": one.text}
                for one in self.scribe.lines
                if self._wall(one.at) >= since
            ]  # fmt: skip
        return found[-MOST_LINES:]

    def changes(self) -> list[Document]:
        """Return what was released or reconfigured, oldest first."""
        with self._turn:
            self._catch_up()
            return [
                {"at": self._wall(one.at).isoformat(), "service": one.service,
                 "kind": one.kind.value, "title": one.title,
                 "before": one.before, "after": one.after}
                for one in sorted(self.world.records, key=lambda one: one.at)
            ]  # fmt: skip

    def _catch_up(self) -> None:
        self.world.advance((self.now() - self.started).total_seconds() * self.speed)

    def _wall(self, at: float) -> datetime:
        return self.started + timedelta(seconds=at / self.speed)

    def _count(self, world: World) -> None:
        """Add one step of the world."""
        part = STEP / self.speed
        for name, node in world.nodes.items():
            one, asked = self._served[name], node.offered * part
            if node.spec.external:
                continue
            failed = asked * max(node.errors, 0.001)
            one.failed += failed
            one.ok += asked - failed
            if node.work_load.passed > 0 or node.hung_share >= SEEN_FROM:
                p95 = max(node.latency * (1 + self.dice.gauss(0, _NOISE)), 1e-4)
                one.seconds += asked * p95 / P95
                for place, limit in enumerate(BUCKETS):
                    one.within[place] += asked * (1.0 - exp(-P95 * limit / p95))
            if node.spec.misses:
                known = node.known_share * world.nodes["cache"].warm
                self._served["cache"].hits += node.work_load.passed * part * known
                self._served["cache"].misses += node.work_load.passed * part * (1 - known)
            self._calls(world, name, node, part)

    def _calls(self, world: World, name: str, node: Node, part: float) -> None:
        asks = asks_of(node.spec, 1.0 - node.known_share * world.nodes["cache"].warm)
        rates = {call.callee: call.rate for call in asks.calls}
        if asks.database:
            rates[asks.database] = rates.get(asks.database, 0.0) + asks.queries
        for callee, rate in rates.items():
            count = node.work_load.passed * rate * part
            edge = self._asked.setdefault((name, callee), [0.0, 0.0])
            edge[0] += count
            edge[1] += count * world.nodes[callee].errors

    def _lines(self) -> Iterator[str]:
        own = {n: one for n, one in self.world.nodes.items() if not one.spec.external}
        served = {name: self._served[name] for name in own}
        yield from _family("http_requests_total", "counter", "Requests answered, by status code.", (
            (f'service="{name}",code="{code}"', value)
            for name, one in served.items()
            for code, value in (("200", one.ok), ("500", one.failed))
        ))  # fmt: skip
        yield from _histograms(served)
        busy = {name: min(1.0, one.work_load.load) for name, one in own.items()}
        yield from _family("workers_busy", "gauge", "Workers that serve a request.", (
            (f'service="{n}"', busy[n] * one.strength.capacity) for n, one in own.items()
        ))  # fmt: skip
        yield from _family("workers_max", "gauge", "Workers that may serve.", (
            (f'service="{n}"', max(one.strength.capacity, 0.001)) for n, one in own.items()
        ))  # fmt: skip
        pooled = {n: one for n, one in own.items() if "DB_POOL_SIZE" in one.spec.config}
        yield from _family("db_pool_in_use", "gauge", "Database connections in use.", (
            (f'service="{n}"', min(1.0, one.pool.load if one.pool.backlog <= 0 else 1.0)
             * one.strength.pool)
            for n, one in pooled.items()
        ))  # fmt: skip
        yield from _family("db_pool_size", "gauge", "Database connections there are.", (
            (f'service="{n}"', float(max(one.strength.pool, 1))) for n, one in pooled.items()
        ))  # fmt: skip
        queues = {n: one for n, one in own.items() if one.spec.kind is ServiceKind.QUEUE}
        yield from _family("queue_depth", "gauge", "Messages that wait.", (
            (f'service="{n}"', one.depth) for n, one in queues.items()
        ))  # fmt: skip
        cache = self._served["cache"]
        yield from _family("cache_hits_total", "counter", "Look-ups that the cache answered.",
                           [('service="cache"', cache.hits)])  # fmt: skip
        yield from _family("cache_misses_total", "counter", "Look-ups that it did not.",
                           [('service="cache"', cache.misses)])  # fmt: skip
        edges = self._asked.items()
        yield from _family("traces_service_graph_request_total", "counter", "Calls, by both ends.",
            ((f'client="{a}",server="{b}"', n) for (a, b), (n, _) in edges))  # fmt: skip
        yield from _family("traces_service_graph_request_failed_total", "counter", "Failed calls.",
            ((f'client="{a}",server="{b}"', bad) for (a, b), (_, bad) in edges))  # fmt: skip


def live_shop(
    now: Callable[[], datetime],
    *,
    seed: int,
    speed: float = 1.0,
    scenario: str = "",
    after: float = 0.0,
) -> LiveShop:
    """Found a shop that lives from now on; a scenario's fault comes `after` so many wall seconds.

    Raises UsageError when there is no such scenario.
    """
    fault = find_scenario(scenario).fault_of(seed) if scenario else None
    deeds = tuple(_moved(fault, after * speed)) if fault else ()
    world = World(seed, fault.weather if fault else Weather(), deeds)
    scribe = Scribe(world, seed, lambda name: name)
    dice = random.Random(f"{seed}/live")  # noqa: S311 -- repeatable, not secret
    return LiveShop(world, scribe, now, speed, now(), dice)


def _moved(fault: Fault, onset: float) -> Iterator[Deed]:
    for deed in fault.deeds:
        yield replace(deed, at=deed.at - fault.at + onset)


def _histograms(served: Mapping[str, _Served]) -> Iterator[str]:
    name = "http_request_duration_seconds"
    yield f"# HELP {name} How long requests took."
    yield f"# TYPE {name} histogram"
    for service, one in served.items():
        count = one.ok + one.failed
        for limit, within in zip(BUCKETS, one.within, strict=True):
            yield f'{name}_bucket{{service="{service}",le="{limit:g}"}} {within:.12g}'
        yield f'{name}_bucket{{service="{service}",le="+Inf"}} {count:.12g}'
        yield f'{name}_sum{{service="{service}"}} {one.seconds:.12g}'
        yield f'{name}_count{{service="{service}"}} {count:.12g}'


def _family(
    name: str, kind: str, words: str, samples: Iterable[tuple[str, float]]
) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield f"{name}{{{labels}}} {value:.10g}"
