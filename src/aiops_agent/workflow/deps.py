"""What the workflow of an incident needs from outside, and its transactions on the incident."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from typing import Any

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.briefing import Pace
from aiops_agent.agents.crew import Crew, with_models
from aiops_agent.domain.alert import REPLICA_LABELS
from aiops_agent.domain.answer import Effort
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import AiopsError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Attempt, Incident
from aiops_agent.domain.payload import ApprovalEnded, HandsChanged, Payload, PolicyDecided
from aiops_agent.domain.point import Mark, unmarked
from aiops_agent.domain.runbook import Runbook
from aiops_agent.ports.memory import Memory
from aiops_agent.ports.store import Store, View, Work
from aiops_agent.ports.telemetry import Environments
from aiops_agent.safety import times
from aiops_agent.safety.assess import Rule
from aiops_agent.safety.execute import Executor


@dataclass(frozen=True)
class Terms:
    """Bounds of an incident's workflow. `expires` is wall time; the rest is environment time."""

    max_attempts: int = 3
    expires: timedelta = timedelta(minutes=15)
    window: timedelta = timedelta(minutes=5)  # alerts of one cause arrive within it
    deadman: timedelta = timedelta(minutes=10)  # the silence of an alert that fires always
    flap_window: timedelta = timedelta(hours=1)  # what fires within it after an end fires again
    replica_labels: frozenset[str] = frozenset(REPLICA_LABELS)  # of no alert's identity
    model_seconds: float = inf  # of an incident; more, and its report is partial
    blind: timedelta = timedelta(minutes=10)  # how long unreadable telemetry is waited for
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True)
class Deps:
    """Everything that an incident's workflow uses; `now` is wall time."""

    store: Store
    environments: Environments
    executor: Executor
    memory: Memory
    crew: Crew
    rules: Sequence[Rule]
    now: Callable[[], datetime]
    terms: Terms = field(default_factory=Terms)
    mark: Mark = unmarked
    runbooks: tuple[Runbook, ...] = ()
    clean: Callable[[str], str] = str  # what people say, without the secrets in it
    desk: Callable[[EnvironmentRef], Desk | None] = lambda _environment: None

    def crew_of(self, environment: EnvironmentRef) -> Crew:
        """Return who answers about an environment: with models only where they may be asked."""
        desk = self.desk(environment)
        return with_models(desk, self.crew) if desk else self.crew


@dataclass(frozen=True)
class IncidentTransaction:
    """Everything written inside is committed together; `at` is environment time.

    `wall` is the wall time by which questions and answers are judged, `now` that of this process.
    """

    work: Work
    incident: Incident
    at: datetime
    now: Callable[[], datetime]
    wall: datetime

    def tell(
        self,
        payload: Payload,
        message: str,
        key: str,
        *,
        refs: tuple[str, ...] = (),
        effort: Effort | None = None,
    ) -> None:
        """Append one event of the incident; the same type and key again changes nothing."""
        event = self.event(payload, message, key)
        if effort is not None:
            asked = "critique" if isinstance(payload, PolicyDecided) else event.agent
            self.handed(asked, effort.notes, f"{payload.type}-{key}")
        self.work.events.append(event.model_copy(update={"refs": refs, "effort": effort}))

    def handed(self, agent: str, whys: tuple[str, ...], key: str) -> None:
        """Tell each change of hands of an agent's question: which model failed, and who goes on."""
        for number, why in enumerate(whys, start=1):
            self.tell(HandsChanged(asked=agent, why=why), f"{agent}: {why}", f"{key}-{number}")

    def event(self, payload: Payload, message: str, key: str) -> Event:
        """Return an event of the incident, not yet appended."""
        # What was looked at again says the same things once more.
        told = f"{self.incident.round}~{key}" if self.incident.round else key
        return Event(
            key=f"{self.incident.id}:{payload.type}:{told}",
            incident=self.incident.id,
            environment=self.incident.environment,
            payload=payload,
            message=message,
            at=self.at,
            written_at=self.now(),
        )

    def keep(self, incident: Incident) -> None:
        """Store a changed incident."""
        self.work.incidents.put(incident)

    def reopen(self, note: str) -> "IncidentTransaction":
        """Store the incident open again, and return the transaction on it as it is now."""
        anew = replace(self, incident=self.incident.reopen(note))
        anew.keep(anew.incident)
        return anew

    def attempt(self, number: int) -> Attempt:
        """Return that attempt, or a new one of that number."""
        return attempt_of(self.incident, number)

    def amend(self, number: int, **facts: Any) -> Attempt:
        """Store the incident with these facts in that attempt, and return the attempt."""
        changed = self.attempt(number).model_copy(update=facts)
        self.keep(self.incident.amend(changed))
        return changed


def attempt_of(incident: Incident, number: int) -> Attempt:
    """Return that attempt of an incident, or a new one of that number."""
    known = (attempt for attempt in incident.attempts if attempt.number == number)
    return next(known, Attempt(number=number))


def incident_of(deps: Deps, incident_id: str) -> Incident:
    """Return an incident that is known to be there; raises LookupError when it is not."""
    with deps.store.read() as view:
        return found(view, incident_id)


@contextmanager
def transaction(deps: Deps, incident_id: str) -> Iterator[IncidentTransaction]:
    """Open a transaction on one incident; raises LookupError when there is none.

    It notes the time. When the clock was set back, what waited for an answer is withdrawn first.
    """
    with deps.store.begin() as work:
        yield opened(deps, work, incident_id, _noted(deps, work))


def note_time(deps: Deps) -> None:
    """Note the time while a question waits, so that a clock that is set back is seen at once."""
    with deps.store.read() as view:
        waiting = view.approvals.pending()
    if waiting:
        with deps.store.begin() as work:
            _noted(deps, work)


def _noted(deps: Deps, work: Work) -> datetime:
    wall = work.clock.now(deps.now())
    if times.jumped(work, wall):
        _withdraw_all(deps, work, wall)
    return times.note(work, wall)


def _withdraw_all(deps: Deps, work: Work, wall: datetime) -> None:
    for request in times.begin_anew(work, wall):
        ended = ApprovalEnded(
            approval=request.id, digest=request.digest, state=request.state, why=request.note
        )
        words = f"plan {request.digest[:12]} {request.state}: {request.note}"
        about = opened(deps, work, request.incident, wall)
        about.tell(ended, words, request.id)
        work.wake(about.incident.story, f"{request.id}:clock")


def opened(deps: Deps, work: Work, incident_id: str, wall: datetime) -> IncidentTransaction:
    """Return an open transaction as one on an incident; raises LookupError when there is none."""
    incident = found(work, incident_id)
    try:
        at = deps.environments(incident.environment).clock.now()
    except AiopsError:  # the environment is gone
        at = deps.now()
    return IncidentTransaction(work, incident, at, deps.now, wall)


def found(view: View, incident_id: str) -> Incident:
    """Return an incident that is known to be there; raises LookupError when it is not."""
    incident = view.incidents.get(incident_id)
    if incident is None:
        raise LookupError(f"There is no incident {incident_id}.")
    return incident
