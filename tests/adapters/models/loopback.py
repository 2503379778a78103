"""A model's server without a network: it answers as scripted and remembers what came."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from pydantic import SecretStr

from aiops_agent.adapters.models.reasoner import Models, Outside
from aiops_agent.adapters.models.section import Lineup, ModelSettings
from aiops_agent.adapters.models.sender import Timing
from aiops_agent.domain.answer import Usage
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.model import ModelCall, Spending
from aiops_agent.domain.value import Json
from aiops_agent.ports.model import Asking

SHOP = EnvironmentRef(kind="docker", name="test")
INCIDENT = "INC-1"
Reply = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


@dataclass
class Server:
    """Plays one reply after the other, the last one for ever."""

    replies: list[Reply]
    seen: list[tuple[str, Json]] = field(default_factory=list)
    listed: Json = None

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request."""
        if request.method == "GET":  # its list of models
            return httpx2.Response(200, json=self.listed) if self.listed else refused(404)
        self.seen.append((str(request.url), json.loads(request.content or b"{}")))
        reply = self.replies[min(len(self.seen), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        return reply(request) if callable(reply) else reply

    @property
    def models(self) -> list[str]:
        """The models that were asked, in order."""
        return [
            url.rpartition("/")[2].partition(":")[0] if "models/" in url else body["model"]
            for url, body in self.seen
        ]


@dataclass
class Book:
    """A CallLog in memory."""

    calls: list[ModelCall] = field(default_factory=list)

    def keep(self, call: ModelCall) -> None:
        """Keep a call."""
        self.calls.append(call)

    def answered(self, incident: str, about: str) -> ModelCall | None:
        """Return the newest answered call about the same."""
        known = [c for c in self.calls if (c.incident, c.about) == (incident, about)]
        return next((c for c in reversed(known) if c.answered_by), None)

    def spent(self, incident: str) -> Spending:
        """Return what an incident used up."""
        return self._of([call for call in self.calls if call.incident == incident])

    def spent_since(self, moment: datetime) -> Spending:
        """Return what was used up since then."""
        return self._of([call for call in self.calls if call.started_at >= moment])

    def _of(self, calls: list[ModelCall]) -> Spending:
        usage = sum((call.usage for call in calls), Usage())
        usd = sum(call.usage.cost or 0.0 for call in calls)
        return Spending(usage=usage, usd=usd, seconds=sum(call.took for call in calls))


@dataclass
class World:
    """A virtual clock, and what was waited for."""

    now: datetime = datetime(2026, 11, 27, 12, tzinfo=UTC)
    waited: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.waited.append(seconds)
        self.now += timedelta(seconds=seconds)

    def timing(self) -> Timing:
        """Return it as the models want it; there is no chance in it."""
        return Timing(
            now=lambda: self.now,
            sleep=self.sleep,
            tick=lambda: self.now.timestamp(),  # noqa: PLW0108 -- `now` moves
            chance=lambda: 0.5,
        )


def models(
    server: Server, book: Book | None = None, world: World | None = None, **section: Any
) -> Models:
    """Return models whose network is the server."""
    outside = Outside(
        log=book or Book(),
        timing=(world or World()).timing(),
        transport=lambda: httpx2.MockTransport(server),
    )
    key = {"gemini": SecretStr("test-key")}
    return Models(Lineup(ModelSettings.model_validate(section), key), outside)


def asking(**more: Any) -> Asking:
    """Return an asking for the test's incident."""
    return Asking(INCIDENT, SHOP, **more)


def gemini(*parts: Json, end: str = "STOP", **usage: int) -> httpx2.Response:
    """Return an answer of Gemini."""
    counted = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 130} | usage
    body = {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": end}],
        "usageMetadata": counted,
        "modelVersion": "gemini-3.5-flash-lite",
        "responseId": "r1",
    }
    return httpx2.Response(200, json=body)


def call(name: str, /, **arguments: Json) -> Json:
    """Return a part in which Gemini calls a function."""
    return {"functionCall": {"name": name, "args": arguments}, "thoughtSignature": "c2lnbmF0dXJl"}


def refused(status: int, reason: str = "UNAVAILABLE", **more: Json) -> httpx2.Response:
    """Return an error of Gemini."""
    error = {"code": status, "message": "It did not work.", "status": reason, **more}
    return httpx2.Response(status, json={"error": error})


def openai(arguments: Json, name: str = "final_result", **more: Json) -> httpx2.Response:
    """Return an answer in OpenAI's format that calls one function."""
    made = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [made]}
    body = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "local",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    return httpx2.Response(200, json=body | more)
