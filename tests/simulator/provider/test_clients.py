"""The real client libraries take what the scripted provider says for a provider's words."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Literal

import httpx2
import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelHTTPError,
    UnexpectedModelBehavior,
)
from pydantic_ai.models import Model
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

from aiops_agent.simulator.provider.behaviours import BEHAVIOURS, DELAY_SECONDS
from aiops_agent.simulator.provider.server import KEY, MODELS, ScriptedProvider, Stage

MATERIAL = "Services: payments-api, ledger, cart.\nThe errors of ledger rose after its release."
WIRES = ("gemini", "openai")


class Suspicion(BaseModel):
    """What is asked for."""

    cause: Literal["payments-api", "ledger", "cart", "none of these"]


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as provider:
        yield provider


@pytest.fixture
async def plain() -> AsyncIterator[httpx2.AsyncClient]:
    """A client that loads no certificates: they would take most of the time."""
    async with httpx2.AsyncClient(verify=False, timeout=9) as plain:
        yield plain


@dataclass(frozen=True)
class Caller:
    """Asks the provider by a real client library."""

    provider: ScriptedProvider
    plain: httpx2.AsyncClient

    def model(self, wire: str, name: str = MODELS[0]) -> Model:
        settings = {"max_retries": 0, "request_timeout": 2.0, "timeout": 2.0}
        url, http = self.provider, self.plain
        if wire == "gemini":
            google = GoogleProvider(api_key=KEY, base_url=url.gemini, http_client=http)
            return GoogleModel(name, provider=google, settings=settings)  # type: ignore[arg-type]  # open dict
        server = OpenAIProvider(base_url=url.openai, api_key=KEY, http_client=http)
        return OpenAIChatModel(name, provider=server, settings=settings)  # type: ignore[arg-type]  # open dict

    async def ask(self, wire: str, name: str = MODELS[0]) -> str:
        agent = Agent(self.model(wire, name), output_type=Suspicion, retries=1)

        @agent.tool_plain
        def look(service: Literal["payments-api", "ledger", "cart"]) -> str:
            """Read the errors of a service."""
            return f"{service}: errors rose from 0.1 % to 12 %"

        return (await agent.run(MATERIAL)).output.cause


@pytest.fixture
def caller(provider: ScriptedProvider, plain: httpx2.AsyncClient) -> Caller:
    return Caller(provider, plain)


@pytest.mark.parametrize("wire", WIRES)
async def test_the_sensible_script_looks_something_up_and_picks_from_the_menu(
    provider: ScriptedProvider, caller: Caller, wire: str
) -> None:
    assert await caller.ask(wire) == "ledger"
    assert provider.requests == 2
    assert [taken.key for taken in provider.taken] == [KEY, KEY]


@pytest.mark.parametrize("wire", WIRES)
async def test_it_answers_in_json_where_that_is_asked_for(
    provider: ScriptedProvider, caller: Caller, wire: str
) -> None:
    agent = Agent(caller.model(wire), output_type=NativeOutput(Suspicion))
    result = await agent.run(MATERIAL)
    assert result.output.cause == "ledger"
    assert result.usage.input_tokens > 0
    assert result.usage.output_tokens > 0


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("always-first", "payments-api"),
        ("none-of-these", "none of these"),
        ("signed-thoughts", "ledger"),
        ("slow-body", "ledger"),
    ],
)
async def test_other_models_have_other_opinions(
    provider: ScriptedProvider,
    caller: Caller,
    wire: str,
    name: str,
    cause: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aiops_agent.simulator.provider.behaviours.DRIP_SECONDS", 0.001)
    provider.behaves = BEHAVIOURS[name]
    assert await caller.ask(wire) == cause


async def test_a_call_that_comes_back_unsigned_is_refused(
    provider: ScriptedProvider, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Gemini does it; the planted defect is another signature than was given."""
    provider.behaves = BEHAVIOURS["signed-thoughts"]
    monkeypatch.setattr("aiops_agent.simulator.provider.behaviours.signature", lambda call: "x")
    with pytest.raises(ModelHTTPError, match="thought_signature"):
        await caller.ask("gemini")


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("name", "errors"),
    [
        ("no-json", (UnexpectedModelBehavior, ValueError, ModelAPIError)),
        ("safety", (ContentFilterError,)),
        ("blocked-prompt", (ContentFilterError, ModelHTTPError)),
        ("max-tokens", (UnexpectedModelBehavior,)),
        ("invented-tool", (UnexpectedModelBehavior,)),
        ("wrong-types", (UnexpectedModelBehavior,)),
        ("malformed-json", (UnexpectedModelBehavior,)),
        ("empty-answer", (UnexpectedModelBehavior,)),
        ("429-retry-info", (ModelHTTPError,)),
        ("429-retry-after", (ModelHTTPError,)),
        ("500", (ModelHTTPError,)),
        ("503", (ModelHTTPError,)),
        ("wrong-key-400", (ModelHTTPError,)),
        ("wrong-key-401", (ModelHTTPError,)),
        ("wrong-key-403", (ModelHTTPError,)),
        ("unknown-model", (ModelHTTPError,)),
        ("cut-body", (ModelAPIError,)),
    ],
)
async def test_trouble_arrives_as_the_trouble_that_it_is(
    provider: ScriptedProvider,
    caller: Caller,
    wire: str,
    name: str,
    errors: tuple[type[Exception], ...],
) -> None:
    provider.behaves = BEHAVIOURS[name]
    with pytest.raises(errors) as raised:
        await caller.ask(wire)
    print(f"{wire} {name}: {type(raised.value).__name__}: {raised.value}"[:160])


@pytest.mark.parametrize("name", ["429-retry-info", "429-retry-after"])
async def test_a_wish_to_be_left_alone_for_some_seconds_arrives(
    provider: ScriptedProvider, caller: Caller, name: str
) -> None:
    provider.behaves = BEHAVIOURS[name]
    with pytest.raises(ModelHTTPError) as raised:
        await caller.ask("gemini")
    assert getattr(raised.value, "retry_after", None) == DELAY_SECONDS


@pytest.mark.parametrize("wire", WIRES)
async def test_a_model_that_is_not_there_is_told_with_those_that_are(
    provider: ScriptedProvider, caller: Caller, wire: str
) -> None:
    with pytest.raises(ModelHTTPError, match=MODELS[0]) as raised:
        await caller.ask(wire, "gemini-9")
    assert raised.value.status_code == 404


async def test_a_stream_is_one_event(provider: ScriptedProvider, caller: Caller) -> None:
    agent = Agent(caller.model("gemini"), output_type=NativeOutput(Suspicion))
    async with agent.run_stream(MATERIAL) as stream:
        assert (await stream.get_output()).cause == "ledger"


async def test_each_stage_of_each_request_is_told(
    provider: ScriptedProvider, caller: Caller
) -> None:
    seen: list[tuple[Stage, int]] = []
    provider.watch = lambda stage, number: seen.append((stage, number))
    await caller.ask("openai")
    assert seen[:3] == [(Stage.ASKED, 1), (Stage.WITHIN, 1), (Stage.ANSWERED, 1)]
    assert len(seen) == 6


def test_there_are_enough_ways_to_behave() -> None:
    assert len(BEHAVIOURS) >= 25
