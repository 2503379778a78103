"""What do the shop's people remember? Earlier incidents, also those where the cure was wrong."""

from collections.abc import Mapping
from datetime import UTC, datetime

from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import SHOP, EnvironmentRef
from aiops_agent.domain.incident import IncidentId, Status
from aiops_agent.domain.postmortem import PastIncident, TriedAction
from aiops_agent.domain.remediation import Action, ActionKind, Recovery, Target
from aiops_agent.domain.telemetry import ServiceName, Signal

_BEFORE = EnvironmentRef(kind=SHOP, name="before")


def remembered(names: Mapping[str, str] | None = None) -> tuple[PastIncident, ...]:
    """Return the cases, oldest first; `names` maps services as built to other names."""
    return tuple(_renamed(case, names or {}) for case in PAST)


def _renamed(case: PastIncident, names: Mapping[str, str]) -> PastIncident:
    # By text, whole: no other word of a case holds the name of a service.
    text = case.model_dump_json()
    for old, new in names.items():
        text = text.replace(old, new)
    return PastIncident.model_validate_json(text)


def _tried(
    kind: ActionKind, target: str, recovery: Recovery, **wished: str | int
) -> tuple[TriedAction, ...]:
    where = Target(environment=_BEFORE, name=target)
    action = Action(kind=kind, target=where, wished=wished)
    return (TriedAction(action=action, recovery=recovery),)


PAST: tuple[PastIncident, ...] = (
    PastIncident(
        id=IncidentId("INC-2026-01-14"),
        environment=_BEFORE,
        title="payments-api experiencing latency spikes",
        service=ServiceName("payments-api"),
        alert_names=("HighLatency",),
        signal=Signal.LATENCY,
        cause=CauseKind.CAPACITY,
        cause_service=ServiceName("payments-api"),
        tried=_tried(SCALE.kind, "payments-api", Recovery.RECOVERED, replicas=6),
        status=Status.RESOLVED,
        summary="The winter sale brought more than payments-api could serve; six replicas could.",
        ended_at=datetime(2026, 1, 14, 11, 52, tzinfo=UTC),
    ),
    PastIncident(
        id=IncidentId("INC-2026-03-05"),
        environment=_BEFORE,
        title="payments-api experiencing latency spikes",
        service=ServiceName("payments-api"),
        alert_names=("HighLatency",),
        signal=Signal.LATENCY,
        cause=CauseKind.CAPACITY,
        cause_service=ServiceName("payments-api"),
        tried=_tried(RESTART.kind, "payments-api", Recovery.NOT_RECOVERED),
        status=Status.ESCALATED,
        summary="A restart of payments-api under load made it worse; the load went by itself.",
        ended_at=datetime(2026, 3, 5, 18, 31, tzinfo=UTC),
    ),
    PastIncident(
        id=IncidentId("INC-2026-04-22"),
        environment=_BEFORE,
        title="orders experiencing latency spikes",
        service=ServiceName("orders"),
        alert_names=("HighLatency",),
        signal=Signal.LATENCY,
        cause=CauseKind.RELEASE,
        cause_service=ServiceName("orders"),
        tried=_tried(ROLLBACK.kind, "orders", Recovery.RECOVERED, release="6.3.1"),
        status=Status.RESOLVED,
        summary="Release 6.3.2-rc1 of orders was slow; the release before was put back.",
        ended_at=datetime(2026, 4, 22, 9, 17, tzinfo=UTC),
    ),
    PastIncident(
        id=IncidentId("INC-2026-06-30"),
        environment=_BEFORE,
        title="payments-api failing more requests than promised",
        service=ServiceName("payments-api"),
        alert_names=("HighErrorRate",),
        signal=Signal.ERRORS,
        cause=CauseKind.DEPENDENCY,
        cause_service=ServiceName("paygate"),
        status=Status.ESCALATED,
        summary="paygate failed for two hours; nothing on our side helped.",
        ended_at=datetime(2026, 6, 30, 22, 5, tzinfo=UTC),
    ),
    PastIncident(
        id=IncidentId("INC-2026-09-11"),
        environment=_BEFORE,
        title="cart failing more requests than promised",
        service=ServiceName("cart"),
        alert_names=("HighErrorRate",),
        signal=Signal.ERRORS,
        cause=CauseKind.HANG,
        cause_service=ServiceName("cart"),
        tried=_tried(RESTART.kind, "cart", Recovery.RECOVERED),
        status=Status.RESOLVED,
        summary="Two processes of cart were up and answered nothing; a restart freed them.",
        ended_at=datetime(2026, 9, 11, 4, 40, tzinfo=UTC),
    ),
)
