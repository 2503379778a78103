"""Answers an agent's question with the first model of its chain that can."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2

from aiops_agent.adapters.models import prices
from aiops_agent.adapters.models.breaker import Breaker
from aiops_agent.adapters.models.key import listing
from aiops_agent.adapters.models.line import Heard, Line, line
from aiops_agent.adapters.models.opening import Wiring
from aiops_agent.adapters.models.probe import probe
from aiops_agent.adapters.models.purse import Purse
from aiops_agent.adapters.models.section import AGENTS, Lineup
from aiops_agent.adapters.models.sender import Courier, Letter, Timing, unwatched
from aiops_agent.adapters.models.talk import Notebook, Talk
from aiops_agent.domain.answer import Answer, Author, AuthorKind, Effort, Usage
from aiops_agent.domain.checkup import Checkup
from aiops_agent.domain.model import ModelError, ModelRef, Trouble
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.value import Value
from aiops_agent.ports.model import Around, Asking, CallLog, ModelQuestion, Tool

T = TypeVar("T")

MOST_OUTPUT = 8_192  # tokens of one answer, a model's thoughts among them
SMALLEST = 8_192  # tokens: the window of a model of which nobody says how much it takes
_STOPS = (Trouble.KEY, Trouble.BUDGET)  # no other model would do better, or nobody would notice


@dataclass(frozen=True)
class Room:
    """How many tokens may go into a model, and how many may come out."""

    put: int
    out: int


@dataclass(frozen=True)
class Outside:
    """What the models need from outside, handed in."""

    log: CallLog
    timing: Timing
    redactor: Redactor = field(default_factory=Redactor)
    around: Around = unwatched
    transport: Callable[[], httpx2.AsyncBaseTransport] = httpx2.AsyncHTTPTransport


@dataclass
class Models:
    """ports.model.Reasoner on pydantic-ai; one for all incidents of a process."""

    lineup: Lineup
    outside: Outside
    _lines: dict[ModelRef, Line] = field(default_factory=dict)
    _rooms: dict[ModelRef, Room] = field(default_factory=dict)

    def __post_init__(self) -> None:
        section, outside = self.lineup.section, self.outside
        self._sender = Courier(
            purse=Purse(section.budget, outside.log, outside.timing.now),
            log=outside.log,
            breaker=Breaker(outside.timing.now),
            timing=outside.timing,
            timeout=section.timeout,
            around=outside.around,
        )

    def rests(self, ref: ModelRef) -> bool:
        """Whether a model is not tried now, because it failed too often lately."""
        return self._sender.breaker.rests(ref)

    async def ask(self, question: ModelQuestion[T], asking: Asking) -> Answer[T]:
        """Return the answer of the first model that gives one, or in `missing` why none did."""
        began = time.perf_counter()
        chain = self.lineup.chain(question.agent)
        notes: list[str] = []
        usage, asked, notebook = Usage(), 0, Notebook()
        value: T | None = None
        missing = "No model has a key."
        who = chain[0] if chain else None
        for ref, following in zip(chain, (*chain[1:], None), strict=True):
            room = await self.room(ref)
            talk = self._talk(question, asking, ref, notebook, first=asked + 1, room=room)
            who = ref
            try:
                value = await talk.run()
            except ModelError as error:
                missing = str(error)
                if following is None or error.trouble in _STOPS:
                    break
                notes.append(f"{error} {following} is asked instead.")
            finally:
                usage, asked = usage + talk.used, asked + talk.asked
            if value is not None:
                break
        author = Author(kind=AuthorKind.MODEL, name=str(who or ""))
        took = time.perf_counter() - began
        effort = Effort(by=author, usage=usage, took=took, notes=tuple(notes))
        return Answer(value=value, missing="" if value is not None else missing, effort=effort)

    async def doctor(self) -> tuple[Checkup, ...]:
        """Ask each model for one word: which answers, and at what price?"""
        found = []
        for ref in self.lineup.all():
            agents = [one for one in AGENTS if ref in self.lineup.chain(one)[:1]]
            found.append(await probe(self.line(ref), ", ".join(agents) or "fallback"))
        return tuple(found)

    async def room(self, ref: ModelRef) -> Room:
        """Return how many tokens may go into a model and come out of it.

        By the settings, else by what is published, else as its server says; where nobody knows, as
        little as the smallest models of today take.
        """
        if ref not in self._rooms:
            plug = self.lineup.plug(ref)
            assert plug is not None, f"{ref} has no key"
            limit = self.lineup.section.context.get(ref.name)
            limit = limit or prices.context_limit(ref, plug.base_url)
            if limit is None:
                said = await listing(plug, self.outside.transport())
                limit = said.limits.get(ref.name, SMALLEST)
            out = min(MOST_OUTPUT, limit // 4)
            self._rooms[ref] = Room(limit - out, out)
        return self._rooms[ref]

    async def close(self) -> None:
        """Give the connections back; the next question opens new ones."""
        while self._lines:
            await self._lines.popitem()[1].close()

    def line(self, ref: ModelRef) -> Line:
        """Return the line to a model, made when it is first used."""
        if ref not in self._lines:
            plug = self.lineup.plug(ref)
            assert plug is not None, f"{ref} has no key"
            self._lines[ref] = line(
                plug,
                self.outside.transport(),
                redactor=self.outside.redactor,
                timeout=self.lineup.section.timeout,
            )
        return self._lines[ref]

    def _talk(
        self,
        question: ModelQuestion[T],
        asking: Asking,
        ref: ModelRef,
        notebook: Notebook,
        *,
        first: int,
        room: Room,
    ) -> Talk[T]:
        async def send(ordinal: int, messages: Any, parameters: Any, about: str, put: int) -> Heard:
            letter = Letter(
                agent=question.agent,
                ordinal=ordinal,
                about=about,
                messages=list(messages),
                parameters=parameters,
                put=put,
                most=room.out,
            )
            name = f"model {question.agent} {ordinal} {about}"
            return await asking.once(
                name, lambda: self._sender.send(self.line(ref), letter, asking), Heard
            )

        async def read(tool: Tool, arguments: Value) -> str:
            async def made() -> str:
                with self.outside.around(asking, "tool", tool.name):
                    return await tool.read(arguments)

            name = f"tool {question.agent} {tool.name} {arguments.model_dump_json()}"
            return await asking.once(name, made, str)

        return Talk(question, ref, send, read, notebook, room.put, first)


def opened(lineup: Lineup, wiring: Wiring) -> Models:
    """Return the models as the application wires them."""
    outside = Outside(
        log=wiring.log,
        timing=Timing(wiring.now),
        redactor=wiring.redactor,
        around=wiring.around or unwatched,
    )
    return Models(lineup, outside)
