"""What may still be spent: looked up before each request, and no request may pass it.

Incidents are worked on side by side, so what a request under way may cost at most is set aside of
the day's money. Several processes see each other's requests only when those have ended.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from aiops_agent.domain.answer import Usage
from aiops_agent.domain.model import Budget, ModelError, Spending, Trouble
from aiops_agent.domain.quantity import money
from aiops_agent.ports.model import CallLog

LEAST_OUTPUT = 256  # tokens: with less room no answer fits, so none is asked for
Price = Callable[[Usage], float | None]


@dataclass(frozen=True)
class Purse:
    """The budget of one incident and of the day, against what the log says is gone."""

    budget: Budget
    log: CallLog
    now: Callable[[], datetime]
    _aside: dict[object, float] = field(default_factory=dict)  # USD, for each request under way

    @asynccontextmanager
    async def room(self, incident: str, put: int, most: int, price: Price) -> AsyncIterator[int]:
        """Give room for a request: the tokens that may come out when about `put` go in.

        At most `most`, and as many as the rest of the budget pays for.

        Raises ModelError when tokens, money, requests or seconds do not allow a request.
        """
        spent, today = await asyncio.to_thread(self._spent, incident)
        room = self._room(spent, today, put, most, price)
        request = object()
        self._aside[request] = price(Usage(input=put, output=room)) or 0.0
        try:
            yield room
        finally:
            self._aside.pop(request, None)

    def _room(self, spent: Spending, today: Spending, put: int, most: int, price: Price) -> int:
        limit = self.budget
        if spent.usage.requests >= limit.requests:
            raise _gone(f"all {limit.requests} requests")
        if spent.seconds >= limit.seconds:
            raise _gone(f"all {limit.seconds:g} seconds")
        left = limit.tokens - spent.usage.tokens - put
        if left < LEAST_OUTPUT:
            raise _gone(f"{spent.usage.tokens} of {limit.tokens} tokens")
        most = min(most, left)
        for usd, gone, of in (
            (limit.usd, spent.usd, "for this incident"),
            (limit.usd_per_day, today.usd + sum(self._aside.values()), "for today"),
        ):
            most = min(most, _affordable(usd - gone, put, most, price))
            if most < LEAST_OUTPUT:
                raise _gone(f"{money(gone)} of {money(usd)} {of}")
        return most

    async def seconds(self, incident: str) -> float:
        """Return how many seconds are left for an incident."""
        spent = await asyncio.to_thread(self.log.spent, incident)
        return max(self.budget.seconds - spent.seconds, 0.0)

    def _spent(self, incident: str) -> tuple[Spending, Spending]:
        midnight = self.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return self.log.spent(incident), self.log.spent_since(midnight)


def _affordable(usd: float, put: int, most: int, price: Price) -> int:
    """Return how many tokens out can be paid; all of them where no price is known."""
    a_thousand = price(Usage(output=1000))
    entry = price(Usage(input=put))
    if not a_thousand or entry is None:
        return most
    return max(min(most, int((usd - entry) / a_thousand * 1000)), 0)


def _gone(what: str) -> ModelError:
    return ModelError(f"The budget for models is gone: {what} used.", Trouble.BUDGET)
