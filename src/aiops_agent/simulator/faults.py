"""Ways to break the shop: each draws where and how much from the seed, and changes physics only."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.simulator.node import KNOWN, Outage, asks_of
from aiops_agent.simulator.operate import release
from aiops_agent.simulator.physics import Deed, Weather, World
from aiops_agent.simulator.shop import BY_NAME, COMPANY, POOL_SIZE, Release, Spec

APPLICATIONS = ("web", "catalogue", "cart", "orders", "payments-api")
ONSET = 3600.0  # seconds of quiet before trouble, at least


class FaultKind(StrEnum):
    """The rows of the table of faults."""

    SURGE = "surge"
    HANG = "hang"
    SLOW_RELEASE = "slow_release"
    LEAK = "leak"
    POOL_CUT = "pool_cut"
    SLOW_QUERY = "slow_query"
    OUTAGE = "outage"
    COLD_CACHE = "cold_cache"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Fault:
    """One fault as drawn. `service` is where the truth is, `release` what a rollback returns to.

    `setting` is the (name, right value) that a release got wrong, `false_alarm` the signal that
    an alert blames although nothing is wrong.
    """

    kind: FaultKind
    service: ServiceName
    at: float
    weather: Weather
    deeds: tuple[Deed, ...] = ()
    release: str = ""
    setting: tuple[str, str] | None = None
    false_alarm: Signal | None = None


Draw = Callable[[random.Random, Weather, tuple[str, ...]], Fault]


def draw(kind: FaultKind, seed: int, among: tuple[str, ...] = ()) -> Fault:
    """Draw a fault from the seed; `among` narrows the services that it may strike."""
    dice = random.Random(f"{seed}/fault/{kind}")  # noqa: S311 -- repeatable, not secret
    weather = Weather(
        background=dice.uniform(0.85, 1.12),
        phase=dice.uniform(0.0, 86400.0),
        refill=dice.uniform(290.0, 370.0),
    )
    return _DRAWS[kind](dice, weather, among)


def _surge(dice: random.Random, weather: Weather, among: tuple[str, ...]) -> Fault:
    service = dice.choice(among or ("payments-api", "catalogue", "cart"))
    spec, at = BY_NAME[service], _onset(dice)
    usual = demand_on(service) * weather.background
    extra = dice.uniform(1.15, 1.36) * spec.capacity * spec.replicas - usual
    steps = dice.choice((6, 9, 12))
    deeds = [
        Deed(at + 5.0 * step, partial(_more, service=service, extra=extra * (step + 1) / steps))
        for step in range(steps)
    ]
    return Fault(FaultKind.SURGE, ServiceName(service), at, weather, tuple(deeds))


def _hang(dice: random.Random, weather: Weather, among: tuple[str, ...]) -> Fault:
    service = dice.choice(among or APPLICATIONS)
    replicas = BY_NAME[service].replicas
    count = dice.randint((replicas + 1) // 2, replicas)
    at = _onset(dice)
    deed = Deed(at, lambda world: world.nodes[service].fleet.hang(count))
    return Fault(FaultKind.HANG, ServiceName(service), at, weather, (deed,))


def _slow_release(dice: random.Random, weather: Weather, among: tuple[str, ...]) -> Fault:
    service = dice.choice(among or APPLICATIONS)
    spec = BY_NAME[service]
    if dice.random() < 0.5:
        load = demand_on(service) * weather.background / (spec.capacity * spec.replicas)
        new = Release(_bumped(spec, dice), cpu=dice.uniform(1.2, 1.8) / load)
    else:
        objective = spec.objective.latency or 1.0
        new = Release(_bumped(spec, dice), slow=objective * dice.uniform(1.5, 4.0))
    return _released(FaultKind.SLOW_RELEASE, spec, new, _onset(dice), weather)


def _leak(dice: random.Random, weather: Weather, among: tuple[str, ...]) -> Fault:
    spec = BY_NAME[dice.choice(among or APPLICATIONS)]
    pace = (0.88 - spec.memory) / dice.uniform(1300.0, 2100.0)
    at = 5.0 * dice.randint(480, 540)  # it shows half an hour later
    if dice.random() < 0.5:
        new = Release(_bumped(spec, dice), leak=pace)
        return _released(FaultKind.LEAK, spec, new, at, weather)
    deed = Deed(at, partial(_lose_memory, service=spec.name, pace=pace))
    return Fault(FaultKind.LEAK, ServiceName(spec.name), at, weather, (deed,))


def _pool_cut(dice: random.Random, weather: Weather, among: tuple[str, ...]) -> Fault:
    sizes = {
        (name, size)
        for name in among or ("orders", "payments-api", "cart")
        for size in range(1, 8)
        if needed_connections(name, weather) > 1.15 * size * BY_NAME[name].replicas
    }
    services = sorted({name for name, _ in sizes})
    spec = BY_NAME[dice.choice(services)]
    size = dice.choice(sorted(size for name, size in sizes if name == spec.name))
    new = Release(_bumped(spec, dice), settings={POOL_SIZE: str(size)})
    fault = _released(FaultKind.POOL_CUT, spec, new, _onset(dice), weather)
    return replace(fault, setting=(POOL_SIZE, spec.config[POOL_SIZE]))


def _slow_query(dice: random.Random, weather: Weather, among: tuple[str, ...]) -> Fault:
    spec = BY_NAME[dice.choice(among or ("orders", "payments-api"))]
    asks = asks_of(spec, 1.0 - KNOWN)
    own = demand_on(spec.name) * asks.queries * weather.background
    others = demand_on(asks.database) * weather.background - own
    query = (dice.uniform(1.3, 1.9) * BY_NAME[asks.database].capacity - others) / own
    new = Release(_bumped(spec, dice), query=query)
    return _released(FaultKind.SLOW_QUERY, spec, new, _onset(dice), weather)


def _outage(dice: random.Random, weather: Weather, _: tuple[str, ...]) -> Fault:
    at = _onset(dice)
    quick = Outage(errors=dice.uniform(0.6, 0.95), latency=dice.uniform(0.1, 0.3))
    slow = Outage(errors=dice.uniform(0.25, 0.5), latency=dice.uniform(2.5, 6.0))
    deed = Deed(at, partial(_fail_outside, outage=dice.choice((quick, slow))))
    return Fault(FaultKind.OUTAGE, ServiceName("paygate"), at, weather, (deed,))


def _cold_cache(dice: random.Random, weather: Weather, _: tuple[str, ...]) -> Fault:
    at = _onset(dice)
    busy = Weather(dice.uniform(1.0, 1.12), weather.phase, weather.refill)
    return Fault(FaultKind.COLD_CACHE, ServiceName("cache"), at, busy, (Deed(at, _forget),))


def _nothing(dice: random.Random, weather: Weather, among: tuple[str, ...]) -> Fault:
    service = ServiceName(dice.choice(among or APPLICATIONS))
    signal = dice.choice((Signal.LATENCY, Signal.ERRORS))
    return Fault(FaultKind.NOTHING, service, _onset(dice), weather, false_alarm=signal)


_DRAWS: Mapping[FaultKind, Draw] = {
    FaultKind.SURGE: _surge,
    FaultKind.HANG: _hang,
    FaultKind.SLOW_RELEASE: _slow_release,
    FaultKind.LEAK: _leak,
    FaultKind.POOL_CUT: _pool_cut,
    FaultKind.SLOW_QUERY: _slow_query,
    FaultKind.OUTAGE: _outage,
    FaultKind.COLD_CACHE: _cold_cache,
    FaultKind.NOTHING: _nothing,
}


def demand_on(service: str) -> float:
    """Return the requests per second that reach a service when the background is 1."""
    asked = dict.fromkeys(BY_NAME, 0.0)
    for spec in COMPANY:
        asked[spec.name] += spec.demand
        asks = asks_of(spec, 1.0 - KNOWN)
        for call in asks.calls:
            asked[call.callee] += asked[spec.name] * call.rate
        if asks.database:
            asked[asks.database] += asked[spec.name] * asks.queries
    return asked[service]


def needed_connections(service: str, weather: Weather) -> float:
    """Return how many database connections a service uses at a time."""
    spec = BY_NAME[service]
    asks = asks_of(spec, 1.0 - KNOWN)
    held = spec.hold + asks.each * BY_NAME[asks.database].own
    return demand_on(service) * weather.background * asks.using * held


def _onset(dice: random.Random) -> float:
    return ONSET + 5.0 * dice.randint(0, 48)


def bumped(version: str, place: int) -> str:
    """Return the version after this one, counted up at `place` (1 or 2)."""
    parts = [*version.split("."), "0", "0"][:3]
    parts[place] = str(int(parts[place]) + 1)
    return ".".join([*parts[: place + 1], *["0"] * (2 - place)])


def _bumped(spec: Spec, dice: random.Random) -> str:
    return bumped(spec.releases[-1], dice.choice((1, 2)))


def _released(kind: FaultKind, spec: Spec, new: Release, at: float, weather: Weather) -> Fault:
    deed = Deed(at, partial(release, target=spec.name, new=new))
    return Fault(kind, ServiceName(spec.name), at, weather, (deed,), release=spec.releases[-1])


def _more(world: World, *, service: str, extra: float) -> None:
    world.nodes[service].extra = extra


def _lose_memory(world: World, *, service: str, pace: float) -> None:
    fleet = world.nodes[service].fleet
    fleet.leak = pace
    fleet.stir()


def _fail_outside(world: World, *, outage: Outage) -> None:
    world.nodes["paygate"].outage = outage


def _forget(world: World) -> None:
    world.nodes["cache"].warm = 0.02
