"""A bench for experiments: a world alone, without a journal, an agent or a clock."""

from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from statistics import median

from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.telemetry import Signal
from aiops_agent.simulator.alarms import alarms
from aiops_agent.simulator.faults import Fault
from aiops_agent.simulator.history import TICK, History
from aiops_agent.simulator.operate import operate
from aiops_agent.simulator.physics import World
from aiops_agent.simulator.scenarios import decoys, find_scenario
from aiops_agent.simulator.shop import BY_NAME, COMPANY, callers

SEEDS = (1, 2, 3, 4, 5)
USERS = ("web", "catalogue", "cart", "orders", "payments-api")


@dataclass
class Trial:
    """One broken world, one minute after its first alarm."""

    world: World
    history: History
    fault: Fault

    @property
    def service(self) -> str:
        """Where the truth is."""
        return str(self.fault.service)

    def wait(self, minutes: float) -> "Trial":
        """Let the world live on."""
        self.world.advance(self.world.now + 60.0 * minutes)
        return self

    def do(self, kind: ActionKind, target: str = "", **wished: str | int) -> "Trial":
        """Apply one operation and wait for four minutes."""
        operate(self.world, kind, target or self.service, wished)
        return self.wait(4)

    def restart(self, target: str = "") -> "Trial":
        return self.do(ActionKind("restart_service"), target)

    def scale(self, factor: float, target: str = "") -> "Trial":
        count = int(self.world.nodes[target or self.service].wanted * factor)
        return self.do(ActionKind("scale_pods"), target, replicas=count)

    def rollback(self) -> "Trial":
        return self.do(ActionKind("rollback_release"), release=self.fault.release)

    def configure(self) -> "Trial":
        assert self.fault.setting is not None
        name, value = self.fault.setting
        return self.do(ActionKind("set_config"), name=name, value=value)

    def recent(self, service: str, signal: Signal, minutes: float = 2) -> list[float]:
        """The values of the last minutes."""
        track = self.history.tracks[service, signal][-int(60 * minutes / TICK) :]
        return [value for value in track if value is not None]

    def level(self, service: str, signal: Signal, minutes: float = 2) -> float:
        """The middle value of the last minutes."""
        return median(self.recent(service, signal, minutes))

    def broken(self) -> list[str]:
        """Services whose promise is broken at any sample of the last two minutes."""
        return [name for name in USERS if not self.kept(name)]

    def kept(self, name: str) -> bool:
        """Whether a service keeps its promise in all of the last two minutes."""
        promised = BY_NAME[name].objective
        assert promised.latency is not None
        assert promised.errors is not None
        slow = max(self.recent(name, Signal.LATENCY), default=9.9) > promised.latency
        return not slow and max(self.recent(name, Signal.ERRORS)) <= promised.errors


def trial(scenario: str, seed: int) -> Trial:
    """Return a world of one's own that broke a minute after its first alarm."""
    shared = {id(spec): spec for spec in COMPANY}
    return deepcopy(_broken(scenario, seed), shared)


@cache
def _broken(scenario: str, seed: int) -> Trial:
    told = find_scenario(scenario)
    fault = told.fault_of(seed)
    _, deeds = decoys(fault, seed)
    world = World(seed, fault.weather, (*fault.deeds, *deeds))
    case = Trial(world, History(world, seed), fault)
    world.advance(fault.at)
    while not (alarms(case.history, world.now) or fault.false_alarm):
        assert world.now < 7200, f"{scenario} with seed {seed} hurts nobody"
        world.advance(world.now + TICK)
    return case.wait(1)


def upstream(service: str) -> list[str]:
    """The service and those who call it."""
    return [service, *callers(service)]
