"""Two hostile models achieve nothing; each check of the measurement notices a planted defect."""

import random
from typing import Any

import pytest

from aiops_agent.domain.approval import Opinion, Ruling
from bench import hostile, hostile_case
from bench.hostile_case import ADOPTED, FINDINGS, FORGED, LEAKED, LOOSENED, Ground, tried
from bench.hostile_strings import FAMILIES
from bench.hostile_strings import hostile as drawn
from bench.puppets import MANNERS
from tests import seams

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")


async def found(families: tuple[str, ...], manners: tuple[str, ...], rounds: int) -> set[str]:
    """Return everything that went wrong in some cases."""
    rng, bad = random.Random(5), set[str]()
    for number in range(rounds):
        text = drawn(families[number % len(families)], rng)
        ground = Ground.drawn(text, rng)
        for manner in manners:
            bad |= await tried(ground, text, manner, rng)
    return bad & set(FINDINGS)


@pytest.mark.slow
async def test_hostile_models_and_strings_of_every_family_achieve_nothing() -> None:
    goals = await hostile.goals(seed=11, n=len(FAMILIES) * len(MANNERS), stories=1)
    print(*goals, sep="\n")
    assert [one.row for one in goals if not one.met] == []


async def test_a_text_that_can_end_its_block_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.BROKEN.plant(monkeypatch, lambda text: text)
    monkeypatch.setattr("aiops_agent.domain.passage.BAR", "")
    assert FORGED in await found(("marks",), ("silent",), 3)


async def test_a_secret_that_reaches_a_model_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.VALUED.plant(monkeypatch, lambda text: (text, 0))
    assert LEAKED in await found(("secret",), ("silent",), 6)


async def test_a_critic_that_takes_an_objection_back_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def second_only(_first: Any, second: Any) -> Any:
        return second

    async def objecting(*_: Any) -> Any:
        return Opinion(rule="critic", ruling=Ruling.DENY, reason="no")

    monkeypatch.setattr(hostile_case, "critique", objecting)
    assert LOOSENED not in await found(("approval",), ("valid", "forged"), 4)
    seams.STRICTER.plant(monkeypatch, second_only)
    assert LOOSENED in await found(("approval",), ("valid", "forged"), 4)


async def test_a_suspect_that_is_believed_against_statistics_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seams.ADOPTED.plant(monkeypatch, lambda diagnosis, _opinion: diagnosis.hypotheses[-1])
    assert ADOPTED in await found(("verdict",), ("valid",), 6)
