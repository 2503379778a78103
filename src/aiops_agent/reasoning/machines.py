"""Did a machine fail under the services that share it? Then their evidence is pooled onto it.

Whether the suspects lie on one machine by chance is Fisher's exact test, one-sided (a textbook's);
that the pooled suspect must hold the strongest one is ours.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import comb

import numpy as np

from aiops_agent.reasoning.observations import Floats

FEWEST = 2  # services that share a fate: one alone has a cause of its own
CLEAR = 0.2  # of the strongest: weaker evidence is what quiet services show as well
CHANCE = 0.02  # of that many suspects on one machine: below it the machine is what they share
MOST = 2.0  # times the strongest that runs on it, where all on it and nobody elsewhere is suspect


@dataclass(frozen=True)
class Machine:
    """A machine that is to blame rather than the services on it."""

    name: str
    score: float
    services: tuple[int, ...]


def shared(placement: Mapping[int, tuple[str, ...]], own: Floats, score: Floats) -> list[Machine]:
    """Return the machines on which suspects lie together beyond chance.

    `own` is each service's evidence that its callees do not explain, `score` what ranks it. A
    service that runs on every machine tells none from the others.
    """
    if not placement or own.max(initial=0.0) <= 0.0:
        return []
    placed = [one for one in sorted(placement) if 0 <= one < len(own)]
    hit = {one for one in placed if own[one] >= CLEAR * own.max()}
    return list(_shared(placement, placed, hit, score))


def _shared(
    placement: Mapping[int, tuple[str, ...]], placed: list[int], hit: set[int], score: Floats
) -> Iterator[Machine]:
    for name in sorted({machine for one in placed for machine in placement[one]}):
        on = [one for one in placed if name in placement[one]]
        inside = [one for one in on if one in hit]
        if len(inside) < FEWEST or int(np.argmax(score)) not in inside:
            continue
        if chance(len(placed), len(hit), len(on), len(inside)) <= CHANCE:
            apart = len(inside) / len(on) - (len(hit) - len(inside)) / (len(placed) - len(on))
            pooled = float(score[inside].max()) * (1.0 + (MOST - 1.0) * max(apart, 0.0))
            yield Machine(name, pooled, tuple(inside))


def chance(services: int, hit: int, on: int, inside: int) -> float:
    """Return how likely at least `inside` of the `hit` lie among `on` of all by chance."""
    ways = sum(comb(on, k) * comb(services - on, hit - k) for k in range(inside, min(on, hit) + 1))
    return ways / comb(services, hit)
