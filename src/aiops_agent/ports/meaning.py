"""What turns words into places, so that what means the same is near."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # whoever only names the port does not pay for numpy
    import numpy as np
    import numpy.typing as npt


class Embedder(Protocol):
    """A model of meaning. Its calls block: use a thread."""

    @property
    def name(self) -> str:
        """Return the name of the model: places of two models cannot be compared."""

    def embed(self, texts: Sequence[str]) -> "npt.NDArray[np.float32]":
        """Return a row of length 1 for each text."""
