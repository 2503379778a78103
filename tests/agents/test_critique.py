"""The second look makes it stricter or stays silent."""

from aiops_agent.agents.critique import critique
from aiops_agent.domain.approval import Ruling
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.remediation import Action, ActionKind, Plan, PlanKind, PreparedPlan
from tests.agents.test_diagnose import API, overload
from tests.targets import at


def prepared(kind: ActionKind) -> PreparedPlan:
    wished: dict[str, str | int] = {"replicas": 4} if kind is ActionKind("scale_pods") else {}
    action = Action(kind=kind, target=at(API, "fake:one"), wished=wished)
    plan = Plan(kind=PlanKind.ACT, actions=(action,), reason="")
    return PreparedPlan(
        incident="INC-1",
        environment=EnvironmentRef.parse("fake:one"),
        attempt=1,
        plan=plan,
        steps=(),
    )


async def test_restarting_a_busy_service_meets_an_objection() -> None:
    said = await critique(overload().briefing(), prepared(ActionKind("restart_service")))
    assert said is not None
    assert said.ruling is Ruling.ASK
    assert "takes capacity away" in said.reason


async def test_scaling_a_busy_service_meets_none() -> None:
    assert await critique(overload().briefing(), prepared(ActionKind("scale_pods"))) is None


async def test_without_telemetry_a_person_is_asked() -> None:
    made = overload()
    made.broken.add("metrics")
    said = await critique(made.briefing(), prepared(ActionKind("scale_pods")))
    assert said is not None
    assert said.ruling is Ruling.ASK
