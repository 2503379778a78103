"""Several sources of metrics as one: the first that knows a signal of a service tells it."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiops_agent.domain.errors import NoSource, SourceError
from aiops_agent.domain.telemetry import Series, ServiceName, Signal, Window
from aiops_agent.ports.telemetry import Metrics


@dataclass(frozen=True)
class JoinedMetrics:
    """The Metrics port over a source, and others that add what it does not know."""

    first: Metrics
    others: Sequence[Metrics]

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        """Return a series for each pair that one of them knows. Raises SourceError of the first.

        Where the first is not configured, what the others know is all there is.
        """
        found, absent = list[Series](), None
        try:
            found += await self.first.read(services, signals, window)
        except NoSource as error:
            absent = error
        for other in self.others:
            known = {(one.service, one.signal) for one in found}
            left = [one for one in services if any((one, each) not in known for each in signals)]
            if not left:
                break
            try:
                more = await other.read(left, signals, window)
            except SourceError:
                continue  # the first has answered; what is missing is seen to be missing
            found += [one for one in more if (one.service, one.signal) not in known]
        if absent is not None and not found:
            raise absent
        return tuple(found)
