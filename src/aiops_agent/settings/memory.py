"""Section `memory`: how much of the past is kept one by one."""

from typing import Annotated

from pydantic import Field

from aiops_agent.domain.value import Value


class MemoryKeep(Value):
    """Beyond so many cases the oldest that tell the same story become one."""

    records: Annotated[int, Field(ge=100)] = 5000


class MemorySettings(Value):
    """Long-term memory."""

    keep: MemoryKeep = MemoryKeep()
