"""Sends one request of an agent, within the budget; tries again; keeps each try on record."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

from pydantic_ai.messages import ModelMessage, ToolCallPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings as RequestSettings

from aiops_agent.adapters.models.breaker import Breaker
from aiops_agent.adapters.models.line import Heard, Line
from aiops_agent.adapters.models.purse import Purse
from aiops_agent.adapters.models.section import GEMINI
from aiops_agent.adapters.models.wire import Exchange, recording
from aiops_agent.domain.answer import Usage
from aiops_agent.domain.model import ModelCall, ModelError, Trouble
from aiops_agent.domain.value import Document
from aiops_agent.ports.model import Around, Asking, CallLog

TRIES = 3  # of one request at one model, the first included
PAUSE = 1.0  # seconds before the second try; twice as long before each further one
LONGEST_WAIT = 20.0  # seconds; a provider that wishes more is left for the fallback model
_AGAIN = (Trouble.OVERLOAD, Trouble.SILENCE)
_ONCE_MORE = (Trouble.SHAPE,)  # a model may say it right the second time


@dataclass(frozen=True)
class Timing:
    """Time and chance, handed in."""

    now: Callable[[], datetime]  # wall time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    tick: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


def unwatched(_asking: Asking, _kind: str, _name: str) -> nullcontext[Document]:
    """Watch nothing."""
    return nullcontext({})


@dataclass(frozen=True)
class Letter:
    """One request, ready to be sent."""

    agent: str
    ordinal: int
    about: str  # SHA-256 of all that the answer depends on
    messages: list[ModelMessage]
    parameters: ModelRequestParameters
    put: int  # tokens going in, estimated
    most: int  # tokens that may come out


@dataclass(frozen=True)
class Courier:
    """The one retry layer; the clients below it try once."""

    purse: Purse
    log: CallLog
    breaker: Breaker
    timing: Timing
    timeout: float
    around: Around = unwatched

    async def send(self, line: Line, letter: Letter, asking: Asking) -> Heard:
        """Return the answer; raises ModelError with all that was used in vain in `used`.

        What was answered in this incident before, in whatever run of the agent, is not paid again.
        """
        earlier = await asyncio.to_thread(self.log.answered, asking.incident, letter.about)
        if earlier is not None:
            return await line.again(earlier.received, letter.messages, letter.parameters)
        self.breaker.check(line.ref)
        used, tries = Usage(), 0
        while True:
            tries += 1
            try:
                heard = await self._once(line, letter, asking)
            except ModelError as error:
                used += Usage.of(error.used) if error.used else Usage()
                pause = self._pause(error, tries)
                if pause is None:
                    self.breaker.note(line.ref, error.trouble)
                    error.used = used.document()
                    raise
            else:
                self.breaker.note(line.ref, None)
                return heard.model_copy(update={"usage": used + heard.usage})
            await self.timing.sleep(pause)

    def _pause(self, error: ModelError, tries: int) -> float | None:
        """Return how long to wait before the next try, or None to give up."""
        most = TRIES if error.trouble in _AGAIN else 2 if error.trouble in _ONCE_MORE else 1
        if tries >= most:
            return None
        if error.retry_after is not None:
            wait = error.retry_after + self.timing.chance() * PAUSE / 2
            return wait if error.retry_after <= LONGEST_WAIT else None
        return float(PAUSE * 2 ** (tries - 1) * (0.5 + self.timing.chance()))

    async def _once(self, line: Line, letter: Letter, asking: Asking) -> Heard:
        def price(usage: Usage) -> float | None:
            return line.cost(usage, line.ref.name)

        async with self.purse.room(asking.incident, letter.put, letter.most, price) as room:
            return await self._within(line, letter, asking, room)

    async def _within(self, line: Line, letter: Letter, asking: Asking, room: int) -> Heard:
        left = await self.purse.seconds(asking.incident)
        settings = RequestSettings(
            max_tokens=room,
            request_timeout=min(self.timeout, left),
            max_retries=0,
        )
        if line.ref.provider == GEMINI:
            settings["thinking"] = "low"
        with self.around(asking, "model", str(line.ref)) as facts, recording() as exchange:
            one_try = Try(line, letter, asking, exchange, self.timing)
            try:
                heard = await line.request(letter.messages, letter.parameters, settings, exchange)
                one_try.usage, one_try.answered_by = heard.usage, heard.answered_by
                one_try.tools = _wanted(heard, letter)
                return heard
            except ModelError as error:
                one_try.usage = Usage.of(error.used) if error.used else Usage()
                one_try.trouble, one_try.why = error.trouble, str(error)
                raise
            finally:
                # Also when it is cancelled: what has left the machine is on record.
                call = one_try.call()
                facts.update(_facts(call))
                if exchange.requests:
                    await asyncio.shield(asyncio.to_thread(self.log.keep, call))


class Try:
    """One try under way; what is not known when it ends was cut off."""

    def __init__(
        self, line: Line, letter: Letter, asking: Asking, exchange: Exchange, timing: Timing
    ) -> None:
        self._line, self._letter, self._asking = line, letter, asking
        self._exchange, self._timing = exchange, timing
        self._moment, self._began = timing.now(), timing.tick()
        self.usage, self.answered_by = Usage(), ""
        self.tools: tuple[str, ...] = ()
        self.trouble: Trouble | None = Trouble.SILENCE
        self.why = "it was stopped before it ended"

    def call(self) -> ModelCall:
        """Return the record of the try."""
        answered = bool(self.answered_by)
        return ModelCall(
            incident=self._asking.incident,
            environment=self._asking.environment,
            agent=self._letter.agent,
            ordinal=self._letter.ordinal,
            model=self._line.ref,
            answered_by=self.answered_by,
            place=self._line.place,
            path=self._exchange.path,
            status=self._exchange.status,
            sent=self._exchange.sent,
            received=self._exchange.received,
            about=self._letter.about,
            redactions=self._exchange.redactions,
            tools=self.tools,
            trouble=None if answered else self.trouble,
            why="" if answered else self.why,
            usage=self.usage,
            started_at=self._moment,
            took=self._timing.tick() - self._began,
        )


def _wanted(heard: Heard, letter: Letter) -> tuple[str, ...]:
    """Return the tools that an answer asks for, of those that there are."""
    known = {tool.name for tool in letter.parameters.function_tools}
    calls = (part for part in heard.message().parts if isinstance(part, ToolCallPart))
    return tuple(call.tool_name for call in calls if call.tool_name in known)


def _facts(call: ModelCall) -> Document:
    """Return what a span may say of a call: no text of it."""
    return {
        "agent": call.agent,
        "ordinal": call.ordinal,
        "provider": call.model.provider,
        "model": call.model.name,
        "answered_by": call.answered_by,
        "place": call.place,
        "trouble": call.trouble.value if call.trouble else "",
        "usage": call.usage.document(),
        "started_at": call.started_at.isoformat(),
        "took": call.took,
    }
