"""Long-term memory: closed cases and their reports."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select

from aiops_agent.adapters.sql.erase import Erasure
from aiops_agent.adapters.sql.plain import bytes_of, written
from aiops_agent.adapters.sql.rows import put, read
from aiops_agent.adapters.sql.tables import CASES, COPIES, COUNTERS, FORGOTTEN, VECTORS
from aiops_agent.domain.postmortem import Forgotten, PastIncident, Postmortem
from aiops_agent.ports.archive import CaseRow, CaseSize, Census, CopyRecord, VectorRow

T = TypeVar("T")
_MANY = 500  # names or numbers in one statement
_COPY = "vectors"
_REMOVED = "cases removed"  # counts how often any were
_SCANNED = (CASES.c.number, CASES.c.id, CASES.c.family, CASES.c.environment, CASES.c.terms)


@dataclass(frozen=True)
class SqlArchive:
    """ports.archive.Archive in one transaction."""

    connection: Connection

    def add(self, past: PastIncident, postmortem: Postmortem | None, terms: str = "") -> None:
        """Insert or replace a case and its report; without a report the stored one stays."""
        if self.connection.scalar(select(FORGOTTEN.c.id).where(FORGOTTEN.c.id == past.id)):
            return
        same = CASES.c.id == past.id
        report = None if postmortem is None else postmortem.document()
        if report is None:
            report = self.connection.scalar(select(CASES.c.postmortem).where(same))
        # A changed case gets a new number: by it every process sees that there is something new.
        self._delete(same)
        self.connection.execute(insert(CASES), _columns(past, terms, report))

    def add_all(self, cases: Iterable[tuple[PastIncident, str]]) -> Mapping[str, int]:
        """Insert or replace many cases, each with its terms; return their numbers by their ids."""
        before = self.census().newest
        forgotten = set(self.connection.scalars(select(FORGOTTEN.c.id)))
        for part in _parts(cases):
            same = select(CASES.c.id).where(CASES.c.id.in_([past.id for past, _ in part]))
            known = forgotten.union(self.connection.scalars(same))
            for past, terms in part:
                if past.id in known:
                    self.add(past, None, terms)
            new = [_columns(*one, None) for one in part if one[0].id not in known]
            if new:
                self.connection.execute(insert(CASES), new)
        numbered = select(CASES.c.id, CASES.c.number).where(CASES.c.number > before)
        return dict(map(tuple, self.connection.execute(numbered).all()))

    def remove(self, ids: Sequence[str]) -> int:
        """Remove cases that live on in another; return how many. They may be kept again."""
        return sum(self._delete(CASES.c.id.in_(part)) for part in _parts(ids))

    def forget(self, incident: str, by: str, at: datetime) -> None:
        """Remove an incident and all that was kept of it for ever, but that it was forgotten."""
        erasure = Erasure(self.connection, incident)
        kept = Forgotten(
            id=incident, by=by, at=at, decisions=erasure.decisions(), sent=erasure.sent()
        )
        row = {"by": by, "at": at, "document": kept.document()}
        put(self.connection, FORGOTTEN, {"id": incident}, row)
        self.remove((incident,))
        erasure.all()

    def forgotten(self, incident: str) -> Forgotten | None:
        """Return what the audit keeps of a forgotten incident, or None."""
        query = select(FORGOTTEN.c.document).where(FORGOTTEN.c.id == incident)
        document = self.connection.scalar(query)
        return None if document is None else read(Forgotten, document)

    def _delete(self, these: ColumnElement[bool]) -> int:
        numbers = select(CASES.c.number).where(these).scalar_subquery()
        self.connection.execute(delete(VECTORS).where(VECTORS.c.case.in_(numbers)))
        gone = self.connection.execute(delete(CASES).where(these)).rowcount
        if gone:  # so that every process sees it
            put(self.connection, COUNTERS, {"name": _REMOVED}, {"value": self._removed() + 1})
        return gone

    def _removed(self) -> int:
        times = select(COUNTERS.c.value).where(COUNTERS.c.name == _REMOVED)
        return self.connection.scalar(times) or 0

    def place(self, model: str, vectors: Sequence[tuple[int, bytes]], *, new: bool = False) -> None:
        """Keep the vectors of cases, by their numbers; of a case that is gone meanwhile none.

        `new` are cases that this transaction added.
        """
        for part in _parts(vectors):
            numbers = [number for number, _ in part]
            kept = set(numbers) if new else self._cleared(numbers)
            rows = [
                {"case": number, "model": model, "vector": vector}
                for number, vector in part
                if number in kept
            ]
            if rows:
                self.connection.execute(insert(VECTORS), rows)

    def _cleared(self, numbers: Sequence[int]) -> set[int]:
        """Remove the vectors of cases; return those of the cases that are there."""
        # Held until the end: who forgets a case now also finds its vector.
        there = select(CASES.c.number).where(CASES.c.number.in_(numbers))
        kept = set(self.connection.scalars(there.with_for_update(key_share=True)))
        self.connection.execute(delete(VECTORS).where(VECTORS.c.case.in_(numbers)))
        return kept

    def cases(self, kind: str, limit: int = 1000) -> tuple[PastIncident, ...]:
        """Return cases of one kind of environments, newest first."""
        query = (
            select(CASES.c.document)
            .where(CASES.c.family == kind)
            .order_by(CASES.c.ended_at.desc(), CASES.c.number.desc())
            .limit(limit)
        )
        return tuple(read(PastIncident, document) for document in self.connection.scalars(query))

    def named(self, ids: Sequence[str]) -> tuple[PastIncident, ...]:
        """Return the cases of these ids in the order asked; unknown ones are left out."""
        found: dict[str, PastIncident] = {}
        for part in _parts(ids):
            query = select(CASES.c.id, CASES.c.document).where(CASES.c.id.in_(part))
            rows = self.connection.execute(query).all()
            found |= {row.id: read(PastIncident, row.document) for row in rows}
        return tuple(found[one] for one in dict.fromkeys(ids) if one in found)

    def census(self) -> Census:
        """Return what tells whether anything changed: two ends of keys and a counter."""
        ends = [select(func.max(one.c.number)).scalar_subquery() for one in (CASES, VECTORS)]
        newest, placed = self.connection.execute(select(*ends)).one()
        return Census(newest or 0, self._removed(), placed or 0)

    def sizes(self) -> tuple[CaseSize, ...]:
        """Return how old each case is, and how large."""
        parts = (CASES.c.terms, CASES.c.document, CASES.c.postmortem)
        size = sum((bytes_of(one) for one in parts[1:]), bytes_of(parts[0]))
        rows = self.connection.execute(select(CASES.c.id, CASES.c.ended_at, size))
        return tuple(CaseSize(*row) for row in rows)

    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of all cases."""
        return tuple(self.connection.scalars(select(CASES.c.number)))

    def rows(self, *, above: int = 0, numbers: Sequence[int] | None = None) -> Iterator[CaseRow]:
        """Yield what is scanned of the cases with a number above that, or with these numbers."""
        query = select(*_SCANNED).order_by(CASES.c.number)
        if numbers is None:
            asked = [query.where(CASES.c.number > above)]
        else:
            asked = [query.where(CASES.c.number.in_(part)) for part in _parts(numbers)]
        return map(CaseRow._make, self._all(asked))

    def vectors(
        self,
        model: str,
        above: int = 0,
        *,
        numbers: Sequence[int] | None = None,
        cases: Sequence[int] | None = None,
    ) -> tuple[VectorRow, ...]:
        """Return the vectors of a model: above a number, with these, or of these cases."""
        columns = (VECTORS.c.number, VECTORS.c.case, VECTORS.c.model, VECTORS.c.vector)
        query = select(*columns).where(VECTORS.c.model == model).order_by(VECTORS.c.number)
        if numbers is not None:
            asked = [query.where(VECTORS.c.number.in_(part)) for part in _parts(numbers)]
        elif cases is not None:
            asked = [query.where(VECTORS.c.case.in_(part)) for part in _parts(cases)]
        else:
            asked = [query.where(VECTORS.c.number > above)]
        return tuple(map(VectorRow._make, self._all(asked)))

    def _all(self, asked: Iterable[Select[Any]]) -> Iterator[Row[Any]]:
        for one in asked:  # to fetch one by one costs twice as much
            for page in self.connection.execute(one).partitions(_MANY):
                yield from page

    def placed(self, model: str) -> tuple[int, ...]:
        """Return the numbers of all vectors of a model, in order."""
        query = select(VECTORS.c.number).where(VECTORS.c.model == model)
        return tuple(self.connection.scalars(query.order_by(VECTORS.c.number)))

    def copied(self) -> CopyRecord | None:
        """Return which copy of the vectors was made, or None."""
        document = self.connection.scalar(select(COPIES.c.document).where(COPIES.c.name == _COPY))
        return CopyRecord(**document) if document else None

    def copy(self, record: CopyRecord) -> None:
        """Note which copy of the vectors was made."""
        put(self.connection, COPIES, {"name": _COPY}, {"document": asdict(record)})

    def unread(
        self, model: str, limit: int, below: int | None = None
    ) -> tuple[tuple[int, PastIncident], ...]:
        """Return cases that have no vector of that model, with their numbers, the newest first."""
        own = (VECTORS.c.case == CASES.c.number) & (VECTORS.c.model == model)
        query = (
            select(CASES.c.number, CASES.c.document)
            .outerjoin_from(CASES, VECTORS, own)
            .where(VECTORS.c.number.is_(None))
            .order_by(CASES.c.number.desc())
            .limit(limit)
        )
        if below is not None:
            query = query.where(CASES.c.number < below)
        rows = self.connection.execute(query).all()
        return tuple((row.number, read(PastIncident, row.document)) for row in rows)

    def postmortem(self, incident: str) -> Postmortem | None:
        """Return the report of an incident, or None."""
        document = self.connection.scalar(select(CASES.c.postmortem).where(CASES.c.id == incident))
        return None if document is None else read(Postmortem, document)


def _columns(past: PastIncident, terms: str, report: Any) -> dict[str, Any]:
    return {
        "id": past.id,
        "family": past.environment.kind,
        "environment": str(past.environment),
        "terms": terms,
        "ended_at": past.ended_at,
        "document": written(past, set()),
        "postmortem": report,
    }


def _parts(names: Iterable[T]) -> Iterator[list[T]]:
    left = iter(names)
    while part := list(islice(left, _MANY)):
        yield part
