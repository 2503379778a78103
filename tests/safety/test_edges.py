"""To the second and to the letter: when a yes counts, what is armed, and what is written down."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest

from aiops_agent.domain.approval import ApprovalState as State
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import ApprovalError, PlatformError
from aiops_agent.domain.ledger import IntentState
from aiops_agent.domain.point import Point
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.remediation import Effect, EffectState, PreparedPlan
from aiops_agent.registry import CATALOGUE
from aiops_agent.safety import approve, send
from aiops_agent.safety.assess import Case
from aiops_agent.safety.execute import Executor
from aiops_agent.safety.rules.wide_blast_radius import wide_blast_radius
from tests.safety.memory import MemoryStore, inline
from tests.safety.plans import NOW, a_decision, a_plan, a_request, an_incident, asks, stored
from tests.safety.scripted import Reply, Scripted

PLAN = a_plan(5, 2)
TICK = timedelta(microseconds=1)
YES_AT = a_decision(PLAN).at
IN_TIME = YES_AT + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(asyncio, "to_thread", inline)


def counts(at: datetime, *, approve_it: bool = True) -> bool:
    """Whether an answer given then counts."""
    store = MemoryStore()
    request = stored(store, a_request(PLAN))
    decision = a_decision(PLAN, at=at, approve=approve_it)
    with store.begin() as work:
        try:
            kept = approve.decide(work, request, decision)
        except ApprovalError:
            assert work.approvals.get(request.id) == request
            return False
        assert work.approvals.get(request.id) == kept
    assert kept.decision == decision
    assert kept.state is (State.APPROVED if approve_it else State.REJECTED)
    return True


@pytest.mark.parametrize(
    ("at", "in_time"),
    [
        (NOW + timedelta(minutes=15) - TICK, True),
        (NOW + timedelta(minutes=15), False),
        (NOW - timedelta(seconds=5), True),  # two clocks may differ by so much
        (NOW - timedelta(seconds=5) - TICK, False),
    ],
)
def test_an_answer_counts_from_the_question_to_its_expiry(at: datetime, in_time: bool) -> None:
    assert counts(at) is in_time
    assert counts(at, approve_it=False) is in_time


def arms(now: datetime, **other: object) -> bool:
    """Whether permission to send is given then; when it is not, nothing is written."""
    store = MemoryStore()
    request = stored(store, a_request(PLAN, State.APPROVED, **other))
    try:
        with store.begin() as work:
            intents = approve.arm(work, request.id, PLAN, now)
    except ApprovalError:
        assert store.ledger.rows == {}
        assert store.approvals.get(request.id) == request
        return False
    used = store.approvals.get(request.id)
    assert used is not None
    assert used.state is State.USED
    assert tuple(store.ledger.rows.values()) == intents
    return True


@pytest.mark.parametrize(
    ("now", "in_time"),
    [
        (YES_AT + timedelta(minutes=10) - TICK, True),
        (YES_AT + timedelta(minutes=10), False),
        (YES_AT - timedelta(seconds=5), True),
        (YES_AT - timedelta(seconds=5) - TICK, False),
    ],
)
def test_a_yes_is_used_within_ten_minutes(now: datetime, in_time: bool) -> None:
    assert arms(now) is in_time


@pytest.mark.parametrize("decision", [None, a_decision(PLAN, approve=False)])
def test_a_request_that_is_called_approved_without_a_yes_arms_nothing(decision: object) -> None:
    assert not arms(IN_TIME, decision=decision)


@pytest.mark.parametrize("state", [State.EXPIRED, State.WITHDRAWN])
def test_a_yes_that_has_ended_arms_nothing_and_says_how_it_ended(state: State) -> None:
    store = MemoryStore()
    ended = a_request(PLAN, state, decision=a_decision(PLAN), note="too late")
    stored(store, ended)
    said = f"is not approved: approved by a person .*, then {state}: too late"
    with store.begin() as work, pytest.raises(ApprovalError, match=said):
        approve.arm(work, ended.id, PLAN, IN_TIME)
    assert store.ledger.rows == {}


def test_a_used_yes_of_which_nothing_was_begun_is_withdrawn_once() -> None:
    store = MemoryStore()
    request = stored(store, a_request(PLAN, State.APPROVED))
    with store.begin() as work:
        for intent in approve.arm(work, request.id, PLAN, IN_TIME):
            skipped = intent.model_copy(update={"state": IntentState.SKIPPED})
            work.ledger.change(skipped, was=IntentState.ARMED)
        used = work.approvals.get(request.id)
        ended = approve.end(work, used, State.WITHDRAWN, "it froze")
        assert ended is not None
        assert approve.end(work, ended, State.EXPIRED, "too late") is None
        assert work.approvals.get(request.id) == ended


def test_a_used_yes_of_which_something_was_sent_is_not_withdrawn() -> None:
    store = MemoryStore()
    request = stored(store, a_request(PLAN, State.APPROVED))
    with store.begin() as work:
        for intent in approve.arm(work, request.id, PLAN, IN_TIME):
            state = IntentState.APPLIED if intent.ordinal == 1 else IntentState.SKIPPED
            ended = intent.model_copy(update={"state": state})
            work.ledger.change(ended, was=IntentState.ARMED)
        used = work.approvals.get(request.id)
        assert approve.end(work, used, State.WITHDRAWN, "it froze") is None


def test_a_yes_to_another_digest_than_the_question_arms_nothing() -> None:
    assert not arms(IN_TIME, decision=a_decision(PLAN, digest="f" * 64))
    assert not arms(IN_TIME, digest="f" * 64)


def test_what_is_armed_is_every_request_of_the_plan_in_its_order() -> None:
    store = MemoryStore()
    request = stored(store, a_request(PLAN, State.APPROVED))
    with store.begin() as work:
        intents = approve.arm(work, request.id, PLAN, IN_TIME)

    requests = [one for step in PLAN.steps for one in step.requests]
    assert [one.request for one in intents] == requests
    assert [one.operation for one in intents] == [one.operation for one in requests]
    assert [one.ordinal for one in intents] == list(range(1, len(requests) + 1))
    assert {(one.incident, one.plan, one.undo) for one in intents} == {
        (PLAN.incident, PLAN.digest, False)
    }
    assert {(one.state, one.armed_at, one.sends) for one in intents} == {
        (IntentState.ARMED, IN_TIME, 0)
    }


def test_what_has_ended_is_ended_once_and_says_why() -> None:
    store = MemoryStore()
    request = stored(store, a_request(PLAN))
    with store.begin() as work:
        ended = approve.end(work, request, State.EXPIRED, "nobody answered")
        assert ended is not None
        assert (ended.state, ended.note) == (State.EXPIRED, "nobody answered")
        assert approve.end(work, request, State.WITHDRAWN, "too late") is None
        assert approve.end(work, ended, State.WITHDRAWN, "too late") is None
        assert work.approvals.get(request.id) == ended


class Life:
    """An executor whose clock moves a second with each look, and what it passed."""

    def __init__(self, *sends: Reply, looks: tuple[Reply, ...] = ()) -> None:
        self.platform = Scripted(sends=iter(sends), looks=iter(looks))
        self.store, self.marks = MemoryStore(), list[Point]()
        ticks = count()
        self.executor = Executor(
            platforms=lambda _name: self.platform,
            store=self.store,
            catalogue=CATALOGUE,
            bounds=lambda _name: {},
            now=lambda: IN_TIME + timedelta(seconds=next(ticks)),
            mark=self.marks.append,
        )

    async def lived(self, plan: PreparedPlan = PLAN) -> tuple[Effect, ...]:
        """Execute an approved plan."""
        request = stored(self.store, a_request(plan, State.APPROVED))
        return (await self.executor.execute(request, asks)).effects


def single(plan: PreparedPlan = PLAN, *, repeatable: bool = True) -> PreparedPlan:
    """The same plan with one request."""
    step = plan.steps[0]
    request = step.requests[0].model_copy(update={"repeatable": repeatable})
    return plan.model_copy(update={"steps": (step.model_copy(update={"requests": (request,)}),)})


ASK = "ask a person"
AWAY = "It does not answer."
NOTES = [
    ((), (), EffectState.APPLIED, "accepted", 1),
    ((Reply.LOST_AFTER,), (), EffectState.APPLIED, "it is there", 1),
    ((Reply.REFUSED,), (), EffectState.REFUSED, "The precondition does not hold.", 1),
    ((Reply.AWAY,) * 9, (), EffectState.REFUSED, f"not sent: {AWAY}", 5),
    ((Reply.LOST_BEFORE,), (Reply.CANNOT_TELL,), EffectState.UNKNOWN, f"cannot tell: {ASK}", 1),
    (
        (Reply.LOST_BEFORE,),
        (Reply.AWAY,) * 6,
        EffectState.UNKNOWN,
        f"the platform did not answer: {AWAY}: {ASK}",
        1,
    ),
    ((Reply.LOST_AFTER,), (Reply.AWAY,) * 5, EffectState.APPLIED, "it is there", 1),
    (
        (Reply.SLOW, Reply.REFUSED),
        (Reply.OK, Reply.CANNOT_TELL),
        EffectState.UNKNOWN,
        f"cannot tell: {ASK}",
        2,
    ),
]


@pytest.mark.parametrize(("sends", "looks", "state", "note", "sent"), NOTES)
async def test_what_is_written_down_says_what_is_known(
    sends: tuple[Reply, ...], looks: tuple[Reply, ...], state: EffectState, note: str, sent: int
) -> None:
    life = Life(*sends, looks=looks)
    plan = single()

    (effect,) = await life.lived(plan)

    (request,) = plan.steps[0].requests
    assert (effect.state, effect.note) == (state, note)
    assert (effect.operation, effect.words) == (request.operation, request.words)
    assert len(life.platform.sent) == sent
    (intent,) = life.store.ledger.rows.values()
    assert (intent.note, intent.sends) == (note, sent)


async def test_what_comes_after_a_failure_is_skipped_and_says_so() -> None:
    *_, last = await Life(Reply.REFUSED).lived(a_plan(5, 3))

    assert (last.state, last.note) == (EffectState.SKIPPED, "one before it did not apply")


async def test_what_was_under_way_at_a_death_is_looked_after_also_behind_a_failure() -> None:
    life, plan = Life(Reply.REFUSED), a_plan(5, 3)
    request = stored(life.store, a_request(plan, State.APPROVED))
    with life.store.begin() as work:
        _, second, *_ = approve.arm(work, request.id, plan, IN_TIME)
        sending = second.model_copy(update={"state": IntentState.SENDING, "sends": 1})
        work.ledger.change(sending, was=IntentState.ARMED)
    life.platform.done[second.operation] = 1

    effects = (await life.executor.execute(request, asks)).effects

    assert [effects[0].state, effects[1].state] == [EffectState.REFUSED, EffectState.APPLIED]
    assert effects[1].note == "it is there"
    assert {effect.state for effect in effects[2:]} == {EffectState.SKIPPED}


async def test_every_point_of_a_send_is_passed_in_order() -> None:
    life = Life()
    await life.lived(single())
    sending = [Point.BEFORE_SEND, Point.SENDING, Point.AFTER_SEND, Point.RECORDED]
    assert life.marks == [Point.ARMED, *sending]

    life.marks.clear()
    await life.executor.undo(single())
    assert life.marks == [Point.UNDO_ARMED, *sending]


async def test_an_outcome_spans_from_before_the_first_send_to_after_the_last() -> None:
    life = Life()
    request = stored(life.store, a_request(PLAN, State.APPROVED))
    outcome = await life.executor.execute(request, asks)

    times = [outcome.started, *(effect.at for effect in outcome.effects), outcome.finished]
    assert times == sorted(set(times))
    assert outcome.started == IN_TIME


async def test_what_is_taken_back_has_operations_and_permissions_of_its_own() -> None:
    life = Life()
    plan = a_plan(5, 3)
    await life.lived(plan)

    undone = (await life.executor.undo(plan)).effects

    assert [one.operation for one in undone] == [f"INC-0001.1.undo.{n}.1" for n in (3, 2, 1)]
    intents = [one for one in life.store.ledger.rows.values() if one.undo]
    assert [one.ordinal for one in intents] == [1, 2, 3]
    assert {(one.incident, one.plan) for one in intents} == {(plan.incident, plan.digest)}
    assert life.store.ledger.of_plan(plan.incident, plan.digest, undo=True) == tuple(intents)
    assert len({one.armed_at for one in intents}) == 1  # in one transaction


async def test_a_plan_is_prepared_step_by_step_under_operations_of_its_attempt() -> None:
    life = Life()
    prepared = await life.executor.prepare(an_incident(), 2, PLAN.plan)

    assert [step.action for step in prepared.steps] == list(PLAN.plan.actions)
    operations = [one.operation for step in prepared.steps for one in step.requests]
    assert operations == ["INC-0001.2.1.1", "INC-0001.2.2.1"]
    assert (prepared.incident, prepared.attempt, prepared.plan) == ("INC-0001", 2, PLAN.plan)
    assert prepared.environment == an_incident().environment


async def test_an_action_in_another_environment_is_not_prepared() -> None:
    life = Life()
    elsewhere = an_incident(environment=EnvironmentRef(kind="shop", name="another"))

    with pytest.raises(PlatformError, match="is in shop"):
        await life.executor.prepare(elsewhere, 1, PLAN.plan)
    assert life.platform.undone == []


async def test_a_plan_is_armed_once_it_was_and_unchanged_until_somebody_moves_the_target() -> None:
    life = Life()
    assert not life.executor.armed(PLAN)
    assert await life.executor.unchanged(PLAN)

    await life.lived()
    life.platform.moved = True

    assert life.executor.armed(PLAN)
    assert not life.executor.armed(a_plan(7))
    assert not await life.executor.unchanged(PLAN)


@pytest.mark.parametrize(
    ("services", "asks"), [(0, False), (2, True), (3, True), (4, False), (5, False)]
)
def test_half_of_the_services_that_are_known_is_too_much(services: int, asks: bool) -> None:
    prepared = single()
    reach = {service for step in prepared.steps for service in step.blast.services}
    assert len(reach) == 2
    case = Case(prepared=prepared, mode=Mode.ACT, now=NOW, services=services, freezes=())
    opinion = wide_blast_radius(case)
    assert (opinion is not None) is asks


BY_RULE = a_decision(PLAN, by="rule small", surface=Surface.POLICY)
SAID = "approved by a person (command) at 09:31:00 UTC"


@pytest.mark.parametrize(
    ("state", "other", "words"),
    [
        (State.PENDING, {}, "pending"),
        (State.APPROVED, {}, SAID),
        (State.APPROVED, {"decision": BY_RULE}, "approved by rule small (policy) at 09:31:00 UTC"),
        (State.USED, {}, f"{SAID} and used"),
        (State.REJECTED, {}, SAID.replace("approved", "rejected")),
        (State.EXPIRED, {"note": "nobody answered"}, "expired: nobody answered"),
        (State.WITHDRAWN, {}, "withdrawn"),
        (
            State.WITHDRAWN,
            {"note": "it changed", "decision": a_decision(PLAN)},
            f"{SAID}, then withdrawn: it changed",
        ),
    ],
)
def test_an_ending_is_told_to_the_letter(state: State, other: dict[str, Any], words: str) -> None:
    assert approve.ending(a_request(PLAN, state, **other)) == words


def test_a_flag_is_never_called_a_person() -> None:
    said = a_decision(PLAN).model_copy(update={"surface": Surface.FLAG})

    words = approve.ending(a_request(PLAN, State.APPROVED, decision=said))

    assert words.startswith("approved by --yes (flag)")
    assert "person" not in words


def test_what_changes_in_the_same_moment_elsewhere_is_neither_answered_used_nor_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for state in (State.PENDING, State.APPROVED):
        store: Any = MemoryStore()
        request = stored(store, a_request(PLAN, state))
        monkeypatch.setattr(store.approvals, "change", lambda *_, was: False)
        answer = partial(approve.decide, store, request, a_decision(PLAN))
        use = partial(approve.arm, store, request.id, PLAN, NOW + timedelta(minutes=2))
        move: Callable[[], object] = answer if state is State.PENDING else use
        with pytest.raises(ApprovalError, match="in the same moment"):
            move()
        with store.begin() as work:
            assert approve.end(work, request, State.WITHDRAWN, "over") is None
