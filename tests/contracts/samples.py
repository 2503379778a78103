"""Valid values of each noun that a store keeps, with what a test wants to be different."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiops_agent.domain.alert import Alert, AlertState, Delivery, IncidentAlert, Severity
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState, Ruling, Verdict
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident, Status
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.notice import Occasion
from aiops_agent.domain.outbox import OutboxEntry
from aiops_agent.domain.payload import IncidentOpened
from aiops_agent.domain.postmortem import PastIncident, Postmortem
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    BlastRadius,
    Plan,
    PlanKind,
    Prepared,
    PreparedPlan,
    Request,
    Risk,
    Target,
)
from aiops_agent.domain.telemetry import ServiceName, Signal
from tests.targets import at

PAYMENTS = ServiceName("payments-api")
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SCALE = Action(
    kind=ActionKind("scale_pods"), target=at(PAYMENTS, "docker:local"), wished={"replicas": 4}
)


def an_alert(**other: Any) -> Alert:
    given: dict[str, Any] = {
        "source": "alertmanager",
        "labels": {"alertname": "HighLatency", "service": "payments-api"},
        "state": AlertState.FIRING,
        "starts_at": NOW,
        "received_at": NOW,
    }
    return Alert(**{**given, **other})


def a_kept_alert(**other: Any) -> IncidentAlert:
    given = {
        "annotations": {"summary": "p95 above 500 ms", "runbook_url": "https://wiki.test/slow"},
        "generator_url": "http://prometheus.test/graph?g0.expr=up",
        "runbook": "https://wiki.test/slow",
        "group_labels": {"alertname": "HighLatency"},
        "receiver": "aiops",
        "alertmanager_url": "http://alertmanager.test:9093",
        "key": "k1",
        "incident": "INC-0001",
        "since": NOW,
        "last_seen": NOW,
    }
    return IncidentAlert(**{**an_alert().document(), **given, **other})


def a_delivery(**other: Any) -> Delivery:
    given: dict[str, Any] = {
        "source": "alertmanager",
        "environment": EnvironmentRef.parse("docker:local"),
        "digest": "d1",
        "body": "{}",
        "alerts": (an_alert(),),
        "received_at": NOW,
    }
    return Delivery(**{**given, **other})


def an_incident(**other: Any) -> Incident:
    given: dict[str, Any] = {
        "id": "INC-0001",
        "environment": EnvironmentRef.parse("docker:local"),
        "title": "payments-api is slow",
        "subject": Target(environment=EnvironmentRef.parse("docker:local"), name="payments-api"),
        "alert_names": ("HighLatency",),
        "summary": "p95 above 500 ms",
        "severity": Severity.SEV2,
        "started_at": NOW,
        "opened_at": NOW,
    }
    return Incident(**{**given, **other})


def an_event(key: str, **other: Any) -> Event:
    given: dict[str, Any] = {
        "incident": "INC-0001",
        "environment": EnvironmentRef.parse("docker:local"),
        "payload": IncidentOpened(
            alert="k1", name="HighLatency", service="payments-api", severity=Severity.SEV2
        ),
        "message": "opened",
        "at": NOW,
        "written_at": NOW,
    }
    return Event(key=key, **{**given, **other})


def an_entry(key: str, **other: Any) -> OutboxEntry:
    given: dict[str, Any] = {
        "receiver": "phone",
        "key": key,
        "occasion": Occasion.APPROVAL_NEEDED,
        "incident": "INC-0001",
        "environment": EnvironmentRef.parse("docker:local"),
        "severity": Severity.SEV2,
        "what": "a plan waits",
        "born_at": NOW,
        "at": NOW,
    }
    return OutboxEntry(**{**given, **other})


def a_request(operation: str = "INC-0001.1.1") -> Request:
    return Request(operation=operation, words="POST /scale", payload={"n": 4}, repeatable=True)


def a_plan(attempt: int = 1) -> PreparedPlan:
    step = Prepared(
        action=SCALE,
        requests=(a_request(),),
        precondition={"replicas": 2},
        inverse=SCALE.model_copy(update={"wished": {"replicas": 2}}),
        blast=BlastRadius(services=(PAYMENTS,), replicas=2, interrupts=False, words="2 new"),
        do="scale payments-api to 4 replicas",
        risk=Risk.LOW,
        hazard="the number of replicas changes",
        run="scale 4",
        undo="scale 2",
    )
    plan = Plan(kind=PlanKind.ACT, actions=(SCALE,), reason="too few replicas")
    return PreparedPlan(
        incident="INC-0001",
        environment=EnvironmentRef.parse("docker:local"),
        attempt=attempt,
        plan=plan,
        steps=(step,),
    )


def an_approval(**other: Any) -> ApprovalRequest:
    given: dict[str, Any] = {
        "id": "INC-0001.1",
        "incident": "INC-0001",
        "digest": a_plan().digest,
        "prepared": a_plan(),
        "verdict": Verdict(ruling=Ruling.ASK, reason="no rule allows it"),
        "state": ApprovalState.PENDING,
        "asked_at": NOW,
        "expires_at": NOW + timedelta(minutes=15),
        "remind_at": NOW + timedelta(minutes=7),
    }
    return ApprovalRequest(**{**given, **other})


def an_intent(operation: str = "INC-0001.1.1", **other: Any) -> Intent:
    given: dict[str, Any] = {
        "incident": "INC-0001",
        "plan": "p1",
        "ordinal": 1,
        "undo": False,
        "request": a_request(operation),
        "state": IntentState.ARMED,
        "armed_at": NOW,
    }
    return Intent(operation=operation, **{**given, **other})


def a_case(**other: Any) -> PastIncident:
    given: dict[str, Any] = {
        "id": "INC-0001",
        "environment": EnvironmentRef.parse("docker:local"),
        "title": "payments-api is slow",
        "service": "payments-api",
        "alert_names": ("HighLatency",),
        "signal": Signal.LATENCY,
        "cause": CauseKind.CAPACITY,
        "cause_service": "payments-api",
        "status": Status.RESOLVED,
        "summary": "scaled",
        "ended_at": NOW,
    }
    return PastIncident(**{**given, **other})


def a_report(**other: Any) -> Postmortem:
    given: dict[str, Any] = {
        "incident": "INC-0001",
        "title": "payments-api is slow",
        "severity": Severity.SEV2,
        "status": Status.RESOLVED,
        "markdown": "# Report",
        "data": {"cost": 0},
    }
    return Postmortem(**{**given, **other})
