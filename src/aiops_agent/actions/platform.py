"""The write port. Only the executor and the adapters may import this file."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, ActionKind, Draft, Request
from aiops_agent.domain.value import Value


class Landing(StrEnum):
    """What a look at the platform says of an operation."""

    LANDED = "landed"  # the effect is there and is ours
    NOT_LANDED = "not_landed"  # the precondition still holds: sending (again) is right
    DIVERGED = "diverged"  # the target is neither as before nor as we would have left it
    UNKNOWN = "unknown"  # the platform cannot tell


class Sight(Value):
    """What was seen, in a word and a sentence; `made` as in an answer."""

    landing: Landing
    note: str
    made: str = ""


class Accepted(Value):
    """What the platform answered to a request that it took.

    `made` is the identity of what the request made or left, in the platform's own words; "" when
    it made nothing that could be told apart.
    """

    words: str
    made: str = ""


Begin: TypeAlias = Callable[[], Awaitable[None]]


async def at_once() -> None:
    """Begin without a record: for those who only try a platform out."""


class Platform(Protocol):
    """A system that can be changed: prepare, send what was prepared, look whether it landed."""

    @property
    def kinds(self) -> Sequence[ActionKind]:
        """The kinds of action it offers; what it does not offer is not on the menu."""
        ...

    async def prepare(self, action: Action, operation: str) -> Draft:
        """Read the target and freeze precondition, exact requests, inverse and blast radius.

        Changes nothing, and contributes facts only: words and risk are the action's. Request
        operations are `operation` + "." + ordinal from 1. Raises TargetMissing, PlatformError.
        """
        ...

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        """Whether the target still meets the frozen precondition. Raises PlatformError.

        What `applied`, requests of the same plan, made or changed is as it should be.
        """
        ...

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        """Send the stored request as it is, once, and return the platform's short answer.

        `begin` records that a send begins, or raises to forbid it. It is awaited once, directly
        before the request leaves: whatever has to be read or compared comes before.

        Raises RequestRefused (nothing was done), OutcomeUnknown (cut, timed out), PlatformError.
        """
        ...

    async def look(self, request: Request, armed_at: datetime) -> Sight:
        """Tell whether the request has landed since `armed_at`, wall time. Raises PlatformError."""
        ...

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        """Return the requests that take back those of `step` that applied; changes nothing.

        They touch only what `applied` made or changed, by `Intent.made`. Raises NotOurs when that
        is not possible any more, because others have changed it since; PlatformError.
        """
        ...
