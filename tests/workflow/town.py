"""Incidents that come and go, receivers that are away now and then, and who looks at both.

The observer knows the bus and what was heard, and asks of each notice what became of it.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from aiops_agent.adapters.sql.tables import OUTBOX
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.approval import ApprovalState, Ruling, Verdict
from aiops_agent.domain.errors import ApprovalError, NotifyError
from aiops_agent.domain.incident import Status
from aiops_agent.domain.notice import Notice, NoticeLine, Occasion, Receipt
from aiops_agent.domain.outbox import OutboxEntry, OutboxState
from aiops_agent.domain.payload import EventType, PeopleTold
from aiops_agent.workflow import dispatch
from aiops_agent.workflow.deps import IncidentTransaction, transaction
from aiops_agent.workflow.dispatch import Dispatch
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.notices import Notices
from aiops_agent.workflow.queries import Queries
from tests.contracts.payloads import PAYLOADS
from tests.safety.plans import a_decision, a_plan, an_incident
from tests.workflow.place import HERE, START, Place

ASK = Verdict(ruling=Ruling.ASK, reason="a person decides")
PLAN = a_plan(1, 1).model_copy(update={"environment": HERE})
WORTH = (
    *(EventType.APPROVAL_PENDING, EventType.APPROVAL_REMINDER),
    *(EventType.INCIDENT_RESOLVED, EventType.INCIDENT_ESCALATED),
)
FLAWS = (
    *("lost", "told although not so", "doubled keys beyond crashes"),
    *("not said on the bus", "too many in a minute", "SEV1 or expiring in a digest"),
    "slow though well",
)
SLOW = timedelta(minutes=3)  # the longest pause, the wait for a digest, and some


class Died(BaseException):
    """The process ended here."""


@dataclass
class Receiver:
    """A notifier that is up or away, refuses some incidents for a while, hangs, or sees us die."""

    place: Place
    name: str = "phone"
    up: bool = True
    retry: bool = True
    after: float = 0.0  # what it asks us to wait while it is away
    dislikes: set[str] = field(default_factory=set)  # incidents that it cannot take now
    refuses: bool = False  # the next one, for good
    loses: bool = False  # its next answer: it took the notice, and we are not told so
    dies: bool = False  # we do, after the next one that it took
    hangs: asyncio.Event | None = None  # until it is set
    heard: list[tuple[datetime, Notice]] = field(default_factory=list)
    rang: int = 0
    deaths: list[datetime] = field(default_factory=list)  # and answers that were lost
    well_since: datetime = START
    found: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.notices = self.fresh()

    def fresh(self) -> Notices:
        """Return what a process that starts now tells it with."""
        self.inside = asyncio.Event()
        told = Dispatch(self.place.deps, self.name, frozenset({HERE}))
        self.notices = Notices(told, Feed(Queries(self.place.store)), self)
        return self.notices

    async def tell(self, notice: Notice) -> Receipt:
        """Take it, or do not."""
        self.rang += 1
        self._judge(notice)
        if self.hangs is not None:
            self.inside.set()
            await self.hangs.wait()
            self.inside.clear()
        if self.refuses:
            self.refuses = False
            raise NotifyError("It wants nothing of this.", retry=False)
        if not self.up or notice.incident in self.dislikes:
            raise NotifyError("Nobody answers.", retry=self.retry, after=self.after)
        now = self.place.clock.at
        self.heard.append((now, notice))
        self.found["slow though well"] += now - max(notice.at, self.well_since) > SLOW
        if self.dies or self.loses:
            died, self.dies, self.loses = self.dies, False, False
            self.deaths.append(now)
            if died:
                raise Died
            raise NotifyError("The answer did not come.", retry=True)
        return Receipt(channel=self.name, id=str(self.rang), at=now)

    async def turn(self) -> None:
        """Let the process look once; after a death another one goes on."""
        try:
            await self.notices.catch_up()
        except Died:
            self.fresh()

    def said(self) -> list[str]:
        """Return what was heard, in short: the incident and the occasion."""
        return [f"{n.incident or len(n.digest)} {n.occasion}" for _, n in self.heard]

    def _judge(self, notice: Notice) -> None:
        said: tuple[Notice | NoticeLine, ...] = (notice, *notice.digest)
        for one in said:
            if not one.plan:
                continue
            with self.place.store.read() as view:
                asked = view.approvals.latest(one.incident)
            assert asked is not None
            so = asked.state is ApprovalState.PENDING and asked.digest == one.plan
            late = one.expires_at is None or self.place.clock.at >= one.expires_at
            self.found["told although not so"] += late or not so
            left = asked.expires_at - self.place.clock.at
            soon = isinstance(one, NoticeLine) and left < timedelta(minutes=2)
            self.found["SEV1 or expiring in a digest"] += soon
        for line in notice.digest:
            self.found["SEV1 or expiring in a digest"] += line.severity is Severity.SEV1


@dataclass
class Town:
    """Moves incidents on; `moves` counts."""

    place: Place
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    moves: Counter[str] = field(default_factory=Counter)
    waiting: dict[str, str] = field(default_factory=dict)  # incident: its open question
    due: dict[str, datetime] = field(default_factory=dict)  # incident: when its workflow looks
    going: list[str] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        self.opens()  # the first event of all is never told

    def opens(self, severity: Severity = Severity.SEV2) -> str:
        """Open an incident."""
        self._number += 1
        name = f"INC-{self._number:04}"
        self.place.put(
            an_incident(id=name, environment=HERE, severity=severity, status=Status.DIAGNOSING)
        )
        self.tell(name, PAYLOADS[EventType.INCIDENT_OPENED], "opened")
        self.going.append(name)
        return name

    def asks(self, incident: str = "", severity: Severity = Severity.SEV2) -> str:
        """Put a question about an incident, a new one when none is named."""
        incident = incident or self.opens(severity)
        self.moves["asked"] += 1
        attempt = self.moves["asked"]  # another number is another plan
        plan = PLAN.model_copy(update={"incident": incident, "attempt": attempt})
        self.waiting[incident] = Gate(self.place.deps).ask(plan, ASK)
        self.due[incident] = self.place.clock.at + self.place.terms.expires / 2
        return incident

    def answers(self, incident: str, *, yes: bool = True) -> None:
        """A person answers the question, if it still counts."""
        request = self.waiting.pop(incident)
        gate = Gate(self.place.deps)
        plan = gate.get(request).prepared
        try:
            gate.answer(request, a_decision(plan, at=self.place.clock.at, approve=yes))
        except ApprovalError:
            return
        self.moves["answered"] += 1
        self.ends(incident, resolved=yes)

    def withdraws(self, incident: str) -> None:
        """The target changed: the question is withdrawn and another plan is asked about."""
        Gate(self.place.deps).withdraw(incident, self.waiting.pop(incident), "changed")
        self.moves["replaced"] += 1
        self._moved(incident, Status.DIAGNOSING)
        self.asks(incident)

    def looks(self) -> None:
        """Remind of questions and let them expire, as their workflows do."""
        now = self.place.clock.at
        for incident, request in tuple(self.waiting.items()):
            if now < self.due[incident]:
                continue
            left = Gate(self.place.deps).look(incident, request)
            self.due[incident] = now + timedelta(seconds=left)
            if not left:
                self.moves["expired"] += 1
                self.ends(incident, resolved=False)

    def storms(self, severities: Sequence[Severity]) -> list[str]:
        """End that many incidents of these severities with a person, all at one moment."""
        first = self._number + 1
        self._number += len(severities)
        names = [f"INC-{number:04}" for number in range(first, self._number + 1)]
        with self.place.store.begin() as work:
            for name, severity in zip(names, severities, strict=True):
                ended = {"severity": severity, "status": Status.ESCALATED}
                put = an_incident(id=name, environment=HERE, **ended)
                work.incidents.put(put)
                now = self.place.clock
                t = IncidentTransaction(work, put, now.at, now.now, now.at)
                t.tell(PAYLOADS[EventType.INCIDENT_ESCALATED], "given to a person", "end")
        self.moves["ended"] += len(names)
        return names

    def ends(self, incident: str, *, resolved: bool = True) -> None:
        """End an incident."""
        status = Status.RESOLVED if resolved else Status.ESCALATED
        if request := self.waiting.pop(incident, ""):
            Gate(self.place.deps).withdraw(incident, request, "recovered by itself")
        self.going.remove(incident)
        self._moved(incident, status)
        kind = EventType.INCIDENT_RESOLVED if resolved else EventType.INCIDENT_ESCALATED
        self.tell(incident, PAYLOADS[kind], "end")
        self.moves["ended"] += 1

    def tell(self, incident: str, payload: Any, key: str) -> None:
        """Put an event of an incident on the bus."""
        with transaction(self.place.deps, incident) as t:
            t.tell(payload, f"{payload.type} it is", key)

    def _moved(self, incident: str, status: Status) -> None:
        with transaction(self.place.deps, incident) as t:
            t.keep(t.incident.model_copy(update={"status": status}))


def entries(place: Place, receiver: str = "phone") -> list[OutboxEntry]:
    """Return the whole outbox of a receiver, oldest first."""
    store: Any = place.store
    query = select(OUTBOX.c.document).where(OUTBOX.c.receiver == receiver)
    with store._engine.connect() as connection:
        rows = connection.scalars(query.order_by(OUTBOX.c.number)).all()
    return [OutboxEntry.of(row) for row in rows]


def audited(receiver: Receiver, since: int = 1) -> Counter[str]:
    """Return what is wrong with what a receiver was told of the events above an id."""
    place, found = receiver.place, Counter(dict.fromkeys(FLAWS, 0)) + receiver.found
    kept = {one.key: one for one in entries(place, receiver.name)}
    events = every_event(place)
    worth = [one for one in events if one.type in WORTH and one.id > since]
    read = receiver.notices.dispatch.stopped()
    found["lost"] = sum(one.id <= read and one.key not in kept for one in worth)
    heard = [notice.key for _, notice in receiver.heard]
    told = {one.message or one.key for one in kept.values() if one.state is OutboxState.TOLD}
    found["lost"] += len(told - set(heard)) + _cut_short(receiver, kept)
    found["doubled keys beyond crashes"] = max(
        0, len(heard) - len(set(heard)) - len(receiver.deaths)
    )
    found["not said on the bus"] = _unsaid(receiver, events, kept)
    found["too many in a minute"] = _crowded(receiver)
    return found


def _cut_short(receiver: Receiver, kept: dict[str, OutboxEntry]) -> int:
    """Return how many a digest does not stand for that are told with it: repeats are dropped."""
    first: dict[str, int] = {}
    for _, notice in receiver.heard:
        first.setdefault(notice.key, max(1, len(notice.digest) + notice.left_out))
    told = Counter(one.message for one in kept.values() if one.state is OutboxState.TOLD)
    return sum(max(0, n - first.get(key, 0)) for key, n in told.items() if key)


def every_event(place: Place) -> list[Any]:
    """Return all events."""
    found: list[Any] = []
    with place.store.read() as view:
        while more := view.events.after(found[-1].id if found else 0):
            found += more
    return found


def _unsaid(receiver: Receiver, events: list[Any], kept: dict[str, OutboxEntry]) -> int:
    """Return how many entries ended without an event of theirs, or have one and did not end."""
    mine = f"people.told:{receiver.name}:"
    said = {
        event.key.partition(mine)[2]: event.payload
        for event in events
        if isinstance(event.payload, PeopleTold) and mine in event.key
    }
    return len(set(said) - set(kept)) + sum(
        _state(said.get(key)) is not entry.state for key, entry in kept.items()
    )


def _state(said: PeopleTold | None) -> OutboxState:
    if said is None:
        return OutboxState.WAITING
    if said.superseded or said.failed:
        return OutboxState.SUPERSEDED if said.superseded else OutboxState.GIVEN_UP
    return OutboxState.TOLD


def _crowded(receiver: Receiver) -> int:
    """Return how many messages came within a minute of five that went alone, and were not urgent.

    What is told again is not counted.
    """
    first: dict[str, tuple[datetime, Notice]] = {}
    for at, notice in receiver.heard:
        first.setdefault(notice.key, (at, notice))
    times: list[datetime] = []
    digests: list[datetime] = []
    crowded = 0
    for at, notice in first.values():
        gathered = notice.key.startswith("digest:")
        before = digests if gathered else times
        recent = sum(at - one < dispatch.MINUTE for one in before)
        left = notice.expires_at - at if notice.expires_at else timedelta(days=1)
        urgent = notice.severity is Severity.SEV1 or left < timedelta(minutes=2)
        if not urgent or gathered:
            limit = 1 if gathered else dispatch.PER_MINUTE
            died = sum(at - one < 2 * dispatch.MINUTE for one in receiver.deaths if one <= at)
            crowded += recent >= limit + died  # what we never knew was told is not counted by us
        before.append(at)
    return crowded


def digests(receiver: Receiver) -> list[Notice]:
    """Return the digests that were heard."""
    return [notice for _, notice in receiver.heard if notice.occasion is Occasion.DIGEST]
