"""Who is told what: reads the bus from a cursor, so a notifier that was away misses nothing."""

import asyncio
import logging
from dataclasses import dataclass

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import NotifyError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.notice import Notice, Occasion
from aiops_agent.domain.payload import EventType, PeopleTold
from aiops_agent.ports.people import Notifier
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.transaction import transaction

log = logging.getLogger(__name__)

_OCCASIONS = {
    EventType.APPROVAL_PENDING: Occasion.APPROVAL_NEEDED,
    EventType.APPROVAL_REMINDER: Occasion.REMINDER,
    EventType.INCIDENT_RESOLVED: Occasion.RESOLVED,
    EventType.INCIDENT_ESCALATED: Occasion.ESCALATED,
}
TRIES = 8  # of one notice, before it is given up and the next one gets its turn
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True)
class Inform:
    """One subscriber: tells one notifier of one environment's events, in order."""

    deps: Deps
    notifier: Notifier
    environment: EnvironmentRef

    async def catch_up(self) -> int:
        """Tell everything that is new and return how many events were read."""
        events = await asyncio.to_thread(self._new)
        for event in events:
            await self._tell(event)
            await asyncio.to_thread(self._done, event.id)
        return len(events)

    async def _tell(self, event: Event) -> None:
        occasion = _OCCASIONS.get(event.type)
        if occasion is None or event.environment != self.environment:
            return
        notice = await asyncio.to_thread(self._notice, event, occasion)
        why_not = await self._delivered(notice)
        await asyncio.to_thread(self._say, notice, why_not)

    async def _delivered(self, notice: Notice) -> str:
        """Tell it, again after a pause where that may help; return "" or why it was not told."""
        pause = FIRST_PAUSE_SECONDS
        for attempt in range(1, TRIES + 1):
            try:
                await self.notifier.tell(notice)
            except NotifyError as error:
                channel = self.notifier.name
                log.warning(
                    "notice not delivered",
                    extra={"channel": channel, "key": notice.key, "why": str(error)},
                )
                if not error.retry or attempt == TRIES:
                    return str(error)
            else:
                return ""
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return "given up"

    def _say(self, notice: Notice, why_not: str) -> None:
        """Put on the bus whether people were told: a page that nobody got is an event too."""
        occasion = notice.occasion.replace("_", " ")
        told = f"NOT told ({why_not})" if why_not else "told"
        with transaction(self.deps, notice.incident) as p:
            p.tell(
                PeopleTold(channel=self.notifier.name, occasion=notice.occasion, failed=why_not),
                f"{told} by {self.notifier.name}: {occasion}",
                f"{self.notifier.name}:{notice.key}",
            )

    def _notice(self, event: Event, occasion: Occasion) -> Notice:
        with self.deps.store.begin() as work:
            incident = work.incidents.get(event.incident)
            request = work.approvals.latest(event.incident)
        waits = occasion in (Occasion.APPROVAL_NEEDED, Occasion.REMINDER) and request is not None
        return Notice(
            key=event.key,
            occasion=occasion,
            incident=event.incident,
            environment=event.environment,
            title=_title(incident, event),
            text=_text(incident, event, occasion),
            severity=incident.severity if incident else "",
            digest=request.digest if waits and request else "",
            expires_at=request.expires_at if waits and request else None,
            at=event.written_at,
        )

    def _new(self) -> tuple[Event, ...]:
        with self.deps.store.begin() as work:
            return work.events.after(work.events.cursor(self._subscriber))

    def _done(self, cursor: int) -> None:
        with self.deps.store.begin() as work:
            work.events.advance(self._subscriber, cursor)

    @property
    def _subscriber(self) -> str:
        return f"notify:{self.environment}:{self.notifier.name}"


def _title(incident: Incident | None, event: Event) -> str:
    return f"{event.incident}: {incident.title}" if incident else event.incident


def _text(incident: Incident | None, event: Event, occasion: Occasion) -> str:
    attempt = incident.attempt if incident else None
    if occasion in (Occasion.APPROVAL_NEEDED, Occasion.REMINDER) and attempt and attempt.prepared:
        steps = "; ".join(step.run for step in attempt.prepared.steps)
        return f"{event.message}. Do: {steps}. Answer: aiops approve {event.incident}"
    return event.message
