"""In long conversations what was cited stays word for word, and the model's limit is never passed.

The model of these tests answers only from facts that stand in the request it has received.
"""

import json
import random
import re
from dataclasses import dataclass, field

import httpx2
import pytest

from aiops_agent.adapters.models import squeeze, window
from aiops_agent.adapters.models.squeeze import Cited, squeezed
from aiops_agent.domain.value import Json, Value
from aiops_agent.ports.model import ModelQuestion, Tool
from tests.adapters.models.loopback import Book, asking, models

CONVERSATIONS = 12  # of each format
CONTEXT = 8_192  # tokens of the model; a quarter of it is kept for the answer
ROUNDS, CALLS, LINES = 8, 4, 45  # each round asks for so many pages of so many lines
FACT = re.compile(r"(F\d+x\d+): p99 of [\w-]+ was (\d+) ms")


class Page(Value):
    number: int


class Recalled(Value):
    facts: dict[str, int]


@dataclass
class Forgetful:
    """Cites a fact of each page it is shown, and at the end repeats what it can still read."""

    seed: int
    gemini: bool
    largest: int = 0
    summaries: int = 0
    cited: dict[str, int] = field(default_factory=dict)
    rounds: int = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(404)
        text = request.content.decode()
        # About four characters a token is what tokenizers do with such lines; 3.5 is stricter.
        self.largest = max(self.largest, int(len(text) / 3.5))
        if "Sum up in at most" in text:
            self.summaries += 1
            return self.reply("Nothing special.", [])
        shown = dict(FACT.findall(text))
        rng = random.Random(f"{self.seed} {self.rounds}")
        new = [f for f in shown if f not in self.cited and f.startswith(f"F{self.rounds - 1}x")]
        chosen = rng.sample(sorted(new), min(2, len(new)))
        self.cited |= {fact: int(shown[fact]) for fact in chosen}
        self.rounds += 1
        if self.rounds > ROUNDS:
            facts = {fact: int(shown[fact]) for fact in self.cited if fact in shown}
            return self.reply("", [("final_result", {"facts": facts})])
        first = (self.rounds - 1) * CALLS
        calls: list[tuple[str, Json]] = [("page", {"number": first + n}) for n in range(CALLS)]
        return self.reply(f"I rely on {' and '.join(chosen)}." if chosen else "", calls)

    def reply(self, words: str, calls: list[tuple[str, Json]]) -> httpx2.Response:
        if self.gemini:
            parts: list[Json] = [{"text": words}] if words else []
            parts += [{"functionCall": {"name": name, "args": args}} for name, args in calls]
            content = {"role": "model", "parts": parts}
            return httpx2.Response(
                200, json={"candidates": [{"content": content, "finishReason": "STOP"}]}
            )
        made = [
            {
                "id": f"c{self.rounds}-{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(args)},
            }
            for number, (name, args) in enumerate(calls)
        ]
        message = {"role": "assistant", "content": words or None, "tool_calls": made or None}
        choices = [{"index": 0, "finish_reason": "stop", "message": message}]
        return httpx2.Response(200, json={"choices": choices})


async def page(given: Page) -> str:
    rng = random.Random(given.number)
    about = given.number // CALLS
    lines = [
        f"F{about}x{given.number % CALLS * LINES + n}: p99 of service-{rng.choice('abcdefgh')} "
        f"was {rng.randrange(100, 9000)} ms, before {rng.randrange(50, 400)} ms"
        for n in range(LINES)
    ]
    return "\n".join(lines)


@dataclass
class Proof:
    conversations: int = 0
    cited: int = 0
    lost: int = 0
    largest: int = 0
    summaries: int = 0
    unanswered: int = 0


async def prove(conversations: int, *, on_gemini: bool = True) -> Proof:
    proof = Proof()
    for seed in range(conversations):
        model = Forgetful(seed, gemini=on_gemini)
        name = "gemini:small" if model.gemini else "small"
        found = models(
            model,  # type: ignore[arg-type] # it plays a server
            Book(),
            default=name,
            base_url="http://127.0.0.1:1",
            context={"small": CONTEXT},
            budget={"tokens": 10**9, "requests": 1000, "seconds": 10**6},
        )
        question = ModelQuestion(
            agent="diagnose",
            instructions="Recall what you relied on.",
            material="Pages of measurements; ask for them.",
            shape=Recalled,
            tools=(Tool("page", "One page of measurements.", Page, page),),
        )
        answer = await found.ask(question, asking())
        await found.close()
        kept = answer.value.facts if answer.value else {}
        proof.conversations += 1
        proof.unanswered += answer.value is None
        proof.cited += len(model.cited)
        proof.lost += sum(kept.get(fact) != value for fact, value in model.cited.items())
        proof.largest = max(proof.largest, model.largest)
        proof.summaries += model.summaries
    print(proof)
    return proof


@pytest.mark.slow
@pytest.mark.parametrize("on_gemini", [True, False])
async def test_cited_facts_survive_and_the_limit_holds(on_gemini: bool) -> None:
    proof = await prove(CONVERSATIONS, on_gemini=on_gemini)

    assert proof.conversations * 2 >= 20
    assert proof.cited >= 12 * CONVERSATIONS
    assert (proof.lost, proof.unanswered) == (0, 0)
    assert proof.largest <= CONTEXT * 3 // 4


async def test_a_sample_of_them_holds() -> None:
    proof = await prove(2)

    assert (proof.lost, proof.unanswered) == (0, 0)
    assert proof.largest <= CONTEXT * 3 // 4


async def test_a_compaction_that_drops_what_was_cited_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Cited, "has", lambda _self, _line: False)

    assert (await prove(2)).lost > 0


async def test_a_view_that_counts_too_few_tokens_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "SAFE", 12.0)

    assert (await prove(2)).largest > CONTEXT * 3 // 4


def test_lines_of_one_kind_become_one_line_with_their_range() -> None:
    text = "\n".join(f"12:0{n} latency of cart {n}.5 s" for n in range(9)) + "\nF3 is odd"

    short = squeezed(text, Cited.of(["I rely on F3."]))

    assert "F3 is odd" in short
    assert "(9 lines like: 12:00 latency of cart 0.5 s, numbers 0.5 to 8.5)" in short


def test_a_line_that_was_quoted_is_cited() -> None:
    line = "payments-api answers 40 times slower since its release"

    assert Cited.of(["It is said that payments-api answers 40 times slower."]).has(line)
    assert not Cited.of(["It is said that the cart is slow."]).has(line)


def test_a_text_that_would_not_become_shorter_is_left() -> None:
    assert squeezed("short", Cited()) == "short"
    assert squeeze.only_cited("short", Cited()).startswith("(left out")
