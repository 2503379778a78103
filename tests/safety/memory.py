"""A store of dictionaries for what the executor needs: fast enough for thousands of runs."""

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiops_agent.domain.approval import ApprovalRequest, ApprovalState
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.lease import Lease
from aiops_agent.domain.ledger import ArmedPlan, Intent, IntentState, TargetClaim
from aiops_agent.domain.preparation import Preparation
from aiops_agent.domain.sending import ServiceBreaker, Switch
from aiops_agent.domain.telemetry import ServiceName


@dataclass
class Ledger:
    """ports.store.Ledger on a dictionary."""

    rows: dict[str, Intent] = field(default_factory=dict)
    claims: dict[str, TargetClaim] = field(default_factory=dict)

    def arm(self, intents: Sequence[Intent]) -> None:
        for intent in intents:
            self.rows.setdefault(intent.operation, intent)

    def of_plan(self, incident: str, plan: str, *, undo: bool) -> tuple[Intent, ...]:
        wanted = (incident, plan, undo)
        found = [i for i in self.rows.values() if (i.incident, i.plan, i.undo) == wanted]
        return tuple(sorted(found, key=lambda intent: intent.ordinal))

    def unsettled(self) -> tuple[ArmedPlan, ...]:
        left = (IntentState.ARMED, IntentState.SENDING)
        found = (
            ArmedPlan(incident=one.incident, plan=one.plan, undo=one.undo)
            for one in self.rows.values()
            if one.state in left
        )
        return tuple(dict.fromkeys(found))

    def claimed(self, target: str) -> TargetClaim | None:
        return self.claims.get(target)

    def claim(self, claim: TargetClaim) -> None:
        self.claims = {**self.claims, claim.target: claim}

    def release(self, incident: str) -> None:
        self.claims = {t: one for t, one in self.claims.items() if one.incident != incident}

    def change(self, intent: Intent, *, was: IntentState) -> bool:
        if self.rows[intent.operation].state is not was:
            return False
        self.rows[intent.operation] = intent
        return True


@dataclass
class Approvals:
    """ports.store.Approvals on a dictionary."""

    rows: dict[str, ApprovalRequest] = field(default_factory=dict)

    def get(self, request: str) -> ApprovalRequest | None:
        return self.rows.get(request)

    def latest(self, incident: str) -> ApprovalRequest | None:
        found = [one for one in self.rows.values() if one.incident == incident]
        return found[-1] if found else None

    def ask(self, request: ApprovalRequest) -> ApprovalRequest:
        return self.rows.setdefault(request.id, request)

    def change(self, request: ApprovalRequest, *, was: ApprovalState) -> bool:
        stored = self.rows[request.id]
        if (stored.state, stored.digest) != (was, request.digest):
            return False
        self.rows[request.id] = request
        return True


@dataclass
class Incidents:
    """ports.store.Incidents on a dictionary."""

    rows: dict[str, Incident] = field(default_factory=dict)

    def get(self, incident: str) -> Incident | None:
        return self.rows.get(incident)

    def put(self, incident: Incident) -> None:
        self.rows[incident.id] = incident


@dataclass
class Sending:
    """ports.store.Sending on lists and a dictionary, kept in `rows` by kind."""

    rows: dict[Any, Any] = field(default_factory=dict)

    def switched(self, limit: int = 100) -> tuple[Switch, ...]:
        return tuple(reversed(self.rows.get("moves", ())))[:limit]

    def switch(self, move: Switch) -> None:
        self.rows["moves"] = (*self.rows.get("moves", ()), move)

    def armed(
        self, environment: EnvironmentRef, since: datetime, service: ServiceName | None = None
    ) -> int:
        return sum(
            here == environment and at > since and service in (None, name)
            for here, name, at in self.rows.get("armed", ())
        )

    def count(
        self, environment: EnvironmentRef, services: Sequence[ServiceName], at: datetime
    ) -> None:
        counted = tuple((environment, name, at) for name in services)
        self.rows["armed"] = (*self.rows.get("armed", ()), *counted)

    def breaker(self, environment: EnvironmentRef, service: ServiceName) -> ServiceBreaker:
        untouched = ServiceBreaker(environment=environment, service=service)
        known: ServiceBreaker = self.rows.get((environment, service), untouched)
        return known

    def put(self, breaker: ServiceBreaker) -> None:
        self.rows[breaker.environment, breaker.service] = breaker


@dataclass
class Clock:
    """ports.store.StoreClock on a dictionary."""

    rows: dict[str, datetime] = field(default_factory=dict)

    def now(self, wall: datetime) -> datetime:
        return wall

    def latest(self) -> datetime | None:
        return self.rows.get("latest")

    def put(self, at: datetime) -> None:
        self.rows["latest"] = at


@dataclass
class Leases:
    """ports.lease.Leases on a dictionary."""

    rows: dict[str, Lease] = field(default_factory=dict)

    def get(self, name: str) -> Lease | None:
        return self.rows.get(name)

    def put(self, lease: Lease) -> None:
        self.rows[lease.name] = lease


@dataclass
class Preparations:
    """ports.preparation.Preparations on a dictionary."""

    rows: dict[str, Preparation] = field(default_factory=dict)

    def of(self, incident: str) -> Preparation | None:
        return self.rows.get(incident)

    def waiting(self, environments: Collection[EnvironmentRef]) -> tuple[Preparation, ...]:
        waits = (one for one in self.rows.values() if not one.answered)
        return tuple(one for one in waits if one.environment in environments)

    def put(self, asked: Preparation) -> None:
        self.rows[asked.incident] = asked

    def drop(self, incident: str) -> None:
        self.rows.pop(incident, None)


async def inline(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Do at once what `asyncio.to_thread` does in another thread: dictionaries wait for none."""
    return work(*given, **named)


@dataclass
class MemoryStore:
    """One transaction at a time; an error takes all of it back, also a death."""

    incidents: Incidents = field(default_factory=Incidents)
    approvals: Approvals = field(default_factory=Approvals)
    ledger: Ledger = field(default_factory=Ledger)
    sending: Sending = field(default_factory=Sending)
    clock: Clock = field(default_factory=Clock)
    leases: Leases = field(default_factory=Leases)
    preparations: Preparations = field(default_factory=Preparations)

    def read(self) -> AbstractContextManager[Any]:
        return self.begin()

    @contextmanager
    def begin(self) -> Iterator[Any]:
        parts: tuple[Any, ...] = (
            self.incidents,
            self.approvals,
            self.ledger,
            self.sending,
            self.clock,
            self.leases,
            self.preparations,
        )
        before, claims = [copy.copy(part.rows) for part in parts], self.ledger.claims
        try:
            yield self
        except BaseException:
            for part, rows in zip(parts, before, strict=True):
                part.rows = rows  # each gets its own back
            self.ledger.claims = claims
            raise
