"""What may be asked: everything durable, as of one moment."""

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.domain.alert import AlertList, Backlog, Delivery
from aiops_agent.domain.approval import (
    ApprovalRequest,
    ApprovalState,
    ApprovalSummary,
    RefusedAnswer,
)
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident, IncidentId, IncidentSummary, Status
from aiops_agent.domain.lease import EXECUTOR, away
from aiops_agent.domain.model import CallSummary, ModelCall
from aiops_agent.domain.outbox import OutboxStanding
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.sending import Standing
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.token import Token, hashed
from aiops_agent.domain.watch import WatchRecord
from aiops_agent.ports.store import Reader

_KNOWN = 500  # names among which a misspelt one is looked for


@dataclass
class Queries:
    """Blocking calls that change nothing; errors are AiopsError with one sentence."""

    reader: Reader
    halted: Callable[[], str] = str  # why the file `STOP` holds sending, or ""
    configured: tuple[Token, ...] = ()  # tokens that count beside those of the store

    def incidents(
        self,
        *,
        open_only: bool = False,
        before: str = "",
        limit: int = 100,
        environment: EnvironmentRef | None = None,
    ) -> tuple[IncidentSummary, ...]:
        """Return incidents in short, newest first, from the one behind `before` on."""
        with self.reader.read() as view:
            return view.incidents.listed(
                environment=environment, open_only=open_only, before=before.upper(), limit=limit
            )

    def active(self, environment: EnvironmentRef) -> tuple[IncidentId, ...]:
        """Return all incidents of an environment with a story to live, oldest first."""
        with self.reader.read() as view:
            return view.incidents.active_ids(environment)

    def incident(self, incident_id: str) -> Incident:
        """Return one incident; raises UsageError with the nearest names."""
        with self.reader.read() as view:
            found = view.incidents.get(incident_id.upper())
            if found is None:
                known = [incident.id for incident in view.incidents.listed(limit=_KNOWN)]
                raise UsageError(unknown("incident", incident_id, known, "aiops incident list"))
            return found

    def alerts(self, incident_id: str, limit: int = 1000) -> AlertList:
        """Return the first alerts of an incident, and how many it has."""
        with self.reader.read() as view:
            return view.alerts.of_incident(incident_id.upper(), limit)

    def events(self, after: int = 0, incident: str | None = None) -> tuple[Event, ...]:
        """Return events above an id, oldest first."""
        with self.reader.read() as view:
            return view.events.after(after, incident=incident)

    def history(self, incident_id: str) -> tuple[Event, ...]:
        """Return all events of an incident, oldest first."""
        events: list[Event] = []
        with self.reader.read() as view:
            name = incident_id.upper()
            while found := view.events.after(events[-1].id if events else 0, incident=name):
                events += found
        return tuple(events)

    def histories(
        self, since: datetime | None = None
    ) -> Iterator[tuple[tuple[Event, ...], tuple[ModelCall, ...]]]:
        """Yield events and model calls of each incident opened since then, the newest first."""
        before = ""
        while listed := self.incidents(before=before):
            for one in listed:
                events = self.history(one.id)
                if since is not None and events and events[0].written_at < since:
                    return
                yield events, self.calls(one.id)
            before = listed[-1].id

    def calls(self, incident_id: str) -> tuple[ModelCall, ...]:
        """Return what was sent to models for an incident (by its whole id), oldest first."""
        with self.reader.read() as view:
            return view.calls.of_incident(incident_id)

    def calls_after(self, cursor: int) -> tuple[CallSummary, ...]:
        """Return model calls of all incidents in short, with a number above `cursor`."""
        with self.reader.read() as view:
            return view.calls.after(cursor)

    def newest_event(self) -> int:
        """Return the id of the newest event; 0 when there is none."""
        with self.reader.read() as view:
            return view.events.last()

    def standing(self) -> tuple[Mapping[Status, int], int]:
        """Return how many unended incidents stand in each status, and how many requests wait."""
        with self.reader.read() as view:
            return view.incidents.unended(), view.approvals.pending()

    def sending(self) -> Standing:
        """Return how the stop switch, the file `STOP` and the breakers stand."""
        with self.reader.read() as view:
            moves, breakers = view.sending.switched(), view.sending.breakers()
        return Standing(moves=moves, file=self.halted(), breakers=breakers)

    def executor(self, environment: EnvironmentRef, version: str, wall: datetime) -> str:
        """Return why no executor of its own would take what is armed there; "" when one would."""
        with self.reader.read() as view:
            return away(view.leases.get(EXECUTOR), environment, version, view.clock.now(wall))

    def watched(self, environment: EnvironmentRef) -> WatchRecord | None:
        """Return what the watch saw of an environment last; None when it never looked."""
        with self.reader.read() as view:
            return view.watches.get(environment)

    def outbox(self, since: datetime) -> tuple[OutboxStanding, ...]:
        """Return how the outbox of each receiver stands, with what was given up since then."""
        with self.reader.read() as view:
            return view.outbox.standing(since)

    def approvals(
        self, states: Sequence[ApprovalState] = (), limit: int = 100
    ) -> tuple[ApprovalSummary, ...]:
        """Return requests for approval in short, newest first."""
        with self.reader.read() as view:
            return view.approvals.listed(states=states, limit=limit)

    def approval(self, name: str) -> ApprovalRequest:
        """Return a request by its own id, or the newest of an incident; raises UsageError."""
        with self.reader.read() as view:
            found = view.approvals.get(name.upper()) or view.approvals.latest(name.upper())
            if found is not None:
                return found
            known = [request.incident for request in view.approvals.listed(limit=_KNOWN)]
        raise UsageError(unknown("approval", name, known, "aiops approval list"))

    def refused(self, incident_id: str = "", limit: int = 100) -> tuple[RefusedAnswer, ...]:
        """Return answers that did not count, newest first; raises UsageError as `incident`."""
        name = self.incident(incident_id).id if incident_id else ""
        with self.reader.read() as view:
            return view.approvals.refused(incident=name, limit=limit)

    def report(self, incident_id: str) -> Postmortem:
        """Return the report of an ended incident; raises UsageError when there is none yet."""
        found = self.incident(incident_id)
        with self.reader.read() as view:
            report = view.archive.postmortem(found.id)
        if report is None:
            raise UsageError(f"{found.id} is {found.status}: its report is written at the end.")
        return report

    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens, without their secrets' text."""
        with self.reader.read() as view:
            return (*self.configured, *view.tokens.listed())

    def token(self, secret: str) -> Token | None:
        """Return the token of this text unless it is revoked; takes constant time."""
        given, found = hashed(secret), None
        for token in self.tokens():
            same = hmac.compare_digest(token.secret, given)
            found = token if same and token.revoked_at is None else found
        return found

    def backlog(self) -> Backlog:
        """Return how much waits in the inbox."""
        with self.reader.read() as view:
            return view.inbox.backlog()

    def inbox(self, limit: int = 100) -> tuple[Delivery, ...]:
        """Return deliveries that were rejected or wait, newest first."""
        with self.reader.read() as view:
            found = (*view.inbox.waiting(limit), *view.inbox.rejected(limit))
        return tuple(sorted(found, key=lambda one: (one.received_at, one.id), reverse=True)[:limit])

    def delivery(self, number: int) -> Delivery:
        """Return one delivery; raises UsageError when there is none."""
        with self.reader.read() as view:
            found = view.inbox.get(number)
        if found is None:
            raise UsageError(f"There is no body {number}. See: aiops inbox list.")
        return found

    def guarded(self) -> bool:
        """Whether there is or was a token: from then on one that counts must be shown."""
        return bool(self.tokens())


def unknown(what: str, name: str, known: Sequence[str], command: str) -> str:
    """Say that there is no such thing, and which are nearest."""
    hint = did_you_mean(name.upper(), known)
    return f"There is no {what} {name!r}.{hint} See: {command}."
