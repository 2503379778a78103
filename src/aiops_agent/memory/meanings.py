"""Where cases stand among meanings: rows of one matrix, all of which are compared at a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.memory.scan import Scores
from aiops_agent.ports.archive import VectorRow

HALF = np.dtype("<f2")  # as vectors are kept: half the room, and the order stays
_MORE = 1.25  # times as much room, when it is used up
_FEW = 0.3  # share of the rows up to which taking them out is quicker than comparing all
_USED = 0.75  # share of the rows below which the rest is let go


def packed(vectors: npt.NDArray[np.float32]) -> list[bytes]:
    """Return each row as it is kept."""
    return [row.tobytes() for row in vectors.astype(HALF)]


def told_by(case: PastIncident) -> str:
    """Return the words of a case whose meaning is kept: the first ones tell the most."""
    causes = () if case.believed is CauseKind.UNKNOWN else (case.believed.replace("_", " "),)
    lines = (line.template for line in case.signature.lines)
    texts = (case.title, case.summary, *causes, case.change, *lines, case.text)
    return ". ".join(filter(None, (one.strip(" .") for one in texts)))


@dataclass
class Meanings:
    """Unit vectors by the number of their case; one that came later counts."""

    _rows: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    _cases: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _places: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _count: int = 0

    def add(self, rows: Sequence[VectorRow]) -> None:
        """Take in more of them; one of another width than the first is left out."""
        width = self._rows.shape[1] or (len(rows[0].vector) // HALF.itemsize if rows else 0)
        fit = [one for one in rows if len(one.vector) == width * HALF.itemsize]
        if self._count + len(fit) > len(self._rows):
            self._move(slice(0, self._count), self._count + len(fit), width)
        new = slice(self._count, self._count + len(fit))
        vectors = np.frombuffer(b"".join(one.vector for one in fit), HALF)
        self._rows[new] = vectors.reshape(len(fit), width)
        self._cases[new] = [one.case for one in fit]
        self._count += len(fit)

    def settle(self, places: Mapping[int, int]) -> None:
        """Learn where the cases of these numbers stand; the vectors of others are of no use."""
        self._places = np.array(
            [places.get(one, -1) for one in self._cases[: self._count].tolist()], np.int64
        )
        known = self._places >= 0
        if np.count_nonzero(known) < _USED * self._count:
            self._move(known, int(np.count_nonzero(known)), self._rows.shape[1])
            self._places = self._places[known]

    def near(self, vector: Scores, among: Scores) -> Scores:
        """Return the cosine of each place with a vector; 0 without one, or where `among` is 0."""
        found = np.zeros(len(among), np.float32)
        if self._count and len(vector) == self._rows.shape[1]:
            # Place -1 is none; what it points at is not looked at.
            wanted = np.flatnonzero((self._places >= 0) & (among[self._places] > 0))
            if len(wanted) < _FEW * self._count:
                cosines = self._rows[wanted] @ vector
            else:
                cosines = (self._rows[: self._count] @ vector)[wanted]
            found[self._places[wanted]] = cosines
        return found

    def _move(self, kept: slice | npt.NDArray[np.bool_], wanted: int, width: int) -> None:
        """Keep some rows, in a matrix that has room for so many and some more."""
        old, cases = self._rows[: self._count][kept], self._cases[: self._count][kept]
        room = int(wanted * _MORE) if self._count else wanted
        self._rows, self._cases = np.zeros((room, width), np.float32), np.zeros(room, np.int64)
        self._count = len(cases)
        if self._count:
            self._rows[: self._count], self._cases[: self._count] = old, cases
