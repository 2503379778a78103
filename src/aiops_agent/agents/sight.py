"""What one look at telemetry says of an incident's alerts: confirmed, contradicted or unseen."""

from dataclasses import dataclass

from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.diagnosis import Triage, TriageVerdict
from aiops_agent.domain.meaning import AlertClaim, AlertMeaning, Refuter
from aiops_agent.domain.quantity import amount, signal_name
from aiops_agent.domain.remediation import TargetKind
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceName, Signal
from aiops_agent.reading.same import measures_the_same
from aiops_agent.reasoning import gather
from aiops_agent.reasoning.harm import Counted, calm, look, stale
from aiops_agent.reasoning.meanings import shown_by
from aiops_agent.reasoning.measure import Track, moment
from aiops_agent.reasoning.read_alert import Reading, State, TimeFrame, worst
from aiops_agent.reasoning.severity import impact_of, severity_of

TWICE = 2.0  # the usual p95: a mean or a higher quantile within it is no trouble
MOST_OTHERS = 5  # callers, and other subjects of an incident's alerts, that are looked at
SEEN_BY = (*gather.PAIN, Signal.TRAFFIC)  # a service that has these and lost them is not seen


@dataclass(frozen=True)
class TriageLook:
    """All that was read for one look."""

    briefing: Briefing
    graph: ServiceGraph
    meanings: tuple[AlertMeaning, ...]
    tracks: dict[gather.Key, Track]
    frame: TimeFrame
    missing: tuple[str, ...]
    values: dict[int, float]

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
            return unseen(self.briefing, signal, reason, (*self.missing, reason))
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
            impact=impact_of(self.service, self.graph, seen, suffering) + self._which(shown),
            reason=f"the signal confirms it: {reason}",
            missing=self.missing,
            began=None if self.frame.began is None else moment(self.frame.began),
            broken=any(
                self._breaks(name, one)
                for name, one in (*((self.service, one) for one in seen), *suffering)
            ),
        )

    def _breaks(self, service: ServiceName, found: Reading) -> bool:
        """Whether a reading is beyond what the owner of its service has promised."""
        level = self._counted(service).objective.level(found.signal)
        return level is not None and found.value is not None and found.value > level

    def _which(self, shown: Reading) -> str:
        """Return which instances the alerts name, where some are lost."""
        if shown.signal is not Signal.REPLICAS:
            return ""
        named = [
            one.subject.name
            for one in self.meanings
            if one.claim is AlertClaim.AVAILABILITY
            and one.subject.kind in {TargetKind.POD, TargetKind.TARGET}
            and one.subject.owner == self.service != one.subject.name
        ]
        return f"; named: {', '.join(dict.fromkeys(named))}" if named else ""

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
        for place, one in enumerate(self.meanings):
            found = self._contradicted(one)
            if isinstance(found, str):
                found = self._by_itself(one, self.values.get(place)) or found
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

    def _by_itself(self, meaning: AlertMeaning, value: float | None) -> Reading | None:
        """Return the reading of an alert's own value, where that is within what is allowed.

        Without an objective a quantile or mean may be twice the usual p95 of the service, and a
        share of failures what is harm nowhere.
        """
        name = ServiceName(meaning.subject.service or self.service)
        own = meaning.own
        whole = None if own is None else self._look(name, own.signal)
        if own is None or value is None or whole is None or whole.state is not State.FINE:
            return None
        counted = self._counted(name)
        if own.signal is Signal.ERRORS:
            level = counted.objective.errors or counted.harm.errors
        else:
            usual = TWICE * whole.shift.before if whole.shift is not None else 0.0
            level = counted.objective.latency or usual
        if not 0.0 <= value <= level:
            return None
        most = amount(own.signal, level)
        words = f"its own value is {amount(own.signal, value)}, up to {most} is fine"
        return Reading(own.signal, State.FINE, words, level=level, value=value)

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


def unseen(
    briefing: Briefing, signal: Signal | None, reason: str, missing: tuple[str, ...]
) -> Triage:
    """Return that nothing contradicts an alert, and nothing confirms it either."""
    return Triage(
        verdict=TriageVerdict.UNSEEN,
        severity=briefing.incident.severity,
        service=briefing.incident.service,
        signal=signal,
        impact="unknown: the alert can be neither confirmed nor contradicted",
        reason=reason,
        missing=tuple(dict.fromkeys(missing)),
    )
