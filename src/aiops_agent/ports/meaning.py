"""What turns words into places, so that what means the same is near."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aiops_agent.domain.environment import EnvironmentRef

if TYPE_CHECKING:  # whoever only names the port does not pay for numpy
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Whose:
    """Of which incident words are: what leaves this machine is on record there."""

    incident: str
    environment: EnvironmentRef
    asks: bool = False  # a question, and no words that are kept


class Embedder(Protocol):
    """A model of meaning. Its calls block: use a thread."""

    @property
    def quick(self) -> bool:
        """Return whether thousands of texts cost nothing and take minutes."""

    @property
    def name(self) -> str:
        """Return the name of the model: places of two models cannot be compared."""

    def embed(
        self, texts: Sequence[str], whose: Sequence[Whose] = (), /
    ) -> "npt.NDArray[np.float32]":
        """Return a row of length 1 for each text; without `whose` they are a person's question.

        Raises ModelError when it cannot: then words are found without their meaning.
        """
