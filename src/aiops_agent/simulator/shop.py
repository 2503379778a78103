"""Which services does the shop have, who calls whom, and what can each of them bear?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import MappingProxyType

from aiops_agent.domain.telemetry import Objective, ServiceKind

POOL_SIZE = "DB_POOL_SIZE"
TIMEOUT = "TIMEOUT_MS"
RETRIES = "RETRIES"
CACHE_TTL = "CACHE_TTL"


@dataclass(frozen=True)
class CallEdge:
    """One edge of the call graph, per request of the caller.

    `rate` is calls per request; `wait` says how much of the callee's p95 is in the caller's p95;
    `again` whether it is safe to ask again when the callee fails.
    """

    callee: str
    rate: float
    wait: float = 1.0
    again: bool = True


@dataclass(frozen=True)
class Release:
    """One version of a service, as physics sees it.

    `cpu` multiplies the work of a request, `slow` adds seconds to each, `query` multiplies what a
    query costs the database, `leak` is the share of memory lost per second, `settings` replace
    the service's own.
    """

    name: str
    cpu: float = 1.0
    slow: float = 0.0
    query: float = 1.0
    leak: float = 0.0
    settings: Mapping[str, str] = field(default_factory=dict)


NOTHING_PROMISED = Objective()


@dataclass(frozen=True)
class Spec:
    """A service as it was built. Times in seconds, rates per second, capacity per replica.

    `own` is its own p95 without load, `demand` what comes from outside the shop, `hold` how long a
    request keeps a database connection beside the queries, `misses` the database asked when
    the cache does not know.
    """

    name: str
    owner: str
    own: float
    replicas: int
    capacity: float
    kind: ServiceKind = ServiceKind.APPLICATION
    calls: tuple[CallEdge, ...] = ()
    demand: float = 0.0
    memory: float = 0.5
    hold: float = 0.0
    misses: str = ""
    consumes: str = ""
    objective: Objective = NOTHING_PROMISED
    config: Mapping[str, str] = field(default_factory=dict)
    releases: tuple[str, ...] = ("1.0.0",)

    @cached_property
    def callees(self) -> tuple[str, ...]:
        """Everything it talks to, in a fixed order."""
        named = [call.callee for call in self.calls]
        extra = [name for name in (self.misses, self.consumes) if name and name not in named]
        return (*named, *extra)

    @cached_property
    def external(self) -> bool:
        """Whether somebody else runs it."""
        return self.kind is ServiceKind.EXTERNAL


def _config(timeout: int, retries: int, **more: str) -> Mapping[str, str]:
    return MappingProxyType({TIMEOUT: str(timeout), RETRIES: str(retries), **more})


_SHOP = "team-storefront"
_PAY = "team-payments"
_DATA = "team-data"

_database = partial(
    Spec,
    kind=ServiceKind.DATABASE,
    owner=_DATA,
    own=0.009,
    replicas=1,
    config=MappingProxyType({"MAX_CONNECTIONS": "200"}),
    releases=("16.3",),
)

# Callers stand before their callees: load flows down this tuple, trouble travels up.
COMPANY: tuple[Spec, ...] = (
    Spec(
        name="web",
        owner=_SHOP,
        own=0.060,
        replicas=4,
        capacity=190,
        demand=360,
        calls=(
            CallEdge("catalogue", 0.7, 0.5),
            CallEdge("cart", 0.4, 0.5),
            CallEdge("orders", 0.15, again=False),
        ),
        objective=Objective(latency=0.8, errors=0.02),
        config=_config(3000, 1),
        releases=("8.1.0", "8.1.1", "8.2.0"),
    ),
    Spec(
        name="catalogue",
        owner=_SHOP,
        own=0.025,
        replicas=3,
        capacity=190,
        calls=(CallEdge("cache", 1.0),),
        misses="orders-db",
        hold=0.030,
        objective=Objective(latency=0.15, errors=0.02),
        config=_config(2000, 1, DB_POOL_SIZE="8", CACHE_TTL="600"),
        releases=("5.0.3", "5.1.0"),
    ),
    Spec(
        name="cart",
        owner=_SHOP,
        own=0.020,
        replicas=3,
        capacity=112,
        calls=(CallEdge("cache", 1.0), CallEdge("orders-db", 0.3)),
        misses="orders-db",
        hold=0.060,
        objective=Objective(latency=0.15, errors=0.02),
        config=_config(2000, 1, DB_POOL_SIZE="8", CACHE_TTL="900"),
        releases=("3.7.1", "3.8.0"),
    ),
    Spec(
        name="orders",
        owner=_SHOP,
        own=0.040,
        replicas=3,
        capacity=42,
        calls=(
            CallEdge("orders-db", 3.0, 3.0),
            CallEdge("payments-api", 0.8),
            CallEdge("mail-queue", 1.0),
        ),
        hold=0.150,
        objective=Objective(latency=0.6, errors=0.02),
        config=_config(2000, 2, DB_POOL_SIZE="8"),
        releases=("6.3.2", "6.4.0"),
    ),
    Spec(
        name="payments-api",
        owner=_PAY,
        own=0.045,
        replicas=4,
        capacity=86,
        demand=120,
        calls=(
            CallEdge("payments-db", 2.0, 2.0),
            CallEdge("paygate", 0.9),
            CallEdge("mail-queue", 0.2, 0.0),
        ),
        hold=0.042,
        objective=Objective(latency=0.4, errors=0.02),
        config=_config(2000, 1, DB_POOL_SIZE="8"),
        releases=("2.3.4", "2.4.0"),
    ),
    Spec(
        name="mail-queue",
        kind=ServiceKind.QUEUE,
        owner=_DATA,
        own=0.003,
        replicas=1,
        capacity=2000,
        memory=0.2,
        releases=("3.13.1",),
    ),
    Spec(
        name="mail-worker",
        owner=_SHOP,
        own=0.080,
        replicas=3,
        capacity=65,
        consumes="mail-queue",
        config=_config(5000, 3),
        releases=("1.9.0", "1.9.1"),
    ),
    Spec(
        name="cache",
        kind=ServiceKind.CACHE,
        owner=_DATA,
        own=0.0015,
        replicas=1,
        capacity=4000,
        memory=0.7,
        config=MappingProxyType({"MAX_MEMORY_MB": "2048"}),
        releases=("7.2.4",),
    ),
    _database(name="orders-db", capacity=430, memory=0.62),
    _database(name="payments-db", capacity=1300, memory=0.58),
    Spec(
        name="paygate",
        kind=ServiceKind.EXTERNAL,
        owner="third party",
        own=0.110,
        replicas=0,
        capacity=1e9,
        objective=Objective(latency=0.5, errors=0.02),
        releases=("",),
    ),
)
BY_NAME: Mapping[str, Spec] = MappingProxyType({spec.name: spec for spec in COMPANY})


def calls() -> tuple[tuple[str, str], ...]:
    """Return every (caller, callee) pair of the shop, by the names it was built with."""
    return tuple((spec.name, callee) for spec in COMPANY for callee in spec.callees)


def callers(name: str) -> tuple[str, ...]:
    """Return who calls `name` directly."""
    return tuple(caller for caller, callee in calls() if callee == name)


def dependents(name: str) -> tuple[str, ...]:
    """Return who calls `name`, directly or through others, the nearest first."""
    found: dict[str, None] = {}
    edge = [name]
    while edge:
        near = [caller for caller in callers(edge.pop(0)) if caller not in found]
        found |= dict.fromkeys(near)
        edge += near
    return tuple(found)
