"""Which remembered incidents share terms with a question: postings in arrays, scanned whole."""

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Scores: TypeAlias = npt.NDArray[np.float32]
Places: TypeAlias = npt.NDArray[np.int64]

# The usual constants of BM25: how soon a repeated word adds nothing, how much long texts pay.
SATURATION, LENGTH = 1.2, 0.75


@dataclass
class _Sorted:
    """Postings by term: those of term t are `rows[starts[t]:starts[t + 1]]`."""

    rows: npt.NDArray[np.int32]
    counts: npt.NDArray[np.float32]
    starts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.float32]  # terms of each text
    owner: npt.NDArray[np.int32]  # the term of each posting, as `rows` are ordered
    idf: npt.NDArray[np.float32]
    whole: Scores | None = None


@dataclass
class Postings:
    """Texts as bags of terms, numbered as they were added; sorted anew at the first question."""

    count: int = 0
    _known: dict[str, int] = field(default_factory=dict)
    _rows: "array[int]" = field(default_factory=lambda: array("i"))
    _terms: "array[int]" = field(default_factory=lambda: array("i"))
    _counts: "array[int]" = field(default_factory=lambda: array("i"))
    _made: _Sorted | None = None

    def add(self, terms: Iterable[str]) -> None:
        """Add one text."""
        known, counts = self._known, Counter(terms)
        self._rows.extend(repeat(self.count, len(counts)))
        self._terms.extend([known.setdefault(term, len(known)) for term in counts])
        self._counts.extend(counts.values())
        self.count += 1
        self._made = None

    def bm25(self, terms: Sequence[str]) -> Scores:
        """Return how well each text answers the terms (BM25); 0 where none is shared."""
        made, found = self._sorted(), np.zeros(self.count, np.float32)
        mean = float(made.lengths.mean()) if self.count else 0.0
        paid = SATURATION * (1 - LENGTH + LENGTH * made.lengths / max(mean, 1.0))
        for term in self._ids(terms):
            rows, times = self._of(made, term)
            found[rows] += made.idf[term] * times * (SATURATION + 1) / (times + paid[rows])
        return found

    def overlap(self, terms: Sequence[str], silent: Collection[str] = ()) -> Scores:
        """Return the shared part of each text with the terms, 0..1, rare terms counting more.

        Terms of the `silent` kinds (what stands before the first dot) count for and against none.
        """
        made, shared = self._sorted(), np.zeros(self.count, np.float32)
        if not self.count:
            return shared
        ids = self._ids(terms)
        for term in ids:
            rows, _ = self._of(made, term)
            shared[rows] += made.idf[term]
        whole = self._whole(made, silent)
        never = np.float32(np.log(1 + 2 * self.count))  # what a term weighs that nobody has
        asked = made.idf[ids].sum() + never * (len(set(terms)) - len(ids))
        union = whole + asked - shared
        part: Scores = np.asarray(shared / np.maximum(union, 1e-9), np.float32)
        return part

    def _whole(self, made: _Sorted, silent: Collection[str]) -> Scores:
        """Return the sum of the weights of each text's terms."""
        if not silent and made.whole is not None:
            return made.whole
        idf = made.idf
        if silent:
            heard = (term.split(".", 1)[0] not in silent for term in self._known)
            idf = idf * np.fromiter(heard, np.bool_, len(self._known))
        found = np.bincount(made.rows, weights=idf[made.owner], minlength=self.count)
        summed: Scores = found.astype(np.float32)
        if not silent:
            made.whole = summed
        return summed

    def having(self, term: str) -> Scores:
        """Return 1 for each text that has the term, else 0."""
        found = np.zeros(self.count, np.float32)
        if term in self._known:
            found[self._of(self._sorted(), self._known[term])[0]] = 1.0
        return found

    def spread(self, term: str) -> float:
        """Return the share of texts that have the term."""
        if not self.count or term not in self._known:
            return 0.0
        rows, _ = self._of(self._sorted(), self._known[term])
        return len(rows) / self.count

    def _ids(self, terms: Sequence[str]) -> list[int]:
        return [self._known[term] for term in dict.fromkeys(terms) if term in self._known]

    def _of(
        self, made: _Sorted, term: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        low, high = made.starts[term], made.starts[term + 1]
        return made.rows[low:high], made.counts[low:high]

    def _sorted(self) -> _Sorted:
        if self._made is None:
            terms = np.array(self._terms, np.int32)
            rows = np.array(self._rows, np.int32)
            counts = np.array(self._counts, np.float32)
            order = np.argsort(terms, kind="stable")
            having = np.bincount(terms, minlength=len(self._known))
            lengths = np.bincount(rows, weights=counts, minlength=self.count)
            self._made = _Sorted(
                rows=rows[order],
                counts=counts[order],
                starts=np.concatenate(([0], np.cumsum(having))),
                lengths=lengths.astype(np.float32),
                owner=terms[order],
                idf=np.log(1 + (self.count - having + 0.5) / (having + 0.5)).astype(np.float32),
            )
        return self._made


def best(scores: Scores, most: int, least: float = 0.0) -> Places:
    """Return the places of at most `most` scores above `least`, the highest first.

    Among equals, those added later come first.
    """
    places = np.flatnonzero(scores > least)
    if len(places) > most:
        edge = np.partition(scores[places], len(places) - most)[len(places) - most]
        above, level = places[scores[places] > edge], places[scores[places] == edge]
        places = np.concatenate((above, level[len(level) - (most - len(above)) :]))
    return places[np.lexsort((-places, -scores[places]))]


def fused(lists: Iterable[tuple[Places, Scores]], smooth: float = 20.0) -> dict[int, float]:
    """Return the sum of reciprocal ranks over the lists; equals of a list share one rank."""
    found: dict[int, float] = {}
    for places, scores in lists:
        rank, last = 0, None
        for position, place in enumerate(places.tolist()):
            score = float(scores[place])
            rank, last = (rank, last) if score == last else (position, score)
            found[place] = found.get(place, 0.0) + 1.0 / (smooth + rank + 1)
    return found
