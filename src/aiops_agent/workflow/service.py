"""What the outside may ask or tell us: the one object behind every interface."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.approval import (
    ApprovalRequest,
    ApprovalState,
    ApprovalSummary,
    Decision,
    Surface,
)
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident, IncidentSummary
from aiops_agent.domain.payload import IncidentMoved
from aiops_agent.domain.point import Point
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.token import Token
from aiops_agent.ports.store import Store
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.transaction import transaction

Decoder = Callable[..., Delivery]


@dataclass(frozen=True)
class Service:
    """Blocking calls, each its own transaction; errors are AiopsError with one sentence."""

    deps: Deps
    environment: EnvironmentRef
    decoders: dict[str, Decoder]
    heard: Callable[[], None] = lambda: None  # called after a delivery was kept
    running: Callable[[], bool] = lambda: False  # whether this process runs the engine

    @property
    def store(self) -> Store:
        """Everything durable."""
        return self.deps.store

    def take(self, source: str, body: bytes) -> Delivery:
        """Keep a body durably and return what was kept; raises StoreError when it cannot be."""
        delivery = self.decoders[source](
            body, environment=self.environment, received_at=self.deps.now()
        )
        return self.keep(delivery)

    def keep(self, delivery: Delivery) -> Delivery:
        """Keep a decoded delivery durably."""
        with self.store.begin() as work:
            kept = work.inbox.keep(delivery)
        self.deps.mark(Point.DELIVERY_KEPT)
        self.heard()
        return kept

    def incidents(
        self,
        *,
        open_only: bool = False,
        before: str = "",
        limit: int = 100,
        environment: EnvironmentRef | None = None,
    ) -> tuple[IncidentSummary, ...]:
        """Return incidents in short, newest first, from the one behind `before` on."""
        with self.store.read() as view:
            return view.incidents.listed(
                environment=environment, open_only=open_only, before=before.upper(), limit=limit
            )

    def incident(self, incident_id: str) -> Incident:
        """Return one incident; raises UsageError with the nearest names."""
        with self.store.read() as work:
            found = work.incidents.get(incident_id.upper())
            if found is None:
                known = [incident.id for incident in work.incidents.listed(limit=500)]
                raise UsageError(unknown("incident", incident_id, known, "aiops incident list"))
            return found

    def events(self, after: int = 0, incident: str | None = None) -> tuple[Event, ...]:
        """Return events above an id, oldest first."""
        with self.store.read() as work:
            return work.events.after(after, incident=incident)

    def approvals(
        self, states: Sequence[ApprovalState] = (), limit: int = 100
    ) -> tuple[ApprovalSummary, ...]:
        """Return requests for approval in short, newest first."""
        with self.store.read() as work:
            return work.approvals.listed(states=states, limit=limit)

    def approval(self, name: str) -> ApprovalRequest:
        """Return a request by its own id, or the newest of an incident; raises UsageError."""
        with self.store.read() as work:
            found = work.approvals.get(name.upper()) or work.approvals.latest(name.upper())
            if found is not None:
                return found
            known = [request.incident for request in work.approvals.listed(limit=500)]
        raise UsageError(unknown("approval", name, known, "aiops approval list"))

    def decide(
        self,
        name: str,
        *,
        approve: bool,
        by: str,
        surface: Surface,
        reason: str = "",
        digest: str | None = None,
    ) -> ApprovalRequest:
        """Answer a request. `digest` may be a prefix of at least 8 digits; ApprovalError says no.

        Without a digest the answer is for the plan that waits now.
        """
        request = self.approval(name)
        wanted = request.digest if digest is None else digest.lower()
        if digest is not None and len(wanted) >= 8 and request.digest.startswith(wanted):
            wanted = request.digest
        decision = Decision(
            digest=wanted,
            approve=approve,
            by=by,
            surface=surface,
            at=self.deps.now(),
            reason=reason,
        )
        return Gate(self.deps).answer(request.id, decision)

    def take_over(self, incident_id: str, by: str, reason: str = "") -> Incident:
        """Stop the agent on an incident: it sends nothing new from now on."""
        found = self.incident(incident_id)
        if found.ended:
            raise UsageError(f"{found.id} has ended already: {found.status}.")
        with transaction(self.deps, found.id) as p:
            taken = p.incident.model_copy(update={"takeover": True})
            p.keep(taken)
            why = f": {reason}" if reason else ""
            p.tell(IncidentMoved(by=by, reason=reason), f"taken over by {by}{why}", "takeover")
            p.work.wake(found.id, f"{found.id}:takeover")
            return taken

    def report(self, incident_id: str) -> Postmortem:
        """Return the report of an ended incident; raises UsageError when there is none yet."""
        found = self.incident(incident_id)
        with self.store.read() as work:
            report = work.archive.postmortem(found.id)
        if report is None:
            raise UsageError(f"{found.id} is {found.status}: its report is written at the end.")
        return report

    def create_token(self, name: str) -> str:
        """Create a bearer token and return its secret, which is not kept."""
        if not name.strip():
            raise UsageError("A token needs a name.")
        secret = f"aiops_{secrets.token_urlsafe(32)}"
        token = Token(name=name, secret=_hash(secret), created_at=self.deps.now())
        with self.store.begin() as work:
            work.tokens.add(token)
        return secret

    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens, without their secrets' text."""
        with self.store.read() as work:
            return work.tokens.listed()

    def revoke_token(self, name: str) -> None:
        """Revoke a token for ever; raises UsageError when there is none of that name."""
        with self.store.begin() as work:
            work.tokens.revoke(name, self.deps.now())

    def authorised(self, secret: str) -> bool:
        """Whether this is the text of a token that is not revoked; takes constant time."""
        given = _hash(secret)
        valid = False
        for token in self.tokens():
            same = hmac.compare_digest(token.secret, given)
            valid = valid or (same and token.revoked_at is None)
        return valid

    def guarded(self) -> bool:
        """Whether there is a token that counts, so that one must be shown."""
        return any(token.revoked_at is None for token in self.tokens())

    def ready(self) -> tuple[bool, str]:
        """Whether the store answers and the engine runs, and what is wrong if not."""
        if not self.running():
            return False, "The engine does not run."
        return self.store_ready()

    def store_ready(self) -> tuple[bool, str]:
        """Whether the store answers, and what it says if not."""
        try:
            self.incidents(limit=1)
        except StoreError as error:
            return False, str(error)
        return True, "ready"


def unknown(what: str, name: str, known: Iterable[str], command: str) -> str:
    """Say that there is no such thing, and which are nearest."""
    hint = did_you_mean(name.upper(), tuple(known))
    return f"There is no {what} {name!r}.{hint} See: {command}."


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
