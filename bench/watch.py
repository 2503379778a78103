"""The watch without alerts: how soon it sees trouble in the shop, how often none in healthy weeks.

`harm` begins with the first sample beyond a promise, as the shop's own alert rules count; the looks
come at times that the seed draws. A healthy service-week is drawn by `bench/healthy.py`; whatever
is noticed there is false, and counted once while it lasts.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from aiops_agent.domain.telemetry import Objective, ServiceName
from aiops_agent.evaluation.goals import Goal
from aiops_agent.reasoning.detect import (
    KINDS,
    WINDOW,
    Key,
    Moved,
    Watched,
    as_then,
    bars,
    noticed,
    table_of,
)
from aiops_agent.reasoning.lookout import AROUND, EARLIER, RENEWED
from aiops_agent.reasoning.measure import Track
from aiops_agent.reasoning.observations import Floats
from aiops_agent.simulator.alarms import HELD, alarms
from aiops_agent.simulator.faults import FaultKind
from aiops_agent.simulator.history import TICK, History
from aiops_agent.simulator.physics import World
from aiops_agent.simulator.scenarios import SCENARIOS, Scenario, decoys
from aiops_agent.simulator.shop import COMPANY
from aiops_agent.workflow.signals import LOOK_SECONDS
from aiops_agent.workflow.watch_look import OVER
from bench.healthy import WEEK, HealthySystem, systems
from bench.told import tell

PATIENCE = 2 * 3600.0  # seconds after the fault in which it must hurt
SOON = 120.0  # seconds
SERVICES = 10  # of a healthy system


def main(arguments: list[str]) -> int:
    """Measure; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench watch", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=20, help="shops of each scenario")
    parser.add_argument("--weeks", type=int, default=1000, help="healthy service-weeks")
    given = parser.parse_args(arguments)
    return tell([*in_the_shop(given.seed, given.seeds), *in_peace(given.seed, given.weeks)])


@dataclass
class Caught:
    """When trouble was seen in shops, in seconds behind what began."""

    shops: int = 0
    behind_harm: list[float] = field(default_factory=list)
    behind_fault: list[float] = field(default_factory=list)  # of what hurts within minutes
    early: int = 0  # noticed before anything was wrong


def in_the_shop(seed: int, seeds: int) -> Iterator[Goal]:
    """Yield the rows of the shop; what was missed or late is told on stderr."""
    promised, unpromised = Caught(), Caught()
    objectives = {ServiceName(one.name): one.objective for one in COMPANY}
    for scenario in SCENARIOS.values():
        for number in range(seed * 1000, seed * 1000 + seeds):
            _one_shop(scenario, number, objectives, promised)
            _one_shop(scenario, number, {}, unpromised)
    for words, found, goals in (
        ("shop", promised, (">= 0.95", f"<= {SOON:g}", "<= 0")),
        ("shop without objectives", unpromised, ("", "", "")),
    ):
        soon = sum(one <= SOON for one in found.behind_harm)
        late = np.quantile(found.behind_harm or [np.inf], 0.95)
        after = float(np.median(found.behind_fault or [np.inf]))
        yield Goal(f"{words}: seen within 2 min of harm", found.shops, soon / found.shops, goals[0])
        yield Goal(f"{words}: delay behind harm, 95 %, s", found.shops, float(late), goals[1])
        yield Goal(f"{words}: delay behind the fault, median, s", found.shops, after)
        yield Goal(f"{words}: noticed before the fault", found.shops, found.early, goals[2])


def _one_shop(
    scenario: Scenario, seed: int, objectives: dict[ServiceName, Objective], into: Caught
) -> None:
    shop = _lived(scenario, seed)
    if shop is None:
        return
    keys, values, fault, harm = shop
    first = random.Random(f"{seed}/looks").randrange(2)
    into.shops += harm is not None
    for row in range(
        int(WINDOW / TICK) // 2 + first, values.shape[1] + 1, int(LOOK_SECONDS / TICK)
    ):
        low = max(1, row - int(WINDOW / TICK))
        at = np.arange(low, row, dtype=np.float64) * TICK
        watched = Watched(keys, table_of(keys, at, values[:, low:row]))
        found = [one for one in noticed(watched, bars(watched, objectives)) if one.hurts]
        # A sample is there when its time is over, and a look comes up to a tick later.
        now = row * TICK
        if found and now <= fault:
            into.early += 1
            print(f"early: {scenario.name} {seed}: {found[0]}", file=sys.stderr)
            return
        if found and harm is not None:
            into.behind_harm.append(now - harm)
            if harm - fault < SOON:
                into.behind_fault.append(now - fault)
            if now - harm > SOON and objectives:
                print(f"late: {scenario.name} {seed}: {now - harm:.0f} s", file=sys.stderr)
            return
    if harm is not None and objectives:
        print(f"missed: {scenario.name} {seed}", file=sys.stderr)


