"""A played house: one shop with one incident, told from canned nouns and events."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiops_agent.adapters.models.opening import Reasoning
from aiops_agent.domain.alert import AlertList, Delivery
from aiops_agent.domain.approval import (
    ApprovalRequest,
    ApprovalState,
    ApprovalSummary,
    Decision,
    RefusedAnswer,
    Surface,
)
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import ApprovalError, UsageError
from aiops_agent.domain.event import Event
from aiops_agent.domain.facts import PersonNote
from aiops_agent.domain.incident import (
    Ending,
    Incident,
    IncidentId,
    IncidentSummary,
    Status,
)
from aiops_agent.domain.lease import Lease
from aiops_agent.domain.model import ModelCall
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.sending import Standing
from aiops_agent.domain.survey import ServiceSurvey, SignalSource
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.domain.token import Token
from aiops_agent.domain.watch import WatchRecord
from aiops_agent.memory.casebook import Casebook
from aiops_agent.workflow.feed import Feed
from tests.contracts.samples import a_kept_alert
from tests.interfaces.terminal import canned

NOW = datetime.now(UTC)
REQUEST = canned.REQUEST.model_copy(update={"expires_at": NOW + timedelta(minutes=15)})
_CUT = next(i for i, e in enumerate(canned.EVENTS) if e.type is EventType.APPROVAL_DECIDED)
BEFORE, AFTER = canned.EVENTS[:_CUT], canned.EVENTS[_CUT:]
REJECTED = canned.WAITING.model_copy(
    update={"status": Status.ESCALATED, "ending": Ending.REJECTED, "ended_at": canned.START}
)
FIXED = canned.RESOLVED.model_copy(update={"ending": Ending.FIXED})


@dataclass(frozen=True)
class Broken:
    """A way to break the shop."""

    name: str
    title: str


@dataclass
class PlayedService:
    """Waits for an answer; a yes brings the good end, a no the other."""

    one: Incident = canned.WAITING
    request: ApprovalRequest = REQUEST
    replaced: tuple[ApprovalRequest, ...] = ()  # earlier ones of the same incident
    told: list[Event] = field(default_factory=lambda: _numbered(BEFORE))
    late: list[RefusedAnswer] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    made: list[Token] = field(default_factory=list)
    moved: list[tuple[str, ...]] = field(default_factory=list)  # alerts, by split and merge
    nobodys: list[Delivery] = field(default_factory=list)
    sent: list[ModelCall] = field(default_factory=list)
    standing: Standing = field(default_factory=Standing)
    noticed: WatchRecord | None = None

    def incidents(self, **_: object) -> tuple[IncidentSummary, ...]:
        return (self.one.in_short,)

    def incident(self, incident_id: str) -> Incident:
        if incident_id.upper() != self.one.id:
            raise UsageError(f"There is no incident {incident_id!r}. Did you mean {self.one.id}?")
        return self.one

    def alerts(self, incident_id: str) -> AlertList:
        return AlertList(shown=(a_kept_alert(incident=incident_id),), total=1)

    def events(self, after: int = 0, incident: str | None = None) -> tuple[Event, ...]:
        return tuple(event for event in self.told if event.id > after)

    def history(self, incident_id: str) -> tuple[Event, ...]:
        return tuple(self.told)

    def calls(self, incident_id: str) -> tuple[ModelCall, ...]:
        return tuple(self.sent)

    def histories(
        self, since: datetime | None = None
    ) -> Iterator[tuple[tuple[Event, ...], tuple[ModelCall, ...]]]:
        yield tuple(self.told), tuple(self.sent)

    def sending(self) -> Standing:
        return self.standing

    def watched(self, environment: EnvironmentRef) -> WatchRecord | None:
        return self.noticed

    def newest_event(self) -> int:
        return self.told[-1].id

    def approvals(
        self, states: Sequence[ApprovalState] = (), limit: int = 100
    ) -> list[ApprovalSummary]:
        return [r.in_short for r in (self.request,) if not states or r.state in states]

    def approval(self, name: str) -> ApprovalRequest:
        for earlier in self.replaced:
            if name.upper() == earlier.id:
                return earlier
        if name.upper() not in (self.request.id, self.request.incident):
            raise UsageError(f"There is no approval {name!r}.")
        return self.request

    def refused(self, incident_id: str = "", limit: int = 100) -> tuple[RefusedAnswer, ...]:
        return tuple(self.late[:limit])

    def decide(
        self,
        name: str,
        *,
        approve: bool,
        by: str,
        surface: Surface,
        plan: str,
        reason: str = "",
    ) -> ApprovalRequest:
        found = self.approval(name)
        if found.state is not ApprovalState.PENDING:
            raise ApprovalError(f"{found.id} is not waiting any more.")
        if not self.request.digest.startswith(plan):
            raise ApprovalError("The answer is for another plan.")
        decision = Decision(
            digest=self.request.digest,
            approve=approve,
            by=by,
            surface=surface,
            at=NOW,
            reason=reason,
        )
        self.decisions.append(decision)
        self.end(ApprovalState.APPROVED if approve else ApprovalState.REJECTED)
        return self.request

    def end(self, state: ApprovalState) -> None:
        self.request = self.request.model_copy(update={"state": state})
        good = state is ApprovalState.APPROVED
        self.one = FIXED if good else REJECTED
        rest = AFTER if good else (AFTER[0], AFTER[-1])
        self.told += _numbered(rest, len(self.told))

    def note(self, incident_id: str, by: str, text: str) -> Incident:
        noted = PersonNote(by=by, at=datetime.now(UTC), text=text)
        self.one = self.one.model_copy(update={"notes": (noted,)})
        return self.one

    def split(self, incident_id: str, alerts: Sequence[str], by: str, reason: str = "") -> Incident:
        self.moved.append((incident_id, *alerts, by, reason))
        return self.one

    def merge(self, incident_id: str, into: str, by: str, reason: str = "") -> Incident:
        self.moved.append((incident_id, into, by, reason))
        return self.one

    def take_over(self, incident_id: str, by: str, reason: str = "") -> Incident:
        self.one = self.one.model_copy(update={"takeover": True})
        return self.one

    def report(self, incident_id: str) -> Postmortem:
        return Postmortem(
            incident=self.one.id,
            title=self.one.title,
            severity=self.one.severity,
            status=self.one.status,
            markdown="---\nid: x\n---\n# Report\n",
            data={"id": self.one.id},
        )

    def create_token(self, name: str, environments: Sequence[EnvironmentRef] = ()) -> str:
        scope = tuple(environments)
        self.made.append(Token(name=name, secret="0" * 64, created_at=NOW, environments=scope))
        return "aiops_secret"

    def guarded(self) -> bool:
        return bool(self.made)

    def inbox(self, limit: int = 100) -> tuple[Delivery, ...]:
        return tuple(self.nobodys[:limit])

    def delivery(self, number: int) -> Delivery:
        return next(one for one in self.nobodys if one.id == number)

    def tokens(self) -> Sequence[Token]:
        return self.made

    def revoke_token(self, name: str) -> None:
        if name not in [token.name for token in self.made]:
            raise UsageError(f"There is no token {name!r}.")


@dataclass
class PlayedHouse:
    """What bootstrap would build; `opened` records the roles that were played."""

    service: PlayedService = field(default_factory=PlayedService)
    feed: Feed = field(init=False)
    opened: list[str] = field(default_factory=list)
    sick: bool = False
    died: str = ""
    worker: str = "77"
    closed: bool = False
    reasoning: Reasoning = field(default_factory=lambda: Reasoning(None, None))
    redactor = Redactor()
    clean = staticmethod(redactor.clean)
    casebook: Casebook | None = None
    scenarios = (Broken("traffic-surge", "too much traffic"), Broken("hung-process", "it hangs"))

    def __post_init__(self) -> None:
        self.feed = Feed(self.service)

    @property
    def queries(self) -> PlayedService:
        return self.service

    commands = queries

    @property
    def demo(self) -> "PlayedHouse":
        return self

    def begin(self, scenario: str, seed: int, *, remember: bool) -> EnvironmentRef:
        return EnvironmentRef.parse(f"shop:{scenario}-{seed}")

    @asynccontextmanager
    async def engine(self, role: str) -> AsyncIterator["PlayedHouse"]:
        self.opened.append(role)
        yield self

    async def intake(self, environment: EnvironmentRef) -> Sequence[IncidentId]:
        return (self.service.one.id,)

    async def start(self, incident_id: IncidentId) -> None:
        """It runs by itself."""

    async def broken(self, incident_id: str) -> str:
        return self.died

    def leader(self, role: str) -> Lease | None:
        return Lease(name=role, owner=self.worker, fence=1, since=NOW) if self.worker else None

    async def survey(self) -> Sequence[ServiceSurvey]:
        source = SignalSource(signal=Signal.LATENCY, recipe="otel", query="q")
        seen = ServiceSurvey(service=ServiceName("pay"), replicas=2, signals=(source,))
        blind = ServiceSurvey(service=ServiceName("cart"), missing=("no latency", "no errors"))
        return (seen, blind)

    async def doctor(self) -> Sequence[Checkup]:
        health = Health.PROBLEM if self.sick else Health.OK
        return (
            Checkup(group="metrics", name="prometheus", health=health, words="w", remedy="r"),
            Checkup(group="platform", name="docker", health=Health.OFF, words=""),
        )

    def close(self) -> None:
        self.closed = True


def _numbered(events: Sequence[Event], known: int = 0) -> list[Event]:
    return [event.model_copy(update={"id": known + n}) for n, event in enumerate(events, 1)]


def answered(house: PlayedHouse) -> list[tuple[bool, Surface]]:
    """Return what was answered, and where."""
    return [(decision.approve, decision.surface) for decision in house.service.decisions]
