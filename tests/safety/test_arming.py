"""Limits and breakers where they count: inside the transaction that arms, over all processes."""

import asyncio
import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.adapters.stop_file import StopFile
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState
from aiops_agent.domain.errors import OnHold, OverLimit
from aiops_agent.domain.ledger import IntentState
from aiops_agent.domain.remediation import EffectState, PreparedPlan
from aiops_agent.domain.sending import Limits, Switch, limit
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.registry import CATALOGUE
from aiops_agent.safety import send
from aiops_agent.safety.execute import Executor
from tests import seams
from tests.safety.memory import MemoryStore, inline
from tests.safety.plans import NOW, a_plan, a_request, an_incident, asks
from tests.safety.scripted import Reply, Scripted
from tests.targets import at as target

LATER = NOW + timedelta(minutes=2)
MOST = Limits(per_service=limit("3/h"), per_environment=limit("1000/h"))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run on one thread and wait for nothing."""
    monkeypatch.setattr(send, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(asyncio, "to_thread", inline)


def hands(
    platform: Scripted, store: Any, allowance: Any = lambda _ref: (LATER, MOST), **other: Any
) -> Executor:
    return Executor(
        platforms=lambda _name: platform,
        store=store,
        catalogue=CATALOGUE,
        bounds=lambda _name: {},
        now=lambda: LATER,
        allowance=allowance,
        **other,
    )


def approved(store: Any, number: int, service: str = "web") -> ApprovalRequest:
    """Put an incident with an approved plan of one action into a store."""
    name = f"INC-{number:04}"
    plan = a_plan(1, 1)
    step = plan.steps[0]
    action = step.action.model_copy(update={"target": target(service)})
    request = step.requests[0].model_copy(update={"operation": f"{name}.1.1.1"})
    step = step.model_copy(update={"action": action, "requests": (request,), "inverse": action})
    plan = plan.model_copy(update={"incident": name, "steps": (step,)})
    asked = a_request(plan, ApprovalState.APPROVED, id=f"{name}.1", incident=name)
    with store.begin() as work:
        work.incidents.put(an_incident(id=name, subject=target(service)))
        kept: ApprovalRequest = work.approvals.ask(asked)
    return kept


def over(store: Any, number: int) -> None:
    """End an incident, so that its claim on the service ends."""
    with store.begin() as work:
        work.ledger.release(f"INC-{number:04}")


async def executed(executor: Executor, store: Any, count: int) -> list[bool]:
    """Execute so many incidents of one service, one after the other; say which were sent."""
    sent = []
    for number in range(1, count + 1):
        request = approved(store, number)
        try:
            await executor.execute(request, asks)
            sent.append(True)
        except OverLimit:
            sent.append(False)
        over(store, number)
    return sent


async def test_beyond_the_limit_nothing_is_armed_and_the_yes_stays(at_once: None) -> None:
    store, platform = MemoryStore(), Scripted()
    assert await executed(hands(platform, store), store, 5) == [True] * 3 + [False] * 2
    assert len(platform.sent) == 3
    assert store.approvals.rows["INC-0004.1"].state is ApprovalState.APPROVED
    assert len(store.sending.rows["armed"]) == 3


async def test_arming_that_counts_nothing_is_caught(
    at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.ROOM.plant(monkeypatch, lambda *_: None)
    store = MemoryStore()
    assert await executed(hands(Scripted(), store), store, 4) == [True] * 4


async def test_without_an_allowance_the_built_in_limits_hold(at_once: None) -> None:
    store = MemoryStore()
    assert sum(await executed(hands(Scripted(), store, None), store, 9)) == 3


async def test_a_repeat_after_a_death_counts_once(at_once: None) -> None:
    store, platform = MemoryStore(), Scripted()
    request = approved(store, 1)
    for _ in range(5):
        await hands(platform, store).execute(request, asks)
    assert len(store.sending.rows["armed"]) == 1
    assert len(platform.sent) == 1


async def test_an_undo_is_neither_counted_nor_held_by_limits_and_breakers(at_once: None) -> None:
    store, platform = MemoryStore(), Scripted()
    request = approved(store, 1)
    await hands(platform, store).execute(request, asks)
    with store.begin() as work:
        breaker = work.sending.breaker(request.prepared.environment, ServiceName("web"))
        work.sending.put(breaker.failing("INC-0008", LATER).failing("INC-0009", LATER))
    none = Limits(per_service=limit("0/h"), per_environment=limit("0/h"))
    strict = hands(platform, store, lambda _ref: (LATER, none))

    undone = await strict.undo(request.prepared)

    assert undone.state is EffectState.APPLIED
    assert len(store.sending.rows["armed"]) == 1
    with pytest.raises(OverLimit):
        await strict.execute(approved(store, 2, "orders"), asks)


async def test_the_time_of_the_environment_counts(at_once: None) -> None:
    store, times = MemoryStore(), itertools.count()
    hour = timedelta(hours=1)
    moving = hands(Scripted(), store, lambda _ref: (NOW + next(times) * hour, MOST))
    assert all(await executed(moving, store, 9))  # an hour goes by there with each


def test_many_at_once_get_no_more_than_the_limit(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Two engines on one database, eight threads each: what two processes share is the file."""
    url = f"sqlite:///{tmp_path}/store.db"
    engines = [make_engine(url), make_engine(url)]
    upgrade(engines[0])
    stores = [SqlStore(engine) for engine in engines]
    requests = [approved(stores[0], number, f"web-{number % 12}") for number in range(16)]
    most = Limits(per_service=limit("1000/h"), per_environment=limit("5/h"))
    start, sent = threading.Barrier(16), list[str]()

    def run(number: int) -> None:
        executor = hands(Scripted(), stores[number % 2], lambda _ref: (LATER, most))
        start.wait()
        try:
            asyncio.run(executor.execute(requests[number], asks))
            sent.append(requests[number].incident)
        except (OverLimit, OnHold):  # another incident of the service may be acting
            return

    threads = [threading.Thread(target=run, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with stores[0].read() as view:
        counted = view.sending.armed(requests[0].prepared.environment, NOW)
    for engine in engines:
        engine.dispose()
    assert len(sent) == counted
    assert 1 <= counted <= 5
    record_property("count", f"arming: 16 at once on two engines, {counted} of at most 5")


def stop(store: Any) -> None:
    with store.begin() as work:
        work.sending.switch(Switch(stopped=True, by="alex", at=NOW))


class _HeldUp:
    """A stopwatch of a process that is held up once, right after it was allowed to send."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self.reads, self.meanwhile = 0, meanwhile

    def __call__(self) -> float:
        self.reads += 1
        if self.reads == 2:
            self.meanwhile()
        return 0.0 if self.reads == 1 else 60.0


@pytest.mark.parametrize("stopped", [True, False])
async def test_a_process_that_was_held_up_asks_again_before_it_sends(
    at_once: None, monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    store, platform = MemoryStore(), Scripted()
    request = approved(store, 1)
    watch = _HeldUp(lambda: stop(store) if stopped else None)
    executor = hands(platform, store)
    made = Executor._sender
    monkeypatch.setattr(Executor, "_sender", lambda *given: replace(made(*given), stopwatch=watch))
    if not stopped:
        await executor.execute(request, asks)
        assert len(platform.sent) == 1
        return
    with pytest.raises(OnHold):
        await executor.execute(request, asks)
    assert platform.sent == []
    (intent,) = store.ledger.rows.values()
    assert intent.state is IntentState.ARMED


@pytest.mark.parametrize(("later", "reads"), [(0.5, 2), (0.51, 4)])
async def test_half_a_second_from_permission_to_send_is_soon_enough(
    at_once: None, monkeypatch: pytest.MonkeyPatch, later: float, reads: int
) -> None:
    store, platform = MemoryStore(), Scripted()
    request, told = approved(store, 1), iter([0.0, later, 9.0, 9.0])
    made = Executor._sender
    watch = told.__next__
    monkeypatch.setattr(Executor, "_sender", lambda *given: replace(made(*given), stopwatch=watch))

    await hands(platform, store).execute(request, asks)

    assert (len(platform.sent), len(list(told))) == (1, 4 - reads)


class _Slow:
    """A stopwatch of a process that is held up behind every permission."""

    def __init__(self, reads: int = 1000) -> None:
        self.reads = reads

    def __call__(self) -> float:
        self.reads -= 1
        if self.reads < 0:
            raise Endless
        return -self.reads * 1.0  # a second later each time


class Endless(Exception):
    """It asks, and asks, and asks."""


def slowed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Executor._sender
    slow = _Slow()
    monkeypatch.setattr(Executor, "_sender", lambda *given: replace(made(*given), stopwatch=slow))


async def test_a_process_that_is_always_held_up_sends_nothing_and_says_why(
    at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, platform = MemoryStore(), Scripted()
    request = approved(store, 1)
    slowed(monkeypatch)
    outcome = await hands(platform, store).execute(request, asks)
    assert platform.sent == []
    assert (outcome.state, outcome.begun) == (EffectState.SKIPPED, False)
    assert "held up for more than 0.5 s" in outcome.halted
    (intent,) = store.ledger.rows.values()
    assert (intent.state, intent.begun) == (IntentState.SKIPPED, False)


async def test_a_way_back_that_is_always_held_up_ends_too(
    at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, platform = MemoryStore(), Scripted()
    request = approved(store, 1)
    await hands(platform, store).execute(request, asks)
    slowed(monkeypatch)
    outcome = await hands(platform, store).undo(request.prepared)
    assert len(platform.sent) == 1
    assert (outcome.state, outcome.begun) == (EffectState.SKIPPED, False)


async def test_a_part_that_was_begun_by_a_process_held_up_since_is_a_persons_to_judge(
    at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, platform = MemoryStore(), Scripted(sends=iter([Reply.LOST_BEFORE]))
    request = approved(store, 1)
    slow, made = _Slow(), Executor._sender

    def late() -> float:  # held up at the repeat only
        return slow() if platform.left else 0.0

    monkeypatch.setattr(Executor, "_sender", lambda *given: replace(made(*given), stopwatch=late))
    outcome = await hands(platform, store).execute(request, asks)
    assert outcome.state is EffectState.UNKNOWN
    assert "held up" in outcome.effects[0].note
    assert "Ask a person" in outcome.effects[0].note


async def test_a_sender_that_asks_for_ever_is_caught(
    at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    request = approved(store, 1)
    slowed(monkeypatch)
    seams.MOST_ASKS.plant(monkeypatch, 10**9)
    with pytest.raises(Endless):
        await hands(Scripted(), store).execute(request, asks)


async def test_the_file_holds_sends_and_undos_and_lets_them_go_on(
    at_once: None, tmp_path: Path
) -> None:
    store, platform = MemoryStore(), Scripted()
    file = StopFile(tmp_path / "STOP")
    executor = hands(platform, store, halted=file)
    request = approved(store, 1)
    file.path.touch()
    with pytest.raises(OnHold, match="STOP"):
        await executor.execute(request, asks)
    file.path.unlink()
    await executor.execute(request, asks)
    file.path.symlink_to("nowhere")
    with pytest.raises(OnHold, match="STOP"):
        await executor.undo(request.prepared)
    assert len(platform.sent) == 1
    file.path.unlink()
    assert (await executor.undo(request.prepared)).state is EffectState.APPLIED


def half(plan: PreparedPlan) -> PreparedPlan:
    """The same with a second request."""
    step = plan.steps[0]
    (one,) = step.requests
    two = one.model_copy(update={"operation": f"{one.operation}b"})
    return plan.model_copy(update={"steps": (step.model_copy(update={"requests": (one, two)}),)})


async def test_a_plan_stopped_half_way_is_finished_after_the_start(at_once: None) -> None:
    store = MemoryStore()
    request = approved(store, 1)
    plan = half(request.prepared)
    decision = (
        request.decision.model_copy(update={"digest": plan.digest}) if request.decision else None
    )
    request = request.model_copy(
        update={"prepared": plan, "digest": plan.digest, "decision": decision}
    )
    store.approvals.rows[request.id] = request
    platform = Scripted(sends=iter([Reply.OK, Reply.OK]))
    marks = itertools.count()
    executor = hands(
        platform,
        store,
        mark=lambda point: stop(store) if point == "recorded" and not next(marks) else None,
    )
    with pytest.raises(OnHold):
        await executor.execute(request, asks)
    states = [one.state for one in store.ledger.of_plan(plan.incident, plan.digest, undo=False)]
    assert states == [IntentState.APPLIED, IntentState.ARMED]  # half-changed, and known to be
    with store.begin() as work:
        work.sending.switch(Switch(stopped=False, by="alex", at=NOW))
    assert (await executor.execute(request, asks)).state is EffectState.APPLIED
    assert len(platform.sent) == 2
