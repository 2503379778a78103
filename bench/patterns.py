"""Does the time of any pattern over foreign text grow faster than the text?"""

import argparse
import dataclasses
import importlib
import re
import time
from collections.abc import Callable, Iterator

from aiops_agent.domain.passage import Passage, wrapped
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.text import safe
from aiops_agent.evaluation.goals import Goal
from bench.hostile_texts import KINDS
from bench.told import tell

# The modules whose patterns meet what others wrote, at its full length.
MODULES = (
    "aiops_agent.domain.naming",
    "aiops_agent.domain.passage",
    "aiops_agent.domain.redact",
    "aiops_agent.domain.shapes",
    "aiops_agent.domain.text",
    "aiops_agent.reasoning.order_patterns",
    "aiops_agent.reasoning.orders",
)
LENGTH = 100_000
NOISE = 0.002  # seconds; below it a ratio says nothing, and nothing is slow
WORST = 3.0  # times as long for twice the text; a quadratic one takes 4 times as long

Work = Callable[[str], object]


def main(arguments: list[str]) -> int:
    """Measure every pattern against every kind; exit 1 when one is not linear."""
    parser = argparse.ArgumentParser(prog="python -m bench patterns", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="has no effect: nothing is drawn")
    parser.add_argument("--length", type=int, default=LENGTH)
    return tell(goals(parser.parse_args(arguments).length))


def goals(length: int = LENGTH, kinds: dict[str, Callable[[int], str]] = KINDS) -> Iterator[Goal]:
    """Yield for each pattern and each whole function its worst ratio over all kinds."""
    for name, work in (*found().items(), *WHOLE.items()):
        worst, slowest = 0.0, ""
        for kind, made in kinds.items():
            ratio = grows(work, made, length)
            if ratio > worst:
                worst, slowest = ratio, kind
        yield Goal(f"{name}, worst with {slowest or 'none'}", len(kinds), worst, f"<= {WORST}")


def grows(work: Work, made: Callable[[int], str], length: int) -> float:
    """Return how much longer twice the text takes; 0 when both are too quick to tell."""
    whole, half = made(length), made(length // 2)
    ratio = 0.0
    for tries in (1, 5):  # the first look sorts out what is quick or plainly linear
        took = _best(work, whole, tries)
        if took < NOISE:
            return 0.0
        ratio = took / max(_best(work, half, tries), 1e-9)
        if ratio < WORST * 0.8:
            return ratio
    return ratio


def found() -> dict[str, Work]:
    """Return every compiled pattern of the modules, as a search through a whole text."""
    patterns: dict[str, Work] = {}
    known: set[re.Pattern[str]] = set()
    for module in MODULES:
        for name, value in vars(importlib.import_module(module)).items():
            for path, pattern in _patterns(f"{module.rsplit('.', 1)[1]}.{name}", value):
                if pattern in known:
                    continue
                known.add(pattern)
                patterns[path] = lambda text, p=pattern: sum(1 for _ in p.finditer(text))  # type: ignore[misc]  # bound
    return patterns


def _patterns(path: str, value: object) -> Iterator[tuple[str, re.Pattern[str]]]:
    if isinstance(value, re.Pattern):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _patterns(f"{path}[{key}]", item)
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from _patterns(f"{path}[{number}]", item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _patterns(f"{path}.{field.name}", getattr(value, field.name))


def _best(work: Work, text: str, tries: int) -> float:
    best = float("inf")
    for _ in range(tries):
        began = time.process_time()
        work(text)
        best = min(best, time.process_time() - began)
    return best


WHOLE: dict[str, Work] = {
    "Redactor.clean": Redactor(["a-configured-secret", "another one"]).clean,
    "text.safe": safe,
    "passage.wrapped": lambda text: wrapped([Passage("log", text)], 2 * len(text)),
}
