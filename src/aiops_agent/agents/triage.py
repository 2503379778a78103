"""Is the alert real, and how bad is it? Answered by the signals of the service that alerts.

Only a signal of the very subject and claim, read now, may contradict an alert; what cannot be read
never dismisses it.
"""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.material import known, wrapped
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.diagnosis import Triage, TriageVerdict
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.meaning import AlertMeaning, Refuter
from aiops_agent.domain.passage import Passage
from aiops_agent.domain.quantity import signal_name
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceName, Signal, Window
from aiops_agent.domain.value import Value
from aiops_agent.reading.same import measures_the_same
from aiops_agent.reasoning import gather
from aiops_agent.reasoning.harm import Counted, calm, look, silent, stale
from aiops_agent.reasoning.meanings import read_meanings, shown_by
from aiops_agent.reasoning.measure import Track, median, moment
from aiops_agent.reasoning.read_alert import Reading, State, TimeFrame, worst
from aiops_agent.reasoning.severity import impact_of, severity_of

NOBODY = "no model answered"
RECENT = timedelta(minutes=2)  # an alert is judged by what goes on now
DAY = timedelta(days=1)  # traffic repeats by the day
AROUND = timedelta(minutes=10)  # of the same time a day earlier
MOST_OTHERS = 5  # callers, and other subjects of an incident's alerts, that are looked at
FARTHEST = timedelta(hours=6)  # what an alert averages over longer is not read again
SEEN_BY = (*gather.PAIN, Signal.TRAFFIC)  # a service that has these and lost them is not seen


async def triage(briefing: Briefing) -> Triage:
    """Return whether telemetry confirms the alert; what cannot be read never dismisses it."""
    incident, service = briefing.incident, briefing.incident.service
    gaps: list[tuple[str, str]] = []
    graph = await gather.read_graph(briefing.environment, service, gaps)
    missing = tuple(reason for _, reason in gaps)
    meanings = await read_meanings(
        briefing.environment.rules, incident, briefing.alerts, graph.names
    )
    longest = max((one.window for each in meanings for one in each.refuters), default=0.0)
    baseline = max(briefing.pace.baseline, min(timedelta(seconds=3 * longest), FARTHEST))
    window = gather.around(incident, baseline, briefing.now)
    others = [one.subject.service for one in meanings if one.refuters or one.alike]
    asked = (service, *graph.callers(service)[:MOST_OTHERS], *others[:MOST_OTHERS])
    services = tuple(dict.fromkeys(map(ServiceName, asked)))
    try:
        tracks = await gather.read_signals(briefing.environment, services, tuple(Signal), window)
    except SourceError as error:
        reason = f"telemetry did not answer: {error}"
        return _unseen(briefing, None, reason, (*missing, reason))
    started = gather.beginning(incident).timestamp()
    began = gather.find_start(tracks, service, started)
    recent = min(RECENT, 2 * briefing.pace.hold).total_seconds()
    frame = TimeFrame(began, briefing.now.timestamp(), recent)
    sight = _Sight(briefing, graph, meanings, tracks, frame, missing)
    usual = await _quiet_a_day_ago(briefing, sight)
    return sight.verdict(silence_is_usual=usual)


async def _quiet_a_day_ago(briefing: Briefing, sight: "_Sight") -> bool:
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


