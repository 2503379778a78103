"""Section `memory`: how much of the past is kept one by one, and by what meaning is found."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from aiops_agent.adapters.chroma.section import ChromaSettings
from aiops_agent.domain.value import Value
from aiops_agent.ports.archive import KeepLimits
from aiops_agent.ports.spellings import LocalPath


class MemoryKeep(Value):
    """Beyond so many cases, bytes and days the oldest that tell the same story become one."""

    records: Annotated[int, Field(ge=100)] = 5000
    mb: Annotated[float, Field(gt=0)] = 200.0  # megabytes of cases with their reports
    days: Annotated[int, Field(ge=14)] = 730

    def limits(
        self, records: int | None = None, mb: float | None = None, days: int | None = None
    ) -> KeepLimits:
        """Return what memory is told, with what is asked for this once in their place."""
        return KeepLimits(
            records=self.records if records is None else records,
            size=1e6 * (self.mb if mb is None else mb),
            age=timedelta(days=self.days if days is None else days),
        )


class MemorySettings(Value):
    """Long-term memory; `minilm` is a folder with the model by which words are found by meaning.

    `chroma` is a server that finds which vectors are near; without it they are scanned here.
    """

    keep: MemoryKeep = MemoryKeep()
    minilm: LocalPath | None = None
    chroma: ChromaSettings | None = None
