"""Is the alert real, and how bad is it? Answered by the signals of the service that alerts."""

from datetime import timedelta

from pydantic import Field

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.material import known, wrapped
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.diagnosis import Triage, TriageVerdict
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.passage import Passage
from aiops_agent.domain.quantity import amount
from aiops_agent.domain.telemetry import Service, ServiceGraph, Signal
from aiops_agent.domain.value import Value
from aiops_agent.reasoning import gather
from aiops_agent.reasoning.measure import moment
from aiops_agent.reasoning.read_alert import Reading, State, TimeFrame, read, spoken_of, worst

NOBODY = "no model answered"
RECENT = timedelta(minutes=2)  # an alert is judged by what goes on now


async def triage(briefing: Briefing) -> Triage:
    """Return whether telemetry confirms the alert; what cannot be read never dismisses it."""
    service = briefing.incident.service
    gaps: list[tuple[str, str]] = []
    graph = await gather.read_graph(briefing.environment, service, gaps)
    missing = tuple(reason for _, reason in gaps)
    started = gather.beginning(briefing.incident)
    window = gather.around(briefing.incident, briefing.pace.baseline, briefing.now)
    try:
        tracks = await gather.read_signals(briefing.environment, (service,), tuple(Signal), window)
    except SourceError as error:
        reason = f"telemetry did not answer: {error}"
        return _unseen(briefing, None, reason, (*missing, reason))
    began = gather.find_start(tracks, service, started.timestamp())
    # The signals that decide: those the alert names, and what users feel.
    wanted = dict.fromkeys((*spoken_of(briefing.incident), *gather.PAIN))
    found = (tracks.get((service, signal)) for signal in wanted)
    promised = (graph.service(service) or Service(name=service)).objective
    longest = min(RECENT, 2 * briefing.pace.hold).total_seconds()
    frame = TimeFrame(began, briefing.now.timestamp(), longest)
    readings = tuple(read(seen, promised, frame) for seen in found if seen is not None)
    return _verdict(briefing, graph, readings, began, missing)


def _verdict(
    briefing: Briefing,
    graph: ServiceGraph,
    readings: tuple[Reading, ...],
    began: float | None,
    missing: tuple[str, ...],
) -> Triage:
    named = spoken_of(briefing.incident)
    bad = worst(readings, named)
    if bad is not None:
        return Triage(
            verdict=TriageVerdict.CONFIRMED,
            severity=_severity(briefing, graph, readings),
            service=briefing.incident.service,
            signal=bad.signal,
            impact=_impact(briefing, graph, readings, bad),
            reason=f"the signal confirms it: {bad.words}",
            missing=missing,
            began=None if began is None else moment(began),
        )
    signal = next((one.signal for one in readings if one.signal in named), None)
    fine = [one for one in readings if one.state is State.FINE]
    # Without the signal that the alert names (or, if it names none, any) nothing contradicts it.
    decisive = [one for one in fine if one.signal in named] if named else fine
    if not decisive:
        nothing = f"no signal of {briefing.incident.service} is seen"
        reason = "; ".join(one.words for one in readings) or nothing
        return _unseen(briefing, signal, reason, (*missing, reason))
    words = "; ".join(one.words for one in fine)
    return Triage(
        verdict=TriageVerdict.CONTRADICTED,
        severity=Severity.SEV4,
        service=briefing.incident.service,
        signal=decisive[0].signal,
        impact=f"no harm is seen at {briefing.incident.service}",
        reason=f"telemetry contradicts the alert: {words}",
        missing=missing,
    )


def _unseen(
    briefing: Briefing, signal: Signal | None, reason: str, missing: tuple[str, ...]
) -> Triage:
    return Triage(
        verdict=TriageVerdict.UNSEEN,
        severity=briefing.incident.severity,
        service=briefing.incident.service,
        signal=signal,
        impact="unknown: the alert can be neither confirmed nor contradicted",
        reason=reason,
        missing=tuple(dict.fromkeys(missing)),
    )


def _severity(briefing: Briefing, graph: ServiceGraph, readings: tuple[Reading, ...]) -> Severity:
    """Severity by the share of requests that suffer and by how near users are."""
    by_signal = {one.signal: one for one in readings if one.state is State.BAD}
    errors, slow = by_signal.get(Signal.ERRORS), by_signal.get(Signal.LATENCY)
    failing = errors.value if errors is not None and errors.value is not None else 0.0
    near_users = not graph.calls or not graph.callers(briefing.incident.service)
    if failing >= 0.5 or (failing >= 0.25 and near_users):
        return Severity.SEV1
    if failing >= 0.05:
        return Severity.SEV2
    if slow is None:
        return Severity.SEV3
    usual = slow.shift.before if slow.shift is not None else None
    level = slow.level or (2.0 * usual if usual else None)  # what is allowed, or twice the usual
    very_slow = level and (slow.value or 0.0) / level >= 2.0
    return Severity.SEV2 if very_slow else Severity.SEV3


def _impact(
    briefing: Briefing, graph: ServiceGraph, readings: tuple[Reading, ...], bad: Reading
) -> str:
    name = briefing.incident.service
    felt = (one for one in readings if one.signal in gather.PAIN and one.value is not None)
    words = [_harm(name, one) for one in felt if one.state is State.BAD]
    text = "; ".join(words) or f"{name}: {bad.words}"
    callers = graph.callers(name)
    if callers:
        text += f"; {', '.join(callers[:3])} {'needs' if len(callers) == 1 else 'need'} it"
    return text


def _harm(name: str, one: Reading) -> str:
    """Say what users feel; a 95th percentile beyond a level tells of more than 1 in 20."""
    value = one.value or 0.0
    if one.signal is Signal.ERRORS:
        return f"{_share(value)} {name} requests fails" if value else f"{name} requests fail"
    usual = one.shift.before if one.shift is not None else None
    level = one.level if one.level is not None and value > one.level else usual
    if level is None:
        return f"1 in 20 {name} requests takes longer than {amount(one.signal, value)}"
    return (
        f"more than 1 in 20 {name} requests is slower than {amount(one.signal, level)}"
        f" (95th percentile {amount(one.signal, value)})"
    )


def _share(share: float) -> str:
    if share >= 0.95:
        return "nearly every one of the"
    if share > 0.4:
        return f"{round(share * 10)} in 10"
    return f"1 in {round(1 / share)}"


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
