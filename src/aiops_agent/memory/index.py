"""All cases as arrays that are scanned, kept as the store has them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from aiops_agent.memory.meanings import Meanings
from aiops_agent.memory.scan import Postings, Scores, best, fused
from aiops_agent.memory.terms import WEIGHTS, CaseTerms, identifier, lists_in, released
from aiops_agent.ports.archive import ArchiveView, CaseRow, Census, VectorRow

MOST = 200  # places of a list that are fused
SHAPED = 0.3  # shared part of two shapes from which one is worth recalling
UNBELIEVED = 0.1  # the same before a diagnosis: what is believed of the other is not shared
NAMED = 3.0  # points of names from which a case is worth recalling
RARE = 0.05  # share of the cases: an identifier that more have tells nothing apart
_BELIEVED = dict.fromkeys(("cause", "kind", "trigger", "changed"), 0.0)  # silent while none is
_POINTS = {"service": 2.0, "alert": 1.5, "signal": 1.0, "cause": 2.0}
NEAR = 0.4  # cosine from which words mean about the same
AKIN = 0.1  # cosine from which they have anything to do with each other
LEAD = 2.0  # times the next best: words by which one case stands out beside what is meant
# What is meant: a vector, or the cosines of the cases that are near it, by their numbers.
Meant: TypeAlias = Scores | Mapping[int, float] | None
_ROOM = 0.25  # share of rows that are dead before all is read anew


@dataclass(frozen=True)
class Found:
    """A case that was found; `shape` is the shared part, `near` the cosine of what is meant."""

    id: str
    rank: float
    shape: float = 0.0
    near: float = 0.0
    identifiers: tuple[str, ...] = ()


@dataclass
class CaseIndex:
    """What is scanned of all cases. Several threads may ask at once."""

    read_up: Census = field(default_factory=Census)  # when every case had a vector: to ask is dear
    _lock: Lock = field(default_factory=Lock)  # guards everything below
    _census: Census = field(default_factory=Census)
    _ids: list[str] = field(default_factory=list)  # by place
    _places: dict[int, int] = field(default_factory=dict)  # number of a row -> its place
    # By place: the number of its family, -1 when the row is dead.
    _of: npt.NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))
    _families: dict[str, int] = field(default_factory=dict)
    _shape: Postings = field(default_factory=Postings)
    _names: Postings = field(default_factory=Postings)
    _words: Postings = field(default_factory=Postings)
    _meanings: Meanings = field(default_factory=Meanings)
    _placed: Census = field(default_factory=Census)  # when vectors were taken in last

    def refresh(self, view: ArchiveView, model: str = "") -> None:
        """Take in what other processes and this one changed; vectors of a model, if one is named.

        An index is asked for one model all its life, or for none where a server finds what is near.
        """
        census = view.census()
        with self._lock:
            if census == self._census and (not model or self._placed == census):
                return
            if census.removed != self._census.removed or census.newest < self._census.newest:
                self._forget(view)
            self.take(view.rows(above=self._census.newest))
            if model:
                self.place(view.vectors(model, self._placed.vectors))
                self._placed = census
            self._census = census

    def take(self, rows: Iterable[CaseRow]) -> None:
        """Add rows that are not known."""
        added, lists = [], (self._shape, self._names, self._words)
        for row in rows:
            if row.number in self._places:
                continue
            added.append(self._families.setdefault(row.family, len(self._families)))
            self._places[row.number] = len(self._ids)
            self._ids.append(row.id)
            for postings, terms in zip(lists, lists_in(row.terms), strict=True):
                postings.add(terms)
        self._of = np.concatenate((self._of, np.array(added, np.int16)))

    def place(self, rows: Sequence[VectorRow]) -> None:
        """Add vectors of cases that are known."""
        self._meanings.add(rows)
        self._meanings.settle(self._places)

    def alike(
        self, terms: CaseTerms, family: str, without: str, most: int, *, meant: Meant = None
    ) -> tuple[Found, ...]:
        """Return the likest cases of a family: by shape, by names, by identifiers that they name.

        Only lists that tell cases apart are fused. What is `meant`, the vector of the incident's
        words, finds those that have no shape: what people told.
        """
        with self._lock:
            open_to = self._open((family,))
            believed = any(one.startswith("cause.") for one in terms.shape)
            weights = WEIGHTS if believed else {**WEIGHTS, **_BELIEVED}
            shape = self._shape.overlap(terms.shape, weights) * open_to
            names = self._named(terms.names) * open_to
            rare = [one for one in dict.fromkeys(terms.words) if self._tells(one)]
            told = self._identified(rare, terms.names) * open_to
            near = self._near(meant, open_to * self._shapeless())
            lists = [
                (best(shape, MOST, SHAPED if believed else UNBELIEVED), shape),
                (best(names, MOST, NAMED - 0.01), names),
                (best(told, MOST), told),
                (best(near, MOST, NEAR), near),
            ]
            found = self._top(fused(lists), most + 1, shape, near, rare)
            return tuple(one for one in found if one.id != without)[:most]

    def search(
        self, terms: CaseTerms, families: Collection[str], most: int, *, meant: Meant = None
    ) -> tuple[Found, ...]:
        """Return the cases that answer words best; of all families when none is named.

        With what is `meant`, the vector of the words, these count only for one that stands out.
        """
        with self._lock:
            open_to = self._open(families or tuple(self._families))
            words = self._words.bm25(terms.words) * open_to
            rare = [one for one in dict.fromkeys(terms.words) if self._tells(one)]
            told = self._words.bm25(rare) * open_to
            near = self._near(meant, open_to)
            lists = [(best(told, MOST), told), (best(near, MOST, AKIN), near)]
            if meant is None or _leads(words):
                lists.append((best(words, MOST if meant is None else 1), words))
            return self._top(fused(lists), most, np.zeros_like(words), near, rare)

    def _top(
        self, ranks: dict[int, float], most: int, shape: Scores, near: Scores, rare: Sequence[str]
    ) -> tuple[Found, ...]:
        # Among equals the newer first.
        order = sorted(ranks, key=lambda place: (-ranks[place], -place))[:most]
        found = []
        named = [(one.removeprefix("#"), self._words.having(one)) for one in rare]
        for place in order:
            shared = tuple(name for name, has in named if has[place])
            scores = (float(shape[place]), float(near[place]))
            found.append(Found(self._ids[place], ranks[place], *scores, shared))
        return tuple(found)

    def _near(self, meant: Meant, among: Scores) -> Scores:
        if meant is not None and not isinstance(meant, Mapping):
            return self._meanings.near(meant, among)
        found = np.zeros_like(among)
        for number in self._places.keys() & (meant or {}).keys():
            found[self._places[number]] = (meant or {})[number]
        return found * among

    def _shapeless(self) -> Scores:
        """Return 1 for each case without a shape: one that people told."""
        without: Scores = (self._shape.lengths == 0).astype(np.float32)
        return without

    def _open(self, families: Collection[str]) -> Scores:
        known = [self._families[one] for one in families if one in self._families]
        return np.isin(self._of, known).astype(np.float32)

    def _named(self, names: Sequence[str]) -> Scores:
        found, alerts = np.zeros(len(self._ids), np.float32), np.zeros(len(self._ids), np.float32)
        for name in names:
            kind, points = name.split("=", 1)[0], self._names.having(name)
            if kind == "alert":
                alerts = np.maximum(alerts, points)
            else:
                found += _POINTS[kind] * points
        return found + _POINTS["alert"] * alerts

    def _identified(self, rare: Sequence[str], names: Sequence[str]) -> Scores:
        """Return how well each case answers identifiers; a release is one of the same service."""
        same = sum(
            (self._names.having(one) for one in names if one.startswith("service=")),
            np.zeros(len(self._ids), np.float32),
        )
        releases = self._words.bm25([one for one in rare if released(one)])
        found: Scores = releases * same + self._words.bm25(
            [one for one in rare if not released(one)]
        )
        return found

    def _tells(self, term: str) -> bool:
        share = self._words.spread(term) if identifier(term) else 0.0
        return share > 0.0 and (share <= RARE or share * len(self._ids) <= 3)

    def _forget(self, view: ArchiveView) -> None:
        """Let go of what is not there any more; begin anew when much is gone, or all is another."""
        there = set(view.numbers())
        gone = self._places.keys() - there
        left = len(self._places) - len(gone)
        if not left or (len(self._ids) > 1000 and left < (1 - _ROOM) * len(self._ids)):
            self._ids, self._places, self._of = [], {}, np.zeros(0, np.int16)
            self._shape, self._names, self._words = Postings(), Postings(), Postings()
            self._meanings, self._census, self._placed = Meanings(), Census(), Census()
        else:
            for number in gone:
                self._of[self._places.pop(number)] = -1


def _leads(scores: Scores) -> bool:
    """Whether the best stands out: else a list of words would only water down what is meant."""
    if len(scores) < 2:
        return True
    second, first = np.partition(scores, len(scores) - 2)[-2:]
    return bool(first > LEAD * second)
