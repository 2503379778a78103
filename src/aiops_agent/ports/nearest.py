"""A server beside the store that finds near vectors. It holds a copy, which is not believed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # whoever only names the port does not pay for numpy
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class CopiedVector:
    """A vector as it is given to a server, which gets no word of a case."""

    key: str
    vector: "npt.NDArray[np.float32]"  # of length 1
    family: str  # the kind of its environment
    told: bool  # by people: the case has no shape
    words: str  # a digest of the words that it is the meaning of


class VectorServer(Protocol):
    """Collections of vectors, by name and by the id that the server gave them.

    Calls block, and end within a bounded time. All raise CopyError.
    """

    @property
    def address(self) -> str:
        """Return where it is, for people."""

    def version(self) -> str:
        """Return what answers there."""

    def found(self, name: str) -> str:
        """Return the id of the collection of that name; "" when there is none."""

    def make(self, name: str) -> str:
        """Make a collection, and return its id."""

    def drop(self, name: str) -> None:
        """Remove a collection with all that is in it."""

    def count(self, collection: str) -> int:
        """Return how many vectors a collection holds."""

    def keys(self, collection: str) -> Iterator[str]:
        """Yield the keys of a collection."""

    def put(self, collection: str, rows: Sequence[CopiedVector]) -> None:
        """Keep vectors; one of the same key is replaced."""

    def remove(self, collection: str, keys: Sequence[str]) -> None:
        """Remove vectors; unknown keys are no trouble."""

    def near(
        self,
        collection: str,
        vector: "npt.NDArray[np.float32]",
        most: int,
        *,
        families: Sequence[str] = (),
        told: bool = False,
    ) -> tuple[str, ...]:
        """Return the keys of the nearest, the nearest first; of all families if none is named.

        With `told` only of cases that people told.
        """

    def read(
        self, collection: str, words: Sequence[str]
    ) -> Mapping[str, "npt.NDArray[np.float32]"]:
        """Return vectors by the digests of their words, of those digests; whatever is told."""

    def close(self) -> None:
        """Give the connections back; a later question opens new ones."""
