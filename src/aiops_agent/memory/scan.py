"""Which remembered incidents share terms with a question: postings in arrays, scanned whole."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Scores: TypeAlias = npt.NDArray[np.float32]
Places: TypeAlias = npt.NDArray[np.int64]
Counts: TypeAlias = npt.NDArray[np.uint16]  # a text has fewer terms than fit

# The usual constants of BM25: how soon a repeated word adds nothing, how much long texts pay.
SATURATION, LENGTH = 1.2, 0.75
TOGETHER = 8192  # texts that are sorted in at once: to sort takes many times their room
_BITS = 32  # of a text's number, below that of a term


class _TermNumbers(dict[str, int]):
    """The number of each term; a new one gets the next."""

    def __missing__(self, term: str) -> int:
        self[term] = number = len(self)
        return number


@dataclass(frozen=True)
class _Sorted:
    """Postings by term: those of term t are `rows[starts[t]:starts[t + 1]]`, older texts first."""

    rows: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.uint16))
    starts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    lengths: Scores = field(default_factory=lambda: np.zeros(0, np.float32))  # terms of each text
    idf: Scores = field(default_factory=lambda: np.zeros(0, np.float32))
    # By weights of kinds: those of all terms, and of each text the sum of its own.
    weighed: dict[tuple[tuple[str, float], ...], tuple[Scores, Scores]] = field(
        default_factory=dict
    )

    def joined(
        self, terms: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], known: int
    ) -> "_Sorted":
        """Return the same with more texts: the terms of all one after the other, `lengths` each."""
        before, count = len(self.lengths), len(self.lengths) + len(lengths)
        texts = np.repeat(np.arange(before, count), lengths)
        keys, times = np.unique((terms << _BITS) | texts, return_counts=True)
        terms, texts = keys >> _BITS, keys & ((1 << _BITS) - 1)
        old = np.zeros(known, np.int64)
        old[: len(self.starts) - 1] = np.diff(self.starts)
        places = np.cumsum(old)[terms]  # behind the older texts of the term
        having = old + np.bincount(terms, minlength=known)
        return _Sorted(
            rows=np.insert(self.rows, places, texts),
            counts=np.insert(self.counts, places, times),
            starts=np.concatenate(([0], np.cumsum(having))),
            lengths=np.concatenate((self.lengths, lengths.astype(np.float32))),
            idf=np.log(1 + (count - having + 0.5) / (having + 0.5)).astype(np.float32),
        )

    @cached_property
    def paid(self) -> Scores:
        """What BM25 lets each text pay for its length."""
        mean = max(float(self.lengths.mean()), 1.0) if len(self.lengths) else 1.0
        paid: Scores = SATURATION * (1 - LENGTH + LENGTH * self.lengths / np.float32(mean))
        return paid


@dataclass
class Postings:
    """Texts as bags of terms, numbered as they were added; sorted in together, or when asked."""

    count: int = 0
    _known: _TermNumbers = field(default_factory=_TermNumbers)
    _terms: "array[int]" = field(default_factory=lambda: array("i"))  # of texts not yet sorted in
    _lengths: "array[int]" = field(default_factory=lambda: array("i"))  # how many of each
    _made: _Sorted = field(default_factory=_Sorted)

    def add(self, terms: Sequence[str]) -> None:
        """Add one text."""
        self._terms.extend(map(self._known.__getitem__, terms))
        self._lengths.append(len(terms))
        self.count += 1
        if len(self._lengths) >= TOGETHER:
            self._sorted()

    def bm25(self, terms: Sequence[str]) -> Scores:
        """Return how well each text answers the terms (BM25); 0 where none is shared."""
        made, found = self._sorted(), np.zeros(self.count, np.float32)
        for term in self._ids(terms):
            rows, times = self._of(made, term)
            found[rows] += made.idf[term] * times * (SATURATION + 1) / (times + made.paid[rows])
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
            each = np.repeat(weight, np.diff(made.starts))
            whole = np.bincount(made.rows, weights=each, minlength=self.count)
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

    def _of(self, made: _Sorted, term: int) -> tuple[npt.NDArray[np.int32], Counts]:
        low, high = made.starts[term], made.starts[term + 1]
        return made.rows[low:high], made.counts[low:high]

    def _sorted(self) -> _Sorted:
        if self._lengths:
            terms, lengths = np.array(self._terms, np.int64), np.array(self._lengths, np.int64)
            self._made = self._made.joined(terms, lengths, len(self._known))
            self._terms, self._lengths = array("i"), array("i")
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
