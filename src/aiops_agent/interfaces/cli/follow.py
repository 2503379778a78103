"""Follow one incident to its end, and let the person at this terminal answer on the way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from aiops_agent.adapters.approval_file import ApprovalFiles, approval_line
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState, Surface
from aiops_agent.domain.errors import ApprovalError, UsageError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import ApprovalPending
from aiops_agent.domain.quantity import span
from aiops_agent.interfaces.cli.call import Call
from aiops_agent.interfaces.cli.exits import Exit, exit_of
from aiops_agent.interfaces.cli.prompt import Choice, Prompt
from aiops_agent.interfaces.cli.stopped import watched
from aiops_agent.interfaces.terminal.blocks import Blocks
from aiops_agent.interfaces.terminal.escape import problem
from aiops_agent.interfaces.terminal.follow import Follower
from aiops_agent.interfaces.terminal.plan import PlanQuestion
from aiops_agent.workflow.queries import Queries

if TYPE_CHECKING:
    from aiops_agent.workflow.engine import Engine


class Manner(StrEnum):
    """What is done when a plan waits for an answer."""

    ASK = "ask"  # ask in this terminal
    YES = "yes"  # say yes for the person, who said so beforehand; the shop only
    WATCH = "watch"  # say how to answer, and wait for somebody to do so
    LEAVE = "leave"  # say how to answer, and go


def manner(call: Call, *, yes: bool = False) -> Manner:
    """Return how this call treats a question."""
    if yes:
        return Manner.YES
    return Manner.ASK if call.interactive else Manner.LEAVE


@dataclass
class Following:
    """One incident on one screen; `asking` is the question on it, about `asked`."""

    call: Call
    incident: str
    manner: Manner
    engine: "Engine | None" = None  # that tells the story, if it is this process's
    asking: "asyncio.Task[Choice] | None" = None
    asked: ApprovalRequest | None = None

    @property
    def queries(self) -> Queries:
        """What may be asked."""
        return self.call.queries

    async def run(self) -> Exit:
        """Print until the incident ends, or a person is needed who cannot be asked here."""
        self.call.following = self.incident
        blocks = Blocks(self._incident, self._approval, self.queries.calls)
        with Follower(self.call.out, blocks, whole=self.call.flags.verbose > 0) as screen:
            died = self.engine.broken if self.engine else None
            stream = self.call.application.feed.incident(self.incident, died)
            try:
                async with watched(self.queries, screen.sending):
                    left = await self._follow(stream, screen)
            finally:
                await self._stop_asking()
        return left or exit_of(self.queries.incident(self.incident))

    async def _follow(self, stream: AsyncIterator[Event], screen: Follower) -> Exit | None:
        while (event := await self._next(stream)) is not None:
            if isinstance(event, Exit):
                return event
            shown = self.asked.id if self.asking is not None and self.asked else ""
            await self._stop_asking()
            screen.feed(event)
            if isinstance(event.payload, ApprovalPending):
                shown = event.payload.approval
            if not shown:
                continue
            request = self.queries.approval(shown)  # a newer one has not been shown yet
            # Once its time is over nobody can answer: the story that runs here tells its end next.
            over = self.engine is not None and datetime.now(UTC) >= request.expires_at
            if request.state is ApprovalState.PENDING and not over:
                screen.pause()
                if left := self._question(request):
                    return left
        return None

    async def _next(self, stream: AsyncIterator[Event]) -> Event | Exit | None:
        """Return the next event, while an answer typed here is passed on."""
        coming = asyncio.ensure_future(anext(stream, None))
        try:
            while self.asking is not None:
                await asyncio.wait({coming, self.asking}, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    break
                answer, self.asking = self.asking.result(), None
                if self.asked is None:
                    continue
                if answer.approve is None:
                    self._how(self.asked)
                    return Exit.WAITING
                self._decide(self.asked, answer.approve, Surface.TERMINAL, answer.reason)
            return await coming
        finally:
            coming.cancel()

    def _question(self, request: ApprovalRequest) -> Exit | None:
        if self.manner is Manner.YES:
            self._decide(request, True, Surface.FLAG)
        elif self.manner is Manner.ASK:
            self._ask(request)
        elif (
            request.id not in approval_files(self.call).waiting()
        ):  # a waiting file answers by itself
            self._how(request)
            return Exit.WAITING if self.manner is Manner.LEAVE else None
        return None

    def _ask(self, request: ApprovalRequest) -> None:
        if self.call.loaded.settings.notify.bell:
            self.call.out.bell()
        prompt = prompt_for(self.call, request)
        self.asked, self.asking = request, asyncio.ensure_future(prompt.ask())

    async def _stop_asking(self) -> None:
        if self.asking is None:
            return
        self.asking.cancel()
        await asyncio.wait({self.asking})
        self.asking = None
        self.call.out.print()  # the question stays; what follows begins on its own line

    def _decide(
        self, request: ApprovalRequest, approve: bool, surface: Surface, reason: str = ""
    ) -> None:
        try:
            self.call.application.commands.decide(
                request.id,
                approve=approve,
                by=self.call.user,
                surface=surface,
                reason=reason,
                plan=request.digest,  # an answer is for the plan that was shown
            )
        except ApprovalError as error:  # decided elsewhere or expired: the bus tells the rest
            self.call.err.print(problem(str(error)))

    def _how(self, request: ApprovalRequest) -> None:
        left = span(request.expires_at - datetime.now(UTC))
        path, command = approval_files(self.call).path(request.id), self.call.command
        incident, plan = request.incident, ("--plan", request.digest[:12])
        self.call.note(
            f"{request.incident} waits for a person: plan {request.digest[:12]}, {left} left.",
            f"  to say yes       {command('approve', incident, *plan)}",
            f"  or by a file     {approval_line(path, request.digest)}",
            f'  to say no        {command("reject", incident, *plan)} --reason "..."',
            f"  then go on with  {command('incident', 'resume', incident)}",
        )

    def _incident(self, name: str) -> Incident | None:
        try:
            return self.queries.incident(name)
        except UsageError:
            return None

    def _approval(self, name: str) -> ApprovalRequest | None:
        try:
            return self.queries.approval(name)
        except UsageError:
            return None


def prompt_for(
    call: Call, request: ApprovalRequest, asked: PlanQuestion = PlanQuestion.APPLY
) -> Prompt:
    """Return the question about a request that is on the screen."""
    attempt = call.queries.incident(request.incident).attempt
    diagnosis = attempt.diagnosis if attempt else None
    return Prompt(call.out, request, diagnosis, lambda: datetime.now(UTC), asked)


def approval_files(call: Call) -> ApprovalFiles:
    """Return the folder in which answers by file appear."""
    return ApprovalFiles(call.loaded.settings.state_dir / "approvals")
