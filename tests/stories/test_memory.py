"""Memory helps where telemetry agrees, and loses where it does not."""

from datetime import UTC, datetime

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Ending, IncidentId, Status
from aiops_agent.domain.postmortem import PastIncident, TriedAction
from aiops_agent.domain.remediation import Action, ActionKind, Recovery
from aiops_agent.domain.telemetry import ServiceName, Signal
from tests.targets import at

from .conftest import Stage

LIE = PastIncident(
    id=IncidentId("INC-2025-12-24"),
    environment=EnvironmentRef.parse("shop:before"),
    title="payments-api experiencing latency spikes",
    service=ServiceName("payments-api"),
    alert_names=("HighLatency",),
    signal=Signal.LATENCY,
    cause=CauseKind.CAPACITY,
    cause_service=ServiceName("payments-api"),
    tried=(
        TriedAction(
            action=Action(
                kind=ActionKind("restart_service"), target=at("payments-api", "shop:before")
            ),
            recovery=Recovery.RECOVERED,
        ),
    ),
    status=Status.RESOLVED,
    summary="A restart fixed it.",
    ended_at=datetime(2025, 12, 24, tzinfo=UTC),
)


async def test_with_empty_memory_the_default_scenario_is_scaled(stage: Stage) -> None:
    told = await stage.play("traffic-surge")

    assert told.incident.ending is Ending.FIXED
    assert [effect.kind for effect in told.effects] == ["scale_pods"]


async def test_a_memory_that_says_restart_loses_against_telemetry(stage: Stage) -> None:
    told = await stage.play("traffic-surge", memory=(LIE,))

    assert [effect.kind for effect in told.effects] == ["scale_pods"]
    attempt = told.incident.attempts[0]
    assert attempt.plan is not None
    assert any("restart" in other.words for other in attempt.plan.alternatives)
