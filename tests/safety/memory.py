"""A store of dictionaries for what the executor needs: fast enough for thousands of runs."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiops_agent.domain.approval import ApprovalRequest, ApprovalState
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.ledger import Intent, IntentState


@dataclass
class Ledger:
    """ports.store.Ledger on a dictionary."""

    rows: dict[str, Intent] = field(default_factory=dict)

    def arm(self, intents: Sequence[Intent]) -> None:
        for intent in intents:
            self.rows.setdefault(intent.operation, intent)

    def of_plan(self, incident: str, plan: str, *, undo: bool) -> tuple[Intent, ...]:
        wanted = (incident, plan, undo)
        found = [i for i in self.rows.values() if (i.incident, i.plan, i.undo) == wanted]
        return tuple(sorted(found, key=lambda intent: intent.ordinal))

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
class MemoryStore:
    """One transaction at a time; an error takes all of it back, also a death."""

    incidents: Incidents = field(default_factory=Incidents)
    approvals: Approvals = field(default_factory=Approvals)
    ledger: Ledger = field(default_factory=Ledger)

    def read(self) -> AbstractContextManager[Any]:
        return self.begin()

    @contextmanager
    def begin(self) -> Iterator[Any]:
        parts: tuple[Any, ...] = (self.incidents, self.approvals, self.ledger)
        before = [copy.copy(part.rows) for part in parts]
        try:
            yield self
        except BaseException:
            for part, rows in zip(parts, before, strict=True):
                part.rows = rows  # each gets its own back
            raise
