"""Ask a person about a plan: default no, every key explained, cancellable."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.text import Text

from aiops_agent.domain.approval import ApprovalRequest
from aiops_agent.domain.diagnosis import Diagnosis
from aiops_agent.interfaces.cli import keyboard
from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.evidence import evidence
from aiops_agent.interfaces.terminal.palette import QUIET, STRONG, WARN
from aiops_agent.interfaces.terminal.plan import PlanQuestion, keys, question, requests


@dataclass(frozen=True)
class Choice:
    """A person's yes or no, with the reason they gave; None decides nothing."""

    approve: bool | None
    reason: str = ""


NOTHING = Choice(approve=None)
_NO = {PlanQuestion.APPLY: Choice(approve=False), PlanQuestion.REJECT: NOTHING}


@dataclass(frozen=True)
class Prompt:
    """One question about the request that is on the screen; `now` is wall time."""

    console: Console
    request: ApprovalRequest
    diagnosis: Diagnosis | None
    now: Callable[[], datetime]
    asked: PlanQuestion = PlanQuestion.APPLY

    async def ask(self) -> Choice:
        """Return the answer; Enter is no; a terminal that closes without one decides nothing."""
        while True:
            left = self.request.expires_at - self.now()
            room = self.console.width - 4  # so that a short answer stays on the line
            try:
                typed = await self._line(question(self.asked, left, room))
                answer = NOTHING if typed is None else await self._take(typed)
            except keyboard.NotTyped as flaw:
                self.console.print(say(str(flaw), WARN))
                continue
            if answer is not None:
                return answer

    async def _line(self, asked: Text) -> str | None:
        marks = self.console.is_terminal and not self.console.is_dumb_terminal

        def show() -> None:
            self.console.print(asked, end=" ")
            self._write(keyboard.MARK_PASTES if marks else "")

        try:
            typed = await keyboard.ask(sys.stdin, show)
        finally:
            self._write(keyboard.LEAVE_PASTES if marks else "")
        if typed is None:
            self.console.print()
        return typed

    def _write(self, codes: str) -> None:
        self.console.file.write(codes)
        self.console.file.flush()

    async def _take(self, typed: str) -> Choice | None:
        key, _, rest = typed.strip(" ").partition(" ")
        match key.lower():
            case "y" | "yes" if not rest:  # no sentence that begins with yes is a yes
                return Choice(approve=self.asked is PlanQuestion.APPLY)
            case "" | "n" | "no" if not rest:
                return _NO[self.asked]
            case "r":
                return await self._reject(rest.strip())
            case "d":
                self.console.print(requests(self.request.prepared))
            case "e":
                self._evidence(rest.strip())
            case "?" | "h" | "help":
                self.console.print(keys(self.asked))
            case _:
                self.console.print(say("Please answer y or n; ? explains the keys.", QUIET))
        return None

    async def _reject(self, reason: str) -> Choice | None:
        if not reason:
            reason = (await self._line(say("Why not?", STRONG)) or "").strip()
        if not reason:
            self.console.print(say("No reason, no rejection: nothing is decided yet.", QUIET))
            return None
        return Choice(approve=False, reason=reason)

    def _evidence(self, name: str) -> None:
        if self.diagnosis is None:
            self.console.print(say("There is no evidence for this plan.", QUIET))
            return
        found = next((f for f in self.diagnosis.findings if f.id == name.upper()), None)
        if found is None:
            self.console.print(evidence(self.diagnosis, self.console.width))
            return
        fact = f"{found.id} {found.service} {found.what}: {found.before} → {found.now}"
        self.console.print(tell(fact))
        self.console.print(tell(f"   asked {found.source}: {found.query}", QUIET))
