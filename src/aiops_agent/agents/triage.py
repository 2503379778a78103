"""Is the alert real, and how bad is it? Answered by the signals of the service that alerts.

Only a signal of the very subject and claim, read now, may contradict an alert; what cannot be read
never dismisses it.
"""

from datetime import timedelta

from pydantic import Field

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.lost import with_instances
from aiops_agent.agents.material import known, wrapped
from aiops_agent.agents.sight import MOST_OTHERS, TriageLook, unseen
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.diagnosis import Triage, TriageVerdict
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.meaning import AlertClaim, AlertMeaning
from aiops_agent.domain.passage import Passage
from aiops_agent.domain.telemetry import ServiceGraph, ServiceName, Signal, Window
from aiops_agent.domain.value import Value
from aiops_agent.reasoning import gather
from aiops_agent.reasoning.harm import silent
from aiops_agent.reasoning.instances import read_standings
from aiops_agent.reasoning.meanings import read_meanings
from aiops_agent.reasoning.measure import median
from aiops_agent.reasoning.read_alert import TimeFrame

NOBODY = "no model answered"
RECENT = timedelta(minutes=2)  # an alert is judged by what goes on now
JUST_NOW = timedelta(seconds=30)  # and by so much at the least, however young it is
DAY = timedelta(days=1)  # traffic repeats by the day
AROUND = timedelta(minutes=10)  # of the same time a day earlier
FARTHEST = timedelta(hours=6)  # what an alert averages over longer is not read again


async def triage(briefing: Briefing) -> Triage:
    """Return whether telemetry confirms the alert; what cannot be read never dismisses it."""
    incident, service = briefing.incident, briefing.incident.service
    gaps: list[tuple[str, str]] = []
    graph = await gather.read_graph(briefing.environment, service, gaps)
    missing = tuple(reason for _, reason in gaps)
    meanings = await read_meanings(
        briefing.environment.rules, incident, briefing.alerts, graph.names
    )
    seen = await _by_signals(briefing, graph, meanings, missing)
    claims = {one.claim for one in meanings}
    return with_instances(
        seen,
        await read_standings(briefing.environment, (service,), briefing.now),
        graph,
        about_instances=bool(claims & {AlertClaim.AVAILABILITY, AlertClaim.RESTARTS}),
    )


async def _by_signals(
    briefing: Briefing,
    graph: ServiceGraph,
    meanings: tuple[AlertMeaning, ...],
    missing: tuple[str, ...],
) -> Triage:
    """Return what the signals say, of the service itself and of those that depend on it."""
    incident, service = briefing.incident, briefing.incident.service
    longest = max((one.window for each in meanings for one in each.refuters), default=0.0)
    baseline = max(
        briefing.pace.baseline, timedelta(seconds=min(3 * longest, FARTHEST.total_seconds()))
    )
    window = gather.around(incident, baseline, briefing.now)
    others = [one.subject.service for one in meanings if one.refuters or one.alike]
    asked = (service, *graph.callers(service)[:MOST_OTHERS], *others[:MOST_OTHERS])
    services = tuple(dict.fromkeys(map(ServiceName, asked)))
    try:
        tracks = await gather.read_signals(briefing.environment, services, tuple(Signal), window)
    except SourceError as error:
        reason = f"telemetry did not answer: {error}"
        return unseen(briefing, None, reason, (*missing, reason))
    started = gather.beginning(incident).timestamp()
    began = gather.find_start(tracks, service, started)
    recent = min(RECENT, 2 * briefing.pace.hold).total_seconds()
    now = briefing.now.timestamp()
    if began is None:  # what was before its alerts says nothing against them
        fired = min((one.since.timestamp() for one in briefing.alerts.shown), default=started)
        recent = min(recent, max(now - fired, JUST_NOW.total_seconds()))
    frame = TimeFrame(began, now, recent)
    values = await _own_values(briefing, meanings)
    sight = TriageLook(briefing, graph, meanings, tracks, frame, missing, values)
    usual = await _quiet_a_day_ago(briefing, sight)
    return sight.verdict(silence_is_usual=usual)


async def _quiet_a_day_ago(briefing: Briefing, sight: TriageLook) -> bool:
    """Whether nobody asked at this time a day earlier either, where that is on record."""
    service = briefing.incident.service
    seen = sight.tracks.get((service, Signal.TRAFFIC))
    if seen is None or not silent(seen, sight.frame):
        return False
    then = briefing.now - DAY
    window = Window(start=then - AROUND, end=then + AROUND)
    try:
        found = await briefing.environment.metrics.read((service,), (Signal.TRAFFIC,), window)
    except SourceError:
        return False
    values = [value for one in found for value in one.values if value is not None]
    return bool(values) and median(values) <= 0.0


async def _own_values(briefing: Briefing, meanings: tuple[AlertMeaning, ...]) -> dict[int, float]:
    """Return the present values of the alerts' own rules, by the place of the alert.

    Only rules that the environment lists are evaluated, and only where the alert's labels are
    those of one series.
    """
    found: dict[int, float] = {}
    for place, (meaning, alert) in enumerate(zip(meanings, briefing.alerts.shown, strict=False)):
        if meaning.own is None or place >= MOST_OTHERS:
            continue
        try:
            readings = await briefing.environment.rules.evaluate(meaning.own.rule)
        except SourceError:  # without its value it is not refuted by it
            continue
        labels = alert.labels.items()
        own = [one for one in readings if one.labels.items() - {("__name__", "")} <= labels]
        if len(own) == 1 and own[0].value is not None:
            found[place] = own[0].value * meaning.own.scale
    return found


class TriageAnswer(Value):
    """Whether to look closer."""

    look: bool = Field(description="investigate although telemetry contradicts the alert")


async def look_closer(desk: Desk, briefing: Briefing, first: Answer[Triage]) -> Answer[Triage]:
    """Let a model keep an alert from being dismissed; it is asked once, and its word stays.

    A confirmed alert is diagnosed at once: nobody waits for a model there.
    """
    seen, before = first.value, briefing.incident.triage
    if seen is None or seen.verdict is not TriageVerdict.CONTRADICTED:
        return first
    if before is not None and before.asked:
        kept = _stricter(briefing, seen, before.asked, look=bool(before.doubt))
        return Answer(value=kept, effort=first.effort)
    said = [f"verdict: {seen.verdict}", f"because {seen.reason}"]
    parts = [Passage("what code says of the alert", "\n".join(said)), *known(briefing)]
    answer = await desk.ask("triage", briefing, wrapped(parts), TriageAnswer, menus={})
    effort = first.effort.joined(answer.effort, answer.missing)
    if answer.value is None:  # asked in vain: a later look asks nobody again
        return Answer(value=seen.model_copy(update={"asked": NOBODY}), effort=effort)
    made = _stricter(briefing, seen, str(answer.effort.by), look=answer.value.look)
    return Answer(value=made, effort=effort)


def _stricter(briefing: Briefing, seen: Triage, by: str, *, look: bool) -> Triage:
    """Return the verdict no milder than it was: what is not dismissed is looked into.

    It is as bad as its sender says then, until telemetry shows how bad it is.
    """
    if not look:
        return seen.model_copy(update={"asked": by})
    doubt = "a model would not dismiss it"
    reason = f"{seen.reason}; but {doubt}"
    severity = min(seen.severity, briefing.incident.severity)  # SEV1 is the worst
    given = {"asked": by, "verdict": TriageVerdict.UNSEEN, "doubt": doubt, "reason": reason}
    return seen.model_copy(update={**given, "severity": severity})
