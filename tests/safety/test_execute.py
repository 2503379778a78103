"""The only hands: what is sent, how often, and what is written down of it, whatever goes wrong."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.actions.scale import SCALE, ScaleBounds
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.errors import ApprovalError
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import EffectState, PreparedPlan
from aiops_agent.registry import CATALOGUE
from aiops_agent.safety import send
from aiops_agent.safety.execute import Executor
from aiops_agent.safety.send import Sender
from tests import seams
from tests.safety.memory import MemoryStore, inline
from tests.safety.plans import NOW, a_plan, a_request, asks, stored
from tests.safety.scripted import Reply, Scripted
from tests.seams import Seam

Record = Callable[[str, object], None]
OK, LATE, EARLY = Reply.OK, Reply.LOST_AFTER, Reply.LOST_BEFORE
NO, AWAY, BLIND, SLOW = Reply.REFUSED, Reply.AWAY, Reply.CANNOT_TELL, Reply.SLOW


class Died(BaseException):
    """The process ended here."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(asyncio, "to_thread", inline)


def hands(platform: Scripted, store: MemoryStore, mark: Any = lambda _point: None) -> Executor:
    return Executor(
        platforms=lambda _name: platform,
        store=store,
        catalogue=CATALOGUE,
        bounds=lambda _name: {},
        now=lambda: NOW + timedelta(minutes=2),
        mark=mark,
    )


async def done(
    platform: Scripted, plan: PreparedPlan | None = None
) -> tuple[list[EffectState], MemoryStore]:
    """Execute an approved plan and return what became of its requests."""
    store = MemoryStore()
    plan = plan or a_plan(1, 1)
    request = stored(store, a_request(plan, ApprovalState.APPROVED))
    outcome = await hands(platform, store).execute(request, asks)
    return [effect.state for effect in outcome.effects], store


ONE = a_plan(2, 1)
ROWS = [
    # sends, looks, moved -> state, sends made, effects
    ((OK,), (), False, EffectState.APPLIED, 1, 1),
    ((NO,), (), False, EffectState.REFUSED, 1, 0),
    ((NO,), (AWAY,) * 9, False, EffectState.REFUSED, 1, 0),
    ((LATE,), (), False, EffectState.APPLIED, 1, 1),
    ((LATE,), (AWAY, AWAY), False, EffectState.APPLIED, 1, 1),
    ((EARLY,), (), False, EffectState.APPLIED, 2, 1),
    ((EARLY, LATE), (), False, EffectState.APPLIED, 2, 1),
    ((EARLY,) * 9, (), False, EffectState.UNKNOWN, 5, 0),
    ((EARLY,), (BLIND,), False, EffectState.UNKNOWN, 1, 0),
    ((LATE,), (BLIND,), False, EffectState.UNKNOWN, 1, 1),
    ((LATE,), (AWAY,) * 9, False, EffectState.UNKNOWN, 1, 1),
    ((AWAY, AWAY), (), False, EffectState.APPLIED, 3, 1),
    ((AWAY,) * 9, (), False, EffectState.REFUSED, 5, 0),
    ((OK,), (), True, EffectState.REFUSED, 1, 0),  # moved between the last look and the send
    ((EARLY,), (), True, EffectState.UNKNOWN, 1, 0),
    ((SLOW,), (), False, EffectState.APPLIED, 2, 1),
    ((SLOW,), (OK, BLIND), False, EffectState.UNKNOWN, 2, 1),
]


@pytest.mark.parametrize("row", ROWS)
async def test_what_is_recorded_is_what_is_known(row: tuple[Any, ...]) -> None:
    sends, looks, moved, state, count, effects = row
    platform = Scripted(sends=iter(sends), looks=iter(looks), moves=0 if moved else -1)
    plan = ONE.model_copy(update={"steps": (first_request_only(ONE),)})
    assert (await done(platform, plan))[0] == [state]
    assert (len(platform.sent), platform.done.total()) == (count, effects)


def first_request_only(plan: PreparedPlan, *, repeatable: bool = True) -> Any:
    step = plan.steps[0]
    request = step.requests[0].model_copy(update={"repeatable": repeatable})
    return step.model_copy(update={"requests": (request,)})


