"""How does trouble travel? Load flows down the call graph, waiting and errors flow up."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import pi, sin

from aiops_agent.domain.telemetry import ChangeKind, ServiceKind
from aiops_agent.domain.value import digest
from aiops_agent.simulator.fleet import Fleet
from aiops_agent.simulator.node import STEP, Asks, Node, asks_of
from aiops_agent.simulator.shop import COMPANY, Release, Spec

DAY = 86400.0  # seconds


@dataclass(frozen=True)
class Deed:
    """Something that happens to the world at `at` (seconds since it began)."""

    at: float
    do: Callable[["World"], None]


@dataclass(frozen=True)
class ChangeRecord:
    """A change as the shop's own books have it; `at` in seconds, perhaps before the beginning."""

    at: float
    service: str
    kind: ChangeKind
    title: str
    before: str = ""
    after: str = ""
    settings: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Weather:
    """What the seed draws for the whole company."""

    background: float = 1.0  # factor of all demand from outside
    phase: float = 0.0  # of the daily wave, seconds
    refill: float = 200.0  # seconds in which an empty cache gets two thirds of its content back


class World:
    """The company at one moment; `advance` moves it on in steps of five seconds.

    Equal seed, weather, deeds and operations give equal worlds.
    """

    def __init__(self, seed: int, weather: Weather, deeds: tuple[Deed, ...]) -> None:
        self.weather = weather
        self.now = 0.0
        self.steps = 0
        self.records: list[ChangeRecord] = []
        self.nodes = {spec.name: _node(spec, seed) for spec in COMPANY}
        self._deeds = sorted(deeds, key=lambda deed: deed.at)
        self._load_noise = random.Random(f"{seed}/load")  # noqa: S311 -- repeatable, not secret
        self._drift = dict.fromkeys((s.name for s in COMPANY if s.demand), 0.0)
        self._asks: dict[str, Asks] = {}
        self._fixed = {s.name: asks_of(s, 0.0) for s in COMPANY if not s.misses}
        self.watchers: list[Callable[[World], None]] = []

    def advance(self, to: float) -> None:
        """Live through every whole step that ends at or before `to`."""
        while (self.steps + 1) * STEP <= to:
            self._step((self.steps + 1) * STEP)
            self.steps += 1
            for watcher in self.watchers:
                watcher(self)

    def _step(self, now: float) -> None:
        self.now = now
        while self._deeds and self._deeds[0].at <= now:
            self._deeds.pop(0).do(self)
        for node in self.nodes.values():
            node.strength = node.fleet.advance(now, STEP)
        cache = self.nodes["cache"]
        if cache.down:
            cache.warm = 0.0
        cache.warm += (1.0 - cache.warm) * STEP / self.weather.refill
        self._demand(now)
        for node in self.nodes.values():
            self._pass_down(node)
        for node in reversed(self.nodes.values()):
            self._answer(node)

    def _demand(self, now: float) -> None:
        wave = 1.0 + 0.08 * sin(2 * pi * (now + self.weather.phase) / DAY)
        for name in self._drift:
            drift = 0.95 * self._drift[name] + self._load_noise.gauss(0.0, 0.011)
            self._drift[name] = drift
            node = self.nodes[name]
            level = node.spec.demand * self.weather.background * wave
            node.inbox += level * (1.0 + drift)
        for node in self.nodes.values():
            node.inbox += node.extra

    def _pass_down(self, node: Node) -> None:
        """Let a service do its work, and ask of others what that takes."""
        spec = node.spec
        if spec.consumes:
            queue = self.nodes[spec.consumes]
            ready = queue.depth / STEP + queue.work_load.passed
            taken = min(ready, spec.capacity * node.strength.capacity)
            node.inbox = taken
            queue.depth = max(0.0, (ready - taken) * STEP)
        node.receive()
        if not spec.callees:
            return
        asks = self._fixed.get(spec.name)
        if asks is None:
            unknown = 1.0 - node.known_share * self.nodes["cache"].warm
            asks = asks_of(spec, unknown)
        self._asks[spec.name] = asks
        passed = node.work_load.passed
        for call in asks.calls:
            self.nodes[call.callee].inbox += passed * call.rate * node.tries(call)
        node.database = asks.database
        if asks.database:
            # It is asked as fast as the pool would let pass if the database were idle.
            database, query = self.nodes[asks.database], node.strength.query or 1.0
            held = spec.hold + asks.each * database.spec.own * query
            using = min(passed * asks.using, node.strength.pool / held)
            database.inbox += using * asks.each
            database.work += using * asks.each * query
            database.connections += node.strength.pool

    def _answer(self, node: Node) -> None:
        match node.spec.kind:
            case ServiceKind.DATABASE:
                node.answer_as_database()
                node.work, node.connections = 0.0, 0
            case ServiceKind.EXTERNAL:
                node.answer_as_outsider()
            case ServiceKind.APPLICATION:
                node.answer(self.nodes, self._asks.get(node.spec.name) or NOTHING)
            case ServiceKind.CACHE | ServiceKind.QUEUE:
                node.answer_as_store()


NOTHING = Asks(calls=())


def _node(spec: Spec, seed: int) -> Node:
    known = {name: Release(name) for name in spec.releases}
    fleet = Fleet(base_memory=spec.memory, start_up=13.0 + len(spec.name) % 4)
    uid = digest("shop/uid", [seed, spec.name])[:12]
    release = known[spec.releases[-1]]
    node = Node(spec, uid, fleet, release, known, wanted=spec.replicas)
    node.configure()
    fleet.fill(spec.replicas, node.build)
    return node
