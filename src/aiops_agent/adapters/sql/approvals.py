"""Who allowed what: requests for approval, and the ledger of what may be sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from aiops_agent.adapters.sql.rows import number_of, put, read
from aiops_agent.adapters.sql.tables import APPROVALS, CLAIMS, LEDGER, REFUSED
from aiops_agent.domain.approval import (
    OPEN_APPROVALS,
    ApprovalRequest,
    ApprovalState,
    ApprovalSummary,
    RefusedAnswer,
)
from aiops_agent.domain.errors import Tampered
from aiops_agent.domain.ledger import ArmedPlan, Intent, IntentState, TargetClaim

# Built once: an incident runs these at every step, and building one costs more than running it.
_DOCUMENT = select(APPROVALS.c.document)
_GET = _DOCUMENT.where(APPROVALS.c.id == bindparam("wanted"))
_OF_INCIDENT = _DOCUMENT.where(APPROVALS.c.incident == bindparam("wanted"))
_LATEST = _OF_INCIDENT.order_by(APPROVALS.c.number.desc()).limit(1)
_COLUMNS = ("operation", "incident", "plan", "undo", "ordinal", "state", "armed_at")
_OF_PLAN = (
    select(LEDGER.c.document, *(LEDGER.c[name] for name in _COLUMNS))
    .where(LEDGER.c.incident == bindparam("of"), LEDGER.c.plan == bindparam("planned"))
    .where(LEDGER.c.undo == bindparam("back"))
    .order_by(LEDGER.c.ordinal, LEDGER.c.number)
)

_UNSETTLED = (
    select(LEDGER.c.incident, LEDGER.c.plan, LEDGER.c.undo)
    .where(LEDGER.c.state.in_([IntentState.ARMED.value, IntentState.SENDING.value]))
    .group_by(LEDGER.c.incident, LEDGER.c.plan, LEDGER.c.undo)
    .order_by(func.min(LEDGER.c.number))
)


@dataclass(frozen=True)
class SqlApprovals:
    """ports.store.Approvals in one transaction."""

    connection: Connection

    def get(self, request: str) -> ApprovalRequest | None:
        """Return one request, or None."""
        document = self.connection.scalar(_GET, {"wanted": request})
        return None if document is None else read(ApprovalRequest, document)

    def latest(self, incident: str) -> ApprovalRequest | None:
        """Return the newest request of an incident, or None."""
        document = self.connection.scalar(_LATEST, {"wanted": incident})
        return None if document is None else read(ApprovalRequest, document)

    def listed(
        self, *, states: Sequence[ApprovalState] = (), before: str = "", limit: int = 100
    ) -> tuple[ApprovalSummary, ...]:
        """Return summaries in these states (all when empty), newest first, behind `before`."""
        query = select(APPROVALS.c.summary).order_by(APPROVALS.c.number.desc()).limit(limit)
        if states:
            query = query.where(APPROVALS.c.state.in_([state.value for state in states]))
        if before:
            query = query.where(APPROVALS.c.number < number_of(APPROVALS, before))
        return tuple(read(ApprovalSummary, found) for found in self.connection.scalars(query))

    def pending(self) -> int:
        """Return how many requests wait for an answer."""
        waits = APPROVALS.c.state == ApprovalState.PENDING.value
        return self.connection.scalar(select(func.count()).select_from(APPROVALS).where(waits)) or 0

    def named(self, prefix: str) -> tuple[str, ...]:
        """Return the digests of open requests that begin with these lower-case hex digits."""
        still_open = APPROVALS.c.state.in_([state.value for state in OPEN_APPROVALS])
        begins = APPROVALS.c.digest.startswith(prefix, autoescape=True)
        query = select(APPROVALS.c.digest).where(still_open, begins).order_by(APPROVALS.c.number)
        return tuple(self.connection.scalars(query))

    def ask(self, request: ApprovalRequest) -> ApprovalRequest:
        """Store a request unless its id is known; return the stored one."""
        stored = self.get(request.id)
        if stored is not None:
            return stored
        self.connection.execute(
            insert(APPROVALS).values(
                id=request.id,
                incident=request.incident,
                digest=request.digest,
                state=request.state.value,
                summary=request.in_short.document(),
                document=request.document(),
            )
        )
        return request

    def change(self, request: ApprovalRequest, *, was: ApprovalState) -> bool:
        """Replace the stored request if state is `was` and the digest is the same; say whether."""
        swap = (
            update(APPROVALS)
            .where(
                APPROVALS.c.id == request.id,
                APPROVALS.c.state == was.value,
                APPROVALS.c.digest == request.digest,
            )
            .values(
                state=request.state.value,
                summary=request.in_short.document(),
                document=request.document(),
            )
        )
        return self.connection.execute(swap).rowcount == 1

    def refused(self, *, incident: str = "", limit: int = 100) -> tuple[RefusedAnswer, ...]:
        """Return answers that did not count (to one incident's requests), newest first."""
        query = select(REFUSED.c.document).order_by(REFUSED.c.number.desc()).limit(limit)
        if incident:
            query = query.where(REFUSED.c.incident == incident)
        return tuple(read(RefusedAnswer, found) for found in self.connection.scalars(query))

    def refuse(self, answer: RefusedAnswer) -> None:
        """Keep an answer that does not count; nothing that shows an incident reads it."""
        row = insert(REFUSED).values(incident=answer.incident, document=answer.document())
        self.connection.execute(row)


@dataclass(frozen=True)
class SqlLedger:
    """ports.store.Ledger in one transaction."""

    connection: Connection

    def arm(self, intents: Sequence[Intent]) -> None:
        """Insert intents; one whose operation is known is left as it is."""
        names = [intent.operation for intent in intents]
        query = select(LEDGER.c.operation).where(LEDGER.c.operation.in_(names))
        known = set(self.connection.scalars(query))
        for intent in intents:
            if intent.operation in known:
                continue
            known.add(intent.operation)
            row = insert(LEDGER).values(
                operation=intent.operation,
                incident=intent.incident,
                plan=intent.plan,
                undo=intent.undo,
                ordinal=intent.ordinal,
                state=intent.state.value,
                armed_at=intent.armed_at,
                document=intent.document(),
            )
            self.connection.execute(row)

    def of_plan(self, incident: str, plan: str, *, undo: bool) -> tuple[Intent, ...]:
        """Return the intents of a plan in order."""
        given = {"of": incident, "planned": plan, "back": undo}
        return tuple(_whole(row) for row in self.connection.execute(_OF_PLAN, given))

    def claimed(self, target: str) -> TargetClaim | None:
        """Return who claimed a target last, or None."""
        query = select(CLAIMS.c.document).where(CLAIMS.c.target == target)
        document = self.connection.scalar(query)
        return None if document is None else read(TargetClaim, document)

    def unsettled(self) -> tuple[ArmedPlan, ...]:
        """Return the plans of which a row may yet be sent, in the order of arming."""
        return tuple(
            ArmedPlan(incident=row.incident, plan=row.plan, undo=row.undo)
            for row in self.connection.execute(_UNSETTLED)
        )

    def claim(self, claim: TargetClaim) -> None:
        """Insert or replace the claim on a target."""
        columns = {"incident": claim.incident, "document": claim.document()}
        put(self.connection, CLAIMS, {"target": claim.target}, columns)

    def release(self, incident: str) -> None:
        """End all claims of an incident."""
        self.connection.execute(delete(CLAIMS).where(CLAIMS.c.incident == incident))

    def change(self, intent: Intent, *, was: IntentState) -> bool:
        """Replace the stored intent if its state is `was`; say whether."""
        swap = (
            update(LEDGER)
            .where(LEDGER.c.operation == intent.operation, LEDGER.c.state == was.value)
            .values(state=intent.state.value, document=intent.document())
        )
        return self.connection.execute(swap).rowcount == 1


def _whole(row: Row[Any]) -> Intent:
    """Return the intent of a row; Tampered when its columns say something else."""
    found = read(Intent, row.document)
    if any(getattr(found, name) != getattr(row, name) for name in _COLUMNS):
        raise Tampered(f"{found.operation} in the ledger was changed by somebody else.")
    return found