def _lived(
    scenario: Scenario, seed: int
) -> tuple[tuple[Key, ...], Floats, float, float | None] | None:
    """Return a shop's signals, when the fault came and when it began to hurt (None: never)."""
    fault = scenario.fault_of(seed)
    _, deeds = decoys(fault, seed)
    world = World(seed, fault.weather, (*fault.deeds, *deeds))
    history = History(world, seed)
    at, harm = fault.at, None
    while at < fault.at + (600.0 if fault.kind is FaultKind.NOTHING else PATIENCE):
        at += 20 * TICK
        world.advance(at)
        if harm is None and (rules := alarms(history, at)):
            harm = (round(rules[0].at / TICK) - HELD + 1) * TICK
        if harm is not None and at > harm + 8 * SOON:
            break
    if harm is None and fault.kind is not FaultKind.NOTHING:
        return None  # it hurts nobody: no shop of ours
    keys = tuple((ServiceName(n), signal) for n, signal in history.tracks if signal in KINDS)
    values = np.array([history.tracks[str(n), signal] for n, signal in keys], dtype=np.float64)
    return keys, values, fault.at, harm


def in_peace(seed: int, weeks: int) -> Iterator[Goal]:
    """Yield how often something is noticed in healthy service-weeks, and is to be opened."""
    listed = opened = seen = 0
    for number, system in enumerate(systems(seed, -(-weeks // SERVICES), SERVICES), start=1):
        for one in false_ones(system):
            listed, opened = listed + 1, opened + one.hurts
            print(f"false: system {number}: {one}", file=sys.stderr)
        seen = number * SERVICES
    yield Goal("healthy: false ones listed per service-week", seen, listed / seen, "<= 0.02")
    yield Goal("healthy: false ones opened per service-week", seen, opened / seen, "<= 0.02")


def false_ones(system: HealthySystem) -> Iterator[Moved]:
    """Yield what is noticed in the second week of a healthy system, as `reasoning/lookout` does."""
    at, values, rows = system.at, system.values, int(WINDOW / 15.0)
    step = float(at[1] - at[0])
    whole = table_of(system.keys, at[:1], values[:, :1])
    standing, asked, limits = dict[Key, float](), dict[Key, float](), None
    for row in range(WEEK, 2 * WEEK, int(LOOK_SECONDS / step)):
        now = float(at[row])
        part = slice(row - rows, row)
        table = replace(whole, at=at[part], values=values[:, part])
        watched = Watched(system.keys, table)
        if limits is None or now % RENEWED.total_seconds() < LOOK_SECONDS:
            limits = bars(watched, system.objectives)
        for one in noticed(watched, limits):
            key = (one.service, one.signal)
            if key not in standing and asked.get(key, 0.0) <= now:
                if _habit(system, one, row):
                    asked[key] = now + (now - one.since) / 2
                    continue
                yield one
            if key in standing or asked.get(key, 0.0) <= now:
                standing[key] = now
        over = OVER.total_seconds()
        standing = {key: last for key, last in standing.items() if now - last < over}


def _habit(system: HealthySystem, one: Moved, row: int) -> bool:
    column, step = system.keys.index((one.service, one.signal)), float(system.at[1])
    for earlier in EARLIER:
        then = row - int(earlier.total_seconds() / step)
        part = slice(max(0, then - int(AROUND.total_seconds() / step)),
                     then + int(AROUND.total_seconds() / step))  # fmt: skip
        values = system.values[column, part]
        seen = np.isfinite(values)
        track = Track(one.service, one.signal, system.at[part][seen], values[seen], "", "")
        if as_then(one, track, float(system.at[row])):
            return True
    return False
