"""Which remembered incidents share terms with a question: postings in arrays, scanned whole."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
    # By weights of kinds: those of all terms, and of each text the sum of its own.
    weighed: dict[tuple[tuple[str, float], ...], tuple[Scores, Scores]] = field(
        default_factory=dict
    )


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

    def overlap(self, terms: Sequence[str], weights: Mapping[str, float]) -> Scores:
        """Return the shared part of each text with the terms, 0..1, rare terms counting more.

        `weights` are those of kinds of terms (what stands before the first dot), others weigh 1;
        what weighs 0 counts for and against none.
        """
        made, shared = self._sorted(), np.zeros(self.count, np.float32)
        if not self.count:
            return shared
        weight, whole = self._weighed(made, weights)
        ids = self._ids(terms)
        for term in ids:
            rows, _ = self._of(made, term)
            shared[rows] += weight[term]
        never = np.log(1 + 2 * self.count)  # what a term weighs that nobody has
        strange = (one for one in dict.fromkeys(terms) if one not in self._known)
        asked = weight[ids].sum() + never * sum(weights.get(_kind(one), 1.0) for one in strange)
        union = whole + np.float32(asked) - shared
        part: Scores = np.asarray(shared / np.maximum(union, 1e-9), np.float32)
        return part

    def _weighed(self, made: _Sorted, weights: Mapping[str, float]) -> tuple[Scores, Scores]:
        """Return what each term weighs, and each text with all of its terms."""
        key = tuple(sorted(weights.items()))
        if key not in made.weighed:
            of_kind = (weights.get(_kind(term), 1.0) for term in self._known)
            weight = made.idf * np.fromiter(of_kind, np.float32, len(self._known))
            whole = np.bincount(made.rows, weights=weight[made.owner], minlength=self.count)
            made.weighed[key] = (weight, whole.astype(np.float32))
        return made.weighed[key]

    def having(self, term: str) -> Scores:
        """Return 1 for each text that has the term, else 0."""
        found = np.zeros(self.count, np.float32)
        if term in self._known:
            found[self._of(self._sorted(), self._known[term])[0]] = 1.0
        return found

    @property
    def lengths(self) -> Scores:
        """How many terms each text has."""
        return self._sorted().lengths

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


def _kind(term: str) -> str:
    return term.split(".", 1)[0]


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
