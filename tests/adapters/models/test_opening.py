"""What may be asked, in one line; a section whose key is missing is a flaw and not "off"."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from aiops_agent.adapters.models.opening import Reasoning, Wiring, reasoning
from aiops_agent.adapters.models.section import ModelSettings
from aiops_agent.domain.checkup import Health
from aiops_agent.domain.environment import EnvironmentRef
from tests.adapters.models.test_outage import Kept

REAL, SHOP = EnvironmentRef.parse("docker:shop"), EnvironmentRef.parse("shop:x")
KEY = {"gemini": SecretStr("given")}


def opened(section: ModelSettings | None, keys: dict[str, SecretStr]) -> Reasoning:
    return reasoning(section, keys, Wiring(log=Kept(), now=lambda: datetime.now(UTC)))


@pytest.mark.parametrize(
    ("section", "keys", "real", "shop"),
    [
        (None, {}, False, False),
        (None, KEY, False, True),
        (ModelSettings(), KEY, True, True),
        (ModelSettings(), {}, False, False),
    ],
)
def test_a_key_alone_reaches_the_shop_only(
    section: ModelSettings | None, keys: dict[str, SecretStr], real: bool, shop: bool
) -> None:
    found = opened(section, keys)

    assert (found.of(REAL) is not None, found.of(SHOP) is not None) == (real, shop)


async def test_models_without_a_key_are_a_problem_that_says_what_to_do() -> None:
    [told] = await opened(ModelSettings(), {}).doctor()

    assert (told.health, told.unusable) == (Health.PROBLEM, True)
    assert "has no key" in told.words
    assert "GEMINI_API_KEY" in told.remedy


async def test_no_models_are_nothing_to_fix() -> None:
    [told] = await opened(None, {}).doctor()

    assert (told.health, told.unusable, told.remedy) == (Health.OFF, False, "")
