"""Who is told what: reads the bus from a cursor, so a notifier that was away misses nothing."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice

from aiops_agent.domain.alert import IncidentAlert
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import AiopsError, NotifyError, StoreError
from aiops_agent.domain.event import Event
from aiops_agent.domain.notice import Link, Notice, Occasion, Receipt
from aiops_agent.domain.payload import ApprovalPending, ApprovalReminder, EventType, PeopleTold
from aiops_agent.domain.remediation import Risk
from aiops_agent.domain.retry import growing, retry
from aiops_agent.ports.people import Notifier
from aiops_agent.workflow.deps import Deps, transaction
from aiops_agent.workflow.feed import Feed

log = logging.getLogger(__name__)

_OCCASIONS = {
    EventType.APPROVAL_PENDING: Occasion.APPROVAL_NEEDED,
    EventType.APPROVAL_REMINDER: Occasion.REMINDER,
    EventType.INCIDENT_RESOLVED: Occasion.RESOLVED,
    EventType.INCIDENT_ESCALATED: Occasion.ESCALATED,
}
_RISKS = tuple(Risk)  # the least first
TRIES = 8  # of one notice, before it is given up and the next one gets its turn
FIRST_PAUSE_SECONDS = 0.5  # a hiccup is over by then
LONGEST_PAUSE_SECONDS = 60.0  # an outage is asked once a minute


@dataclass(frozen=True)
class Notices:
    """One subscriber: tells one notifier of one environment's events, in order."""

    deps: Deps
    feed: Feed
    notifier: Notifier
    environment: EnvironmentRef

    async def run(self, well: Callable[[], None] = lambda: None) -> None:
        """Tell everything from where it stopped last, for ever, and say `well` as it goes on.

        Raises StoreError.
        """
        async with aclosing(self.feed.follow(await asyncio.to_thread(self._stopped))) as batches:
            async for found in batches:
                well()
                await self._tell_all(found)

    async def catch_up(self) -> int:
        """Tell everything that is new and return how many events were read."""
        found = await self.feed.after(await asyncio.to_thread(self._stopped))
        await self._tell_all(found)
        return len(found)

    async def _tell_all(self, events: tuple[Event, ...]) -> None:
        for event in events:
            occasion = _OCCASIONS.get(event.type)
            if occasion is not None and event.environment == self.environment:
                await self._tell(await asyncio.to_thread(self._notice, event, occasion))
                await asyncio.to_thread(self._done, event.id)
        if events:
            await asyncio.to_thread(self._done, events[-1].id)

    async def _tell(self, notice: Notice) -> None:
        """Tell it, again after a pause where that may help, and say how it went."""
        receipt, why_not = None, ""
        pauses = islice(growing(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS), TRIES - 1)
        try:
            receipt = await retry(lambda: self._sent(notice), when=_may_help, pauses=pauses)
        except NotifyError as error:
            why_not = str(error)
        await asyncio.to_thread(self._say, notice, receipt, why_not)

    async def _sent(self, notice: Notice) -> Receipt:
        channel = self.notifier.name
        try:
            return await self.notifier.tell(notice)
        except NotifyError as error:
            failed = error
        except Exception as error:  # border: a channel's own defect silences no other channel
            log.exception("notifier failed", extra={"channel": channel, "key": notice.key})
            failed = NotifyError(f"{channel} failed: {type(error).__name__}", retry=False)
        why = {"channel": channel, "key": notice.key, "why": str(failed)}
        log.warning("notice not delivered", extra=why)
        raise failed

    def _say(self, notice: Notice, receipt: Receipt | None, why_not: str) -> None:
        """Put on the bus whether people were told: a page that nobody got is an event too."""
        occasion = notice.occasion.replace("_", " ")
        told = f"NOT told ({why_not})" if why_not else "told"
        channel = self.notifier.name
        payload = PeopleTold(
            channel=channel, occasion=notice.occasion, receipt=receipt, failed=why_not
        )
        with transaction(self.deps, notice.incident) as t:
            t.tell(payload, f"{told} by {channel}: {occasion}", f"{channel}:{notice.key}")

    def _notice(self, event: Event, occasion: Occasion) -> Notice:
        with self.deps.store.read() as view:
            incident = view.incidents.get(event.incident)
            asked = view.approvals.get(_request(event))
            alerts = view.alerts.of_incident(event.incident, 1).shown
        if incident is None:
            raise StoreError(f"The store has events of {event.incident} and no such incident.")
        attempt = incident.attempt
        done = attempt.prepared if attempt and attempt.outcome else None
        shown = asked.prepared if asked else done
        return Notice(
            key=event.key,
            occasion=occasion,
            incident=event.incident,
            environment=event.environment,
            severity=incident.severity,
            title=f"{event.incident}: {incident.title}",
            what=event.message,
            action="; ".join(step.run for step in shown.steps) if shown else "",
            risk=max((step.risk for step in shown.steps), key=_RISKS.index) if shown else None,
            undo="; ".join(step.undo for step in shown.steps) if shown else "",
            plan=asked.digest if asked else "",
            expires_at=asked.expires_at if asked else None,
            labels=alerts[0].labels if alerts else {},
            links=_links(alerts[0]) if alerts else (),
            at=event.written_at,
        )

    def _stopped(self) -> int:
        with self.deps.store.read() as view:
            return view.events.cursor(self._subscriber)

    def _done(self, cursor: int) -> None:
        with self.deps.store.begin() as work:
            work.events.advance(self._subscriber, cursor)

    @property
    def _subscriber(self) -> str:
        return f"notify:{self.environment}:{self.notifier.name}"


def _request(event: Event) -> str:
    """Return the request that an event asks about: a later one has a notice of its own."""
    said = event.payload
    return said.approval if isinstance(said, ApprovalPending | ApprovalReminder) else ""


def _links(alert: IncidentAlert) -> tuple[Link, ...]:
    found = (
        ("rule", alert.generator_url),
        ("runbook", alert.runbook),
        ("alertmanager", alert.alertmanager_url),
    )
    return tuple(Link(name=name, url=url) for name, url in found if url)


def _may_help(error: AiopsError) -> bool:
    return isinstance(error, NotifyError) and error.retry
