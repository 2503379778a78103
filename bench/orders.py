"""How many texts that give orders are noticed, and how many innocent lines are called so?"""

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from aiops_agent.evaluation.goals import Goal
from aiops_agent.reasoning.orders import order_in
from bench.attempts import KEPT_APART, SEEN, attempt, innocent
from bench.contexts import clean
from bench.told import tell


def main(arguments: list[str]) -> int:
    """Count; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench orders", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=10_000, help="innocent lines")
    parser.add_argument("--clean", type=Path, nargs="*", default=[], help="files without orders")
    parser.add_argument("--show", action="store_true", help="show what was called an order")
    given = parser.parse_args(arguments)
    return tell(goals(given.seed, given.n, tuple(given.clean), show=given.show))


def goals(seed: int, n: int, files: tuple[Path, ...] = (), *, show: bool = False) -> Iterator[Goal]:
    """Yield the rows: noticed by family, false alarms on what is generated and what is given."""
    rng = random.Random(f"orders {seed}")
    few = max(n // 50, 20)
    for told, table in (("looked at", SEEN), ("kept apart", KEPT_APART)):
        for family in table:
            noticed = sum(order_in(attempt(family, rng)) is not None for _ in range(few))
            yield Goal(f"noticed, {family} ({told})", few, noticed / few)
    yield _alarms("false alarms, sounding lines", [innocent(rng) for _ in range(n)], show=show)
    yield _alarms("false alarms, ordinary lines", [clean(rng) for _ in range(n)], show=show)
    for file in files:
        lines = file.read_text("utf-8", "replace").splitlines()
        yield _alarms(f"false alarms, {file.name}", lines, show=show)


def _alarms(row: str, lines: list[str], *, show: bool) -> Goal:
    alarms = [(line, order) for line in lines if (order := order_in(line))]
    for line, order in alarms[:10] if show else ():
        print(f"{order.what}: {order.quote!r} in {line[:200]!r}", file=sys.stderr)
    return Goal(row, len(lines), len(alarms) / max(len(lines), 1), "<= 0.001")
