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
from aiops_agent.simulator.alarms import RULES

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


def _incident(
    ended_at: datetime,
    service: str,
    signal: Signal,
    cause: CauseKind,
    summary: str,
    *,
    cause_service: str = "",
    tried: tuple[TriedAction, ...] = (),
) -> PastIncident:
    """Return a case as it would have been kept; it was solved if what was tried helped."""
    rule, words = RULES[signal]
    solved = any(one.recovery is Recovery.RECOVERED for one in tried)
    return PastIncident(
        id=IncidentId(f"INC-{ended_at:%Y-%m-%d}"),
        environment=_BEFORE,
        title=f"{service} {words}",
        service=ServiceName(service),
        alert_names=(rule,),
        signal=signal,
        cause=cause,
        cause_service=ServiceName(cause_service or service),
        tried=tried,
        status=Status.RESOLVED if solved else Status.ESCALATED,
        summary=summary,
        ended_at=ended_at,
    )


PAST: tuple[PastIncident, ...] = (
    _incident(
        datetime(2026, 1, 14, 11, 52, tzinfo=UTC),
        "payments-api",
        Signal.LATENCY,
        CauseKind.CAPACITY,
        "The winter sale brought more than payments-api could serve; six replicas could.",
        tried=_tried(SCALE.kind, "payments-api", Recovery.RECOVERED, replicas=6),
    ),
    _incident(
        datetime(2026, 3, 5, 18, 31, tzinfo=UTC),
        "payments-api",
        Signal.LATENCY,
        CauseKind.CAPACITY,
        "A restart of payments-api under load made it worse; the load went by itself.",
        tried=_tried(RESTART.kind, "payments-api", Recovery.NOT_RECOVERED),
    ),
    _incident(
        datetime(2026, 4, 22, 9, 17, tzinfo=UTC),
        "orders",
        Signal.LATENCY,
        CauseKind.RELEASE,
        "Release 6.3.2-rc1 of orders was slow; the release before was put back.",
        tried=_tried(ROLLBACK.kind, "orders", Recovery.RECOVERED, release="6.3.1"),
    ),
    _incident(
        datetime(2026, 6, 30, 22, 5, tzinfo=UTC),
        "payments-api",
        Signal.ERRORS,
        CauseKind.DEPENDENCY,
        "paygate failed for two hours; nothing on our side helped.",
        cause_service="paygate",
    ),
    _incident(
        datetime(2026, 9, 11, 4, 40, tzinfo=UTC),
        "cart",
        Signal.ERRORS,
        CauseKind.HANG,
        "Two processes of cart were up and answered nothing; a restart freed them.",
        tried=_tried(RESTART.kind, "cart", Recovery.RECOVERED),
    ),
)