@pytest.mark.parametrize("reply", [LATE, EARLY])
async def test_what_is_not_safe_to_repeat_is_sent_once(reply: Reply) -> None:
    platform = Scripted(sends=iter([reply]))
    plan = ONE.model_copy(update={"steps": (first_request_only(ONE, repeatable=False),)})
    states, _ = await done(platform, plan)
    assert len(platform.sent) == 1
    assert states == [EffectState.APPLIED if reply is LATE else EffectState.UNKNOWN]


async def test_what_another_process_claimed_first_is_not_sent_here() -> None:
    platform, store = Scripted(), MemoryStore()
    request = stored(store, a_request(a_plan(1, 1), ApprovalState.APPROVED))

    def elsewhere(point: Point) -> None:
        if point is Point.BEFORE_SEND:
            (row, *_) = [r for r in store.ledger.rows.values() if r.state is IntentState.ARMED]
            done = row.model_copy(update={"state": IntentState.APPLIED, "sends": 1})
            store.ledger.rows[row.operation] = done

    outcome = await hands(platform, store, elsewhere).execute(request, asks)

    assert {effect.state for effect in outcome.effects} == {EffectState.APPLIED}
    assert platform.left == []


async def test_after_one_that_did_not_apply_nothing_more_is_sent() -> None:
    platform = Scripted(sends=iter([OK, NO]))
    states, store = await done(platform, plan := a_plan(5, 3))
    count = sum(len(step.requests) for step in plan.steps)
    rest = [EffectState.SKIPPED] * (count - 2)
    assert states == [EffectState.APPLIED, EffectState.REFUSED, *rest]
    assert len(platform.sent) == 2
    assert {i.state for i in store.ledger.rows.values()} >= {IntentState.SKIPPED}


@pytest.mark.parametrize("state", [s for s in ApprovalState if s is not ApprovalState.APPROVED])
async def test_without_a_yes_nothing_is_sent(state: ApprovalState) -> None:
    platform, store = Scripted(), MemoryStore()
    request = stored(store, a_request(a_plan(), state))
    with pytest.raises(ApprovalError):
        await hands(platform, store).execute(request, asks)
    assert (platform.sent, store.ledger.rows) == ([], {})


async def test_a_request_that_claims_another_plan_sends_nothing() -> None:
    platform, store = Scripted(), MemoryStore()
    request = stored(store, a_request(a_plan(1), ApprovalState.APPROVED))
    forged = request.model_copy(update={"prepared": a_plan(2), "digest": a_plan(2).digest})
    with pytest.raises(ApprovalError, match="another plan"):
        await hands(platform, store).execute(forged, asks)
    assert platform.sent == []


async def test_only_what_applied_is_taken_back_and_the_last_first() -> None:
    platform = Scripted(sends=iter([OK, OK, OK, NO]))
    plan = steps_of_one(a_plan(5, 3), 3)
    fourth = plan.steps[0].model_copy(
        update={"requests": (plan.steps[0].requests[0].model_copy(update={"operation": "x"}),)}
    )
    plan = plan.model_copy(update={"steps": (*plan.steps, fourth)})
    _, store = await done(platform, plan)
    outcome = await hands(platform, store).undo(plan)
    inverses = [step.inverse for step in reversed(plan.steps[:3])]
    assert platform.undone == inverses
    assert [effect.state for effect in outcome.effects] == [EffectState.APPLIED] * 3
    assert len(store.approvals.rows) == 1


def steps_of_one(plan: PreparedPlan, count: int) -> PreparedPlan:
    steps = tuple(
        step.model_copy(update={"requests": step.requests[:1]}) for step in plan.steps[:count]
    )
    return plan.model_copy(update={"steps": steps})


async def test_taking_back_twice_is_taking_back_once() -> None:
    platform = Scripted()
    _, store = await done(platform, plan := a_plan(5, 2))
    first = await hands(platform, store).undo(plan)
    sent = len(platform.sent)
    again = await hands(platform, store).undo(plan)
    assert first.effects == again.effects
    assert len(platform.sent) == sent


async def test_what_was_never_done_or_has_no_way_back_is_not_taken_back() -> None:
    platform, store = Scripted(), MemoryStore()
    assert (await hands(platform, store).undo(a_plan())).effects == ()
    plan = a_plan(5, 1)
    final = plan.steps[0].model_copy(update={"inverse": None})
    plan = plan.model_copy(update={"steps": (final,)})
    _, store = await done(platform, plan)
    assert (await hands(platform, store).undo(plan)).effects == ()


