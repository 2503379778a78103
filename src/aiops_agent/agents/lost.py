"""What lost instances make of a triage: their platform knows of them, whatever the signals say."""

from collections.abc import Sequence

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.diagnosis import Triage, TriageVerdict
from aiops_agent.domain.telemetry import ServiceGraph, Signal
from aiops_agent.reasoning.instances import Headcount


def with_instances(
    seen: Triage, standings: Sequence[Headcount], graph: ServiceGraph, *, about_instances: bool
) -> Triage:
    """Return the verdict with what the platform knows of lost instances; it never grows milder.

    A service of which nothing runs is out, whatever its alert is about. One of several that is
    lost confirms an alert about instances, and keeps any other from being dismissed.
    """
    standing = next((one for one in standings if one.lost), None)
    if standing is None:
        return seen
    told = f"{standing.service}: {standing.sentence}"
    if standing.running == 0 or about_instances:
        return _confirmed(seen, standing, told, graph)
    if seen.verdict is not TriageVerdict.CONTRADICTED:
        return seen.model_copy(update={"reason": f"{seen.reason}; {told}"})
    reason = f"{seen.reason}; but {told}"
    kept = {"verdict": TriageVerdict.UNSEEN, "severity": min(Severity.SEV3, seen.severity)}
    return seen.model_copy(update={**kept, "impact": told, "reason": reason})


def _confirmed(seen: Triage, standing: Headcount, told: str, graph: ServiceGraph) -> Triage:
    name = standing.service
    # Who takes part in no call that is known may be a job of the night.
    needed = not graph.calls or graph.callers(name) or graph.callees(name)
    severity = Severity.SEV1 if standing.running == 0 and needed else Severity.SEV2
    before = seen.verdict is TriageVerdict.CONFIRMED
    ended = [one.ended_at for one in standing.lost if one.ended_at is not None]
    given = {
        "verdict": TriageVerdict.CONFIRMED,
        "severity": min(severity, seen.severity) if before else severity,
        "signal": seen.signal if before else Signal.REPLICAS,
        "impact": f"{told}; {seen.impact}" if before else told,
        "reason": f"the platform confirms it: {told}" + (f"; {seen.reason}" if before else ""),
        "began": seen.began or (min(ended) if ended and not before else None),
    }
    return seen.model_copy(update=given)
