"""Budgets, the breaker, prices and the section: what may be asked of whom, and how much of it."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr, ValidationError

from aiops_agent.adapters.models import key, prices, section, sender, tokens
from aiops_agent.adapters.models.line import Line
from aiops_agent.adapters.models.purse import Purse
from aiops_agent.adapters.models.section import HOMES, Lineup, ModelSettings
from aiops_agent.domain.answer import ALONE, Usage
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.model import Budget, ModelError, ModelRef, Trouble
from aiops_agent.domain.value import Json
from tests.adapters.models.loopback import (
    Book,
    Server,
    World,
    asking,
    call,
    gemini,
    models,
    openai,
    refused,
)
from tests.adapters.models.test_reasoner import ANSWER, RIGHT, question, tool

FLASH = ModelRef(provider="gemini", name="gemini-3.5-flash-lite")
ENDLESS = gemini({"text": "hm"}, promptTokenCount=2000, totalTokenCount=2500)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"tokens": 9_000}, "tokens"),
        ({"usd": 0.004}, "for this incident"),
        ({"usd_per_day": 0.004}, "for today"),
        ({"requests": 3}, "all 3 requests"),
    ],
)
async def test_a_budget_ends_the_asking_and_is_never_passed(
    budget: dict[str, float], said: str
) -> None:
    server, book = Server([ENDLESS]), Book()

    answer = await models(server, book, budget=budget).ask(question(), asking())

    assert answer.value is None
    assert said in answer.missing
    assert answer.lost[-1].endswith(ALONE)
    assert len(answer.lost) == len(set(answer.lost))  # nothing is told twice
    spent = book.spent("INC-1")
    assert 0 < spent.usage.requests <= budget.get("requests", 60)
    assert spent.usage.tokens <= budget.get("tokens", 10**9)
    assert spent.usd <= min(budget.get("usd", 9), budget.get("usd_per_day", 9))


async def test_seconds_are_a_budget_too() -> None:
    world, book = World(), Book()

    def slow(_request: httpx2.Request) -> httpx2.Response:
        world.now += timedelta(seconds=40)
        return ENDLESS

    answer = await models(Server([slow]), book, world, budget={"seconds": 100}).ask(
        question(), asking()
    )

    assert "all 100 seconds" in answer.missing
    assert len(book.calls) == 3


async def test_incidents_side_by_side_share_the_money_of_the_day() -> None:
    def price(usage: Usage) -> float:
        return usage.tokens / 1_000_000

    purse = Purse(Budget(usd_per_day=0.01), Book(), lambda: World().now)
    async with purse.room("INC-1", 1000, 8000, price) as room:
        assert room == 8000
        async with purse.room("INC-2", 500, 8000, price) as left:
            assert left == 500, "9,000 tokens of 10,000 are under way, and 500 go in"
        with pytest.raises(ModelError, match="for today"):
            async with purse.room("INC-3", 900, 8000, price):
                pass
        purse._aside.clear()  # a planted defect: each incident as if it were alone
        async with purse.room("INC-3", 900, 8000, price) as alone:
            assert alone == 8000


async def test_a_new_day_has_new_money() -> None:
    world, book, server = World(), Book(), Server([ENDLESS])
    found = models(server, book, world, budget={"usd_per_day": 0.004})
    await found.ask(question(), asking())
    before = len(server.seen)

    world.now += timedelta(days=1)
    await found.ask(question(material="Another day."), asking())

    assert len(server.seen) > before


async def test_an_unpriced_model_cannot_hide_the_money_of_a_priced_one() -> None:
    book = Book()
    await models(Server([ENDLESS]), book, budget={"requests": 2}).ask(question(), asking())
    known = book.spent("INC-1").usd
    local = models(Server([openai("{}")]), book, default="x", base_url="http://127.0.0.1:1")
    await local.ask(question(), asking())

    spent = book.spent("INC-1")
    assert spent.usage.cost is None, "the sum is not known"
    assert spent.usd == pytest.approx(known), "its known part is"


async def test_a_model_that_is_away_rests_and_comes_back() -> None:
    world, server = World(), Server([refused(503)])
    found = models(server, world=world, fallback="gemini-3.8-flash")
    for number in range(3):
        await found.ask(question(material=str(number)), asking())
    asked = len(server.seen)

    answer = await found.ask(question(material="again"), asking())
    assert len(server.seen) == asked
    assert "failed 3 times in a row" in answer.missing

    world.now += timedelta(minutes=11)
    server.replies = [ANSWER]
    assert (await found.ask(question(material="later"), asking())).value is not None


async def test_a_retry_layer_that_hides_a_wrong_key_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender, "_AGAIN", (*sender._AGAIN, Trouble.KEY))
    server = Server([refused(401, "UNAUTHENTICATED")])

    await models(server).ask(question(), asking())

    assert len(server.seen) != 1, "test_a_wrong_key_is_told_and_no_other_model_is_asked sees it"


def test_prices_are_those_of_the_day_they_were_read() -> None:
    listed = {
        name: prices.list_price(ModelRef(provider="gemini", name=name), HOMES["gemini"])
        for name in (section.QUICK, section.THOROUGH, section.CHEAP, "gemini-4-carbon")
    }

    assert listed == {
        section.QUICK: (0.30, 2.50),
        section.THOROUGH: (0.75, 3.75),
        section.CHEAP: (0.25, 1.50),
        "gemini-4-carbon": None,
    }


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/v1", "https://evil.example/api.openai.com/v1", "http://[::1]/v1"]
)
def test_a_server_that_calls_itself_gpt_4o_has_no_price(url: str) -> None:
    assert prices.cost(Usage(input=1000), "gpt-4o", url) is None
    assert prices.cost(Usage(input=1000), "gpt-4o", HOMES["openai"]) == pytest.approx(0.0025)


async def test_a_price_taken_from_the_answering_name_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gullible(_line: Line, usage: Usage, model: str) -> float | None:
        return prices.cost(usage, model, HOMES["openai"])

    async def asked() -> float | None:
        server = Server([openai('{"cause": "cart", "why": "x"}', model="gpt-4o")])
        found = models(server, default="gpt-4o", base_url="http://127.0.0.1:1")
        return (await found.ask(question(), asking())).effort.usage.cost

    assert await asked() is None
    monkeypatch.setattr(Line, "cost", gullible)
    assert await asked() is not None


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}, (35, 74)),
        ({"prompt_tokens": 35, "completion_tokens": 12}, (35, 12)),
        ({"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 4}, (4, 0)),
        ({"prompt_tokens": float("nan"), "total_tokens": -3}, (0, 0)),
        ({"prompt_tokens": "9", "total_tokens": 10**30}, (0, tokens.NO_MORE)),
    ],
)
def test_what_is_not_itemised_is_booked_as_output(body: Json, wanted: tuple[int, int]) -> None:
    used = tokens.of_openai({"usage": body})

    assert used is not None
    assert (used.input, used.output) == wanted


def lineup(keys: tuple[str, ...] = ("gemini",), **given: Any) -> Lineup:
    return Lineup(ModelSettings.model_validate(given), {one: SecretStr("k") for one in keys})


def names(found: Lineup, agent: str) -> list[str]:
    return [str(ref) for ref in found.chain(agent)]


def test_gemini_is_the_default_and_each_is_the_other_s_fallback() -> None:
    quick, thorough, cheap = (
        f"gemini:{name}" for name in (section.QUICK, section.THOROUGH, section.CHEAP)
    )

    assert names(lineup(), "triage") == [quick, thorough, cheap]
    assert names(lineup(), "diagnose") == [thorough, quick, cheap]
    assert names(lineup(default=section.CHEAP), "plan")[0] == cheap
    assert names(lineup(agents={"plan": "gpt-5"}), "plan") == []
    assert names(lineup(agents={"plan": "gpt-5"}, fallback=section.QUICK), "plan") == [quick]


def test_the_critic_is_another_model_than_the_planner_where_two_are_configured() -> None:
    cases: list[dict[str, Any]] = [{}, {"default": "gemini-a", "fallback": "gemini-b"}]
    for given in cases:
        found = lineup(**given)
        assert names(found, "critique")[0] != names(found, "plan")[0]

    assert names(lineup(default="x", base_url="http://localhost:1"), "critique") == ["openai:x"]
    assert names(lineup(agents={"critique": section.THOROUGH}), "critique")[0].endswith("3.8-flash")


def test_an_agent_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="'triage', 'diagnose'"):
        lineup(agents={"diagnoze": "gemini-a"})


def test_a_server_of_one_s_own_needs_no_key_and_gets_none_of_another() -> None:
    found = lineup(
        ("openai", "gemini"), default="llama3.2:3b", base_url="http://localhost:11434/v1"
    )
    [ref] = found.chain("diagnose")
    plug = found.plug(ref)

    assert str(ref) == "openai:llama3.2:3b"
    assert plug is not None
    assert plug.key.get_secret_value() == "none"


def test_no_key_no_model() -> None:
    assert lineup(()).all() == ()


async def test_a_refused_key_and_an_unknown_model_are_told_before_anything_is_sent() -> None:
    server = Server([])
    server.listed = {"models": [{"name": f"models/{section.QUICK}"}, {"name": "models/other"}]}
    transport = httpx2.MockTransport(server)

    await key.check_key(lineup(default=section.QUICK), transport)
    with pytest.raises(SettingsError, match=r"has no model .*Did you mean"):
        await key.check_key(lineup(default="gemini-3.5-flash-lit"), transport)
    wrong = httpx2.MockTransport(lambda _: httpx2.Response(403, json={}))
    with pytest.raises(SettingsError, match="refused the key"):
        await key.check_key(lineup(), wrong)
    for answer in (httpx2.Response(500), httpx2.Response(200, text="<html>"), refused(404)):
        away = httpx2.MockTransport(lambda _, answer=answer: answer)
        await key.check_key(lineup(), away)


@pytest.mark.parametrize(
    ("given", "listed", "limit"),
    [
        ({"context": {"x": 4096}}, None, 4096),
        ({}, {"data": [{"id": "x", "max_model_len": 16384}]}, 16384),
        ({}, {"data": [{"id": "x", "meta": {"n_ctx_train": 2048}}]}, 2048),
        ({}, {"data": [{"id": "y", "max_model_len": 16384}]}, 8192),
        ({}, None, 8192),
    ],
)
async def test_each_model_has_its_own_context_limit(given: Json, listed: Json, limit: int) -> None:
    server = Server([], listed=listed)
    found = models(server, default="x", base_url="http://127.0.0.1:1", **given)

    room = await found.room(ModelRef(provider="openai", name="x"))

    assert room.put + room.out == limit


async def test_the_context_of_gemini_is_published() -> None:
    room = await models(Server([])).room(FLASH)

    assert room.put + room.out == 1_000_000


async def test_a_question_that_does_not_fit_is_left_to_a_larger_model() -> None:
    server = Server([ANSWER])
    found = models(server, context={section.QUICK: 2_000})

    answer = await found.ask(question(material="word " * 5_000), asking())

    assert answer.value is not None
    assert server.models == [section.THOROUGH]
    assert "does not fit" in answer.effort.notes[0]


async def test_the_fixed_part_comes_first_and_stays_the_same() -> None:
    server = Server([gemini(call("latency", service="cart")), ANSWER])
    await models(server).ask(question(tool()), asking())
    first, second = (body for _, body in server.seen)

    assert first["systemInstruction"] == second["systemInstruction"]
    assert first["tools"] == second["tools"]
    assert second["contents"][: len(first["contents"])] == first["contents"]
    assert RIGHT


async def test_the_doctor_says_who_answers_at_what_price_and_who_is_retired() -> None:
    server = Server([gemini({"text": "ok"}), refused(401)])
    found = models(server, default=section.QUICK, fallback="gemini-2.5-flash-lite")

    quick, retired = await found.doctor()

    assert quick.words.startswith("answers (triage, diagnose")
    assert quick.words.endswith("$0.3 in, $2.5 out per million tokens")
    assert "is retired" in retired.words
    assert section.QUICK in retired.remedy
    [wrong, _] = await found.doctor()
    assert wrong.unusable
