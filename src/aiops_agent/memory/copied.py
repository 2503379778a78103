"""The copy of our vectors at a server that finds near ones. Ours stay, and only they count.

What a server answers are candidates. Each must be a vector that we hold, and is compared anew by
ours: a server that lies, lags or holds others' things can hide a case from being found by meaning,
and can invent none. While it does not answer, our own vectors are scanned.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from threading import Lock

import numpy as np

from aiops_agent.domain.errors import CopyError
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.memory.meanings import HALF, packed, told_by
from aiops_agent.memory.scan import Scores
from aiops_agent.memory.terms import terms_in
from aiops_agent.ports.archive import ArchiveView, CopyRecord, VectorRow
from aiops_agent.ports.meaning import Embedder, Whose
from aiops_agent.ports.nearest import CopiedVector, VectorServer
from aiops_agent.ports.store import Store

MOST = 200  # candidates, as many as a list that is fused has places
TAIL = 2000  # vectors that the server has not yet and that are compared at a question
REST = 30.0  # seconds for which a server that failed is not asked
PAGE = 200  # vectors of a request
PROVED = 8  # of a page of the server's vectors that are computed anew
SAME = 0.98  # cosine of a vector with itself, as halves and by another machine's arithmetic


@dataclass(frozen=True)
class Copying:
    """What it took to make the copy like ours."""

    held: int  # vectors, ours and so the server's
    put: int
    removed: int


@dataclass
class VectorCopy:
    """Keeps the copy, and asks it. Several threads may ask at once; `clock` is monotonic."""

    server: VectorServer
    store: Store
    embedder: Embedder
    collection: str
    clock: Callable[[], float] = time.monotonic
    _asks_from: float = float("-inf")  # not before: it failed
    _known: dict[int, str] | None = None  # number of each vector that is there: its key
    _turn: Lock = field(default_factory=Lock)  # one at a time brings it up to date

    @property
    def model(self) -> str:
        """Return whose vectors they are."""
        return self.embedder.name

    @property
    def name(self) -> str:
        """Return the name of the collection: a model has one, as its vectors have one width."""
        return f"{self.collection}-{self.model}"

    def near(
        self, vector: Scores, families: Sequence[str] = (), *, told: bool = False
    ) -> tuple[str, ...] | None:
        """Return what the server finds near; None when our own vectors have to answer."""
        with self.store.read() as view:
            record, newest = view.archive.copied(), view.archive.census().vectors
        ready = record is not None and record.name == self.name and newest - record.upto <= TAIL
        if record is None or not ready or self.clock() < self._asks_from:
            return None
        try:
            found = self.server.near(record.collection, vector, MOST, families=families, told=told)
        except CopyError:
            self._asks_from = self.clock() + REST
            return None
        return found if found or told else None  # ours has something; of what people told perhaps

    def scored(
        self, view: ArchiveView, vector: Scores, found: Sequence[str]
    ) -> Mapping[int, float] | None:
        """Return the cosine of each case that was found, and of those that the server lacks.

        None when something was found that is not ours: then our own vectors have to answer.
        """
        record, wanted = view.copied(), set(found)
        cases = {number for number in map(_case, wanted) if number is not None}
        held = view.vectors(self.model, cases=sorted(cases))
        ours = [row for row in held if key_of(row) in wanted]
        if record is None or 2 * len(ours) < len(wanted):
            return None  # a few may have gone meanwhile
        rows = [*ours, *view.vectors(self.model, record.upto)]
        fit = [row for row in rows if len(row.vector) == len(vector) * HALF.itemsize]
        matrix = np.frombuffer(b"".join(row.vector for row in fit), HALF).astype(np.float32)
        cosines = (matrix.reshape(len(fit), len(vector)) @ vector).tolist()
        return dict(zip((row.case for row in fit), cosines, strict=True))

    def sync(self, *, take_over: bool = False) -> Copying:
        """Make the copy like ours; raises CopyError, and leaves the rest for another time.

        A collection that this store did not make is left alone, unless it is taken over.
        """
        with self._turn:
            record = self._claimed(take_over)
            if self._known is not None and self._known_is_there(record):
                listed: set[str] | None = None
            else:
                # Before ours are read: whatever is listed and is not among ours then has gone.
                self._known, listed = {}, set(self.server.keys(record.collection))
            try:
                put, held = self._put_all(record, self._known, listed)
                removed = self._remove_all(record, self._known, held, listed or set())
            except CopyError:
                self._known = None  # what is there is listed anew
                raise
            upto = max(held, default=0)
            if record.upto != upto:
                self._note(replace(record, upto=upto))
            self._asks_from = float("-inf")
            return Copying(len(held), put, removed)

    def pull(self) -> int:
        """Give cases without a vector that of the server, whoever put it there; return how many.

        A vector is taken for the very words of a case, and some of each page are computed anew:
        where one is not the same, CopyError is raised and nothing of the page is taken.
        """
        collection = self.server.found(self.name)
        if not collection:
            raise CopyError(f"{self.server.address} has no collection {self.name}.")
        taken = 0
        below: int | None = None
        while True:
            with self.store.read() as view:
                unread = view.archive.unread(self.model, PAGE, below)
            if not unread:
                return taken
            digests = {number: _digest(told_by(case)) for number, case in unread}
            found = self.server.read(collection, sorted(set(digests.values())))
            places = {n: _unit(found[one]) for n, one in digests.items() if one in found}
            self._prove([(case, places[number]) for number, case in unread if number in places])
            with self.store.begin() as work:
                rows = [(number, packed(vector[None])[0]) for number, vector in places.items()]
                work.archive.place(self.model, rows)
            taken, below = taken + len(places), unread[-1][0]

    def standing(self) -> tuple[int, int]:
        """Return how many vectors the server has, and how many are ours; raises CopyError."""
        with self.store.read() as view:
            record, ours = view.archive.copied(), len(view.archive.placed(self.model))
        found = self.server.found(self.name)
        if found and (record is None or record.collection != found):
            raise self._not_ours
        return (self.server.count(found) if found else 0), ours

    @property
    def _not_ours(self) -> CopyError:
        return CopyError(
            f"{self.server.address} has a collection {self.name} that this store did not make: set "
            "another memory.chroma.collection, or say `aiops memory chroma push --take-over`."
        )

    def _claimed(self, take_over: bool) -> CopyRecord:
        """Return the record of our collection, made if there is none."""
        with self.store.read() as view:
            record = view.archive.copied()
        found = self.server.found(self.name)
        if record is not None and found == record.collection:
            return record
        if found and not take_over:
            raise self._not_ours
        older = record is not None and record.name != self.name  # of another model or setting
        if record and older and self.server.found(record.name) == record.collection:
            self.server.drop(record.name)
        record, self._known = CopyRecord(self.name, found or self.server.make(self.name)), None
        self._note(record)
        return record

    def _note(self, record: CopyRecord) -> None:
        with self.store.begin() as work:
            work.archive.copy(record)

    def _known_is_there(self, record: CopyRecord) -> bool:
        return self.server.count(record.collection) == len(self._known or ())

    def _put_all(
        self, record: CopyRecord, known: dict[int, str], listed: set[str] | None
    ) -> tuple[int, set[int]]:
        """Put what is not there; return how many, and the numbers of all of ours."""
        with self.store.read() as view:
            held = set(view.archive.placed(self.model))
        missing, put = sorted(held - known.keys()), 0
        if listed is not None and record.upto and not listed:
            self._note(replace(record, upto=0))  # it was emptied: until it is full we answer
        for first in range(0, len(missing), PAGE):
            with self.store.read() as view:
                rows = view.archive.vectors(self.model, numbers=missing[first : first + PAGE])
                keys = {row.number: key_of(row) for row in rows}
                absent = [row for row in rows if listed is None or keys[row.number] not in listed]
                new = list(self._given(view.archive, absent))
            if new:
                self.server.put(record.collection, new)
            known |= keys
            put += len(new)
        return put, held

    def _given(self, view: ArchiveView, rows: Sequence[VectorRow]) -> Iterator[CopiedVector]:
        scanned = {one.number: one for one in view.rows(numbers=[row.case for row in rows])}
        cases = {str(one.id): one for one in view.named([one.id for one in scanned.values()])}
        for row in rows:
            if (of := scanned.get(row.case)) is not None and of.id in cases:
                yield CopiedVector(
                    key=key_of(row),
                    vector=np.frombuffer(row.vector, HALF).astype(np.float32),
                    family=of.family,
                    told=not terms_in(of.terms).shape,
                    words=_digest(told_by(cases[of.id])),
                )

    def _remove_all(
        self, record: CopyRecord, known: dict[int, str], held: set[int], listed: set[str]
    ) -> int:
        gone = {known.pop(number) for number in known.keys() - held}
        keys = sorted(gone | (listed - set(known.values())))
        for first in range(0, len(keys), PAGE):
            self.server.remove(record.collection, keys[first : first + PAGE])
        return len(keys)

    def _prove(self, places: Sequence[tuple[PastIncident, Scores]]) -> None:
        some = places[:: max(1, len(places) // PROVED)]
        whose = [Whose(str(case.id), case.environment) for case, _ in some]
        ours = self.embedder.embed([told_by(case) for case, _ in some], whose)
        wide = all(len(one) == ours.shape[1] for _, one in places)
        if not wide or any(
            float(own @ theirs) < SAME for (_, theirs), own in zip(some, ours, strict=True)
        ):
            raise CopyError(
                f"{self.server.address} holds other vectors than {self.model} makes of the same "
                "words: they are not taken."
            )


def key_of(row: VectorRow) -> str:
    """Return the key of a vector at a server: whose it is, and a digest of itself."""
    return f"{row.case}-{sha256(row.vector).hexdigest()[:16]}"


def _case(key: str) -> int | None:
    number = key.partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 16 else None


def _digest(words: str) -> str:
    return sha256(words.encode("utf-8", "surrogatepass")).hexdigest()


def _unit(vector: Scores) -> Scores:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
