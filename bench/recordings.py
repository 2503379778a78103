"""Does every recorded answer of a provider become a typed answer or a typed error, fully counted?

The recorded bytes are given by a server on loopback to the real client libraries and our adapter.
What is expected is read from the same bytes by code of this file, not of the adapter.
"""

import argparse
import asyncio
import gzip
import json
import random
import re
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
from pydantic import SecretStr
from pydantic_ai.messages import ModelRequest, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters

from aiops_agent.adapters.models.line import Heard, Line, line
from aiops_agent.adapters.models.section import GEMINI, OPENAI, Plug
from aiops_agent.adapters.models.wire import recording
from aiops_agent.domain.answer import Usage
from aiops_agent.domain.model import ModelError, ModelRef, Trouble
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.value import Json
from aiops_agent.evaluation.goals import Goal
from bench.told import tell

_GEMINI = re.compile(r":(generate|streamGenerate)Content$|:countTokens$")
# What a model thinks aloud between its words; the client library sets it apart.
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
EXPECTED = {  # a status, and the troubles that may come of it
    400: {Trouble.REQUEST, Trouble.KEY, Trouble.SHAPE},
    401: {Trouble.KEY},
    403: {Trouble.KEY},
    404: {Trouble.UNKNOWN_MODEL},
    429: {Trouble.OVERLOAD},
}


@dataclass(frozen=True)
class Case:
    """One recorded exchange."""

    host: str
    path: str
    where: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def provider(self) -> str:
        """Whose format it is in, by its path; "" for what no agent asks."""
        if self.path.rstrip("/").endswith("chat/completions"):
            return OPENAI
        return GEMINI if _GEMINI.search(self.path) else ""


@dataclass(frozen=True)
class Outcome:
    """What became of a case: an answer, a typed error, or a defect of ours."""

    case: Case
    heard: Heard | None = None
    error: ModelError | None = None
    defect: str = ""

    @property
    def usage(self) -> Usage:
        """What was booked for it."""
        if self.heard is not None:
            return self.heard.usage
        return Usage.of(self.error.used) if self.error and self.error.used else Usage()


