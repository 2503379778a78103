"""Gemini's vectors of words, opened at the first text: what is behind takes seconds to load."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from importlib import import_module
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx2

from aiops_agent.adapters.models.section import GEMINI, Lineup
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.model import ModelError, ModelRef, Trouble
from aiops_agent.domain.redact import Redactor
from aiops_agent.ports.meaning import Whose
from aiops_agent.ports.model import CallLog

if TYPE_CHECKING:  # whoever builds it does not pay for numpy
    import numpy as np
    import numpy.typing as npt

BEHIND = "aiops_agent.adapters.models.embedded"
WIDTH = 768  # numbers of a vector: a quarter of the longest, for a hundredth of what they tell
REST = 60.0  # seconds for which a provider that failed is not asked
# It may be the text itself that gets no vector: another one is tried next time.
_ITS_OWN = (Trouble.REQUEST, Trouble.FILTERED, Trouble.LENGTH, Trouble.SHAPE)
GIVE_KEY = "set GEMINI_API_KEY or models.api_key"


def embedding_ref(lineup: Lineup) -> ModelRef | None:
    """Return the model of `models.embeddings`, None without; raises SettingsError."""
    if not lineup.section.embeddings:
        return None
    ref = lineup.ref(lineup.section.embeddings)
    if ref.provider != GEMINI:
        raise SettingsError(
            f"models.embeddings is {ref}; only Gemini's are spoken to, such as "
            "gemini:gemini-embedding-001."
        )
    return ref


@dataclass
class GeminiEmbedder:
    """ports.meaning.Embedder: each text is a request that is on record, within the budget.

    It raises ModelError; `clock` is monotonic, in seconds.
    """

    lineup: Lineup
    ref: ModelRef
    log: CallLog
    now: Callable[[], datetime]
    redactor: Redactor
    network: Callable[[], httpx2.AsyncBaseTransport] = httpx2.AsyncHTTPTransport
    clock: Callable[[], float] = monotonic
    quick: bool = False
    _asks_from: float = float("-inf")
    _refused: set[bytes] = field(default_factory=set)  # texts that this process sends no more
    _turn: Lock = field(default_factory=Lock)  # of one process one asks at a time: the budget holds

    @property
    def name(self) -> str:
        """Return the name of the model, with the numbers of a vector."""
        return f"{self.ref.name}-{WIDTH}"

    def embed(self, texts: Sequence[str], whose: Sequence[Whose] = ()) -> "npt.NDArray[np.float32]":
        """Return a row of length 1 for each text; without `whose` they are a person's question."""
        with self._turn:
            known = {sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts}
            if self.clock() < self._asks_from or known & self._refused:
                raise ModelError(f"{self.ref} failed a moment ago.", Trouble.CLOSED)
            room: Any = import_module(BEHIND)
            try:
                # A loop of its own: whoever calls may stand in one.
                with ThreadPoolExecutor(1) as pool:
                    found: npt.NDArray[np.float32] = pool.submit(
                        room.embedded, self, texts, whose
                    ).result()
            except ModelError as error:
                self._asks_from = self.clock() + REST
                if error.trouble in _ITS_OWN:
                    self._refused |= known
                raise
            return found

    def check(self) -> Checkup:
        """Say whether it answers, by one word; blocking."""
        remedy = ""
        try:
            self.embed(("ready",))
            health, words = Health.OK, f"turns words into {WIDTH} numbers, for memory"
        except ModelError as error:
            health, words = Health.PROBLEM, str(error)
            remedy = GIVE_KEY if error.trouble is Trouble.KEY else ""
        return Checkup(
            group="models", name=str(self.ref), health=health, words=words, remedy=remedy
        )
