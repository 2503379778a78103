"""What a report rests on: one incident and its events, and all of it shown in the appendix."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.agents.report_page import Chapter, Code, Line, Table, finding_title
from aiops_agent.domain.alert import AlertList, AlertState
from aiops_agent.domain.answer import Effort
from aiops_agent.domain.approval import Decision
from aiops_agent.domain.diagnosis import Diagnosis, Finding, Hypothesis, TriageVerdict
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.labels import OWNERS
from aiops_agent.domain.payload import ApprovalDecided, VerificationSample
from aiops_agent.domain.remediation import Recovery, Verification
from aiops_agent.domain.sparkline import sparkline
from aiops_agent.reasoning.instances import state_words, use_words

_MOST_ALERTS = 20  # shown: a storm brings thousands that say the same
_CELLS = 24  # characters of a chart: with its label it fits into 80 columns


@dataclass(frozen=True)
class Material:
    """One incident, its events, oldest first, and its alerts. Times are of the environment."""

    incident: Incident
    events: tuple[Event, ...]
    alerts: AlertList

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The newest diagnosis: what is believed at the end."""
        return self.incident.diagnosis

    @property
    def best(self) -> Hypothesis | None:
        """The likeliest cause at the end, if any."""
        return self.diagnosis.best if self.diagnosis else None

    @property
    def late(self) -> timedelta:
        """How long the trouble lasted before anybody was told."""
        return self.incident.opened_at - self.incident.started_at

    @property
    def mitigated(self) -> datetime | None:
        """The first sample since when all that was bad is in its target; None while it is not."""
        seen = self.last_seen
        if seen is None or seen.recovery is not Recovery.RECOVERED:
            return self.incident.resolved_at
        inside = [check.inside for check in seen.checks if check.inside]
        return max(inside, default=self.incident.resolved_at)

    @property
    def last_seen(self) -> Verification | None:
        """The newest look at telemetry after acting, taking back, or watching."""
        told = (event.payload for event in reversed(self.events))
        return next((t.verification for t in told if isinstance(t, VerificationSample)), None)

    @property
    def ongoing(self) -> bool:
        """Whether it hurt, as far as anybody could see, when it was last looked at."""
        if seen := self.last_seen:
            return seen.recovery is not Recovery.RECOVERED
        triage = self.incident.triage
        return triage is None or triage.verdict is not TriageVerdict.CONTRADICTED

    @property
    def owners(self) -> tuple[str, ...]:
        """Whom the alerts name as the owner."""
        said = (label for alert in self.alerts.shown for label in alert.labels.items())
        return tuple(dict.fromkeys(value for name, value in said if name in OWNERS and value))

    @property
    def missing(self) -> tuple[str, ...]:
        """Sources that triage could not read."""
        return self.incident.triage.missing if self.incident.triage else ()

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Every answer that counted, as it was given."""
        told = (event.payload for event in self.events)
        return tuple(t.decision for t in told if isinstance(t, ApprovalDecided))

    @property
    def efforts(self) -> tuple[tuple[str, Effort], ...]:
        """What went into each piece of work, with the agent that did it."""
        return tuple((event.agent, event.effort) for event in self.events if event.effort)

    @property
    def findings(self) -> tuple[tuple[int, Finding], ...]:
        """Every finding with the number of its attempt."""
        made = [(a.number, a.diagnosis) for a in self.incident.attempts if a.diagnosis]
        return tuple((number, one) for number, found in made for one in found.findings)


def appendix(m: Material) -> Chapter:
    """Write everything that the chapters rest on; the only place that names people."""
    kept = (_remains(m),) if any(one.remains for one in m.incident.attempts) else ()
    parts = (_alerts(m), _evidence(m), *kept, _requests(m), _policy(m), _answers(m))
    return Chapter("appendix", "Appendix", parts=parts)


def _alerts(m: Material) -> Chapter:
    parts = []
    for number, alert in enumerate(m.alerts.shown[:_MOST_ALERTS], start=1):
        state = "still" if alert.state is AlertState.FIRING else "no more, says its sender"
        since, last = (f"{at:%Y-%m-%d %H:%M:%S}" for at in (alert.since, alert.last_seen))
        points: list[Line] = [f"Fired from {since} UTC; at {last} UTC {state}."]
        points += [(f"{n.capitalize()}: ", Code(", ".join(said))) for n, said in alert.brought]
        parts.append(Chapter(f"alert_{number}", f"{number}. {alert.name}", points=tuple(points)))
    left = m.alerts.total - len(parts)
    more = (f"{left} more alerts are kept with the incident.",) if left else ()
    return Chapter("alerts", "Alerts", sentences=more, parts=tuple(parts))


def _evidence(m: Material) -> Chapter:
    parts = []
    for number, one in m.findings:
        points: list[Line] = [f"{one.service} {one.what}: {one.before} → {one.now}"]
        if one.trend:
            bars = sparkline(one.trend, _CELLS, changed=one.changed)
            points.append(("Course, oldest left: ", Code(bars)))
        points.append((f"From {one.source}: ", Code(one.query)))
        title = finding_title(number, one.id)
        parts.append(Chapter(f"{one.id}.{number}", title, points=tuple(points)))
    return Chapter("evidence", "Evidence", parts=tuple(parts))


def _remains(m: Material) -> Chapter:
    parts = []
    for attempt in m.incident.attempts:
        for place, one in enumerate(attempt.remains, start=1):
            work = one.workload
            points: list[Line] = [", ".join([state_words(work), *use_words(work)])]
            if work.started_at:
                points.append(f"Started at {work.started_at:%Y-%m-%d %H:%M:%S} UTC.")
            if work.image:
                points.append(("Image: ", Code(f"{work.image} {work.image_id}".strip())))
            points += [(f"{line.at:%H:%M:%S} ", Code(line.text)) for line in one.lines]
            title = f"{work.name}, before attempt {attempt.number}"
            parts.append(Chapter(f"remains_{attempt.number}_{place}", title, points=tuple(points)))
    return Chapter("remains", "Kept of what an action ended", parts=tuple(parts))


def _requests(m: Material) -> Chapter:
    rows: list[tuple[Line, ...]] = [
        (str(attempt.number), way, (Code(effect.words),), effect.state.value, effect.note)
        for attempt in m.incident.attempts
        for way, outcome in (("do", attempt.outcome), ("undo", attempt.undo))
        for effect in (outcome.effects if outcome else ())
    ]
    heads = ("attempt", "way", "request", "became", "answer")
    return Chapter("run", "Requests sent", table=Table("requests", heads, tuple(rows)))


def _policy(m: Material) -> Chapter:
    rows: list[tuple[Line, ...]] = [
        (str(attempt.number), opinion.rule, opinion.ruling.value, opinion.reason)
        for attempt in m.incident.attempts
        for opinion in (attempt.verdict.opinions if attempt.verdict else ())
    ]
    heads = ("attempt", "rule", "ruling", "reason")
    return Chapter("policy", "Policy decisions", table=Table("opinions", heads, tuple(rows)))


def _answers(m: Material) -> Chapter:
    rows: list[tuple[Line, ...]] = []
    for decision in m.decisions:
        word = "approved" if decision.approve else "rejected"
        given = decision.document()
        texts = (given[key] for key in ("by", "surface", "at", "reason"))
        rows.append((word, *texts, (Code(decision.digest),)))
    heads = ("answer", "by", "where", "when (wall time)", "reason", "plan digest")
    return Chapter("answers", "Who answered", table=Table("decisions", heads, tuple(rows)))
