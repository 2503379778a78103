"""What is broken in each scenario, and which endings would a good engineer accept?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.simulator.faults import Fault, FaultKind
from aiops_agent.simulator.scenarios import SCENARIOS, Scenario, find_scenario


class AcceptedEnding(StrEnum):
    """How an incident may end; the first four need a recovery verified by telemetry."""

    SCALED = "scaled"
    RESTARTED = "restarted"
    RESTARTED_FOR_NOW = "restarted, said to be a stop-gap"
    ROLLED_BACK = "rolled back"
    CONFIGURED = "setting put back"
    WATCHED = "watched until it healed, nothing run"
    DISMISSED = "dismissed, nothing run"
    HANDED_OVER = "handed over, nothing run"
    DENIED = "denied by the calendar, handed over, nothing run"


ROWS: Mapping[FaultKind, tuple[AcceptedEnding, ...]] = MappingProxyType(
    {
        FaultKind.SURGE: (AcceptedEnding.SCALED,),
        FaultKind.HANG: (AcceptedEnding.RESTARTED,),
        FaultKind.SLOW_RELEASE: (AcceptedEnding.ROLLED_BACK,),
        FaultKind.LEAK: (AcceptedEnding.RESTARTED_FOR_NOW, AcceptedEnding.ROLLED_BACK),
        FaultKind.POOL_CUT: (AcceptedEnding.ROLLED_BACK, AcceptedEnding.CONFIGURED),
        FaultKind.SLOW_QUERY: (AcceptedEnding.ROLLED_BACK,),
        FaultKind.OUTAGE: (AcceptedEnding.HANDED_OVER,),
        FaultKind.COLD_CACHE: (AcceptedEnding.WATCHED,),
        FaultKind.NOTHING: (AcceptedEnding.DISMISSED,),
    }
)


@dataclass(frozen=True)
class EvaluationCase:
    """One scenario with one seed: where the truth is, by the names that the outside sees."""

    scenario: Scenario
    seed: int
    fault: Fault
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def truth(self) -> ServiceName:
        """The service that is to blame; of a false alarm the one that was blamed."""
        return ServiceName(self.names.get(self.fault.service, self.fault.service))

    @property
    def endings(self) -> tuple[AcceptedEnding, ...]:
        """The endings that count as right."""
        if self.scenario.freeze:
            return (AcceptedEnding.DENIED,)
        row = ROWS[self.fault.kind]
        began = bool(self.fault.release)  # only what a release began can be rolled back
        return tuple(e for e in row if began or e is not AcceptedEnding.ROLLED_BACK)


def case(scenario: str, seed: int, names: Mapping[str, str] | None = None) -> EvaluationCase:
    """Return a scenario with a seed; raises UsageError when there is no such scenario."""
    chosen = find_scenario(scenario)
    return EvaluationCase(chosen, seed, chosen.fault_of(seed), names or {})


def scenarios() -> tuple[str, ...]:
    """Return the names of all scenarios."""
    return tuple(SCENARIOS)
