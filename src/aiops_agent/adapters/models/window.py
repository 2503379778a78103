"""What of a conversation a model is shown: all of it while it fits, else old answers made short."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequestPart,
    ModelResponse,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters

from aiops_agent.adapters.models.squeeze import Cited, only_cited, squeezed
from aiops_agent.domain.model import ModelError, ModelRef, Trouble

SAFE = 3.0  # characters that are taken for a token where a limit must hold; most text has more
ROOMY = 0.7  # of the limit: how far it is emptied, so that not every round empties again
FRAME = 60  # characters of JSON around each part on the wire
Condense = Callable[[str], Awaitable[str]]  # a text -> a model's summary of it


@dataclass
class ContextWindow:
    """The view of one conversation; `limit` is in tokens and holds for every request.

    First code makes old answers of tools short, oldest first; then a model sums the short ones up;
    then only what was cited is left. The question itself is never touched.
    """

    ref: ModelRef
    limit: int
    condense: Condense
    _short: int = 0  # how many answers, from the oldest, are short by now
    _summary: str = ""
    _summed: int = 0  # how many of them the summary stands for
    _cited: Cited = field(default_factory=Cited)
    _made: dict[tuple[int, bool], str] = field(
        default_factory=dict
    )  # what was made short for this view
    _ratio: float = 1.0  # the provider's count over ours, where it counted more

    async def view(
        self, messages: list[ModelMessage], parameters: ModelRequestParameters
    ) -> list[ModelMessage]:
        """Return what is sent; raises ModelError when the question alone does not fit."""
        fixed = self._fixed(parameters)
        self._cited, self._made = Cited.of(_spoken(messages)), {}
        answers = sum(1 for message in messages for part in message.parts if _old(part))
        newest = _newest(messages)
        seen = self._seen(messages)
        if fixed + self._size(seen) <= self.limit:
            return seen
        goal = int(self.limit * ROOMY)
        while self._short < newest and fixed + self._size(seen) > goal:
            self._short += 1
            seen = self._seen(messages)
        if fixed + self._size(seen) > self.limit and self._short > self._summed:
            await self._sum_up(messages)
            seen = self._seen(messages)
        while self._short < answers and fixed + self._size(seen) > self.limit:
            self._short += 1  # also what was just looked up
            seen = self._seen(messages)
        if fixed + self._size(seen) > self.limit:
            text = f"The question does not fit into {self.ref}: it takes {self.limit} tokens."
            raise ModelError(text, Trouble.REQUEST)
        return seen

    def put(self, seen: list[ModelMessage], parameters: ModelRequestParameters) -> int:
        """Return about how many tokens a request is, rather too many."""
        return self._fixed(parameters) + self._size(seen)

    def counted(self, guessed: int, said: int) -> None:
        """Learn from what the provider counted for a request that was guessed."""
        if guessed > 0:
            self._ratio = max(self._ratio, self._ratio * said / guessed)

    def _seen(self, messages: list[ModelMessage]) -> list[ModelMessage]:
        number = 0
        found: list[ModelMessage] = []
        for message in messages:
            if isinstance(message, ModelResponse):
                found.append(message)
                continue
            parts: list[ModelRequestPart] = []
            for part in message.parts:
                if isinstance(part, ToolReturnPart):
                    number += 1
                    text = self._words(str(part.content), number)
                    parts.append(ToolReturnPart(part.tool_name, text, part.tool_call_id))
                else:
                    parts.append(part)
            found.append(replace(message, parts=parts))
        return found

    def _words(self, text: str, number: int) -> str:
        if number > self._short:
            return text
        summed = number <= self._summed
        if (number, summed) not in self._made:
            shorter = only_cited if summed else squeezed
            self._made[number, summed] = shorter(text, self._cited)
        short = self._made[number, summed]
        if not summed or number > 1:
            return short
        return f"{short}\nA summary of all that is left out:\n{self._summary}"

    async def _sum_up(self, messages: list[ModelMessage]) -> None:
        """Let a model sum up what code made short, as much of it as fits into one request."""
        texts = [str(p.content) for m in messages for p in m.parts if isinstance(p, ToolReturnPart)]
        short = "\n".join(squeezed(text, Cited()) for text in texts[: self._short])
        self._summary = await self.condense(short[: int(self.limit * SAFE / 2)])
        self._summary = self._summary[: int(self.limit * SAFE / 8)]
        self._summed = self._short

    def _fixed(self, parameters: ModelRequestParameters) -> int:
        tools = [*parameters.function_tools, *parameters.output_tools]
        schemas = (json.dumps(tool.parameters_json_schema) for tool in tools)
        named = (tool.name + (tool.description or "") for tool in tools)
        told = (part.content for part in parameters.instruction_parts or ())
        return self._tokens([*schemas, *named, *told])

    def _size(self, messages: list[ModelMessage]) -> int:
        return self._tokens([_text(part) for message in messages for part in message.parts])

    def _tokens(self, texts: list[str]) -> int:
        return int(sum(len(text) + FRAME for text in texts) / SAFE * self._ratio) + 1


def _newest(messages: list[ModelMessage]) -> int:
    """Return how many answers of tools came before the last request: those that are old."""
    last = len(messages) - 1
    return sum(1 for m in messages[:last] for part in m.parts if _old(part))


def _old(part: object) -> bool:
    return isinstance(part, ToolReturnPart)


def _spoken(messages: list[ModelMessage]) -> list[str]:
    """Return all that the model has said, asked and thought."""
    said = [m for m in messages if isinstance(m, ModelResponse)]
    return [_text(part) for message in said for part in message.parts]


def _text(part: object) -> str:
    if isinstance(part, ToolCallPart):
        return f"{part.tool_name} {part.args_as_json_str()}"
    if isinstance(part, TextPart | ThinkingPart | ToolReturnPart | UserPromptPart):
        signature = getattr(part, "signature", None) or ""
        return f"{part.content}{signature}"
    return str(part)
