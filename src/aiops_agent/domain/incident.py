"""One incident: its status, who may follow whom, and what was tried."""

# limit: what an incident is, and what may become of it, in one place

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, Self

from aiops_agent.domain import remediation
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.approval import Verdict
from aiops_agent.domain.diagnosis import Diagnosis, Triage
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import TransitionError
from aiops_agent.domain.facts import Facts, PersonNote
from aiops_agent.domain.reasoning import PlanPick, SecondOpinion
from aiops_agent.domain.telemetry import Remains, ServiceName
from aiops_agent.domain.value import Value

IncidentId = NewType("IncidentId", str)


class Status(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    DIAGNOSING = "diagnosing"
    AWAITING_APPROVAL = "awaiting_approval"
    REMEDIATING = "remediating"
    VERIFYING = "verifying"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    ESCALATED = "escalated"


ENDED = (Status.RESOLVED, Status.DISMISSED, Status.ESCALATED)
_ONWARD: dict[Status, tuple[Status, ...]] = {
    Status.OPEN: (Status.DIAGNOSING, Status.DISMISSED),
    Status.DIAGNOSING: (Status.AWAITING_APPROVAL, Status.REMEDIATING, Status.VERIFYING),
    Status.AWAITING_APPROVAL: (Status.REMEDIATING, Status.VERIFYING, Status.DIAGNOSING),
    Status.REMEDIATING: (Status.VERIFYING, Status.DIAGNOSING),  # nothing of it was begun
    Status.VERIFYING: (Status.RESOLVED, Status.DIAGNOSING),
}
# While nothing of it acts people may change what an incident is about: it is triaged anew, or
# merged into another one.
_ONWARD |= {
    status: (*ways, Status.OPEN, Status.DISMISSED)
    for status, ways in _ONWARD.items()
    if status is not Status.OPEN
}
# Whatever has not ended may be escalated; an end is for good.
TRANSITIONS = {status: (*ways, Status.ESCALATED) for status, ways in _ONWARD.items()}
TRANSITIONS |= dict.fromkeys(ENDED, ())


class Ending(StrEnum):
    """How an incident ended, one step finer than its status."""

    FIXED = "fixed"  # an action helped, says telemetry
    HEALED = "healed"  # it recovered with no action of ours
    DISMISSED = "dismissed"  # nothing was wrong
    MERGED = "merged"  # a person put its alerts into another incident
    REJECTED = "rejected"  # a person said no
    DENIED = "denied"  # policy said no
    EXPIRED = "expired"  # nobody answered in time
    HANDED_OVER = "handed_over"  # no safe action: given to a person, nothing changed
    TAKEN_OVER = "taken_over"  # a person took it from us
    FAILED = "failed"  # acted, and telemetry does not say that it helped
    UNKNOWN = "unknown"  # acted, and nobody knows whether it landed

    @property
    def status(self) -> Status:
        """The status in which such an incident ends."""
        if self in (Ending.FIXED, Ending.HEALED):
            return Status.RESOLVED
        done = self in (Ending.DISMISSED, Ending.MERGED)
        return Status.DISMISSED if done else Status.ESCALATED


class Regrouping(StrEnum):
    """What people did to the alerts of an incident, as seen from this one."""

    SPLIT_OFF = "split_off"  # some went into a new incident
    SPLIT_FROM = "split_from"  # it began with alerts of another one
    MERGED_INTO = "merged_into"  # all went into another one: this one ends
    MERGED_FROM = "merged_from"  # it took all of another one


class Attempt(Value):
    """One round of diagnose, plan, act, verify; fields fill in as the round goes on."""

    number: int
    diagnosis: Diagnosis | None = None
    plan: remediation.Plan | None = None
    prepared: remediation.PreparedPlan | None = None
    approval: str = ""  # ApprovalRequest.id
    outcome: remediation.Outcome | None = None
    verification: remediation.Verification | None = None
    undo: remediation.Outcome | None = None
    undo_verification: remediation.Verification | None = None
    verdict: Verdict | None = None
    refuted: str = ""  # Hypothesis.key that this attempt refuted
    reasoned: SecondOpinion | None = None  # what a model makes of the diagnosis
    pick: PlanPick | None = None  # what a model would do
    remains: tuple[Remains, ...] = ()  # what its action destroyed, as it was just before

    def condensed(self) -> Self:
        """Return it without what only its report needed: courses of signals, lines of logs."""
        kept = {
            "diagnosis": self.diagnosis and self.diagnosis.condensed(),
            "verification": self.verification and self.verification.condensed(),
            "undo_verification": self.undo_verification and self.undo_verification.condensed(),
            "remains": tuple(one.model_copy(update={"lines": ()}) for one in self.remains),
        }
        return self.model_copy(update=kept)

    @property
    def left(self) -> tuple[remediation.Prepared, ...]:
        """The steps of which something stands, with a way back that was not gone."""
        if self.prepared is None or self.outcome is None:
            return ()
        if self.undo is not None and self.undo.state is remediation.EffectState.APPLIED:
            return ()
        done = {
            one.operation
            for one in self.outcome.effects
            if one.state is remediation.EffectState.APPLIED
        }
        return tuple(
            step
            for step in self.prepared.steps
            if step.undo and step.inverse and any(one.operation in done for one in step.requests)
        )


class ToldAlready(Value):
    """What people were told of an alert that fires again and again; moments are environment time.

    `since` is when they were told last that it fires again, and `severity` the worst they know of.
    """

    since: datetime
    severity: Severity
    handed_over: datetime | None = None  # when they were last left with it

    def again(self, at: datetime, severity: Severity, window: timedelta) -> bool:
        """Whether they know within the window already that it fires, and as bad as this."""
        return at - self.since < window and severity >= self.severity  # SEV1 sorts first

    def left(self, at: datetime, severity: Severity, window: timedelta) -> bool:
        """Whether they were left with it within the window, as bad as this."""
        since = self.handed_over
        return since is not None and at - since < window and severity >= self.severity


class IncidentSummary(Value):
    """What a list shows of an incident."""

    id: IncidentId
    environment: EnvironmentRef
    title: str
    service: ServiceName
    severity: Severity
    status: Status
    ending: Ending | None
    started_at: datetime
    opened_at: datetime
    ended_at: datetime | None
    takeover: bool


# What an end leaves in an incident, and a reopening takes out.
_OF_AN_END = (
    "status",
    "ended_at",
    "recovery",
    "ending",
    "takeover",
    "cut_short",
    "looking",
    "closed",
    "condensed",
)


class Incident(Value):
    """One problem of one environment. `id` never changes; `status` moves along TRANSITIONS."""

    id: IncidentId
    environment: EnvironmentRef
    title: str
    subject: remediation.Target  # what the alert is about
    alert_names: tuple[str, ...]
    summary: str  # the sender's words; untrusted
    severity: Severity
    status: Status = Status.OPEN
    note: str = ""  # why it is in this status
    started_at: datetime  # when trouble began, environment time, our best knowledge
    opened_at: datetime  # environment time
    ended_at: datetime | None = None
    recovery: remediation.Recovery | None = None
    ending: Ending | None = None
    triage: Triage | None = None
    attempts: tuple[Attempt, ...] = ()
    takeover: bool = False  # a person took it over: the agent stops
    cut_short: str = ""  # the limit that was reached, in words: what is known is known in part
    notes: tuple[PersonNote, ...] = ()  # what people said while it went on
    after: str = ""  # the incident after whose end its alert fired again, within the flap window
    firings: int = 1  # how often it fired in such a row, this time included
    told: ToldAlready | None = None  # of that row
    round: int = 0  # how often it was looked at again after an end; each time is a story of its own
    looking: bool = False  # it ended, and is looked at again
    watched: bool = False  # the watch opened it, and no alert has joined it
    closed: bool = False  # its report is written: only then may it be looked at again
    condensed: bool = False  # it is old: what was looked at left the store, its report stays
    split_from: str = ""  # the incident from which a person split it off
    merged_into: str = ""  # the incident into which a person merged it: this one ends
    regrouped: bool = False  # people changed its alerts: what is under way rests on others
    groupings: int = 0  # how often it began anew for that

    @property
    def facts(self) -> Facts:
        """What was found, asked, refuted and said so far: what every agent reads."""
        rounds = [(a.number, a) for a in self.attempts]
        return Facts(
            found=tuple(line for n, a in rounds for line in _found(n, a)),
            asked=tuple(line for n, a in rounds for line in _asked(n, a)),
            refuted=tuple(f"attempt {n}: {a.refuted}" for n, a in rounds if a.refuted),
            notes=self.notes,
        )

    @property
    def service(self) -> ServiceName:
        """The subject's name as that of a service."""
        return self.subject.service

    @property
    def affected(self) -> tuple[ServiceName, ...]:
        """The subject, then every other service whose signals moved in any attempt."""
        moved = (name for a in self.attempts if a.diagnosis for name in a.diagnosis.affected)
        return tuple(dict.fromkeys((self.service, *moved)))

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen, unless it is looked at again."""
        return self.status in ENDED

    @property
    def active(self) -> bool:
        """Whether a story of it is due or under way."""
        return self.looking or not self.ended

    @property
    def acting(self) -> bool:
        """Whether an action is being sent, or was sent and is neither verified nor taken back."""
        tried = self.attempt
        sent = tried is not None and tried.outcome is not None
        return self.status is Status.REMEDIATING or (sent and self.status is Status.VERIFYING)

    @property
    def story(self) -> str:
        """The name of its present story; the first one has the incident's own."""
        return f"{self.id}~{self.round}" if self.round else str(self.id)

    @property
    def attempt(self) -> Attempt | None:
        """The present attempt, if one began."""
        return self.attempts[-1] if self.attempts else None

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The newest diagnosis: what is believed now, or was at the end."""
        made = (attempt.diagnosis for attempt in reversed(self.attempts) if attempt.diagnosis)
        return next(made, None)

    @property
    def resolved_at(self) -> datetime | None:
        """When it was resolved; None when it was dismissed, escalated, or is not over."""
        return self.ended_at if self.status is Status.RESOLVED else None

    @property
    def acted(self) -> bool:
        """Whether any request was sent in any attempt."""
        return any(a.outcome is not None and a.outcome.begun for a in self.attempts)

    @property
    def in_short(self) -> IncidentSummary:
        """What a list shows of it."""
        return IncidentSummary.of({n: getattr(self, n) for n in IncidentSummary.model_fields})

    def move(self, status: Status, note: str, *, at: datetime) -> Self:
        """Return the incident in `status`; moving to the present status changes nothing."""
        if status is self.status:
            return self
        if status not in TRANSITIONS[self.status]:
            raise TransitionError(f"{self.id} may not go from {self.status} to {status}.")
        ended = at if status in ENDED else None
        return self.model_copy(update={"status": status, "note": note, "ended_at": ended})

    def condense(self) -> Self:
        """Return it as it is kept for good, beside its report."""
        slim = tuple(attempt.condensed() for attempt in self.attempts)
        return self.model_copy(update={"attempts": slim, "condensed": True})

    def look_again(self) -> Self:
        """Return it as it waits for another look, while it stays ended."""
        self._may_go_on()
        return self.model_copy(update={"round": self.round + 1, "looking": True, "closed": False})

    def reopen(self, note: str) -> Self:
        """Return it open again, under a story of its own unless one looks at it already."""
        if not self.looking:
            self._may_go_on()
        number = self.round if self.looking else self.round + 1
        at_first = {name: type(self).model_fields[name].default for name in _OF_AN_END}
        return self.model_copy(update={**at_first, "note": note, "round": number})

    def begin_anew(self, at: datetime) -> Self:
        """Return it as its changed alerts find it: at triage again."""
        moved = self.move(Status.OPEN, "people changed its alerts: it begins anew", at=at)
        return moved.model_copy(update={"regrouped": False, "groupings": self.groupings + 1})

    def following(self, before: Self, at: datetime, window: timedelta) -> Self:
        """Return it linked to the incident after whose end its alert fires again within `window`.

        One that ended earlier, or has not ended, is no incident to link to.
        """
        if before.ended_at is None or at - before.ended_at >= window:
            return self
        told, since, severity = before.told, at, min(before.severity, self.severity)
        if told is not None and told.again(at, self.severity, window):
            since, severity = told.since, min(told.severity, severity)
        left = told.handed_over if told else None
        left = before.ended_at if before.status is Status.ESCALATED else left
        known = ToldAlready(since=since, severity=severity, handed_over=left)
        link = {"after": before.id, "firings": before.firings + 1, "told": known}
        return self.model_copy(update=link)

    def _may_go_on(self) -> None:
        if not self.ended or not self.closed or self.looking:
            raise TransitionError(f"{self.id} is {self.status}: only what has ended is reopened.")

    def amend(self, attempt: Attempt) -> Self:
        """Return the incident with that attempt added, or replaced if its number is known."""
        kept = tuple(a for a in self.attempts if a.number != attempt.number)
        joined = tuple(sorted((*kept, attempt), key=lambda a: a.number))
        return self.model_copy(update={"attempts": joined})


def _found(number: int, attempt: Attempt) -> list[str]:
    # Not before there is a plan: a model's first word on the cause is its own.
    found = attempt.diagnosis.best if attempt.diagnosis and attempt.plan else None
    lines = [f"attempt {number}: statistics suspect {found.statement}"] if found else []
    plan, seen = attempt.plan, attempt.verification
    if plan is not None and attempt.outcome is not None:
        done = ", ".join(action.text for action in plan.actions)
        then = f"; telemetry: {seen.recovery}" if seen else ""
        lines.append(f"attempt {number}: ran {done}{then}")
    return lines


def _asked(number: int, attempt: Attempt) -> list[str]:
    said = [one.words for one in (attempt.reasoned, attempt.pick) if one]
    objections = attempt.verdict.opinions if attempt.verdict else ()
    said += [f"as critic: {one.reason}" for one in objections if one.rule == "critic"]
    return [f"attempt {number}: a model {words}" for words in said]