def drawn(seed: int) -> tuple[Scripted, PreparedPlan, Any]:
    """A platform with random troubles, a plan, and a mark that dies at random."""
    draw = random.Random(seed)
    replies = [OK, OK, LATE, EARLY, SLOW, NO, AWAY]
    sends = [draw.choice(replies) for _ in range(draw.randint(0, 6))]
    looks = [draw.choice([OK, OK, AWAY, BLIND]) for _ in range(draw.randint(0, 4))]
    platform = Scripted(sends=iter(sends), looks=iter(looks), moves=draw.randint(-9, 2))
    plan = a_plan(seed, draw.randint(1, 2), repeatable=draw.random() < 0.6)

    def mark(_point: Point) -> None:
        if draw.random() < 0.25:
            raise Died

    return platform, plan, mark


async def lived(seed: int) -> list[str]:
    """Execute until it is over, dying on the way, and return the promises that were broken."""
    platform, plan, mark = drawn(seed)
    store = MemoryStore()
    request = stored(store, a_request(plan, ApprovalState.APPROVED))
    while True:
        try:
            await hands(platform, store, mark).execute(request, asks)
        except Died:
            continue
        break
    return [flaw for intent in store.ledger.rows.values() for flaw in flaws(intent, platform)]


def flaws(intent: Intent, platform: Scripted) -> list[str]:
    count, left = platform.done[intent.operation], platform.left.count(intent.operation)
    return [
        words
        for words, wrong in {
            "done twice": count > 1,
            "sent twice": left > 1 and not intent.request.repeatable,
            "called done": intent.state is IntentState.APPLIED and not count,
            "called not done": intent.state in (IntentState.REFUSED, IntentState.SKIPPED)
            and count > 0,
            "not settled": intent.state in (IntentState.ARMED, IntentState.SENDING),
            "sent too often": left > send.MOST_SENDS,
        }.items()
        if wrong
    ]


async def broken(lives: int) -> list[str]:
    return [flaw for seed in range(lives) for flaw in await lived(seed)]


async def test_in_any_order_of_trouble_and_death_the_promises_hold(record_property: Record) -> None:
    assert await broken(400) == []
    record_property("count", "executor: 400 lives with random trouble and deaths, 0 flaws")


async def resends(self: Sender, intent: Intent) -> Intent:
    return await self._record(intent, IntentState.ARMED, "once more")


async def believes(self: Sender, intent: Intent, why: str) -> Intent:
    return await self._record(intent, IntentState.REFUSED, why)


async def shrugs(self: Sender, intent: Intent) -> Intent:
    return await self._record(intent, IntentState.REFUSED, "no answer, so nothing was done")


async def hopes(self: Sender, intent: Intent) -> Intent:
    return await self._record(intent, IntentState.APPLIED, "it will have landed")


@pytest.mark.parametrize(
    ("seam", "defect", "caught"),
    [
        (seams.RECOVER, resends, "sent twice"),
        (seams.REFUSED, believes, "called not done"),
        (seams.RECOVER, shrugs, "called not done"),
        (seams.RECOVER, hopes, "called done"),
    ],
)
async def test_the_promises_catch(
    monkeypatch: pytest.MonkeyPatch, seam: Seam, defect: object, caught: str
) -> None:
    """Planted defects: repeats blindly, believes a refusal, and guesses in both directions."""
    seam.plant(monkeypatch, defect)
    seams.MOST_SENDS.plant(monkeypatch, 50)
    assert caught in await broken(150)


async def test_a_plan_that_is_out_of_bounds_is_not_even_prepared() -> None:
    platform, store = Scripted(), MemoryStore()
    plan = a_plan(1, 1).plan
    stored(store, a_request(a_plan()))
    incident = store.incidents.rows["INC-0001"]
    bounded = replace(
        hands(platform, store), bounds=lambda _name: {SCALE.kind: ScaleBounds(max_replicas=1)}
    )
    with pytest.raises(Exception, match="at most 1 replicas"):
        await bounded.prepare(incident, 1, plan)
    assert platform.undone == []
