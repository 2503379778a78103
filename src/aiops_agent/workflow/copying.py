"""The copy of the vectors at a server is kept like ours; while that is away, ours answer."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from aiops_agent.domain.errors import CopyError
from aiops_agent.workflow.loops import LoopName

log = logging.getLogger(__name__)

COPY_SECONDS = 30.0  # between two looks; what the server has not yet is compared by us


@dataclass
class CopyUpkeep:
    """Brings the copy up to date with `sync`, which blocks."""

    loop: ClassVar[LoopName] = LoopName.VECTORS
    pause: ClassVar[float] = COPY_SECONDS

    sync: Callable[[], object]
    _why: str = ""  # it failed last

    async def look(self) -> None:
        """Bring it up to date, or say once why that cannot be done: nothing is lost by it."""
        try:
            await asyncio.to_thread(self.sync)
        except CopyError as error:
            if str(error) != self._why:
                log.warning("vectors are not copied", extra={"why": str(error)})
            self._why = str(error)
        else:
            self._why = ""
