"""One model at one server: a request goes out once, back comes an answer or a typed error."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
from google.genai.types import HttpRetryOptions
from openai import AsyncOpenAI
from pydantic import SecretStr, ValidationError
from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
    OutputTokenLimitExceeded,
    UnexpectedModelBehavior,
    UserError,
)
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.settings import ModelSettings as RequestSettings

from aiops_agent.adapters.models import normal as normals
from aiops_agent.adapters.models import prices, tokens
from aiops_agent.adapters.models.section import GEMINI, HOMES, OPENAI, Plug
from aiops_agent.adapters.models.wire import Exchange, LastGate, Normal, place_of, recording
from aiops_agent.domain.answer import Usage
from aiops_agent.domain.model import ModelError, ModelRef, Trouble
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.value import Json, Value

# What is wrong with a body that a client library cannot read, besides its own errors.
UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError)
CONNECT = 5.0  # seconds: a server that is there takes the connection in less


class Heard(Value):
    """What a model said: pydantic-ai's response as plain JSON, and what it used up."""

    response: Json
    answered_by: str
    usage: Usage
    cut: bool = False  # it ended because it may not be longer

    def message(self) -> ModelResponse:
        """Return the response; raises ValueError when it was not written by this library."""
        [found] = ModelMessagesTypeAdapter.validate_python([self.response])
        assert isinstance(found, ModelResponse)
        return found


