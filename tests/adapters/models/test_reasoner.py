"""A question to models ends with a typed answer or with the reason why there is none."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any

import httpx2
import pytest

from aiops_agent.domain.errors import AiopsError, SourceError
from aiops_agent.domain.model import ModelRef, Trouble
from aiops_agent.domain.value import Value
from aiops_agent.ports.model import ModelQuestion, Tool
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


class Suspect(StrEnum):
    PAYMENTS = "payments-api"
    CART = "cart"


class Verdict(Value):
    cause: Suspect
    why: str


class Which(Value):
    service: Suspect


RIGHT = {"cause": "payments-api", "why": "its release came first"}
ANSWER = gemini(call("final_result", **RIGHT))


def tool(
    read: Callable[[Any], Awaitable[str]] | None = None, looked: list[str] | None = None
) -> Tool:
    async def latency(which: Which) -> str:
        if looked is not None:
            looked.append(which.service)
        return f"p99 of {which.service}: 2.4s, before 0.25s"

    return Tool("latency", "Latency before and after.", Which, read or latency)


def question(*tools: Tool, **more: Any) -> ModelQuestion[Verdict]:
    given: dict[str, Any] = {
        "agent": "triage",
        "instructions": "Name the cause.",
        "material": "Checkout is slow.",
        "shape": Verdict,
        "tools": tools,
    }
    return ModelQuestion(**(given | more))


async def test_a_tool_is_read_and_a_typed_answer_comes() -> None:
    looked: list[str] = []
    server = Server([gemini(call("latency", service="payments-api")), ANSWER])
    book = Book()

    answer = await models(server, book).ask(question(tool(looked=looked)), asking())

    assert answer.value == Verdict(cause=Suspect.PAYMENTS, why="its release came first")
    assert looked == ["payments-api"]
    assert str(answer.effort.by) == "model gemini:gemini-3.5-flash-lite"
    assert (answer.effort.usage.requests, answer.effort.usage.tokens) == (2, 260)
    assert answer.effort.usage.cost == pytest.approx(2 * (100 * 0.30 + 30 * 2.50) / 1e6)
    assert [one.ordinal for one in book.calls] == [1, 2]
    assert [one.tools for one in book.calls] == [("latency",), ()]
    assert "p99 of payments-api" in json.dumps(book.calls[1].sent)
    assert server.seen[1][1]["contents"][1]["parts"][0]["thoughtSignature"] == "c2lnbmF0dXJl"


async def test_the_openai_format_is_spoken_to_any_server() -> None:
    server = Server([openai(json.dumps(RIGHT))])
    book = Book()

    answer = await models(server, book, default="gpt-4o", base_url="http://127.0.0.1:8080/v1").ask(
        question(), asking()
    )

    assert answer.value is not None
    assert answer.effort.usage.cost is None, "a local server that calls itself gpt-4o has no price"
    assert book.calls[0].place == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("failure", "trouble", "tries"),
    [
        (refused(503), Trouble.OVERLOAD, 3),
        (refused(500, "INTERNAL"), Trouble.OVERLOAD, 3),
        (httpx2.ReadTimeout("slow"), Trouble.SILENCE, 3),
        (httpx2.ConnectError("away"), Trouble.SILENCE, 3),
        (httpx2.Response(200, text="<html>"), Trouble.SHAPE, 2),
        (gemini(end="SAFETY"), Trouble.FILTERED, 1),
        (gemini(end="MAX_TOKENS"), Trouble.LENGTH, 1),
        (gemini(end="MALFORMED_FUNCTION_CALL"), Trouble.SHAPE, 2),
        (refused(400, "INVALID_ARGUMENT"), Trouble.REQUEST, 1),
        (refused(404, "NOT_FOUND"), Trouble.UNKNOWN_MODEL, 1),
    ],
)
async def test_another_model_takes_over_and_the_reason_is_told(
    failure: httpx2.Response | Exception, trouble: Trouble, tries: int
) -> None:
    server, book = Server([*[failure] * tries, ANSWER]), Book()

    answer = await models(server, book).ask(question(), asking())

    assert answer.value is not None
    assert server.models == ["gemini-3.5-flash-lite"] * tries + ["gemini-3.8-flash"]
    assert [one.trouble for one in book.calls] == [trouble] * tries + [None]
    [note] = answer.effort.notes
    assert note.endswith("gemini:gemini-3.8-flash is asked instead.")


async def test_a_model_that_failed_too_often_rests_and_says_so() -> None:
    asked = models(Server([refused(503)]))
    lite = ModelRef(provider="gemini", name="gemini-3.5-flash-lite")
    before = asked.rests(lite)
    for _ in range(3):
        await asked.ask(question(), asking())

    assert (before, asked.rests(lite)) == (False, True)


async def test_an_answer_that_was_cut_off_is_no_answer() -> None:
    server = Server([gemini({"text": "It was"}, end="MAX_TOKENS"), ANSWER])

    answer = await models(server).ask(question(), asking())

    assert answer.value is not None
    assert "cut off before it had answered" in answer.effort.notes[0]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_key_is_told_and_no_other_model_is_asked(status: int) -> None:
    server = Server([refused(status, "UNAUTHENTICATED")])

    answer = await models(server).ask(question(), asking())

    assert answer.value is None
    assert "refused the key" in answer.missing
    assert len(server.seen) == 1


async def test_a_wrong_key_as_gemini_says_it_is_a_wrong_key() -> None:
    why = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    server = Server([refused(400, "INVALID_ARGUMENT", details=why)])

    answer = await models(server).ask(question(), asking())

    assert "refused the key" in answer.missing
    assert len(server.seen) == 1


async def test_the_wait_that_a_provider_wishes_is_kept() -> None:
    wish = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]
    server = Server([refused(429, "RESOURCE_EXHAUSTED", details=wish), ANSWER])
    world = World()

    answer = await models(server, world=world).ask(question(), asking())

    assert answer.value is not None
    assert world.waited == [7.25]


async def test_a_wait_that_is_too_long_is_left_for_the_fallback() -> None:
    slow = httpx2.Response(429, json={"error": {"code": 429}}, headers={"retry-after": "900"})
    server, world = Server([slow, ANSWER]), World()

    answer = await models(server, world=world).ask(question(), asking())

    assert answer.value is not None
    assert world.waited == []


async def test_a_question_again_gets_the_first_answer_and_is_told_so() -> None:
    looked: list[str] = []
    again = gemini(call("latency", service="cart"))
    server = Server([again, again, ANSWER])

    await models(server).ask(question(tool(looked=looked)), asking())

    assert looked == ["cart"]
    assert "You asked this before" in json.dumps(server.seen[2][1])


async def test_what_is_wrong_is_sent_back_once_and_then_left_to_the_agent() -> None:
    server = Server([ANSWER])
    asked = question(check=lambda _: ("The release is not cited.",))

    answer = await models(server).ask(asked, asking())

    assert answer.value is not None
    assert len(server.seen) == 2
    assert "The release is not cited." in json.dumps(server.seen[1][1])


@pytest.mark.parametrize(
    "odd",
    [
        gemini(call("final_result", cause="S3", why="")),
        gemini(call("delete_everything", name="cart")),
        gemini(call("latency", service="rm -rf")),
        gemini({"text": "I think that it is the cart."}),
        gemini({"text": "{not json"}),
    ],
)
async def test_nonsense_is_told_and_a_model_that_goes_on_with_it_is_left(
    odd: httpx2.Response,
) -> None:
    server = Server([odd])

    answer = await models(server).ask(question(tool()), asking())

    assert answer.value is None
    assert "no answer of the wished shape" in answer.missing
    assert len(server.seen) <= 60


async def test_an_unknown_part_beside_a_good_call_harms_nothing() -> None:
    server = Server([gemini({"hologram": {"of": "a cat"}}, call("final_result", **RIGHT))])

    answer = await models(server).ask(question(), asking())

    assert answer.value is not None
    assert len(server.seen) == 1


async def test_a_tool_that_fails_is_told_as_not_known() -> None:
    async def away(_which: Which) -> str:
        raise SourceError("Prometheus is away.")

    server = Server([gemini(call("latency", service="cart")), ANSWER])

    answer = await models(server).ask(question(tool(away)), asking())

    assert answer.value is not None
    assert "Not known: Prometheus is away." in json.dumps(server.seen[1][1])


class Kept:
    """Once, in memory: what is finished is never made again."""

    def __init__(self) -> None:
        self.done: dict[str, Any] = {}

    async def __call__(self, name: str, make: Any, _kind: Any, /) -> Any:
        if name not in self.done:
            try:
                self.done[name] = await make()
            except AiopsError as error:
                self.done[name] = error
        if isinstance(self.done[name], Exception):
            raise self.done[name]
        return self.done[name]


async def test_after_a_crash_no_finished_request_or_reading_is_made_again() -> None:
    looked: list[str] = []
    server = Server([refused(404), gemini(call("latency", service="cart")), ANSWER])
    once = Kept()
    asked = question(tool(looked=looked))
    first = await models(server).ask(asked, asking(once=once))

    again = await models(server).ask(asked, asking(once=once))

    assert again.value == first.value
    assert again.effort.usage == first.effort.usage
    assert again.effort.notes == first.effort.notes
    assert (len(server.seen), looked) == (3, ["cart"])


async def test_the_same_question_again_in_an_incident_is_not_paid_twice() -> None:
    server = Server([gemini(call("latency", service="cart")), ANSWER])
    book = Book()
    first = await models(server, book).ask(question(tool()), asking())

    again = await models(server, book).ask(question(tool()), asking())

    assert again.value == first.value
    assert len(server.seen) == len(book.calls) == 2
    assert again.effort.usage.requests == 0


async def test_another_incident_or_other_findings_are_asked_about_anew() -> None:
    server, book = Server([ANSWER]), Book()
    found = models(server, book)
    await found.ask(question(), asking())

    await found.ask(question(material="Checkout is fast again."), asking())
    await found.ask(question(), replace(asking(), incident="INC-2"))

    assert len(server.seen) == 3
