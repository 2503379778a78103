"""Does memory find the right precedent, and can a planted case make it do harm?

`--cases DIR` adds the paraphrased questions of a folder (`dataset.py` with PAIRS, `heldout.py`).
"""

import argparse
import asyncio
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from aiops_agent.adapters.minilm.network import open_model
from aiops_agent.evaluation.goals import Goal, share
from aiops_agent.ports.meaning import Embedder
from bench import (
    memory_again,
    memory_chroma,
    memory_compact,
    memory_poison,
    memory_rss,
    memory_shapes,
    memory_size,
    memory_speed,
    memory_words,
)
from bench.told import tell

PARTS = ("words", "shapes", "poison", "speed", "compact", "size", "rss", "again")


def main(arguments: list[str]) -> int:
    """Measure; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench memory", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=Path, help="folder with paraphrased questions")
    parser.add_argument("--minilm", type=Path, help="folder that `memory model fetch` has filled")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part")
    parser.add_argument("--shops", type=int, default=580, help="remembered incidents of the shop")
    parser.add_argument("--questions", type=int, default=80, help="incidents that ask")
    parser.add_argument("--planted", type=int, default=1000, help="poisoned memories")
    parser.add_argument("--compacted", type=int, default=10_000, help="incidents to be compacted")
    parser.add_argument("--many", type=int, default=100_000, help="incidents of the speed test")
    parser.add_argument("--again", type=int, default=36, help="troubles that come a second time")
    parser.add_argument("--lives", type=int, default=3000, help="incidents of one process (rss)")
    parser.add_argument("--chroma", default="", help="address of a Chroma server to measure beside")
    parser.add_argument("--store", default="", help="empty database of the part size; own SQLite")
    return tell(_goals(parser.parse_args(arguments)))


def _words(cases: Path | None, rng: random.Random, model: Embedder | None) -> Iterator[Goal]:
    how = f"with {model.name}" if model else "without vectors"
    n, found = share(memory_words.identifiers(rng, model))
    yield Goal(f"identifiers {how}, recall@1", n, found, ">= 1.0")
    for name, pairs in memory_words.paraphrases(cases):
        for top in (1, 3):
            n, found = share(memory_words.answered(pairs, top, model))
            goal = ">= 0.7" if model and top == 3 else ""
            yield Goal(f"paraphrases ({name}) {how}, recall@{top}", n, found, goal)


def _goals(asked: argparse.Namespace) -> Iterator[Goal]:
    rng = random.Random(f"memory {asked.seed}")
    parts = asked.only or PARTS
    if "words" in parts:
        for model in (None, open_model(asked.minilm)) if asked.minilm else (None,):
            yield from _words(asked.cases, rng, model)
    if "shapes" in parts:
        yield from memory_shapes.goals(asked.shops, asked.questions, asked.seed, rng)
    if "poison" in parts:
        n, harmed = asyncio.run(memory_poison.harmed(asked.planted, rng))
        yield Goal("poisoned memories that changed what may be done", n, harmed, "<= 0")
    if "speed" in parts:
        yield from memory_speed.goals(asked.many, rng)
        if asked.chroma:
            yield from memory_chroma.goals(asked.many, asked.chroma, rng)
    if "compact" in parts:
        yield from memory_compact.goals(asked.compacted, rng)
    yield from _kept(asked, parts, rng)
    print("memory: done", file=sys.stderr)


def _kept(asked: argparse.Namespace, parts: Sequence[str], rng: random.Random) -> Iterator[Goal]:
    """Yield what is kept of incidents: how many bytes, how much of a process, what it teaches."""
    if "size" in parts:
        yield from memory_size.goals(asked.store, asked.seed)
    if "rss" in parts:
        yield from memory_rss.goals(asked.lives)
    if "again" in parts:
        yield from memory_again.goals(asked.again, asked.seed, rng)
