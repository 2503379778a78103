"""What the executor does with requests, without an executor: send each and keep the answer."""

from collections.abc import Sequence
from datetime import UTC, datetime

from aiops_agent.actions.platform import Platform
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.remediation import Request


async def applied(platform: Platform, requests: Sequence[Request]) -> tuple[Intent, ...]:
    """Send the requests and return them as the ledger keeps them when they applied."""
    return tuple([await _applied(platform, request) for request in requests])


async def _applied(platform: Platform, request: Request) -> Intent:
    answer = await platform.send(request)
    return Intent(
        operation=request.operation,
        incident="INC-0001",
        plan="0" * 64,
        ordinal=1,
        undo=False,
        request=request,
        state=IntentState.APPLIED,
        armed_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        sends=1,
        note=answer.words,
        made=answer.made,
    )
