"""What the scripted provider writes has the shape of what real providers were recorded to write."""

import json
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.simulator.provider.behaviours import BEHAVIOURS
from aiops_agent.simulator.provider.gemini import GeminiWire
from aiops_agent.simulator.provider.openai import OpenAIWire
from aiops_agent.simulator.provider.wire import Asked, DeclaredTool, Wire
from tools.shapes import paths

KNOWN: dict[str, list[str]] = json.loads(
    (Path(__file__).parents[2] / "data" / "llm_shapes.json").read_text()
)
# Written from Google's documentation, because nobody recorded one; an unknown part is a wish.
NOT_RECORDED = {
    "gemini refusal": {
        "error.details",
        "error.details[].@type",
        "error.details[].reason",
        "error.details[].retryDelay",
    },
    "gemini answer": {
        "candidates[].content.parts[].hologram",
        "candidates[].content.parts[].hologram.shape",
    },
    "openai answer": {"choices[].message.annotations[].type"},
    "openai refusal": set[str](),
}
SCHEMA = {
    "type": "object",
    "properties": {"cause": {"enum": ["payments-api", "ledger", "none of these"]}},
}
WIRES: tuple[Wire, ...] = (GeminiWire(), OpenAIWire())


def asked(wire: Wire, *, looked: bool) -> Asked:
    tool = DeclaredTool("look", "Look.", {"type": "object", "properties": {}})
    said = ("the errors of ledger rose",)
    results = (("look", "the errors of ledger rose"),) if looked else ()
    return Asked(wire, "m", said=said, results=results, tools=(tool,), schema=SCHEMA, size=100)


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
@pytest.mark.parametrize("name", BEHAVIOURS)
def test_its_keys_are_among_those_that_were_recorded(name: str, wire: Wire) -> None:
    for looked in (False, True):
        sent = BEHAVIOURS[name](asked(wire, looked=looked))
        if name == "no-json":
            continue
        assert unknown(wire, sent.status, json.loads(sent.body)) == set()


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_a_key_that_no_provider_writes_is_caught(wire: Wire) -> None:
    """A planted defect."""
    sent = BEHAVIOURS["sensible"](asked(wire, looked=True))
    body = {**json.loads(sent.body), "mood": "fine"}
    assert unknown(wire, 200, body) == {"mood"}


def test_the_extract_holds_names_of_keys_and_nothing_else() -> None:
    assert {kind: len(known) > 2 for kind, known in KNOWN.items()} == dict.fromkeys(
        ("gemini answer", "gemini refusal", "openai answer", "openai refusal"), True
    )
    assert not any(" " in path for known in KNOWN.values() for path in known)


def unknown(wire: Wire, status: int, body: Any) -> set[str]:
    kind = f"{wire.name} {'answer' if status == 200 else 'refusal'}"
    return set(paths(body)) - set(KNOWN[kind]) - NOT_RECORDED[kind]
