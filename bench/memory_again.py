"""The same trouble a second time: does memory keep the first action from being wrong again?

A release of the shop brings a smaller connection pool, and somebody pinned the same setting beside
it: rolling back, which fits best, does not help, and telemetry says so. A second shop meets the
like. Nothing here tells the plan what helps: it remembers what it saw fail.
"""

# limit: one trouble, lived twice, and what is then known of its remedies

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.plan import plan
from aiops_agent.agents.verify import verify
from aiops_agent.domain.diagnosis import Diagnosis
from aiops_agent.domain.incident import Attempt, Ending, IncidentId, Status
from aiops_agent.domain.postmortem import PastIncident, TriedAction
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    Effect,
    EffectState,
    Outcome,
    PlanKind,
    Recovery,
)
from aiops_agent.evaluation.goals import Goal, share
from aiops_agent.memory.odds import MIND_CHANGES
from aiops_agent.memory.recall import ArchiveMemory, case_of
from aiops_agent.ports.memory import Memory
from aiops_agent.reasoning.propose import ROLLBACK
from aiops_agent.simulator.history import TICK
from aiops_agent.simulator.physics import Deed, World
from aiops_agent.simulator.platform import ShopPlatform
from aiops_agent.simulator.replay import Shop
from aiops_agent.simulator.scenarios import SCENARIOS, find_scenario
from aiops_agent.simulator.shop import POOL_SIZE
from bench.shop_runs import PACE, PLAIN, Story, first_alarms, lived_through, shop_of, story
from tests.reasoning.world import Remembered

POOL = "pool-cut"
OTHERS = tuple(name for name in SCENARIOS if name not in (POOL, "false-alarm"))
MOST_HELPED = 30  # times that a remedy helped before it stopped


@dataclass(frozen=True)
class Time:
    """One occurrence: its story with a plan, whether the first action mended it, what it cost."""

    story: Story
    kinds: tuple[ActionKind, ...]
    mended: bool
    shop_seconds: float  # from the alert to the plan
    seconds: float  # of this machine, for the plan alone

    @property
    def case(self) -> PastIncident:
        """What is remembered of it."""
        return case_of(self.story.incident)


def goals(wanted: int, seed: int, rng: Random) -> Iterator[Goal]:
    """Yield the rows of the second occurrence, and of a remedy that stops working."""
    pairs = list(_pairs(wanted, seed))
    others = [asyncio.run(_case(name, seed * 1000 + n)) for n, name in enumerate(OTHERS)]
    wrong, alone, with_it = 0, list[Time](), list[Time]()
    firsts = list[Time]()
    for number, (one, again) in enumerate(pairs):
        first = asyncio.run(_lived(one, number, Remembered()))
        if first.mended or not first.kinds:
            print(f"again: the first action of seed {one} was not wrong", file=sys.stderr)
            continue
        firsts.append(first)
        alone.append(asyncio.run(_lived(again, number, Remembered())))
        known = [*others, first.case]
        with_it.append(asyncio.run(_remembering(known, again, 1000 + number)))
        wrong += not with_it[-1].mended
    before = sum(not one.mended for one in alone)
    fell = 1 - wrong / before if before else 0.0
    yield Goal("faults whose first action without memory is wrong", len(pairs), before, ">= 30")
    yield Goal("share by which memory lets wrong first actions fall", before, fell, ">= 0.5")
    longer = [m.shop_seconds - a.shop_seconds for m, a in zip(with_it, alone, strict=True)]
    yield Goal("seconds that the plan comes later, of the shop", len(longer), max(longer), "<= 0")
    for name, times in (("without", alone), ("with", with_it)):
        row = f"milliseconds of a plan {name} memory, p50"
        yield Goal(row, len(times), 1000 * median(one.seconds for one in times))
    yield from _stops_working(firsts, rng)


