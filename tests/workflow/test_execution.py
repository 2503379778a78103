"""The process that sends: it takes what is armed for its environments, and nothing else."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import BusyError, LeaseLost
from aiops_agent.domain.incident import Attempt
from aiops_agent.domain.lease import Lease
from aiops_agent.domain.ledger import IntentState
from aiops_agent.domain.preparation import Preparation
from aiops_agent.domain.sending import Switch
from aiops_agent.ports.store import Store
from aiops_agent.safety import approve, send
from aiops_agent.workflow import execution
from aiops_agent.workflow.execution import Execution
from aiops_agent.workflow.executor_steps import ExecutorSteps
from aiops_agent.workflow.lease import FencedStore, Tenure
from tests.safety.plans import NOW, a_plan, a_request, an_incident, stored
from tests.safety.scripted import Reply, Scripted
from tests.workflow.place import Place

PLAN = a_plan(1, 2)
HERE = PLAN.environment
VERSION = "1.2.3"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(execution, "PAUSE_SECONDS", 0)


def an_execution(
    place: Place, platform: Scripted, store: Store | None = None, **other: Any
) -> Execution:
    store = store or place.store
    deps = place.deps
    hands = replace(deps.executor, platforms=lambda _ref: platform, store=store)
    given = {"environments": frozenset({HERE}), "version": VERSION, **other}
    return Execution(ExecutorSteps(replace(deps, executor=hands, store=store)), **given)


async def taken(one: Execution) -> None:
    """Let it take everything that waits, to the end."""
    await one.look()
    await one.drain()


def armed(place: Place) -> Any:
    """Put an approved plan into the store and arm it, as `aiops serve` does."""
    place.clock.at = NOW + timedelta(minutes=2)
    request = stored(place.store, a_request(PLAN, ApprovalState.APPROVED))
    with place.store.begin() as work:
        incident = an_incident(attempts=(Attempt(number=1, prepared=PLAN, plan=PLAN.plan),))
        work.incidents.put(incident)
        approve.arm(work, request.id, PLAN, place.clock.at)
    return request


def states(place: Place) -> set[IntentState]:
    with place.store.read() as view:
        return {one.state for one in view.ledger.of_plan("INC-0001", PLAN.digest, undo=False)}


async def test_what_is_armed_is_sent_once(place: Place) -> None:
    armed(place)
    platform = Scripted()
    one = an_execution(place, platform)
    await taken(one)
    await taken(one)
    assert states(place) == {IntentState.APPLIED}
    assert set(platform.done.values()) == {1}
    assert len(platform.left) == len(PLAN.requests)


async def test_what_is_approved_and_not_armed_is_left_alone(place: Place) -> None:
    stored(place.store, a_request(PLAN, ApprovalState.APPROVED))
    platform = Scripted()
    await taken(an_execution(place, platform))
    assert platform.sent == []
    assert states(place) == set()


async def test_of_an_environment_that_it_was_not_given_nothing_is_taken(place: Place) -> None:
    armed(place)
    platform = Scripted()
    other = frozenset({EnvironmentRef.parse("docker:other")})
    await taken(an_execution(place, platform, environments=other))
    assert platform.sent == []
    assert states(place) == {IntentState.ARMED}


async def test_what_a_process_of_another_version_armed_is_refused(place: Place) -> None:
    armed(place)
    lease = Lease(name="serve", owner="", fence=1, since=NOW, version="1.2.4")
    with place.store.begin() as work:
        work.leases.put(lease)
    platform = Scripted()
    one = an_execution(place, platform)
    with pytest.raises(BusyError, match=r"of version 1\.2\.4 and this executor of 1\.2\.3"):
        await one.look()
    assert platform.sent == []
    with place.store.begin() as work:
        work.leases.put(lease.model_copy(update={"version": VERSION}))
    await taken(one)
    assert states(place) == {IntentState.APPLIED}


async def test_while_sending_is_stopped_nothing_is_sent_and_then_it_goes_on(place: Place) -> None:
    armed(place)
    platform = Scripted()
    one = an_execution(place, platform)
    for stopped in (True, False):
        with place.store.begin() as work:
            work.sending.switch(Switch(stopped=stopped, by="alex", at=place.clock.at))
        await taken(one)
        assert bool(platform.left) is not stopped
    assert states(place) == {IntentState.APPLIED}


async def test_an_executor_that_lost_its_lease_sends_nothing(place: Place) -> None:
    armed(place)
    tenure = Tenure(place.store, "execute", "one", place.clock.now, clock=lambda: 0.0)
    assert tenure.take()
    other = Tenure(place.store, "execute", "two", place.clock.now, clock=lambda: 0.0)
    place.clock.go(seconds=9)
    assert other.take()
    platform = Scripted()
    await taken(an_execution(place, platform, FencedStore(place.store, tenure)))
    assert platform.left == []
    assert states(place) == {IntentState.ARMED}
    await taken(an_execution(place, platform, FencedStore(place.store, other)))
    assert states(place) == {IntentState.APPLIED}
    with pytest.raises(LeaseLost):
        tenure.sure()


async def test_two_executors_in_the_same_moment_have_one_effect(place: Place) -> None:
    """Not even the lease is needed for it: the row of the ledger says who sends."""
    armed(place)
    platform = Scripted()
    await asyncio.gather(*(taken(an_execution(place, platform)) for _ in range(4)))
    await taken(an_execution(place, platform))
    assert set(platform.done.values()) == {1}
    assert states(place) == {IntentState.APPLIED}


async def test_a_defect_of_the_executor_settles_what_is_armed_and_sends_nothing_more(
    place: Place,
) -> None:
    armed(place)

    class Broken(Scripted):
        async def unchanged(self, *_: Any, **__: Any) -> bool:
            raise ZeroDivisionError("a defect of ours")

    platform = Broken()
    await taken(an_execution(place, platform))
    assert states(place) == {IntentState.SKIPPED}
    assert platform.left == []
    with place.store.read() as view:
        first, *_ = view.ledger.of_plan("INC-0001", PLAN.digest, undo=False)
    assert first.note == "the executor itself failed (ZeroDivisionError: a defect of ours)."


async def test_the_way_back_is_taken_too(place: Place) -> None:
    armed(place)
    platform = Scripted()
    one = an_execution(place, platform)
    await taken(one)
    await one.deps.executor.arm_undo(PLAN)
    await taken(one)
    with place.store.read() as view:
        back = view.ledger.of_plan("INC-0001", PLAN.digest, undo=True)
    assert {intent.state for intent in back} == {IntentState.APPLIED}
    assert len(back) == len(PLAN.steps)


async def test_a_send_in_flight_is_finished_before_the_executor_ends(place: Place) -> None:
    armed(place)
    platform = Scripted()
    one = an_execution(place, platform)
    one.begin()
    while not one.steps.busy.idle.is_set() or not platform.left:  # noqa: ASYNC110 -- a store
        await asyncio.sleep(0)
    await one.end()
    assert states(place) == {IntentState.APPLIED}
    assert list(one.loops) == []


def asked(place: Place, **other: Any) -> Preparation:
    place.put(an_incident())
    question = Preparation(
        incident="INC-0001", attempt=1, environment=HERE, plan=PLAN.plan, asked_at=NOW
    )
    question = question.model_copy(update=other)
    with place.store.begin() as work:
        work.preparations.put(question)
    return question


def answer(place: Place) -> Preparation:
    with place.store.read() as view:
        found = view.preparations.of("INC-0001")
    assert found is not None
    return found


async def test_a_plan_that_is_asked_for_is_made_ready_once(place: Place) -> None:
    asked(place)
    platform = Scripted(looks=iter((Reply.OK,)))
    one = an_execution(place, platform)
    hands = one.deps.executor
    ready = replace(hands, bounds=lambda _ref: {})
    one.steps = ExecutorSteps(replace(one.deps, executor=ready))
    await taken(one)
    found = answer(place)
    assert found.answered
    assert platform.sent == []


async def test_why_a_plan_cannot_be_made_ready_is_the_answer(place: Place) -> None:
    asked(place)

    class Away(Scripted):
        async def prepare(self, *_: Any) -> Any:
            raise ZeroDivisionError("a defect of ours")

    await taken(an_execution(place, Away()))
    assert answer(place).flaw


async def test_a_question_of_another_environment_is_left_alone(place: Place) -> None:
    asked(place, environment=EnvironmentRef.parse("docker:other"))
    await taken(an_execution(place, Scripted()))
    assert not answer(place).answered


async def test_an_incident_of_another_environment_is_not_prepared_for(place: Place) -> None:
    asked(place)
    place.put(an_incident(environment=EnvironmentRef.parse("docker:other")))
    await taken(an_execution(place, Scripted()))
    assert answer(place).flaw == "INC-0001 is not of shop:a."
