"""What does the shop's software write into its logs? Only what such software could know."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from aiops_agent.domain.telemetry import ServiceKind
from aiops_agent.simulator.fleet import GC_FROM
from aiops_agent.simulator.history import PER_TICK, TICK
from aiops_agent.simulator.node import Node
from aiops_agent.simulator.physics import World

MOST = 3  # lines of one sort per sample: loggers thin out repeats
TROUBLED = 0.01  # share of requests from which a complaint is likely in a quarter of a minute
_ROUTES: Mapping[str, tuple[str, ...]] = {
    "web": ("GET /", "GET /item", "GET /basket", "POST /checkout"),
    "catalogue": ("GET /v1/items", "GET /v1/search", "GET /v1/item"),
    "cart": ("GET /v1/basket", "PUT /v1/basket/line"),
    "orders": ("POST /v1/order", "GET /v1/order"),
    "payments-api": ("POST /v2/charge", "POST /v2/capture", "GET /v2/charge"),
    "mail-worker": ("deliver receipt", "deliver parcel notice"),
}
_HOUSEKEEPING: Mapping[ServiceKind, tuple[str, ...]] = {
    ServiceKind.DATABASE: (
        "checkpoint complete: wrote {n} buffers",
        "automatic vacuum of table line_item: removed {n} rows",
        "connection authorized: user=service pid={n}",
    ),
    ServiceKind.CACHE: ("{n} changes in 60 seconds. Saving...", "background saving terminated"),
    ServiceKind.QUEUE: ("accepting connection <0.{n}.0>", "closing connection <0.{n}.0>"),
}
_USUAL_QUERY = "select * from item where id = $1"
_HEAVY_QUERY = "select * from line_item where lower(note) like $1 order by created_at"


@dataclass(frozen=True)
class Written:
    """One line; `at` in seconds since the world began, `service` by its name as built."""

    at: float
    service: str
    level: str
    text: str


class Scribe:
    """Watches a world and writes what its services would log."""

    def __init__(self, world: World, seed: int, shown: Callable[[str], str]) -> None:
        self._dice = random.Random(f"{seed}/log")  # noqa: S311 -- repeatable, not secret
        self._shown = shown
        self.lines: list[Written] = []
        world.watchers.append(self.watch)

    def watch(self, world: World) -> None:
        """On a full tick, write what each service has to say."""
        if world.steps % PER_TICK != 0:
            return
        for name, node in world.nodes.items():
            if node.spec.external or node.down:
                continue
            said = [*self._usual(node, world.now), *self._troubles(node, world)]
            stamps = sorted(world.now - TICK * self._dice.random() for _ in said)
            self.lines += [
                Written(round(at, 3), name, level, text)
                for at, (level, text) in zip(stamps, said, strict=True)
            ]

    def _usual(self, node: Node, now: float) -> Iterator[tuple[str, str]]:
        if self._dice.random() < 0.45 * (1.0 - node.hung_share):
            yield "info", self._chatter(node)
        for replica in node.fleet.replicas:
            if now - TICK < replica.ready_at <= now:
                yield "info", f"version {replica.build.release.name} started, ready to serve"

    def _chatter(self, node: Node) -> str:
        number = self._dice.randint(12, 990)
        if node.spec.kind in _HOUSEKEEPING:
            if node.spec.kind is ServiceKind.CACHE and number % 2:
                return f"keyspace: {int(181_000 * node.warm) + number} keys"
            return self._dice.choice(_HOUSEKEEPING[node.spec.kind]).format(n=number)
        took = node.latency * 1000 * self._dice.uniform(0.2, 0.8)
        return f"{self._route(node)} 200 {took:.0f} ms"

    def _troubles(self, node: Node, world: World) -> Iterator[tuple[str, str]]:
        yield from self._memory(node)
        match node.spec.kind:
            case ServiceKind.DATABASE:
                yield from self._database(node)
            case ServiceKind.QUEUE if node.depth > 200:
                yield "warning", f"{node.depth:.0f} messages waiting"
            case ServiceKind.APPLICATION:
                yield from self._crowding(node)
                yield from self._connections(node, world)
                yield from self._callee(node, world)
            case _:
                pass

    def _memory(self, node: Node) -> Iterator[tuple[str, str]]:
        fullest = max((replica.memory for replica in node.fleet.replicas), default=0.0)
        if fullest > GC_FROM:
            pause = 900 * (fullest - GC_FROM) / (1 - GC_FROM) * self._dice.uniform(0.5, 1.5)
            yield "warning", f"GC pause {pause:.0f} ms, heap at {fullest * 100:.0f} % of its limit"
        for _ in range(node.fleet.killed):
            yield "error", "process ended with exit code 137 (out of memory), starting again"
        node.fleet.killed = 0

    def _database(self, node: Node) -> Iterator[tuple[str, str]]:
        if node.latency < 0.05:
            return
        statement = _HEAVY_QUERY if node.cost > 1.3 else _USUAL_QUERY
        for _ in range(MOST):
            took = node.latency * 1000 * self._dice.uniform(0.7, 1.6)
            yield "warning", f"statement took {took:.0f} ms: {statement}"

    def _crowding(self, node: Node) -> Iterator[tuple[str, str]]:
        for _ in range(self._repeats(node.work_load.dropped)):
            waiting = int(node.work_load.backlog * self._dice.uniform(0.95, 1.0))
            yield "error", f"accept queue is full: {waiting} waiting, connection refused"
        promised = node.spec.objective.latency
        if promised and node.latency > promised:
            took = node.latency * 1000 * self._dice.uniform(0.7, 1.2)
            yield "warning", f"slow request {took:.0f} ms: {self._route(node)}"

    def _connections(self, node: Node, world: World) -> Iterator[tuple[str, str]]:
        limit, size = node.timeout * 1000, node.strength.pool
        for _ in range(self._repeats(node.pool.dropped)):
            waiting = max(1, int(node.pool.backlog * self._dice.uniform(0.9, 1.0)))
            text = f"timed out after {limit:.0f} ms waiting for a connection"
            yield "error", f"{text} ({size} in use, {waiting} waiting)"
        database = world.nodes.get(node.database)
        if node.strength.query > 1.3 and database and database.latency > 0.05:
            took = database.latency * 1000 * self._dice.uniform(0.8, 1.6)
            yield "warning", f"query took {took:.0f} ms: {_HEAVY_QUERY}"

    def _callee(self, node: Node, world: World) -> Iterator[tuple[str, str]]:
        if not node.blame:
            return
        callee, name = world.nodes[node.blame], self._shown(node.blame)
        late = callee.latency >= 0.8 * node.timeout
        for _ in range(self._repeats(node.seen.get(node.blame, 0.0))):
            if late:
                tries = f"attempt {self._dice.randint(1, node.retries + 1)} of {node.retries + 1}"
                limit = f"{node.timeout * 1000:.0f} ms"
                yield "error", f"call to {name} timed out after {limit}, {tries}"
            else:
                yield "error", f"upstream {name} answered {self._dice.choice((503, 503, 502))}"

    def _repeats(self, share: float) -> int:
        if share < TROUBLED:
            return 0
        return 1 + min(MOST - 1, int(share * 10 * self._dice.random()))

    def _route(self, node: Node) -> str:
        return self._dice.choice(_ROUTES[node.spec.name])
