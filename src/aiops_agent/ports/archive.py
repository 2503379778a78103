"""Long-term memory as the store keeps it: cases, their reports, and what was forgotten."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple, Protocol

from aiops_agent.domain.postmortem import Forgotten, KeptCase, PastIncident, Postmortem


class CaseRow(NamedTuple):
    """What is scanned of a case: `terms` is the memory's own text of it."""

    number: int  # grows with each change of the case
    id: str
    family: str  # the kind of its environment
    environment: str
    terms: str


@dataclass(frozen=True)
class CaseSize:
    """How old a case is, and the bytes that it takes with its report."""

    id: str
    ended_at: datetime
    size: int


@dataclass(frozen=True)
class KeepLimits:
    """What may be kept one by one: so many of the newest, in so many bytes, so old."""

    records: int
    size: float = inf
    age: timedelta = timedelta.max


class VectorRow(NamedTuple):
    """Where the words of a case stand among meanings, as one model sees it."""

    number: int  # grows with each
    case: int  # the number of the case
    model: str
    vector: bytes  # halves (IEEE 754 binary16, little-endian), of length 1 together


@dataclass(frozen=True)
class CopyRecord:
    """The collection of a server that holds a copy of our vectors, up to a number of them."""

    name: str
    collection: str  # its id there: one of the same name with another id is not ours
    upto: int = 0


@dataclass(frozen=True)
class Census:
    """What any change of the cases or of their vectors changes; read in a moment, of however many.

    Numbers are never used twice.
    """

    newest: int = 0  # the largest number of a case
    removed: int = 0  # how often cases were removed or replaced
    vectors: int = 0  # the largest number of a vector


class ArchiveView(Protocol):
    """Long-term memory."""

    def cases(self, family: str, limit: int = 1000) -> tuple[PastIncident, ...]:
        """Return cases of a family of environments, newest first."""

    def named(self, ids: Sequence[str]) -> tuple[PastIncident, ...]:
        """Return the cases of these ids in the order asked; unknown ones are left out."""

    def census(self) -> Census:
        """Return what tells whether anything changed."""

    def sizes(self) -> tuple[CaseSize, ...]:
        """Return how old each case is, and how large."""

    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of all cases."""

    def rows(self, *, above: int = 0, numbers: Sequence[int] | None = None) -> Iterator[CaseRow]:
        """Yield what is scanned of the cases with a number above that, or with these numbers."""

    def forgotten(self, incident: str) -> Forgotten | None:
        """Return what the audit keeps of a forgotten incident, or None."""

    def vectors(
        self,
        model: str,
        above: int = 0,
        *,
        numbers: Sequence[int] | None = None,
        cases: Sequence[int] | None = None,
    ) -> tuple[VectorRow, ...]:
        """Return the vectors of a model: above a number, with these, or of these cases."""

    def placed(self, model: str) -> tuple[int, ...]:
        """Return the numbers of all vectors of a model, in order."""

    def copied(self) -> CopyRecord | None:
        """Return which copy of the vectors was made, or None."""

    def unread(
        self, model: str, limit: int, below: int | None = None
    ) -> tuple[tuple[int, PastIncident], ...]:
        """Return cases that have no vector of that model, with their numbers, the newest first.

        With `below` only those of a smaller number.
        """

    def postmortem(self, incident: str) -> Postmortem | None:
        """Return the report of an incident, or None."""


class Archive(ArchiveView, Protocol):
    """The same, to be changed."""

    def add(self, past: PastIncident, postmortem: Postmortem | None, terms: str = "") -> None:
        """Insert or replace a case and its report, unless its id was forgotten.

        Without a report the stored one stays.
        """

    def add_all(self, cases: Iterable[tuple[PastIncident, str]]) -> Mapping[str, int]:
        """Insert or replace many cases, each with its terms; return their numbers by their ids.

        No id may come twice; of one that was forgotten there is no number.
        """

    def place(self, model: str, vectors: Sequence[tuple[int, bytes]], *, new: bool = False) -> None:
        """Keep the vectors of cases, by their numbers; of a case that is gone meanwhile none.

        `new` are cases that this transaction added.
        """

    def copy(self, record: CopyRecord) -> None:
        """Note which copy of the vectors was made."""

    def remove(self, ids: Sequence[str]) -> int:
        """Remove cases that live on in another; return how many. They may be kept again."""

    def forget(self, incident: str, by: str, at: datetime) -> None:
        """Remove an incident and all that was kept of it for ever, but that it was forgotten."""


class ColdStorage(Protocol):
    """Where cases lie that live on in another: none is lost, and forgetting reaches them."""

    def put(self, cases: Sequence[KeptCase]) -> None:
        """Keep them before they leave memory. Raises StoreError."""

    def read(self, ids: Collection[str]) -> tuple[KeptCase, ...]:
        """Return those of these ids, each as it was put last. Raises StoreError."""

    def remove(self, ids: Collection[str]) -> None:
        """Remove those of these ids. Raises StoreError."""
