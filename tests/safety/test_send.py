"""What a refusal means, and whose word stands when two processes look after one request."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.actions.platform import Accepted, Begin, at_once
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.errors import NotPermitted, RequestRefused
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.point import unmarked
from aiops_agent.domain.remediation import Effect, EffectState, Request
from aiops_agent.registry import CATALOGUE
from aiops_agent.safety import permit, send
from aiops_agent.safety.execute import Executor
from tests.safety.memory import MemoryStore, inline
from tests.safety.plans import NOW, a_plan, a_request, asks, stored
from tests.safety.scripted import Reply, Scripted

STEP = a_plan(1, 1).steps[0]
ONE = a_plan(1, 1).model_copy(
    update={"steps": (STEP.model_copy(update={"requests": STEP.requests[:1]}),)}
)
NO_MORE = "It takes no more of these."


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(asyncio, "to_thread", inline)


@dataclass
class Closing(Scripted):
    """Takes so many requests and refuses what comes then, before it leaves; what flew lands."""

    takes: int = 0

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        if len(self.sent) >= self.takes:
            self._land(request.operation)
            raise RequestRefused(NO_MORE)
        return await super().send(request, begin)


@dataclass
class Shared(Scripted):
    """While a request is on its way `meanwhile` happens."""

    meanwhile: Callable[[], None] = field(default=lambda: None)

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        accepted = await super().send(request, begin)
        self.meanwhile()
        return accepted


async def lived(platform: Scripted, store: MemoryStore) -> Effect:
    """Execute the approved plan of one request and return what became of it."""
    request = stored(store, a_request(ONE, ApprovalState.APPROVED))
    executor = Executor(
        platforms=lambda _name: platform,
        store=store,
        catalogue=CATALOGUE,
        bounds=lambda _name: {},
        now=lambda: NOW + timedelta(minutes=2),
    )
    (effect,) = (await executor.execute(request, asks)).effects
    return effect


def row(store: MemoryStore) -> Intent:
    (intent,) = store.ledger.rows.values()
    return intent


async def test_what_is_refused_before_it_left_was_not_sent_and_needs_no_look() -> None:
    store, blind = MemoryStore(), Closing(looks=iter([Reply.CANNOT_TELL]))
    effect = await lived(blind, store)
    assert (effect.state, effect.note) == (EffectState.REFUSED, NO_MORE)
    assert (row(store).sends, row(store).begun) == (0, False)
    assert next(blind.looks) is Reply.CANNOT_TELL, "nobody looked"


@pytest.mark.parametrize(
    ("first", "looks", "state", "note"),
    [
        (Reply.SLOW, (), EffectState.APPLIED, "it is there"),
        (Reply.LOST_BEFORE, (), EffectState.REFUSED, NO_MORE),
        (
            Reply.LOST_BEFORE,
            (Reply.OK, Reply.CANNOT_TELL),
            EffectState.UNKNOWN,
            "cannot tell: ask a person",
        ),
    ],
)
async def test_a_refused_repeat_says_nothing_of_the_send_before_it(
    first: Reply, looks: tuple[Reply, ...], state: EffectState, note: str
) -> None:
    platform = Closing(sends=iter([first]), looks=iter(looks), takes=1)
    effect = await lived(platform, MemoryStore())
    assert (effect.state, effect.note) == (state, note)
    assert len(platform.sent) == 1


async def test_what_landed_was_not_refused_whatever_the_answer_says() -> None:
    """A connection of the platform may repeat a request by itself, and tell us of the second."""
    platform = Shared(meanwhile=refuses)
    effect = await lived(platform, MemoryStore())
    assert (effect.state, effect.note) == (EffectState.APPLIED, "it is there")
    assert len(platform.sent) == 1


def refuses() -> None:
    raise RequestRefused(NO_MORE)


async def test_what_another_process_recorded_first_stands() -> None:
    """It took us for dead while our request was on its way, and could not tell."""
    store = MemoryStore()

    def judges() -> None:
        known = row(store)
        judged = known.model_copy(update={"state": IntentState.UNKNOWN, "note": "ask a person"})
        store.ledger.rows[known.operation] = judged

    effect = await lived(Shared(meanwhile=judges), store)

    assert (effect.state, effect.note) == (EffectState.UNKNOWN, "ask a person")
    assert row(store).state is IntentState.UNKNOWN


async def test_a_request_whose_yes_is_gone_is_not_genuine() -> None:
    store = MemoryStore()
    await lived(Scripted(), store)
    with store.read() as view:
        assert permit.genuine(view, "INC-0001.1", row(store)).digest == ONE.digest
        with pytest.raises(NotPermitted, match="no used yes to the stored plan"):
            permit.genuine(view, "INC-0001.9", row(store))


@pytest.mark.parametrize("changed", [{"operation": "INC-0001.1.9"}, {"incident": "INC-0002"}])
async def test_a_row_that_stands_under_another_name_is_not_genuine(changed: dict[str, str]) -> None:
    store = MemoryStore()
    await lived(Scripted(), store)
    with store.read() as view, pytest.raises(NotPermitted, match="somebody changed the store"):
        permit.genuine(view, "INC-0001.1", row(store).model_copy(update=changed))


@pytest.mark.parametrize("answer", [None, {"approve": False}, {"digest": "f" * 64}])
async def test_a_used_request_without_a_yes_to_its_plan_is_not_genuine(
    answer: dict[str, Any] | None,
) -> None:
    store = MemoryStore()
    await lived(Scripted(), store)
    used = store.approvals.rows["INC-0001.1"]
    assert used.decision is not None
    decision = None if answer is None else used.decision.model_copy(update=answer)
    store.approvals.rows[used.id] = used.model_copy(update={"decision": decision})
    with store.read() as view, pytest.raises(NotPermitted, match="no used yes"):
        permit.genuine(view, used.id, row(store))


def test_a_request_without_an_answer_begins_nothing_however_fresh() -> None:
    asked = a_request(ONE)
    assert "approved at no time" in permit.late(asked, asked.asked_at, permit.USE_WITHIN)


async def test_what_was_begun_is_finished_where_the_rest_is_skipped() -> None:
    """A try that did not land is armed again; then one before it fails, and the process dies."""
    store, platform = MemoryStore(), Scripted()
    await lived(platform, store)
    begun = row(store).model_copy(update={"state": IntentState.ARMED, "begun": True})
    store.ledger.rows[begun.operation] = begun
    asked: list[object] = []

    async def fresh(intent: Intent) -> None:
        asked.append(intent)

    sender = send.Sender(
        "INC-0001.1", platform, store, unmarked, lambda *given: asked.append(given[2]), fresh
    )

    done = await sender.skip(begun, "one before it did not apply")

    assert done.state is IntentState.APPLIED
    assert asked == [False], "it is no first send, and nobody asks whether it may begin"
