"""Planted defects show what a critic catches; a check that lets any quote through is caught."""

from dataclasses import dataclass, replace
from typing import TypeVar

import pytest

from aiops_agent.bootstrap.scripted import scripted_models
from aiops_agent.domain.answer import Answer, Author, AuthorKind, Effort, Usage
from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.model import ModelCall, ModelRef
from aiops_agent.evaluation import critic
from aiops_agent.evaluation.critic import (
    LAWS,
    CriticReading,
    critic_goals,
    policy_pages,
    read_plan,
    scripted_readings,
)
from aiops_agent.evaluation.critic_live import LiveCalls, LiveRun, asked, live
from aiops_agent.evaluation.critics import Cast, Critic, Temper
from aiops_agent.evaluation.laws import DefectKind, Law, PageSet
from aiops_agent.evaluation.sketches import CriticCase, cases
from aiops_agent.ports.model import Asking, ModelQuestion
from aiops_agent.reasoning.sentences import standing
from aiops_agent.simulator.provider.server import ScriptedProvider
from tests import seams

T = TypeVar("T")
ALL = [(pages, law) for pages in PageSet for law in LAWS[pages]]
CASES = tuple(cases(3, 30, LAWS))


@pytest.mark.parametrize(("pages", "law"), ALL, ids=lambda one: getattr(one, "quote", str(one)))
def test_every_law_stands_on_its_page(pages: PageSet, law: Law) -> None:
    page = next(one for one in policy_pages(pages) if one.name == law.page)
    assert standing(law.quote, page)


def test_a_plan_breaks_the_planted_sentence_alone_and_a_clean_one_none() -> None:
    for case in CASES:
        broken = [law for law in LAWS[case.pages] if law.broken(case.sketch)]
        assert broken == ([case.planted] if case.planted else [])


def test_every_kind_is_planted_on_every_set_of_pages_and_the_seed_decides() -> None:
    planted = {(case.pages, case.kind) for case in CASES if case.planted}
    assert len(planted) == len(DefectKind) * len(PageSet)
    assert tuple(cases(3, 30, LAWS)) == CASES
    assert tuple(cases(4, 30, LAWS)) != CASES


def kept(readings: list[CriticReading]) -> dict[str, bool]:
    return {goal.row: goal.met for goal in critic_goals(readings)}


async def told(temper: Temper, chosen: tuple[CriticCase, ...] = CASES[:20]) -> list[CriticReading]:
    found = []
    for case in chosen:
        for said in Cast(policy_pages(case.pages), LAWS[case.pages]).answers(temper, case):
            reading = await read_plan(case, Critic(said), temper)
            found.append(reading)
    return found


@pytest.mark.slow
async def test_what_is_right_gets_through_and_nothing_else(record_property: object) -> None:
    assert callable(record_property)
    readings = await scripted_readings(5, 6)
    missed = [row for row, met in kept(readings).items() if not met]
    record_property("readings", len(readings))
    assert not missed


PLANTED = ("invented quotes that counted", "sentences about something else that counted")


@pytest.mark.slow
async def test_a_check_that_lets_any_quote_through_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seams.UNFOUNDED.plant(monkeypatch, lambda *_: "")
    readings = [*await told(Temper.LIAR), *await told(Temper.ASTRAY)]
    met = kept(readings)
    for row in PLANTED:
        assert not any(held for name, held in met.items() if name.startswith(row))


async def test_a_check_that_lets_no_quote_through_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seams.UNFOUNDED.plant(monkeypatch, lambda *_: "not believed")
    met = kept(await told(Temper.CAREFUL))
    assert not met["planted defects caught by the careful critic"]


async def test_a_critic_that_makes_a_verdict_milder_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def milder(*_given: object) -> Answer[Opinion | None]:
        by = Author(kind=AuthorKind.MODEL, name="mild")
        return Answer(value=None, effort=Effort(by=by, beside=by))

    monkeypatch.setattr(critic, "object_to", milder)
    assert not kept(await told(Temper.FLATTERER))["verdicts loosened by any critic"]


def test_one_kind_that_is_always_missed_shows_when_the_others_are_left_out() -> None:
    case = CASES[0]
    missed = CriticReading(case, Temper.CAREFUL, counted=False, right=False, loosened=False)
    other = next(one for one in CASES if one.planted and one.kind is not case.kind)
    readings = [*[missed] * 8, *[replace(missed, case=other, right=True, counted=True)] * 2]
    met = kept(readings)
    assert not met[f"planted defects caught by the careful critic, without {other.kind}"]
    assert met[f"planted defects caught by the careful critic, without {case.kind}"]


def test_without_a_key_nothing_is_asked() -> None:
    assert live(None, {}, seed=1, plans=30, usd=1.0, now=lambda: CASES[0].sketch.now) is None


@dataclass
class Broke:
    """Models that have no money left."""

    asked: int = 0

    async def ask(self, question: ModelQuestion[T], _asking: Asking) -> Answer[T]:
        self.asked += 1
        gone = "The budget for models is gone: $1.0000 of $1 for today used."
        return Answer(missing=gone, effort=Effort(by=Author(kind=AuthorKind.MODEL)))

    async def close(self) -> None:
        """Nothing is open."""


async def test_without_money_the_run_stops_at_once() -> None:
    models = Broke()
    readings, stopped = await asked(models, 1, 30, lambda _number: None)
    assert models.asked == len(readings) == 1
    assert stopped.startswith("stopped after 1 of 60 plans: The budget for models is gone")
    assert not readings[0].answered


def test_a_model_on_loopback_is_asked_and_its_price_is_not_known() -> None:
    pytest.importorskip("pydantic_ai")
    with ScriptedProvider() as provider:
        section = scripted_models(provider.gemini)
        run = live(section, {}, seed=1, plans=2, usd=1.0, now=lambda: CASES[0].sketch.now)
    assert run is not None
    assert [one.answered for one in run.readings] == [True] * 4
    assert "requests of unknown price" in run.spent
    assert run.stopped == ""


def test_plans_without_an_answer_are_no_misses_and_the_run_says_why_it_stopped() -> None:
    silent = CriticReading(
        CASES[0], None, counted=False, right=False, loosened=False, missing="gone"
    )
    run = LiveRun((silent,), LiveCalls().words, "a model", "stopped after 1 of 60 plans: gone")
    assert all(goal.n == 0 and not goal.met for goal in run.goals)


def test_the_money_of_a_run_is_added_up_and_unknown_prices_are_said() -> None:
    log = LiveCalls()
    for cost in (0.25, None):
        log.keep(call(cost))
    assert log.spent("INC-0001").usd == 0.25
    assert log.spent("INC-0002").usd == 0.0
    assert log.words == "spent $0.2500, and 1 requests of unknown price: 2 requests, 22 tokens"


def call(cost: float | None) -> ModelCall:
    return ModelCall(
        incident="INC-0001",
        environment=EnvironmentRef.parse("docker:staging"),
        agent="critique",
        ordinal=1,
        model=ModelRef(provider="gemini", name="one"),
        place="https://example.org",
        sent={},
        usage=Usage(requests=1, input=10, output=1, cost=cost),
        started_at=CASES[0].sketch.now,
        took=1.0,
    )


async def test_what_only_allows_never_counts() -> None:
    readings = await told(Temper.FLATTERER)
    assert not any(one.loosened for one in readings)
    assert all(one.temper is Temper.FLATTERER for one in readings)
    assert Ruling.ALLOW not in {law.ruling for _, law in ALL}
