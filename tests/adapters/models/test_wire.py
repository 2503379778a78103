"""The last gate: one place, redacted, recorded, bounded in bytes and in time."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from aiops_agent.adapters.models.reasoner import Models, Outside
from aiops_agent.adapters.models.section import Lineup, ModelSettings
from aiops_agent.adapters.models.wire import Exchange, LastGate, recording
from aiops_agent.domain.model import Trouble
from aiops_agent.domain.naming import MARK
from aiops_agent.domain.redact import UNTOUCHED, Redactor
from aiops_agent.domain.value import Json
from aiops_agent.ports.model import ModelQuestion
from tests import seams
from tests.adapters.models.loopback import (
    Book,
    Server,
    World,
    asking,
    call,
    gemini,
    models,
)
from tests.adapters.models.test_reasoner import ANSWER, Verdict, question, tool

SECRET = "hunter2-of-the-shop"


def secretive(server: Server, book: Book) -> Models:
    outside = Outside(
        log=book,
        timing=World().timing(),
        redactor=Redactor([SECRET]),
        transport=lambda: httpx2.MockTransport(server),
    )
    return Models(Lineup(ModelSettings(), {"gemini": SecretStr("k")}), outside)


async def test_no_configured_secret_reaches_a_provider_and_the_record_says_what_did() -> None:
    async def leaky(_which: object) -> str:
        return f"env DB={SECRET}"

    server, book = Server([gemini(call("latency", service="cart")), ANSWER]), Book()
    asked = question(tool(leaky), material=f"The password is {SECRET}.", instructions=SECRET)

    answer = await secretive(server, book).ask(asked, asking())

    assert answer.value is not None
    assert SECRET not in json.dumps(server.seen)
    assert [one.sent for one in book.calls] == [body for _, body in server.seen]
    assert [one.redactions for one in book.calls] == [2, 3]


async def test_a_gate_that_redacts_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.DOCUMENT.plant(monkeypatch, lambda _self, body, _untouched=(): (body, 0))
    server = Server([ANSWER])

    await secretive(server, Book()).ask(question(material=SECRET), asking())

    assert SECRET in json.dumps(server.seen)


# What only its key, flag or name gives away, by none of its looks.
UNDER_A_KEY: list[Json] = [
    {"db": {"password": "Sommer2026"}},
    {"passwords": ["Sommer2026"]},
    {"args": ["--db-password", "Sommer2026"]},
    {"env": [{"name": "DB_PASSWORD", "value": "Sommer2026"}]},
    {"env": [{"key": "api_secret", "value": "Sommer2026"}]},
]


async def sent_through(body: Json, redactor: Redactor) -> tuple[Json, Exchange]:
    server = Server([gemini()])
    gate = LastGate(httpx2.MockTransport(server), "http://127.0.0.1:80", redactor=redactor)
    with recording() as exchange:
        request = httpx2.Request("POST", "http://127.0.0.1:80/v1", json={"contents": body})
        await gate.handle_async_request(request)
    return server.seen[0][1], exchange


@pytest.mark.parametrize("body", UNDER_A_KEY, ids=str)
async def test_a_secret_under_a_telling_key_is_not_sent(body: Json) -> None:
    sent, exchange = await sent_through(body, Redactor())

    assert "Sommer2026" not in json.dumps(sent)
    assert MARK in json.dumps(sent)
    assert (exchange.sent, exchange.redactions) == (sent, 1)


async def test_a_gate_that_knows_only_values_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def values_only(self: Redactor, body: Json, untouched: Any = ()) -> tuple[Json, int]:
        if isinstance(body, dict):
            return {key: values_only(self, one, untouched)[0] for key, one in body.items()}, 0
        if isinstance(body, list):
            return [values_only(self, one, untouched)[0] for one in body], 0
        return (self.clean(body).text, 0) if isinstance(body, str) else (body, 0)

    seams.DOCUMENT.plant(monkeypatch, values_only)
    leaked = [body for body in UNDER_A_KEY if "Sommer" in str(await sent_through(body, Redactor()))]

    assert leaked == UNDER_A_KEY


async def test_the_calls_of_one_answer_are_told_apart_though_their_names_look_secret() -> None:
    drawn = ("call_Zk3JqP9xYt7LmN2cRb5VwD8s", "call_Hd4GfS6aQe1WzX0oUi9KjT7y")
    assert all(Redactor().clean(one).count for one in drawn)
    calls = [call("latency", service=one) for one in ("cart", "pay")]
    for one, name in zip(calls, drawn, strict=True):
        one["functionCall"]["id"] = name
    server = Server([gemini(*calls), ANSWER])

    await secretive(server, Book()).ask(question(tool()), asking())

    names = re.findall(r'"id": "([^"]*)"', json.dumps(server.seen[1][1]))
    assert sorted(names) == sorted([*set(names)] * 2)  # each of a call and of its answer
    assert len(set(names)) == 2


async def test_what_the_provider_signed_is_handed_back_as_it_was() -> None:
    body = {"thoughtSignature": f"x{SECRET}", "text": SECRET}

    sent, count = Redactor([SECRET]).document(body, UNTOUCHED)

    assert (sent["thoughtSignature"], count) == (f"x{SECRET}", 1)
    assert SECRET not in sent["text"]


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/v1beta/models/x:generateContent",
        "http://127.0.0.1:81/v1",
        "https://127.0.0.1:80/v1",
    ],
)
async def test_a_request_to_another_place_is_not_sent(url: str) -> None:
    server = Server([gemini()])
    gate = LastGate(httpx2.MockTransport(server), "http://127.0.0.1:80", redactor=Redactor())

    with recording() as exchange, pytest.raises(httpx2.UnsupportedProtocol):
        await gate.handle_async_request(httpx2.Request("POST", url, json={}))

    assert (server.seen, exchange.requests) == ([], 0)
    assert exchange.failed[0].trouble is Trouble.REQUEST


async def test_a_redirect_is_not_followed() -> None:
    away = httpx2.Response(302, headers={"location": "http://evil.example/"})
    server = Server([away])

    answer = await models(server).ask(question(), asking())

    assert answer.value is None
    assert all("googleapis.com" in url for url, _ in server.seen)


async def test_ten_megabytes_are_not_read() -> None:
    server = Server([gemini({"text": "x" * 10_000_000}), ANSWER])
    book = Book()

    answer = await models(server, book).ask(question(), asking())

    assert answer.value is not None
    assert book.calls[0].trouble is Trouble.SHAPE
    assert "more than 4 MB" in book.calls[0].why


@asynccontextmanager
async def listening(*pieces: bytes, pause: float = 0.0) -> AsyncIterator[str]:
    """A real server that sends these pieces and then says nothing, or hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if pause:
            await done.wait()
        writer.close()

    done = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        done.set()
        server.close()
        await server.wait_closed()


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "pause"),
    [((), 1.0), ((HEAD, b'{"cand'), 1.0), ((HEAD, b'{"cand'), 0.0), ((b"nonsense\r\n\r\n",), 0.0)],
    ids=["silent", "stalled", "cut", "no http"],
)
@pytest.mark.slow
async def test_a_server_that_does_not_finish_is_left_in_time(
    pieces: tuple[bytes, ...], pause: float
) -> None:
    book = Book()
    async with listening(*pieces, pause=pause) as url:
        section: Json = {"default": "gemini:any", "base_url": url, "timeout": 0.15}
        outside = Outside(log=book, timing=World().timing())
        found = Models(Lineup(ModelSettings.model_validate(section), {}), outside)
        asked: ModelQuestion[Verdict] = question()

        answer = await found.ask(asked, asking())
        await found.close()

    assert answer.value is None
    assert {one.trouble for one in book.calls} == {Trouble.SILENCE}
    assert len(book.calls) == 3
    assert answer.effort.usage.input > 0, "it may have been paid for"
