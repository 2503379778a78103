"""What was sent to language models, what came back, and what it cost."""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add

from sqlalchemy import Connection, delete, insert, select, update

from aiops_agent.adapters.sql.rows import read
from aiops_agent.adapters.sql.tables import CALLS, INCIDENTS
from aiops_agent.domain.answer import Usage
from aiops_agent.domain.model import CallSummary, ModelCall, ModelRef, Spending
from aiops_agent.ports.store import Store


@dataclass(frozen=True)
class SqlCalls:
    """ports.store.ModelCalls in one transaction."""

    connection: Connection

    def keep(self, call: ModelCall) -> None:
        """Keep a call."""
        self.connection.execute(
            insert(CALLS).values(
                incident=call.incident,
                model=str(call.model),
                started_at=call.started_at,
                usage=call.usage.document(),
                document=call.document(),
            )
        )

    def condense(self, incident: str) -> None:
        """Keep of an incident's calls what `ModelCall.condensed` leaves."""
        query = select(CALLS.c.number, CALLS.c.document).where(CALLS.c.incident == incident)
        for number, document in self.connection.execute(query).all():
            left = read(ModelCall, document).condensed().document()
            same = update(CALLS).where(CALLS.c.number == number)
            self.connection.execute(same.values(document=left))

    def prune(self, then: datetime, limit: int) -> int:
        """Remove so many calls before then that belong to no incident; return how many."""
        orphan = CALLS.c.incident.not_in(select(INCIDENTS.c.id))
        old = select(CALLS.c.number).where(CALLS.c.started_at < then, orphan).limit(limit)
        gone = delete(CALLS).where(CALLS.c.number.in_(old.scalar_subquery()))
        return self.connection.execute(gone).rowcount

    def of_incident(self, incident: str, limit: int = 1000) -> tuple[ModelCall, ...]:
        """Return the newest calls of an incident, oldest first."""
        query = select(CALLS.c.document).where(CALLS.c.incident == incident)
        newest = query.order_by(CALLS.c.number.desc()).limit(limit)
        found = self.connection.scalars(newest).all()
        return tuple(read(ModelCall, document) for document in reversed(found))

    def after(self, cursor: int, limit: int = 500) -> tuple[CallSummary, ...]:
        """Return calls in short with a number above `cursor`, oldest first; none is skipped."""
        whole = CALLS.c.document
        query = select(
            CALLS.c.number,
            CALLS.c.usage,
            whole["agent"].as_string().label("agent"),
            whole["model", "provider"].as_string().label("provider"),
            whole["model", "name"].as_string().label("name"),
            whole["trouble"].as_string().label("trouble"),
            whole["took"].as_float().label("took"),
        )
        query = query.where(CALLS.c.number > cursor).order_by(CALLS.c.number).limit(limit)
        return tuple(
            CallSummary(
                number=row.number,
                agent=row.agent,
                model=ModelRef(provider=row.provider, name=row.name),
                trouble=row.trouble,
                usage=read(Usage, row.usage),
                took=row.took,
            )
            for row in self.connection.execute(query)
        )

    def answered(self, incident: str, about: str) -> ModelCall | None:
        """Return the newest answered call of an incident about the same, or None."""
        query = select(CALLS.c.document).where(
            CALLS.c.incident == incident,
            CALLS.c.document["about"].as_string() == about,
            CALLS.c.document["answered_by"].as_string() != "",
        )
        found = self.connection.scalars(query.order_by(CALLS.c.number.desc()).limit(1)).first()
        return None if found is None else read(ModelCall, found)

    def spent(self, *, incident: str = "", since: datetime | None = None) -> Usage:
        """Return what calls used up, of an incident or since a moment of wall time, or of all."""
        return self.spending(incident=incident, since=since).usage

    def spending(self, *, incident: str = "", since: datetime | None = None) -> Spending:
        """Return the same with the money of known price and the seconds."""
        query = select(CALLS.c.usage, CALLS.c.document["took"].as_float())
        if incident:
            query = query.where(CALLS.c.incident == incident)
        if since is not None:
            query = query.where(CALLS.c.started_at >= since)
        rows = self.connection.execute(query).all()
        used = [read(Usage, usage) for usage, _ in rows]
        return Spending(
            usage=reduce(add, used, Usage()),
            usd=sum(one.cost or 0.0 for one in used),
            seconds=sum(took for _, took in rows),
        )


@dataclass(frozen=True)
class SqlCallLog:
    """ports.model.CallLog in short transactions of its own."""

    store: Store

    def keep(self, call: ModelCall) -> None:
        """Keep a call, whether it was answered or not."""
        with self.store.begin() as work:
            work.calls.keep(call)

    def answered(self, incident: str, about: str) -> ModelCall | None:
        """Return the newest answered call of an incident about the same, or None."""
        with self.store.read() as view:
            return view.calls.answered(incident, about)

    def spent(self, incident: str) -> Spending:
        """Return what all calls of an incident used up."""
        with self.store.read() as view:
            return view.calls.spending(incident=incident)

    def spent_since(self, moment: datetime) -> Spending:
        """Return what all calls since then used up."""
        with self.store.read() as view:
            return view.calls.spending(since=moment)
