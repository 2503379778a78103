"""Which cases are the like of this one."""

from datetime import timedelta

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import IncidentId
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.domain.remediation import ActionKind, Recovery
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.memory.recall import alike
from aiops_agent.ports.memory import RecallQuery
from tests.agents.test_diagnose import overload
from tests.agents.test_plan import past
from tests.interfaces.terminal.canned import TRIAGE

CASE = past(ActionKind("scale_pods"), Recovery.RECOVERED)


def found(*cases: PastIncident) -> list[str]:
    incident = overload().incident()
    query = RecallQuery(incident=incident, cause=CauseKind.CAPACITY)
    return [hit.case.id for hit in alike(cases, query)]


def test_the_same_alert_of_the_same_service_is_alike() -> None:
    assert found(CASE) == [CASE.id]


def test_a_hit_says_what_it_shares() -> None:
    assert TRIAGE.signal is Signal.LATENCY
    incident = overload().incident().model_copy(update={"triage": TRIAGE})
    (hit,) = alike((CASE,), RecallQuery(incident=incident, cause=CauseKind.CAPACITY))
    same = ("same service", "same alert HighLatency", "same signal", "same cause")
    assert hit.reasons == (*same, "in fake:before")


def test_another_service_with_another_alert_is_not() -> None:
    other = {"service": ServiceName("x"), "alert_names": ("Y",), "cause": CauseKind.LEAK}
    assert found(CASE.model_copy(update=other)) == []


def test_the_likest_comes_first_then_the_newest() -> None:
    new = CASE.model_copy(
        update={"id": IncidentId("new"), "ended_at": CASE.ended_at + timedelta(days=9)}
    )
    hang = CASE.model_copy(update={"id": IncidentId("hang"), "cause": CauseKind.HANG})
    assert found(hang, CASE, new) == ["new", CASE.id, "hang"]


def test_an_incident_is_not_its_own_precedent() -> None:
    assert found(CASE.model_copy(update={"id": overload().incident().id})) == []
