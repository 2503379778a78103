"""Where the trace of an ended incident is sent, if it is sent anywhere."""

from typing import Protocol

from aiops_agent.domain.trace import Trace


class TraceSink(Protocol):
    """Takes whole traces; the same one again brings the same span ids."""

    async def send(self, trace: Trace) -> None:
        """Send a trace; raises NotifyError, which says whether to try again."""
