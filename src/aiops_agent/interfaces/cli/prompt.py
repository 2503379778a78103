"""Ask a person whether to apply a plan: default no, every key explained, cancellable."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console

from aiops_agent.domain.approval import ApprovalRequest
from aiops_agent.domain.diagnosis import Diagnosis
from aiops_agent.interfaces.cli import keyboard
from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.evidence import evidence
from aiops_agent.interfaces.terminal.palette import QUIET, STRONG
from aiops_agent.interfaces.terminal.plan import keys, question, requests


@dataclass(frozen=True)
class Choice:
    """A person's yes or no, with the reason they gave."""

    approve: bool
    reason: str = ""


@dataclass(frozen=True)
class Prompt:
    """One question about one request; `now` is wall time."""

    console: Console
    request: ApprovalRequest
    diagnosis: Diagnosis | None
    now: Callable[[], datetime]

    async def ask(self) -> Choice | None:
        """Return the answer; Enter is no; None when the terminal closed without one."""
        while True:
            left = self.request.expires_at - self.now()
            room = self.console.width - 4  # so that a short answer stays on the line
            self.console.print(question(left, room), end=" ")
            self.console.file.flush()
            typed = await keyboard.line(sys.stdin)
            if typed is None:
                self.console.print()
                return None
            answer = await self._take(typed.strip())
            if answer is not None:
                return answer

    async def _take(self, typed: str) -> Choice | None:
        key, _, rest = typed.partition(" ")
        match key.lower():
            case "y" | "yes" if not rest:  # no sentence that begins with yes is a yes
                return Choice(approve=True)
            case "" | "n" | "no" if not rest:
                return Choice(approve=False)
            case "r":
                return await self._reject(rest.strip())
            case "d":
                self.console.print(requests(self.request.prepared))
            case "e":
                self._evidence(rest.strip())
            case "?" | "h" | "help":
                self.console.print(keys())
            case _:
                self.console.print(say("Please answer y or n; ? explains the keys.", QUIET))
        return None

    async def _reject(self, reason: str) -> Choice | None:
        if not reason:
            self.console.print(say("Why not? ", STRONG), end="")
            reason = (await keyboard.line(sys.stdin) or "").strip()
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
