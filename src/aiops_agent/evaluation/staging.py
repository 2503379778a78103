"""A sketch of a plan as the critic sees it: briefing and prepared plan, nothing behind them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.adapters.off import Absent
from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.postmortem import PastIncident, Postmortem
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    BlastRadius,
    Draft,
    Plan,
    PlanKind,
    PreparedPlan,
    Target,
)
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceName
from aiops_agent.evaluation.laws import SERVICES, PlanState, Sketch
from aiops_agent.ports.memory import Hit, RecallQuery
from aiops_agent.ports.telemetry import Environment
from aiops_agent.registry import CATALOGUE

MENU = CATALOGUE.offers("shop", CATALOGUE.kinds, {})
_MAP = ServiceGraph(
    services=tuple(Service(name=ServiceName(name), kind=kind) for name, kind in SERVICES.items())
)
_NOT_SO = {
    PlanState.LEDGER_DOWN: "ledger-db answers every request",
    PlanState.BACKUP: "no backup is running",
    PlanState.ONE_LEFT: "all replicas of catalogue-db are healthy",
    PlanState.FILLING: "session-cache is full again",
}


@dataclass(frozen=True)
class _Paper:
    """A map of services, a clock that stands still, a memory of nothing."""

    at: datetime

    async def graph(self) -> ServiceGraph:
        return _MAP

    def now(self) -> datetime:
        return self.at

    async def wait_until(self, at: datetime) -> None:
        raise AssertionError(f"nothing waits here until {at}")

    def remember(self, case: PastIncident, report: Postmortem | None) -> None:
        raise AssertionError(f"nothing is remembered here: {case}, {report}")

    def recall(self, query: RecallQuery) -> tuple[Hit, ...]:
        raise AssertionError(f"nothing is recalled here: {query}")


def briefing_of(sketch: Sketch, number: int) -> Briefing:
    """Return what the critic may know when it reads the plan."""
    ref = _ref(sketch)
    paper, nothing = _Paper(sketch.now), Absent("Nothing is measured in this benchmark.")
    states = [state if state in sketch.states else _NOT_SO[state] for state in PlanState]
    environment = Environment(
        ref=ref,
        metrics=nothing,
        logs=nothing,
        changes=nothing,
        topology=paper,
        rules=nothing,
        workloads=nothing,
        spans=nothing,
        clock=paper,
        mode=sketch.mode,
    )
    incident = Incident(
        id=IncidentId(f"INC-{number:04}"),
        environment=ref,
        title=f"{sketch.service} is slow",
        subject=_target(sketch),
        alert_names=("Slow",),
        summary=f"{sketch.service} answers late. Now: {'; '.join(states)}.",
        severity=Severity.SEV3,
        started_at=sketch.now - timedelta(minutes=20),
        opened_at=sketch.now - timedelta(minutes=15),
    )
    return Briefing(incident, environment, paper, sketch.now, MENU)


def prepared_of(sketch: Sketch, number: int) -> PreparedPlan:
    """Return the plan as it would be approved."""
    kind, wished = ActionKind(sketch.deed), dict(sketch.wished)
    action = Action(kind=kind, target=_target(sketch), wished=wished)
    service = ServiceName(sketch.service)
    draft = Draft(
        action=action,
        requests=(),
        precondition={},
        inverse=None,
        blast=BlastRadius(services=(service,), replicas=1, interrupts=False, words="one service"),
        run=action.text,
    )
    return PreparedPlan(
        incident=f"INC-{number:04}",
        environment=_ref(sketch),
        attempt=1,
        plan=Plan(kind=PlanKind.ACT, actions=(action,), reason=f"{sketch.service} is slow"),
        steps=(CATALOGUE.prepared(draft),),
    )


def _ref(sketch: Sketch) -> EnvironmentRef:
    return EnvironmentRef(kind="docker", name=sketch.place)


def _target(sketch: Sketch) -> Target:
    return Target(environment=_ref(sketch), name=sketch.service)
