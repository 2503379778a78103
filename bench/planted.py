"""How many planted secrets survive redaction, and how many clean lines does it touch?"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from aiops_agent.domain.passage import Passage, wrapped
from aiops_agent.domain.redact import Redactor
from aiops_agent.evaluation.goals import Goal
from bench.contexts import CONTEXTS, clean
from bench.families import ALPHABETS, NAMED, UNNAMED, drawn, families
from bench.told import tell

FEWEST = 5000  # secrets
SHOWN = 10  # examples of what survived, on stderr, when asked


def main(arguments: list[str]) -> int:
    """Plant, redact, count; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench secrets", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=12_000, help="secrets to plant")
    parser.add_argument("--clean", type=Path, nargs="*", default=[], help="files without secrets")
    parser.add_argument("--show", action="store_true", help="show what survived or was touched")
    given = parser.parse_args(arguments)
    return tell(goals(given.seed, given.n, tuple(given.clean), show=given.show))


def goals(
    seed: int, n: int = FEWEST, files: tuple[Path, ...] = (), *, show: bool = False
) -> Iterator[Goal]:
    """Yield the rows: what survived by context and kind of family, false alarms, speed."""
    yield from _planted(seed, n, show=show)
    yield from _configured(seed, n // 10, show=show)
    rng = random.Random(f"clean {seed}")
    yield _untouched("clean lines touched", [clean(rng) for _ in range(n)], show=show)
    for file in files:
        lines = file.read_text("utf-8", "replace").splitlines()
        yield _untouched(f"clean lines touched, {file.name}", lines, show=show)
    yield _speed(seed)


def _planted(seed: int, n: int, *, show: bool) -> Iterator[Goal]:
    rng, redactor = random.Random(f"secrets {seed}"), Redactor()
    tables = {"named": families(NAMED), "unnamed": families(UNNAMED)}
    tried: Counter[tuple[str, str]] = Counter()
    hidden: Counter[tuple[str, str]] = Counter()
    in_prompt = 0
    for number in range(n):
        kind = ("named", "unnamed")[number % 2]
        context = tuple(CONTEXTS)[number // 2 % len(CONTEXTS)]
        template = rng.choice(tables[kind])
        secret = drawn(template, rng)
        line = CONTEXTS[context](secret, rng)
        tried[context, kind] += 1
        cleaned = redactor.clean(line).text
        if not survives(secret, cleaned):
            hidden[context, kind] += 1
        elif show and (context != "bare" or kind == "named"):
            print(f"survived: {context} {template}: {line!r} -> {cleaned!r}", file=sys.stderr)
        in_prompt += not survives(secret, wrapped([Passage("log", line)], 4000, redactor))
    for (context, kind), count in sorted(tried.items()):
        goal = ">= 0.99" if context != "bare" else (">= 0.95" if kind == "named" else "")
        share = hidden[context, kind] / count
        yield Goal(f"hidden, {context}, {kind} families", count, share, goal)
    yield Goal("hidden in a prompt, all together", n, in_prompt / n)


def survives(secret: str, text: str) -> bool:
    """Return whether the secret, or half of it or more, can still be read."""
    half = max(len(secret) // 2, 6)
    parts = {secret[at : at + half] for at in range(len(secret) - half + 1)} | {secret}
    return any(part in text or json.dumps(part)[1:-1] in text for part in parts)


def _configured(seed: int, n: int, *, show: bool) -> Iterator[Goal]:
    rng = random.Random(f"configured {seed}")
    survived = 0
    for number in range(n):
        length = rng.randrange(4, 40)
        drawn_one = "".join(rng.choices(ALPHABETS["any"] + " äß\"'\\&", k=length))
        secret = drawn_one.strip() or "four"
        line = CONTEXTS[tuple(CONTEXTS)[number % len(CONTEXTS)]](secret, rng)
        cleaned = Redactor([secret]).clean(line).text
        leaked = survives(secret, cleaned) if length > 8 else secret in cleaned
        survived += leaked
        if leaked and show:
            print(f"survived: configured {secret!r}: {line!r} -> {cleaned!r}", file=sys.stderr)
    yield Goal("configured secrets that survived", n, survived, "<= 0")


def _untouched(row: str, lines: list[str], *, show: bool) -> Goal:
    redactor = Redactor()
    touched = [line for line in lines if redactor.clean(line).count]
    for line in touched[:SHOWN] if show else ():
        print(f"touched: {line!r} -> {redactor.clean(line).text!r}", file=sys.stderr)
    return Goal(row, len(lines), len(touched) / max(len(lines), 1), "<= 0.01")


def _speed(seed: int, n: int = 4000) -> Goal:
    rng, redactor = random.Random(f"speed {seed}"), Redactor(["a-configured-secret"])
    lines = [clean(rng) for _ in range(n)]
    best = 0.0
    for _ in range(5):
        began = time.process_time()
        for line in lines:
            redactor.clean(line)
        best = max(best, n / (time.process_time() - began))
    return Goal("lines a second of one core", n, best, ">= 10000")
