"""What a request asks and what is answered, whichever format it is written in.

Only keys that real providers were seen to use (tests/data/llm_shapes.json) are written.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from aiops_agent.domain.value import Document, Json

ANSWER_TOOL = "final_result"  # how clients name the tool that takes the answer
CHARACTERS_A_TOKEN = 3.5  # nothing here counts tokens; so many characters are booked as one
THOUGHT_TOKENS = 24  # booked for every answer, as thinking models do


@dataclass(frozen=True)
class ToolCall:
    """One call of a tool, asked by the model; `signature` as it came back from the client."""

    name: str
    arguments: Json
    signature: str = ""


@dataclass(frozen=True)
class DeclaredTool:
    """A function that the request offers."""

    name: str
    description: str
    schema: Document


@dataclass(frozen=True)
class Asked:
    """One request, read as a model would read it."""

    wire: "Wire"
    model: str
    system: str = ""
    said: tuple[str, ...] = ()  # what the user side wrote, in order
    calls: tuple[ToolCall, ...] = ()  # what the model has called so far
    results: tuple[tuple[str, str], ...] = ()  # tool name and what it answered
    tools: tuple[DeclaredTool, ...] = ()  # those that look something up
    schema: Document = field(default_factory=dict)  # of the answer; empty: free text
    answer_tool: str = ""  # the tool that takes the answer, or "": plain JSON text
    size: int = 0  # characters of the whole request


@dataclass(frozen=True)
class Spoken:
    """What a model says: text, or calls, and how it ended in the words of `finish`."""

    calls: tuple[ToolCall, ...] = ()
    text: str = ""
    finish: str = "stop"  # stop, length, safety, recitation, bad_call
    thought: str = ""
    strange: bool = False  # brings a part beside the call that no client knows

    @property
    def size(self) -> int:
        """Its characters."""
        return len(self.text) + sum(len(json.dumps(one.arguments)) for one in self.calls)


@dataclass(frozen=True)
class Taken:
    """One request as it came; `key` as the client sent it."""

    path: str
    key: str
    body: Document


class Wire(Protocol):
    """One provider's format."""

    name: str

    def read(self, taken: Taken) -> Asked:
        """Return what a request asks."""

    def write(self, asked: Asked, spoken: Spoken) -> Document:
        """Return the answer's body."""

    def error(self, status: int, message: str, *, code: str = "", delay: str = "") -> Document:
        """Return the body of a refusal; `code` in the provider's words, `delay` such as "7s"."""

    def blocked(self, asked: Asked) -> Document:
        """Return the body for a prompt that the provider's filter stopped."""


def signature(call: ToolCall) -> str:
    """Return the signature that a call must come back with (base64, as the field wants)."""
    return base64.b64encode(f"scripted {call.name}".encode()).decode()


def streamed(body: Document) -> bytes:
    """Return a body as the one event of an event stream."""
    return b"data: " + json.dumps(body).encode() + b"\r\n\r\n"


def sorted_out(asked: Asked, declared: Sequence[DeclaredTool], schema: Document) -> Asked:
    """Tell the tool that takes the answer from those that look something up."""
    answers = [one for one in declared if one.name.startswith(ANSWER_TOOL)]
    return replace(
        asked,
        tools=tuple(one for one in declared if one not in answers),
        schema=schema or (answers[0].schema if answers else {}),
        answer_tool="" if schema or not answers else answers[0].name,
    )


def booked(characters: int) -> int:
    """Return the tokens that are booked for so many characters."""
    return round(characters / CHARACTERS_A_TOKEN)
