"""One look at an alert or a service: triage, diagnosis, and a model beside them where asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from aiops_agent.agents.briefing import Briefing, Pace
from aiops_agent.agents.diagnose import diagnose
from aiops_agent.agents.strange import triage_or_leave
from aiops_agent.domain.alert import (
    NO_ALERTS,
    REPLICA_LABELS,
    Alert,
    AlertList,
    IncidentAlert,
    Severity,
)
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.diagnosis import Diagnosis, TriageVerdict
from aiops_agent.domain.errors import SourceError, UsageError
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.investigated import Investigated
from aiops_agent.domain.postmortem import PastIncident, Postmortem
from aiops_agent.domain.reasoning import SecondOpinion
from aiops_agent.domain.remediation import Target, TargetKind
from aiops_agent.domain.service_status import ServiceNow
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.telemetry import AlertRule, Service, ServiceGraph, ServiceName
from aiops_agent.ports.memory import Hit, RecallQuery
from aiops_agent.ports.telemetry import Environment
from aiops_agent.readonly.alerts import SameCause, began, grouped
from aiops_agent.readonly.status import read_service
from aiops_agent.reasoning.exhibit import ARRIVES
from aiops_agent.reasoning.troubles import near, read_troubles
from aiops_agent.reasoning.weigh import lowered

Reason: TypeAlias = Callable[[Briefing, Diagnosis], Awaitable[Answer[SecondOpinion]]]
NAME = IncidentId("INC-0")  # no incident: nothing of that name is ever kept
# A beginning is looked for until a minute after what is said of it; without a word: until now.
LATELY = timedelta(seconds=60)
MOST_ALERTS = 1000  # of one group that are looked at; more say the same


@dataclass(frozen=True)
class LookRequest:
    """What is to be looked at: a service, or what alerts speak of."""

    service: str = ""
    alerts: tuple[Alert, ...] = ()
    since: timedelta | None = None  # how far back the beginning is looked for


class NothingRemembered:
    """A memory without a store: it holds nothing and keeps nothing."""

    def remember(self, case: PastIncident, report: Postmortem | None) -> None:
        """Keep nothing."""

    def recall(self, query: RecallQuery) -> tuple[Hit, ...]:
        """Return nothing."""
        del query
        return ()


async def investigate(
    environment: Environment, question: LookRequest, pace: Pace, reason: Reason | None = None
) -> Investigated:
    """Return what is the matter, as statistics say it; `reason` lets a model think about it, too.

    Raises UsageError when there is nothing of that name.
    """
    now = environment.clock.now()
    graph = await _graph(environment)
    chosen, others = await _chosen(environment, graph, question)
    alerts = _alerts(chosen, now)
    briefing = Briefing(
        incident=_incident(environment, chosen, now),
        environment=environment,
        memory=NothingRemembered(),
        now=now,
        pace=replace(pace, baseline=max(pace.baseline, question.since or timedelta())),
        alerts=alerts,
    )
    found = Investigated(
        environment=environment.ref,
        service=chosen.service,
        at=now,
        alerts=alerts,
        left_out=tuple(one.words for one in others),
    )
    found = await _looked(found, briefing, graph)
    return await _reasoned(found, briefing, reason) if reason else found


async def _looked(found: Investigated, briefing: Briefing, graph: ServiceGraph) -> Investigated:
    """Add how the service is, what is to be said of its alerts, and the cause, as far as seen."""
    environment, alerted = briefing.environment, briefing.alerts.total > 0
    told, missing = await read_troubles(environment)
    found = found.model_copy(update={"troubles": near(told, (found.service,)), "missing": missing})
    try:
        if not alerted:
            service = graph.service(found.service) or Service(name=found.service)
            now = await read_service(environment, service, briefing.pace.harm)
            missing = (*missing, *_blind(now))
            found = found.model_copy(update={"now": now, "missing": missing})
        seen = await triage_or_leave(briefing)
        found = found.model_copy(update={"triage": seen})
        if seen.not_mine is None and seen.verdict is not TriageVerdict.CONTRADICTED:
            incident = briefing.incident.model_copy(update={"triage": seen})
            made = await diagnose(replace(briefing, incident=incident))
            made = made if alerted else _without_alert(made)
            found = found.model_copy(update={"diagnosis": made})
    except SourceError as error:
        return found.model_copy(update={"missing": (*found.missing, str(error))})
    return found


async def _reasoned(found: Investigated, briefing: Briefing, reason: Reason) -> Investigated:
    """Add what a model makes of the diagnosis; where it disagrees, less is sure."""
    if found.diagnosis is None:
        return found
    said = await reason(briefing, found.diagnosis)
    sure = found.diagnosis if said.value is None else lowered(found.diagnosis, said.value)
    told = {"diagnosis": sure, "opinion": said.value, "effort": said.effort}
    return found.model_copy(update={**told, "missing": (*found.missing, *said.lost)})


async def _chosen(
    environment: Environment, graph: ServiceGraph, question: LookRequest
) -> tuple[SameCause, tuple[SameCause, ...]]:
    if question.service and question.service not in graph.names and graph.names:
        hint = did_you_mean(question.service, graph.names)
        hint = hint or f" There are: {', '.join(sorted(graph.names)[:12])}."
        raise UsageError(f"{environment.ref} has no service {question.service!r}.{hint}")
    rules = await _rules(environment) if question.alerts else {}
    groups = grouped(question.alerts, graph, rules, service=question.service)
    if groups:
        return groups[0], groups[1:]
    if not question.service:
        raise UsageError("None of these alerts fires; name a service with --service NAME.")
    return SameCause(ServiceName(question.service), TargetKind.SERVICE, ()), ()


async def _graph(environment: Environment) -> ServiceGraph:
    try:
        return await environment.topology.graph()
    except SourceError:  # told by triage, which reads it again
        return ServiceGraph(services=())


async def _rules(environment: Environment) -> dict[str, list[AlertRule]]:
    found: dict[str, list[AlertRule]] = {}
    try:
        for one in await environment.rules.rules():
            found.setdefault(one.name, []).append(one)
    except SourceError:  # an alert's own link has to do
        pass
    return found


def _incident(environment: Environment, chosen: SameCause, now: datetime) -> Incident:
    """Return the incident that would be opened; it is shown to agents and kept nowhere."""
    first = chosen.alerts[0] if chosen.alerts else None
    summary = first.summary if first else f"a look at {chosen.service}"
    ref = environment.ref
    return Incident(
        id=NAME,
        environment=ref,
        title=summary,
        subject=Target(environment=ref, kind=chosen.kind, name=chosen.service),
        alert_names=tuple(dict.fromkeys(one.name for one in chosen.alerts)),
        summary=summary,
        severity=chosen.severity if first else Severity.SEV4,
        started_at=min((*(began(one, now) for one in chosen.alerts), now - LATELY)),
        opened_at=now,
    )


def _alerts(chosen: SameCause, now: datetime) -> AlertList:
    kept = tuple(
        IncidentAlert.model_validate(
            {
                **dict(one),
                "key": one.identity(REPLICA_LABELS),
                "incident": NAME,
                "since": began(one, now),
                "last_seen": now,
            }
        )
        for one in chosen.alerts[:MOST_ALERTS]
    )
    return AlertList(shown=kept, total=len(chosen.alerts)) if kept else NO_ALERTS


def _without_alert(made: Diagnosis) -> Diagnosis:
    """Return a diagnosis for which no alert arrived."""
    steps = tuple(one for one in made.sequence if not one.endswith(ARRIVES))
    return made.model_copy(update={"sequence": steps})


def _blind(now: ServiceNow) -> tuple[str, ...]:
    """Say that nothing can be said of a service of which users feel nothing that is seen."""
    if now.seen:
        return ()
    return (f"neither latency nor errors of {now.service} are seen; see: aiops services",)
