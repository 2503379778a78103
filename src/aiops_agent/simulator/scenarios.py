"""The scenarios of the shop: what breaks, on which day, under which calendar."""

import difflib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

from aiops_agent.actions.restart import RESTART
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.policy import Freeze, Weekday
from aiops_agent.domain.telemetry import ChangeKind
from aiops_agent.simulator.faults import APPLICATIONS, Fault, FaultKind, bumped, draw
from aiops_agent.simulator.operate import note, release
from aiops_agent.simulator.physics import ChangeRecord, Deed, World
from aiops_agent.simulator.shop import BY_NAME, COMPANY, Release, dependents

DEFAULT = "traffic-surge"
THURSDAY = datetime(2026, 11, 19, 2, 0, tzinfo=UTC)  # trouble comes an hour after
FRIDAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


NO_FRIDAY_RESTARTS = Freeze(
    reason="no restarts on Fridays", days=(Weekday.FRIDAY,), actions=(RESTART.kind,)
)


@dataclass(frozen=True)
class Scenario:
    """One scenario; `among` narrows where the fault may strike, `start` begins the world."""

    name: str
    title: str
    fault: FaultKind
    among: tuple[str, ...] = ()
    start: datetime = THURSDAY
    freeze: tuple[Freeze, ...] = ()

    def fault_of(self, seed: int) -> Fault:
        """Draw the fault of this scenario."""
        return draw(self.fault, seed, self.among)


_SCENARIOS = (
    Scenario(
        DEFAULT, "payments-api is asked far more than usual", FaultKind.SURGE, ("payments-api",)
    ),
    Scenario("hung-process", "a process is up and answers nothing", FaultKind.HANG),
    Scenario("slow-release", "a new release is much slower than the last", FaultKind.SLOW_RELEASE),
    Scenario("memory-leak", "memory fills up until the service suffers", FaultKind.LEAK),
    Scenario("pool-cut", "a release brings a smaller connection pool", FaultKind.POOL_CUT),
    Scenario("slow-query", "a release asks its database too much", FaultKind.SLOW_QUERY),
    Scenario("third-party-outage", "a service outside our reach fails", FaultKind.OUTAGE),
    Scenario("cache-flush", "the cache lost its content and fills again", FaultKind.COLD_CACHE),
    Scenario("false-alarm", "an alert although nothing is wrong", FaultKind.NOTHING),
    Scenario("busy-corner", "one service, drawn by the seed, is asked too much", FaultKind.SURGE),
    Scenario(
        "friday-freeze",
        "a process answers nothing, on a day without restarts",
        FaultKind.HANG,
        start=FRIDAY,
        freeze=(NO_FRIDAY_RESTARTS,),
    ),
)
SCENARIOS: Mapping[str, Scenario] = MappingProxyType({one.name: one for one in _SCENARIOS})


def find_scenario(name: str) -> Scenario:
    """Return the scenario of that name; raises UsageError with the nearest names."""
    if name in SCENARIOS:
        return SCENARIOS[name]
    near = difflib.get_close_matches(name, SCENARIOS, n=3) or list(SCENARIOS)
    raise UsageError(f"There is no scenario {name!r}; did you mean {', '.join(near)}?")


def decoys(fault: Fault, seed: int) -> tuple[tuple[ChangeRecord, ...], tuple[Deed, ...]]:
    """Draw changes that have nothing to do with the fault: on the books already, and to come."""
    dice = random.Random(f"{seed}/decoys/{fault.kind}")  # noqa: S311 -- repeatable, not secret
    books = [_long_ago(spec.name, dice) for spec in COMPANY if len(spec.releases) > 1]
    deeds = []
    elsewhere = sorted({*APPLICATIONS, "mail-worker"} - _concerned(fault.service))
    for service in dice.sample(elsewhere, min(len(elsewhere), dice.randint(1, 3))):
        at = 5.0 * dice.randint(24, int(fault.at / 5) - 96)
        if dice.random() < 0.6:
            new = Release(bumped(BY_NAME[service].releases[-1], 2))
            deeds.append(Deed(at, partial(release, target=service, new=new)))
        else:
            deeds.append(Deed(at, partial(_reworded, service=service)))
    return tuple(sorted(books, key=lambda record: record.at)), tuple(deeds)


def _concerned(service: str) -> set[str]:
    """The service with everything that needs it or that it asks: a change there would mislead."""
    return {service, *dependents(service), *BY_NAME[service].callees}


def _long_ago(service: str, dice: random.Random) -> ChangeRecord:
    before, after = BY_NAME[service].releases[-2:]
    at = -86400.0 * dice.randint(2, 24) - 60.0 * dice.randint(0, 600)
    return ChangeRecord(at, service, ChangeKind.RELEASE, f"Release {after}", before, after)


def _reworded(world: World, *, service: str) -> None:
    node, change = world.nodes[service], ("info", "warn")
    title = "LOG_LEVEL info -> warn"
    note(world, node, ChangeKind.CONFIG, title, change, settings={"LOG_LEVEL": change})