def main(arguments: list[str]) -> int:
    """Play all recordings of a folder; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench recordings", description=__doc__)
    parser.add_argument("--cases", type=Path, required=True, help="folder of *.jsonl or *.jsonl.gz")
    parser.add_argument("--mutants", type=int, default=300, help="spoiled copies to play too")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    cases = list(read(given.cases))
    if not cases:
        print(f"bench: {given.cases} holds no *.jsonl or *.jsonl.gz", file=sys.stderr)
        return 2
    rng = random.Random(f"mutants {given.seed}")
    ours = [one for one in cases if one.provider]
    spoiled = [mutant(rng.choice(ours), rng) for _ in range(given.mutants if ours else 0)]
    outcomes, odd = asyncio.run(played(cases)), asyncio.run(played(spoiled))
    return tell(
        [*goals(outcomes, cases), _share("spoiled copies: typed all the same", odd, _typed)]
    )


def read(folder: Path) -> Iterator[Case]:
    """Yield every exchange of every file of a folder."""
    for path in sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")]):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as lines:
            for text in lines:
                row = json.loads(text)
                body = row["response"]
                yield Case(
                    host=row.get("host", ""),
                    path=row["path"].partition("?")[0],
                    where=f"{path.name} {row.get('source', '')} {row.get('index', '')}",
                    status=int(row["status"]),
                    headers={**(row.get("headers") or {})},
                    body=(body if isinstance(body, str) else json.dumps(body)).encode(),
                )


def mutant(case: Case, rng: random.Random) -> Case:
    """Return the case cut off, or with one value of its body replaced or left out."""
    try:
        body = json.loads(case.body)
    except ValueError:
        body = None
    if body is None or rng.random() < 0.1:
        return replace(case, body=case.body[: rng.randrange(len(case.body) + 1)])
    places = list(_places(body, ()))
    *way, last = rng.choice(places)
    inner = body
    for step in way:
        inner = inner[step]
    if isinstance(inner, dict) and rng.random() < 0.3:
        del inner[last]
    else:
        inner[last] = rng.choice([None, "", "odd", -1, 10**30, 0.5, True, [], {}, ["x"], {"x": 1}])
    return replace(case, body=json.dumps(body).encode())


def _places(value: Json, way: tuple[Json, ...]) -> Iterator[tuple[Json, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        yield (*way, name)
        if isinstance(one, dict | list):
            yield from _places(one, (*way, name))


async def played(cases: list[Case]) -> list[Outcome]:
    """Ask through the adapter, once for each case that is of a format of ours."""
    current: list[Case] = []

    class Replay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: the second would wait 40 ms for a receipt

        def log_message(self, *_words: object) -> None: ...

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            one = current[0]
            self.send_response(one.status)
            for name, value in one.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(one.body)))
            self.end_headers()
            self.wfile.write(one.body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    names = {GEMINI: "gemini-3.5-flash-lite", OPENAI: "any"}
    lines = {
        provider: line(
            Plug(ModelRef(provider=provider, name=name), base, SecretStr("k")),
            httpx2.AsyncHTTPTransport(),
            redactor=Redactor(),
        )
        for provider, name in names.items()
    }
    found = []
    for case in cases:
        if case.provider:
            current[:] = [case]
            found.append(await _asked(lines[case.provider], case))
    for one in lines.values():
        await one.close()
    server.shutdown()
    server.server_close()
    return found


async def _asked(asked: Line, case: Case) -> Outcome:
    messages = [ModelRequest(parts=[UserPromptPart("hello")])]
    with recording() as exchange:
        try:
            heard = await asked.request(
                list(messages), ModelRequestParameters(), {"request_timeout": 30.0}, exchange
            )
            return Outcome(case, heard=heard)
        except ModelError as error:
            return Outcome(case, error=error)
        except Exception as error:  # noqa: BLE001 -- what is not typed is what is looked for
            return Outcome(case, defect=f"{type(error).__name__}: {error}")


def goals(outcomes: list[Outcome], cases: list[Case]) -> Iterator[Goal]:
    """Yield the rows; a failing case is told on stderr."""
    for provider in (GEMINI, OPENAI):
        mine = [one for one in outcomes if one.case.provider == provider]
        if mine:
            yield from _of_provider(provider, mine)
    skipped = Counter(one.path.rpartition(":")[2] for one in cases if not one.provider)
    yield Goal(f"not asked by any agent ({', '.join(skipped) or 'none'})", skipped.total(), 0.0)


def _of_provider(provider: str, mine: list[Outcome]) -> Iterator[Goal]:
    counted = [one for one in mine if total(one.case) is not None]
    speaking = [one for one in mine if one.case.status == 200 and any(said(one.case))]
    failing = [one for one in mine if one.case.status >= 400]
    for row, some, fits in (
        ("typed answer or typed error", mine, _typed),
        ("tokens add up to the provider's total", counted, _adds_up),
        ("words and calls come through unchanged", speaking, _unchanged),
        ("an error status becomes its own trouble", failing, _fitting),
    ):
        if some:  # a folder need not hold every kind of answer
            yield _share(f"{provider}: {row}", some, fits)
    errors = Counter(one.error.trouble.value for one in mine if one.error)
    told = ", ".join(f"{count} {name}" for name, count in sorted(errors.items()))
    yield Goal(f"{provider}: typed errors ({told})", len(mine), errors.total() / len(mine))
    by_host: dict[str, list[Outcome]] = defaultdict(list)
    for one in mine:
        by_host[one.case.host].append(one)
    for host, some in sorted(by_host.items(), key=lambda pair: -len(pair[1])):
        good = sum(_typed(o) and (total(o.case) is None or _adds_up(o)) for o in some)
        yield Goal(f"{provider}: typed and adding up, {host} alone", len(some), good / len(some))
        rest = [o for o in mine if o.case.host != host]
        if rest:
            good = sum(_typed(o) and (total(o.case) is None or _adds_up(o)) for o in rest)
            yield Goal(f"{provider}: the same without {host}", len(rest), good / len(rest))


def _share(row: str, mine: list[Outcome], good: object) -> Goal:
    assert callable(good)
    bad = [one for one in mine if not good(one)]
    for one in bad:
        became = one.defect or one.error or f"{one.usage} {one.heard and one.heard.response}"
        print(f"failed: {row}: {one.case.where}: {became}"[:400], file=sys.stderr)
    return Goal(row, len(mine), 1 - len(bad) / len(mine) if mine else 1.0, ">= 1")


def _typed(one: Outcome) -> bool:
    return not one.defect


def _adds_up(one: Outcome) -> bool:
    used = one.usage
    parts = (
        used.input - used.cached_input,
        used.cached_input,
        used.output - used.reasoning,
        used.reasoning,
    )
    return sum(parts) == total(one.case) and min(parts) >= 0


def _unchanged(one: Outcome) -> bool:
    if one.heard is None:  # cut off, filtered or refused inside of a good answer: a typed error
        return one.error is not None
    parts = one.heard.message().parts
    text = "".join(part.content for part in parts if isinstance(part, TextPart))
    calls = [(p.tool_name, p.args_as_dict()) for p in parts if isinstance(p, ToolCallPart)]
    wanted, wanted_calls = said(one.case)
    return text.strip() == wanted.strip() and calls == wanted_calls


def _fitting(one: Outcome) -> bool:
    wanted = EXPECTED.get(one.case.status, {Trouble.OVERLOAD if one.case.status >= 500 else None})
    return one.error is not None and one.error.trouble in (wanted - {None} or set(Trouble))


def total(case: Case) -> int | None:
    """Return the total that the provider told, or None."""
    found = None
    for chunk in _chunks(case.body):
        counted = chunk.get("usageMetadata") or chunk.get("usage") or {}
        counted = counted or (chunk.get("x_groq") or {}).get("usage") or {}
        found = counted.get("totalTokenCount", counted.get("total_tokens", found))
    return found if isinstance(found, int) else None


def said(case: Case) -> tuple[str, list[tuple[str, Json]]]:
    """Return the words and the calls of an answer, whole or as a stream."""
    chunks = _chunks(case.body)
    return _gemini_said(chunks) if case.provider == GEMINI else _openai_said(chunks)


def _gemini_said(chunks: list[dict[str, Json]]) -> tuple[str, list[tuple[str, Json]]]:
    text, calls = "", []
    for candidate in (one for chunk in chunks for one in (chunk.get("candidates") or [])[:1]):
        for part in (candidate.get("content") or {}).get("parts") or []:
            if "functionCall" in part:
                calls.append((part["functionCall"]["name"], part["functionCall"].get("args") or {}))
            elif not part.get("thought"):
                text += part.get("text", "")
    return text, calls


def _openai_said(chunks: list[dict[str, Json]]) -> tuple[str, list[tuple[str, Json]]]:
    text = ""
    pieces: dict[int, list[str]] = {}
    for choice in (one for chunk in chunks for one in (chunk.get("choices") or [])[:1]):
        message = choice.get("message") or choice.get("delta") or {}
        content = message.get("content") or ""
        if isinstance(content, list):
            content = "".join(p.get("text", "") for p in content if p.get("type") == "text")
        text += content
        for number, call in enumerate(message.get("tool_calls") or []):
            piece = pieces.setdefault(call.get("index", number), ["", ""])
            piece[0] += call["function"].get("name") or ""
            arguments = call["function"].get("arguments") or ""
            piece[1] += arguments if isinstance(arguments, str) else json.dumps(arguments)
    text = _THOUGHT.sub("", text).replace("<think>", "")
    return text, [(name, json.loads(given or "{}")) for name, given in pieces.values()]


def _chunks(body: bytes) -> list[dict[str, Json]]:
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except ValueError:
        lines = [one[5:].strip() for one in text.splitlines() if one.startswith("data:")]
        found = [json.loads(one) for one in lines if one and one != "[DONE]"]
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict)]
