"""What may be told to do: the answer of a person, a takeover, the stop switch, tokens."""

import contextlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.domain.approval import ApprovalRequest, Decision, Surface
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.facts import LONGEST_NOTE
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.sending import ClockFlaws, ServiceBreaker, Switch
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.token import CONFIGURED, Token, hashed, token_name
from aiops_agent.ports.store import Store
from aiops_agent.safety import times
from aiops_agent.workflow.queries import Queries

LONGEST_REASON = 200  # characters
_PLAN = re.compile(r"[0-9a-f]{12,64}")  # fewer digits could be made to fit two plans
MOST_NOTES = 20  # of an incident: more would crowd out what is measured


class _OnlyLooked(Exception):
    """Ends a transaction that only looks at what a repair would do."""


@dataclass(frozen=True)
class Commands:
    """Blocking calls, each its own transaction; errors are AiopsError with one sentence."""

    store: Store
    now: Callable[[], datetime]  # wall time
    answer: Callable[[str, Decision], ApprovalRequest]  # gives a request its answer
    stop: Callable[[str, str, str], Incident]  # takes an incident from the agent: by whom, why
    remark: Callable[[str, str, str], Incident]  # keeps a note: by whom, its text
    again: Callable[[str, str, str], Incident]  # reopens an incident: by whom, why
    # Split one, merge two: which, which alerts or into which, by whom, why.
    apart: Callable[[str, Sequence[str], str, str], Incident]
    together: Callable[[str, str, str, str], Incident]

    def decide(
        self,
        name: str,
        *,
        approve: bool,
        by: str,
        surface: Surface,
        plan: str,
        reason: str = "",
    ) -> ApprovalRequest:
        """Answer a request for this plan: its digest, or the first 12 or more digits of it.

        Raises UsageError when that names no plan or several that are open, ApprovalError when the
        answer does not count.
        """
        request = Queries(self.store).approval(name)
        decision = Decision(
            digest=self._meant(request, plan),
            approve=approve,
            by=by,
            surface=surface,
            at=self.now(),
            reason=reason,
        )
        return self.answer(request.id, decision)

    def _meant(self, request: ApprovalRequest, plan: str) -> str:
        wanted = plan.lower()
        if not _PLAN.fullmatch(wanted):
            raise UsageError(
                f"A plan is named by 12 to 64 of its hexadecimal digits, not by {plan!r}; "
                f"see: aiops approval show {request.incident}."
            )
        if not request.digest.startswith(wanted):
            return wanted  # of another plan: the gate refuses it, and keeps that it did
        with self.store.read() as view:
            others = set(view.approvals.named(wanted)) - {request.digest}
        if others and wanted != request.digest:
            raise UsageError(
                f"{wanted} fits {len(others) + 1} plans that are open; give more digits of "
                f"{request.digest}."
            )
        return request.digest

    def take_over(self, incident_id: str, by: str, reason: str = "") -> Incident:
        """Stop the agent on an incident: it sends nothing new from now on."""
        found = Queries(self.store).incident(incident_id)
        if found.ended:
            raise UsageError(f"{found.id} has ended already: {found.status}.")
        return self.stop(found.id, by, reason)

    def reopen(self, incident_id: str, by: str, reason: str = "") -> Incident:
        """Let an incident that has ended go on: it is looked at from the beginning."""
        return self.again(Queries(self.store).incident(incident_id).id, by, _said(reason))

    def split(self, incident_id: str, alerts: Sequence[str], by: str, reason: str = "") -> Incident:
        """Move alerts (their names, or first digits of their keys) to a new incident; return it."""
        found = Queries(self.store).incident(incident_id)
        return self.apart(found.id, alerts, by, _said(reason))

    def merge(self, incident_id: str, into: str, by: str, reason: str = "") -> Incident:
        """Move all alerts of an incident into another one, and return that; the first one ends."""
        found, other = (Queries(self.store).incident(name) for name in (incident_id, into))
        return self.together(found.id, other.id, by, _said(reason))

    def note(self, incident_id: str, by: str, text: str) -> Incident:
        """Keep a person's note on an incident that goes on; raises UsageError saying why not."""
        found, said = Queries(self.store).incident(incident_id), " ".join(text.split())
        if found.ended:
            raise UsageError(f"{found.id} has ended ({found.status}): a note would steer nothing.")
        if not said or len(said) > LONGEST_NOTE:
            raise UsageError(f"A note needs 1 to {LONGEST_NOTE} characters.")
        if len(found.notes) >= MOST_NOTES:
            raise UsageError(f"{found.id} has {MOST_NOTES} notes already, as many as are read.")
        return self.remark(found.id, by, said)

    def switch(self, *, stopped: bool, by: str, reason: str = "") -> Switch:
        """Stop all sending, or let it begin again; what is so already is not said twice.

        Once a stop is committed no process begins a send, an undo's neither.
        """
        move = Switch(stopped=stopped, by=by, at=self.now(), reason=_said(reason))
        with self.store.begin() as work:
            newest = next(iter(work.sending.switched(1)), None)
            if newest is None and not stopped:
                return move
            if newest is not None and newest.stopped is stopped:
                return newest
            work.sending.switch(move)
        return move

    def mend_clock(
        self, environments: Sequence[EnvironmentRef], *, repair: bool = False
    ) -> ClockFlaws:
        """Return what a clock that stood too far ahead left behind, and `repair` takes it back."""
        real = [one for one in environments if not one.simulated]
        flaws = ClockFlaws()
        with contextlib.suppress(_OnlyLooked), self.store.begin() as work:
            flaws = times.mend(work, self.now(), real)
            if not repair:
                raise _OnlyLooked  # takes all of it back
        return flaws

    def reset(
        self, service: str, by: str, environment: EnvironmentRef | None = None
    ) -> ServiceBreaker:
        """Open a service that its failures closed; raises UsageError saying which there are."""
        with self.store.begin() as work:
            failed = [one for one in work.sending.breakers() if one.failed]
            found = [
                one
                for one in failed
                if one.service == service and environment in (None, one.environment)
            ]
            if not found:
                raise UsageError(_unfailed(service, failed))
            if len(found) > 1:
                names = ", ".join(str(one.environment) for one in found)
                raise UsageError(f"{service} failed in {names}: choose one with --environment.")
            opened = found[0].opened(by, self.now())
            work.sending.put(opened)
            return opened

    def create_token(self, name: str, environments: Sequence[EnvironmentRef] = ()) -> str:
        """Create a bearer token and return its secret, which is not kept.

        It may address `environments`, or all when none is given.
        """
        if not token_name(name):
            said = "1 to 63 letters, digits, dots, dashes and underlines, such as alertmanager"
            raise UsageError(f"A token's name has {said}; it begins with a letter or a digit.")
        if name == CONFIGURED:
            raise UsageError(f"{CONFIGURED} is the configuration's own token; choose another name.")
        secret = f"aiops_{secrets.token_urlsafe(32)}"
        token = Token(
            name=name,
            secret=hashed(secret),
            created_at=self.now(),
            environments=tuple(environments),
        )
        with self.store.begin() as work:
            work.tokens.add(token)
        return secret

    def revoke_token(self, name: str) -> None:
        """Revoke a token for ever; raises UsageError when there is none of that name."""
        if name == CONFIGURED:
            raise UsageError(f"{CONFIGURED} stands in the configuration: change it there.")
        with self.store.begin() as work:
            work.tokens.revoke(name, self.now())


def _said(reason: str) -> str:
    said = " ".join(reason.split())
    if len(said) > LONGEST_REASON:
        raise UsageError(f"A reason has at most {LONGEST_REASON} characters.")
    return said


def _unfailed(service: str, failed: Sequence[ServiceBreaker]) -> str:
    known = sorted({str(one.service) for one in failed})
    hint = did_you_mean(service, known)
    there = f" Failed: {', '.join(known)}." if known and not hint else hint
    return f"No incident of a service {service!r} failed, so there is nothing to open.{there}"