def _pairs(wanted: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield pairs of shops whose pool is cut for the same service."""
    unpaired: dict[str, int] = {}
    for number, drawn in enumerate(count(seed * 10_000)):
        service = str(find_scenario(POOL).fault_of(drawn).service)
        if service in unpaired:
            yield unpaired.pop(service), drawn
            wanted -= 1
        else:
            unpaired[service] = drawn
        if not wanted or number > 100 * (wanted + 1):
            return


async def _remembering(known: Sequence[PastIncident], seed: int, number: int) -> Time:
    with TemporaryDirectory(prefix="aiops-again-") as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'aiops.db'}")
        upgrade(engine)
        memory = ArchiveMemory(SqlStore(engine))
        for case in known:
            memory.remember(case, None)
        lived = await _lived(seed, number, memory)
        engine.dispose()
    return lived


def _pin(world: World, *, service: str) -> None:
    """Pin beside the release what it brought."""
    node = world.nodes[service]
    node.overrides[POOL_SIZE] = node.settings[POOL_SIZE]


async def _begun(scenario: str, seed: int, number: int, memory: Memory) -> tuple[Shop, Story]:
    """Break a shop and look at it until there is a plan."""
    fault, pin = find_scenario(scenario).fault_of(seed), tuple[Deed, ...]()
    if fault.setting is not None:
        pin = (Deed(fault.at + TICK, partial(_pin, service=str(fault.service))),)
    shop = shop_of(scenario, seed, pin)
    told, at = first_alarms(shop, fault)
    one = story(shop, PLAIN, told, at, seed)
    one.memory = memory
    one.incident = one.incident.model_copy(update={"id": IncidentId(f"INC-{number:04}")})
    await lived_through(shop, [one])
    return shop, one


async def _lived(seed: int, number: int, memory: Memory) -> Time:
    """Live one occurrence until its first action was judged by telemetry, or none was planned."""
    shop, one = await _begun(POOL, seed, number, memory)
    assert one.diagnosis is not None
    opened = one.due
    began = time.perf_counter()
    made = await plan(one.briefing, one.diagnosis)
    took = time.perf_counter() - began
    waited = shop.seconds - (one.first or opened)
    if made.kind is not PlanKind.ACT:
        return Time(one, (), False, waited, took)
    done = await _done(shop, made.actions, str(one.incident.id))
    since = done.finished
    seen, looks = None, 0
    while seen is None or (
        seen.recovery is not Recovery.RECOVERED
        and one.environment.clock.now() - since < PACE.settle + PACE.within
    ):
        looks += 1
        shop.wait_until(shop.since_epoch(since) + looks * PACE.look.total_seconds())
        seen = await verify(one.briefing, made.criteria, since)
    mended = seen.recovery is Recovery.RECOVERED
    tried = Attempt(number=1, diagnosis=one.diagnosis, plan=made, outcome=done, verification=seen)
    ending = Ending.FIXED if mended else Ending.FAILED
    facts = {"status": ending.status, "ending": ending, "ended_at": one.environment.clock.now()}
    one.incident = one.incident.amend(tried).model_copy(update=facts)
    return Time(one, tuple(a.kind for a in made.actions), mended, waited, took)


async def _done(shop: Shop, actions: Sequence[Action], name: str) -> Outcome:
    platform, effects, at = ShopPlatform(shop), [], shop.time(shop.seconds)
    for place, action in enumerate(actions):
        draft = await platform.prepare(action, f"{name}.1.{place}")
        for request in draft.requests:
            await platform.send(request)
            effects.append(
                Effect(
                    operation=request.operation,
                    words=request.words,
                    state=EffectState.APPLIED,
                    at=at,
                )
            )
    return Outcome(effects=tuple(effects), started=at, finished=at)


async def _case(scenario: str, seed: int) -> PastIncident:
    """Return an incident of another kind, which a person took over."""
    number = 5000 + seed % 1000
    _, one = await _begun(scenario, seed, number, Remembered())
    seen = Attempt(number=1, diagnosis=one.diagnosis, plan=one.plan)
    return case_of(
        one.incident.amend(seen).model_copy(
            update={"status": Status.ESCALATED, "ended_at": one.environment.clock.now()}
        )
    )


def _stops_working(firsts: Sequence[Time], rng: Random) -> Iterator[Goal]:
    """Yield whether two failures here change the mind, and whether elsewhere the interval does."""
    here, once, elsewhere = [], [], []
    for number in range(100):
        one = firsts[number % len(firsts)]
        briefing, diagnosis = one.story.briefing, one.story.diagnosis
        assert diagnosis is not None
        kept = _times(one, rng.randint(5, MOST_HELPED), Recovery.RECOVERED, "an older release")
        failed = partial(_times, one, recovery=Recovery.NOT_RECOVERED)
        now = diagnosis.release
        here.append(_first([*kept, *failed(MIND_CHANGES, release=now)], briefing, diagnosis))
        once.append(_first([*kept, *failed(1, release=now)], briefing, diagnosis))
        old = failed(MIND_CHANGES, release="an older release")
        elsewhere.append(_first([*kept, *old], briefing, diagnosis))
    row = "a remedy that helped 5 to 30 times and failed twice, here and now, is not done first"
    n, found = share(one != ROLLBACK for one in here)
    yield Goal(row, n, found, ">= 1.0")
    n, found = share(one == ROLLBACK for one in once)
    yield Goal("after one failure it is still done first", n, found, ">= 1.0")
    n, found = share(one == ROLLBACK for one in elsewhere)
    yield Goal("after two failures with another release too", n, found, ">= 1.0")


def _times(one: Time, times: int, recovery: Recovery, release: str) -> list[PastIncident]:
    """Return incidents like one in which rolling back ended so; failures came last."""
    case, now = one.case, one.story.incident.opened_at
    (action,) = (t.action for t in case.tried)
    ago = timedelta(days=30 if recovery is Recovery.RECOVERED else 10)
    return [
        case.model_copy(
            update={
                "id": IncidentId(f"INC-{recovery}-{number}"),
                "tried": (TriedAction(action=action, recovery=recovery),),
                "release": release,
                "started_at": _before(now, ago, number),
                "ended_at": _before(now, ago, number) + timedelta(minutes=10),
            }
        )
        for number in range(times)
    ]


def _before(now: datetime, ago: timedelta, number: int) -> datetime:
    return now - ago - timedelta(days=8 * number)  # farther apart than what counts as "came back"


def _first(
    known: Sequence[PastIncident], briefing: Briefing, diagnosis: Diagnosis
) -> ActionKind | None:
    bare = briefing.incident.model_copy(update={"attempts": (), "id": IncidentId("INC-0")})
    memory = Remembered(list(known))
    made = asyncio.run(plan(replace(briefing, memory=memory, incident=bare), diagnosis))
    return made.actions[0].kind if made.actions else None
