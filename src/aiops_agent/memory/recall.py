"""Which past incidents are like this one? Keyed by structure: service, alert, signal, cause."""

from collections.abc import Iterable

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.domain.telemetry import Signal

ALIKE = 3.0  # points from which a case is the like of this


def similar(
    past: Iterable[PastIncident],
    incident: Incident,
    signal: Signal | None,
    cause: CauseKind | None,
) -> tuple[PastIncident, ...]:
    """Return cases that are like the incident, the likest first, then the newest.

    The incident itself is never among them. `signal` and `cause` are what is believed now.
    """
    scored = [
        (likeness(case, incident, signal, cause), case) for case in past if case.id != incident.id
    ]
    alike = [(points, case) for points, case in scored if points >= ALIKE]
    alike.sort(key=lambda pair: (-pair[0], -pair[1].ended_at.timestamp(), pair[1].id))
    return tuple(case for _, case in alike)


def likeness(
    case: PastIncident, incident: Incident, signal: Signal | None, cause: CauseKind | None
) -> float:
    """Return points for what a case has in common with the incident, 0 and up."""
    points = 2.0 * (case.service == incident.service)
    points += 1.5 * bool(set(case.alert_names) & set(incident.alert_names))
    points += 1.0 * (signal is not None and case.signal is signal)
    points += 2.0 * (cause not in (None, CauseKind.UNKNOWN) and case.cause is cause)
    return points
