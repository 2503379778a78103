"""Shops whose last look can be ranked anew with other constants: `bench constants --shop N`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from unittest.mock import patch

from aiops_agent.agents import diagnose as diagnosing
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.reasoning.rank import Ranked, rank
from aiops_agent.reasoning.suspect import Investigation
from aiops_agent.simulator.faults import Fault, FaultKind
from aiops_agent.simulator.scenarios import SCENARIOS, find_scenario
from bench.shop_runs import (
    NO_GRAPH,
    PLAIN,
    TOGETHER,
    TWO,
    Condition,
    first_alarms,
    lived_through,
    second_fault,
    shop_of,
    story,
)

ONE = (PLAIN, NO_GRAPH, TOGETHER)


@dataclass(frozen=True)
class LastLook:
    """What the last look at a shop rested on, and who is to blame."""

    case: Investigation
    refuted: frozenset[str]
    truths: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether the one to blame stands first, with a mechanism; of two, both among two."""
        found = rank(self.case, self.refuted)
        if len(self.truths) > 1:
            shown = list(dict.fromkeys(str(one.suspicion.service) for one in found))[:2]
            return set(self.truths) <= set(shown)
        first = found[0].suspicion
        return first.kind is not CauseKind.UNKNOWN and first.service in self.truths


@dataclass
class Recorder:
    """Ranks as ever, and keeps what was ranked last."""

    case: Investigation | None = None
    refuted: frozenset[str] = field(default_factory=frozenset)

    def __call__(self, case: Investigation, refuted: frozenset[str]) -> tuple[Ranked, ...]:
        """Return the ranking."""
        self.case, self.refuted = case, refuted
        return rank(case, refuted)


def last_looks(seeds: Sequence[int]) -> dict[str, list[LastLook]]:
    """Return the last look at each shop in which something is broken, by how it was seen."""
    found: dict[str, list[LastLook]] = {one.name: [] for one in (*ONE, TWO)}
    for seed in seeds:
        for name in SCENARIOS:
            first = find_scenario(name).fault_of(seed)
            if first.kind is FaultKind.NOTHING:
                continue
            for condition in ONE:
                found[condition.name] += asyncio.run(_looked(name, seed, condition, (first,)))
            if first.kind is not FaultKind.LEAK:  # it shows half an hour later than it strikes
                faults = (first, second_fault(first, seed, first.at))
                found[TWO.name] += asyncio.run(_looked(name, seed, TWO, faults))
    return found


async def _looked(
    scenario: str, seed: int, condition: Condition, faults: tuple[Fault, ...]
) -> list[LastLook]:
    shop = shop_of(scenario, seed, faults[1].deeds if faults[1:] else ())
    one = story(shop, condition, *first_alarms(shop, faults[0]), seed)
    kept = Recorder()
    with patch.object(diagnosing, "rank", kept):
        await lived_through(shop, [one])
    truths = tuple(str(each.service) for each in faults)
    return [LastLook(kept.case, kept.refuted, truths)] if kept.case is not None else []
