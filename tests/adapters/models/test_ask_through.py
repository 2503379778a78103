"""A question about an incident, through the real client libraries on both wire formats."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from aiops_agent.agents.ask import ask
from aiops_agent.agents.asking import Desk
from aiops_agent.domain.inquiry import CitedFact
from tests.adapters.models.loopback import Book, Server, call, gemini, models, openai
from tests.agents.test_diagnose import overload

FACTS = (
    CitedFact(id="E1", text="api latency p95: 50 ms → 1 s"),
    CitedFact(id="#12", text="09:30:00 plan: scale_pods api replicas=4"),
)
GOOD = {"text": "The latency of api rose to 1 s.", "cites": ["E1"]}
LOOKED_UP = {"text": "The latency of api is up.", "cites": ["T1"]}
PLANNED = {"text": "The plan was scale_pods with replicas=4.", "cites": ["#12"]}
FALSE = {"text": "The latency of api rose to 9 s.", "cites": ["E1"]}


def said(*sentences: dict[str, Any]) -> dict[str, Any]:
    return {"sentences": list(sentences), "not_known": ["who did it"]}


def in_gemini(answer: dict[str, Any]) -> httpx2.Response:
    return gemini(call("final_result", **answer))


def in_openai(answer: dict[str, Any]) -> httpx2.Response:
    return openai(json.dumps(answer))


@pytest.mark.parametrize(
    ("say", "settings"),
    [(in_gemini, {}), (in_openai, {"default": "m", "base_url": "http://127.0.0.1:1/v1"})],
)
async def test_what_is_false_is_struck_and_the_rest_stands(
    say: Callable[[dict[str, Any]], httpx2.Response], settings: dict[str, Any]
) -> None:
    server, book = Server([say(said(GOOD, PLANNED, FALSE))]), Book()
    desk = Desk(models(server, book, **settings))

    answer = await ask(desk, overload().briefing(), "why?", FACTS)

    assert answer.value is not None, answer.missing
    assert [bool(one.wrong) for one in answer.value.sentences] == [False, False, True]
    assert len(server.seen) == 2  # sent back once
    assert "9 stands in nothing that it cites" in json.dumps(server.seen[1][1])
    assert [one.agent for one in book.calls] == ["ask", "ask"]


async def test_what_is_looked_up_is_cited_by_its_id() -> None:
    look = gemini(call("signal", service="api", signal="latency"))
    server, book = Server([look, in_gemini(said(LOOKED_UP))]), Book()

    answer = await ask(Desk(models(server, book)), overload().briefing(), "how is it?", FACTS)

    assert answer.value is not None, answer.missing
    assert [one.wrong for one in answer.value.sentences] == [""]
    assert answer.value.facts[-1].id == "T1"
    assert [one.tools for one in book.calls] == [("signal",), ()]


async def test_an_id_that_no_menu_holds_is_told_to_the_model() -> None:
    lost = {"text": "Latency rose.", "cites": ["E99"]}
    server = Server([in_gemini(said(lost)), in_gemini(said(GOOD))])

    answer = await ask(Desk(models(server)), overload().briefing(), "why?", FACTS)

    assert answer.value is not None
    assert len(server.seen) == 2
    assert "Not accepted" in json.dumps(server.seen[1][1])


async def test_what_is_fixed_of_a_question_is_small() -> None:
    server = Server([in_gemini(said(GOOD))])
    facts = tuple(CitedFact(id=f"#{n}", text="x") for n in range(100))
    await ask(Desk(models(server)), overload().briefing(), "why?", (*FACTS, *facts))
    body = {key: value for key, value in server.seen[0][1].items() if key != "contents"}

    assert len(json.dumps(body)) / 3.5 <= 1500  # tokens, as they are estimated offline