@dataclass(frozen=True)
class _Sight:
    """All that was read for one look."""

    briefing: Briefing
    graph: ServiceGraph
    meanings: tuple[AlertMeaning, ...]
    tracks: dict[gather.Key, Track]
    frame: TimeFrame
    missing: tuple[str, ...]

    @property
    def service(self) -> ServiceName:
        """Whom the incident is about."""
        return self.briefing.incident.service

    def verdict(self, *, silence_is_usual: bool) -> Triage:
        """Return what the signals say of the alerts."""
        named = shown_by(self.meanings)
        wanted = dict.fromkeys((*named, *gather.PAIN, Signal.TRAFFIC))
        readings = [self._look(self.service, signal) for signal in wanted]
        seen = tuple(
            one
            for one in readings
            if one is not None and (one.signal is not Signal.TRAFFIC or one.signal in named
                                    or (one.value == 0.0 and not silence_is_usual))
        )  # fmt: skip
        suffering = self._suffering()
        bad = worst(seen, named)
        well = any(one.state is State.FINE for one in seen if one.signal in gather.PAIN)
        if bad is not None or (suffering and not well):
            return self._confirmed(seen, bad, suffering)
        signal = next((one.signal for one in seen if one.signal in named), None)
        doubts, fine = self._refuted()
        if suffering:
            doubts.append(f"{suffering[0][0]} suffers: {suffering[0][1].words}")
        if doubts:
            reason = "; ".join(dict.fromkeys(doubts))
            return _unseen(self.briefing, signal, reason, (*self.missing, reason))
        shown = [*fine, *(one for one in seen if one.state is State.FINE)]
        words = "; ".join(dict.fromkeys(one.words for one in shown))
        other = f"{signal_name(fine[0].signal)} of {self.service} is fine"
        return Triage(
            verdict=TriageVerdict.CONTRADICTED,
            severity=Severity.SEV4,
            service=self.service,
            signal=fine[0].signal,
            impact=f"no harm is seen at {self.service}" if well else other,
            reason=f"telemetry contradicts the alert: {words}",
            missing=self.missing,
        )

    def _confirmed(
        self,
        seen: tuple[Reading, ...],
        bad: Reading | None,
        suffering: list[tuple[ServiceName, Reading]],
    ) -> Triage:
        callers = [one for _, one in suffering]
        shown = bad or callers[0]
        reason = shown.words if bad is not None else f"{suffering[0][0]} suffers: {shown.words}"
        return Triage(
            verdict=TriageVerdict.CONFIRMED,
            severity=severity_of(self.service, self.graph, seen, callers),
            service=self.service,
            signal=shown.signal,
            impact=impact_of(self.service, self.graph, seen, suffering),
            reason=f"the signal confirms it: {reason}",
            missing=self.missing,
            began=None if self.frame.began is None else moment(self.frame.began),
        )

    def _refuted(self) -> tuple[list[str], list[Reading]]:
        """Return what keeps the alerts from being dismissed, and what contradicts them."""
        fine: list[Reading] = []
        doubts = [
            f"{signal_name(signal)} of {self.service} is no longer seen"
            for signal in SEEN_BY
            if (seen := self.tracks.get((self.service, signal))) is not None
            and stale(seen, self.frame.now)
        ]
        if self.briefing.alerts.total > len(self.briefing.alerts.shown):
            doubts.append("not all of its alerts could be looked at")
        for one in self.meanings:
            found = self._contradicted(one)
            if isinstance(found, str):
                doubts.append(found)
            else:
                fine.append(found)
        if not self.meanings:
            doubts.append("no alert is on record")
        return doubts, fine

    def _contradicted(self, meaning: AlertMeaning) -> Reading | str:
        """Return the reading that contradicts an alert, or why nothing does."""
        name = ServiceName(meaning.subject.service or self.service)
        why = meaning.why
        for wanted in (*meaning.refuters, *self._alike(meaning, name)):
            seen = self.tracks.get((name, wanted.signal))
            if seen is None:
                why = f"{signal_name(wanted.signal)} of {name} is not seen"
                continue
            if wanted.one and not self._alone(name):
                why = f"it is about one instance, and only all of {name} are seen"
                continue
            traffic = self.tracks.get((name, Signal.TRAFFIC))
            found = calm(seen, wanted, self._counted(name), self.frame, traffic)
            if found.state is State.FINE:
                return found
            why = found.words
        return why

    def _alike(self, meaning: AlertMeaning, name: ServiceName) -> list[Refuter]:
        """Return the signals that are read from the very series that an alert measures."""
        found = [(one, self.tracks.get((name, one.signal))) for one in meaning.alike]
        return [
            one
            for one, seen in found
            if seen is not None and measures_the_same(meaning.measures, seen.query)
        ]

    def _suffering(self) -> list[tuple[ServiceName, Reading]]:
        """Return who of those that depend on it suffers, and how; the worst first."""
        callers = self.graph.callers(self.service)[:MOST_OTHERS]
        found = [(one, self._look(one, signal)) for one in callers for signal in gather.PAIN]
        bad = [(name, one) for name, one in found if one is not None and one.state is State.BAD]
        return sorted(bad, key=lambda each: (each[1].signal is not Signal.ERRORS, each[0]))

    def _look(self, service: ServiceName, signal: Signal) -> Reading | None:
        seen = self.tracks.get((service, signal))
        if seen is None:
            return None
        traffic = self.tracks.get((service, Signal.TRAFFIC))
        return look(seen, self._counted(service), self.frame, traffic)

    def _alone(self, service: ServiceName) -> bool:
        """Whether a service is known to have one replica, so that its signals are those of it."""
        seen = self.tracks.get((service, Signal.REPLICAS))
        described = self.graph.service(service)
        counted = None if described is None else described.replicas
        most = max(float(seen.values.max()) if seen is not None else 0.0, counted or 0)
        return most == 1.0

    def _counted(self, service: ServiceName) -> Counted:
        described = self.graph.service(service) or Service(name=service)
        return Counted(described.objective, described.replicas, self.briefing.pace.harm)


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