@dataclass(frozen=True)
class Line:
    """A model behind the gate."""

    ref: ModelRef
    base_url: str
    model: Model[Any]
    counted: Callable[[Json], Usage | None]
    client: httpx2.AsyncClient

    @property
    def place(self) -> str:
        """Scheme, host and port of its server."""
        return place_of(self.base_url)

    async def again(
        self,
        received: Json,
        messages: list[ModelMessage],
        parameters: ModelRequestParameters,
    ) -> Heard:
        """Return what an answer that was received before says; nothing is sent or used."""

        def replay(_request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(200, json=received)

        plug = Plug(self.ref, self.base_url, SecretStr("not sent"))
        deaf = line(plug, httpx2.MockTransport(replay), redactor=Redactor())
        try:
            with recording() as exchange:
                heard = await deaf.request(messages, parameters, RequestSettings(), exchange)
        finally:
            await deaf.close()
        return heard.model_copy(update={"usage": Usage()})

    async def close(self) -> None:
        """Give its connections back."""
        await self.client.aclose()

    def cost(self, usage: Usage, model: str) -> float | None:
        """Return what a use costs when `model` answered here; None when nobody knows."""
        return prices.cost(usage, model, self.base_url)

    async def request(
        self,
        messages: list[ModelMessage],
        parameters: ModelRequestParameters,
        settings: RequestSettings,
        exchange: Exchange,
    ) -> Heard:
        """Ask once; raises ModelError. What went over the wire is in the exchange either way."""
        try:
            answer = await model_request(
                self.model,
                messages,
                model_settings=settings,
                model_request_parameters=parameters,
            )
        except (*LIBRARY, *UNREADABLE) as error:
            raise self.trouble(error, exchange) from error
        return self._heard(answer, exchange)

    def _heard(self, answer: ModelResponse, exchange: Exchange) -> Heard:
        usage = self._used(exchange)
        who = str(self.ref)
        if answer.finish_reason == "content_filter":
            text = f"{who} did not answer: its provider's filter held the answer back."
            raise _paid(ModelError(text, Trouble.FILTERED), usage)
        cut = answer.finish_reason == "length"
        if not any(map(_says, answer.parts)):
            if cut:
                text = f"{who} used up its length before it said anything."
                raise _paid(ModelError(text, Trouble.LENGTH), usage)
            raise _paid(ModelError(f"{who} sent an empty answer.", Trouble.SHAPE), usage)
        [response] = ModelMessagesTypeAdapter.dump_python([answer], mode="json")
        answered = answer.model_name or self.ref.name
        return Heard(response=response, answered_by=answered, usage=usage, cut=cut)

    def _used(self, exchange: Exchange) -> Usage:
        """Return what was used; guessed from the bodies where the server did not count."""
        counted = self.counted(exchange.received)
        if counted is None and exchange.requests and exchange.status in (0, 200):
            said = tokens.estimated(exchange.received) if exchange.received else 0
            counted = Usage(input=tokens.estimated(exchange.sent), output=said)
        if counted is None:  # refused: nothing is charged for it
            return Usage(requests=exchange.requests)
        found = exchange.received
        named = (found.get("modelVersion") or found.get("model")) if isinstance(found, dict) else ""
        answered = named if isinstance(named, str) and named else self.ref.name
        cost = self.cost(counted, answered)
        return counted.model_copy(update={"requests": exchange.requests, "cost": cost})

    def trouble(self, error: Exception, exchange: Exchange) -> ModelError:
        """Return what an error of a client library means."""
        if exchange.failed:
            return _paid(exchange.failed[0], self._used(exchange))
        kind = next((kind for known, kind in _KINDS if isinstance(error, known)), None)
        if isinstance(error, ModelHTTPError) and kind is None:
            kind = _of_status(error.status_code)
        kind = kind or Trouble.SHAPE
        if kind is not Trouble.KEY and exchange.status in (401, 403):
            kind = Trouble.KEY
        after = getattr(error, "retry_after", None)
        text = _WORDS[kind].format(who=self.ref, place=self.place, why=_short(error))
        return _paid(ModelError(text, kind, after), self._used(exchange))


LIBRARY = (ModelAPIError, UnexpectedModelBehavior, UserError, ValidationError)
_KINDS: tuple[tuple[type[Exception], Trouble], ...] = (
    (ModelAuthenticationError, Trouble.KEY),
    (ModelNotFoundError, Trouble.UNKNOWN_MODEL),
    (ModelRateLimitError, Trouble.OVERLOAD),
    (ModelQuotaExceededError, Trouble.OVERLOAD),
    (ModelUnavailableError, Trouble.OVERLOAD),
    (ModelServerError, Trouble.OVERLOAD),
    (ModelRequestRejectedError, Trouble.REQUEST),
    (ModelTimeoutError, Trouble.SILENCE),
    (ModelRequestTimeout, Trouble.SILENCE),
    (ModelConnectionError, Trouble.SILENCE),
    (ContentFilterError, Trouble.FILTERED),
    (OutputTokenLimitExceeded, Trouble.LENGTH),
    (UserError, Trouble.REQUEST),
)
_WORDS = {
    Trouble.KEY: "{place} refused the key for {who}: check GEMINI_API_KEY or models.api_key.",
    Trouble.UNKNOWN_MODEL: "{place} does not know the model {who}: {why}.",
    Trouble.OVERLOAD: "{who} is overloaded or out of order: {why}.",
    Trouble.REQUEST: "{who} did not take the request: {why}.",
    Trouble.SILENCE: "{who} gave no whole answer in time: {why}.",
    Trouble.FILTERED: "{who} did not answer: its provider's filter held the answer back.",
    Trouble.LENGTH: "{who} used up its length before it had answered.",
    Trouble.SHAPE: "{who} sent an answer that cannot be read: {why}.",
}


def line(
    plug: Plug,
    transport: httpx2.AsyncBaseTransport,
    *,
    redactor: Redactor,
    timeout: float = 60.0,
    normal: Normal | None = None,
) -> Line:
    """Build a line. `transport` reaches the network; the gate stands before it.

    `normal` reads answers that are none to a question.
    """
    gemini = plug.ref.provider == GEMINI
    gate = LastGate(
        transport,
        place_of(plug.base_url),
        redactor=redactor,
        normal=normal or (normals.gemini if gemini else normals.openai),
    )
    # No proxies from the environment: they would be mounted around the gate.
    client = httpx2.AsyncClient(
        transport=gate,
        timeout=httpx2.Timeout(timeout, connect=CONNECT),
        trust_env=False,
        follow_redirects=False,
    )
    own = GoogleModel(plug.ref.name, provider=gemini_at(plug, client)) if gemini else None
    model = own or _openai(plug, client)
    counted = tokens.of_gemini if gemini else tokens.of_openai
    return Line(plug.ref, plug.base_url, model, counted, client)


def gemini_at(plug: Plug, client: httpx2.AsyncClient) -> GoogleProvider:
    """Return how Gemini is spoken to, once a request."""
    return GoogleProvider(
        api_key=plug.key.get_secret_value(),
        base_url=plug.base_url,
        http_client=client,
        retry_options=HttpRetryOptions(attempts=1),
    )


def _openai(plug: Plug, client: httpx2.AsyncClient) -> Model[Any]:
    own = AsyncOpenAI(
        api_key=plug.key.get_secret_value(),
        base_url=plug.base_url,
        http_client=client,
        max_retries=0,
    )
    if plug.base_url == HOMES[OPENAI]:
        return OpenAIChatModel(plug.ref.name, provider=OpenAIProvider(openai_client=own))
    # Others know the older name of the limit only.
    older = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
    provider = OpenAICompatibleProvider("openai-compatible", openai_client=own, profile=older)
    return OpenAIChatModel(plug.ref.name, provider=provider)


def _of_status(status: int) -> Trouble:
    if status in (401, 403):
        return Trouble.KEY
    if status == 404:
        return Trouble.UNKNOWN_MODEL
    return Trouble.OVERLOAD if status in (408, 425, 429) or status >= 500 else Trouble.REQUEST


def _says(part: ModelResponsePart) -> bool:
    return isinstance(part, ToolCallPart) or (isinstance(part, TextPart) and bool(part.content))


def _short(error: Exception) -> str:
    """Return the first words of an error on one line; bodies of servers are quoted in it."""
    if isinstance(error, ModelHTTPError) and isinstance(error.body, dict):
        inner = error.body.get("error", error.body)
        message = inner.get("message") if isinstance(inner, dict) else inner
        words = f"status {error.status_code}, {message or 'no reason given'}"
    else:
        words = str(error) or type(error).__name__
    return re.sub(r"\s+", " ", words)[:200].rstrip(". ")


def _paid(error: ModelError, usage: Usage) -> ModelError:
    error.used = usage.document()
    return error
