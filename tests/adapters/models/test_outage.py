"""A provider that is away for a day: little is asked of it, and it is back by itself."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx2
import pytest

from aiops_agent.adapters.models.breaker import LONGEST_BREAK
from aiops_agent.adapters.models.reasoner import Models, Outside
from aiops_agent.adapters.models.section import Lineup, ModelSettings
from aiops_agent.adapters.models.sender import Timing
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.model import ModelCall, Spending
from aiops_agent.domain.value import Value
from aiops_agent.ports.model import Asking, ModelQuestion
from aiops_agent.simulator.provider.behaviours import BEHAVIOURS
from aiops_agent.simulator.provider.server import KEY, MODELS, ScriptedProvider

SHOP = EnvironmentRef(kind="shop", name="one")
EVERY = timedelta(minutes=5)  # so often an incident asks
DAY = timedelta(days=1)


class Cause(Value):
    """What is asked."""

    service: Literal["cart", "orders"]


@dataclass
class Day:
    """A clock that moves only when somebody waits or the test says so."""

    moment: datetime = datetime(2026, 11, 27, tzinfo=UTC)
    slept: float = 0.0

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.moment += timedelta(seconds=seconds)


@dataclass
class Kept:
    """A log that keeps nothing but the calls."""

    calls: list[ModelCall] = field(default_factory=list)

    def keep(self, call: ModelCall) -> None:
        self.calls.append(call)

    def answered(self, incident: str, about: str) -> ModelCall | None:
        return None

    def spent(self, incident: str) -> Spending:
        return Spending()

    def spent_since(self, moment: datetime) -> Spending:
        return Spending()


@pytest.mark.long
@pytest.mark.parametrize(("wire", "trouble"), [("gemini", "503"), ("openai", "429-retry-after")])
async def test_a_day_s_outage_costs_little_and_ends_by_itself(
    wire: str, trouble: str, record_property: Any
) -> None:
    clock, log = Day(), Kept()
    with ScriptedProvider(behaves=BEHAVIOURS[trouble]) as provider:
        section = ModelSettings.model_validate(
            {
                "default": f"{wire}:{MODELS[0]}",
                "fallback": f"{wire}:{MODELS[1]}",
                "base_url": provider.gemini if wire == "gemini" else provider.openai,
                "api_key": KEY,
                "timeout": 7.0,
            }
        )
        timing = Timing(clock.now, sleep=clock.sleep, chance=lambda: 0.5)
        network = httpx2.AsyncHTTPTransport(verify=False)  # certificates take time to load
        models = Models(Lineup(section, {}), Outside(log, timing, transport=lambda: network))

        async def ask() -> Answer[Cause]:
            question = ModelQuestion("diagnose", "Say who.", "orders fails: 0 -> 9", Cause)
            return await models.ask(question, Asking("INC-0001", SHOP))

        began, asked, longest = clock.moment, 0, timedelta()
        while clock.moment < began + DAY:
            before = clock.moment
            answer = await ask()
            longest = max(longest, clock.moment - before)
            asked += 1
            assert answer.value is None
            assert answer.missing
            clock.moment = before + EVERY
        during = provider.requests
        provider.behaves = BEHAVIOURS["sensible"]
        back = clock.moment
        while (await ask()).value is None:
            assert clock.moment < back + LONGEST_BREAK + EVERY, "it does not come back"
            clock.moment += timedelta(seconds=30)
        took = clock.moment - back
        await network.aclose()
    record_property(
        "count",
        f"a day's outage ({wire}, {trouble}): {asked} questions, {during} requests, longest wait "
        f"{longest.total_seconds():.0f} s, back after {took.total_seconds():.0f} s",
    )
    # With two models and no breaker each question would send six requests.
    assert during <= 3 * asked
    assert longest <= timedelta(minutes=1)
    assert took <= LONGEST_BREAK
