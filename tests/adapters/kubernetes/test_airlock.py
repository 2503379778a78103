"""Each action through the executor, whatever becomes of what is sent: one effect or none."""

import json
from typing import Any

import pytest

from aiops_agent.actions.platform import Landing, Sight
from aiops_agent.domain.errors import ApprovalError
from aiops_agent.domain.ledger import IntentState
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Action
from aiops_agent.safety import send
from tests import seams
from tests.adapters.kubernetes.fake_api import NEW, OLD, FakeApi, Lost
from tests.adapters.kubernetes.life import (
    APPLIED,
    POINTS,
    TROUBLE,
    UNKNOWN,
    Died,
    KubeLife,
    lost,
    once,
    restart,
    rollback,
    said,
    scale,
)
from tests.safety.plans import asks


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "LOOK_AGAIN_SECONDS", 0)


@pytest.fixture(
    params=[
        scale(4),
        *(pytest.param(one, marks=pytest.mark.slow) for one in (restart(), rollback())),
    ],
    ids=lambda one: str(one.kind),
)
def action(request: pytest.FixtureRequest) -> Action:
    found: Action = request.param
    return found


@pytest.fixture
def api(api: FakeApi) -> FakeApi:
    api.release("payments-api", NEW)
    api.ran_well(OLD)
    return api


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_one_trouble_on_the_way_makes_one_effect_or_none(
    api: FakeApi, action: Action, trouble: str
) -> None:
    where, answer, state = TROUBLE[trouble]
    life = KubeLife(api, action)
    await life.plan()
    setattr(api, where, once(answer))

    outcome = await life.run()

    assert outcome.state is state, outcome
    assert life.effects == (state is APPLIED)
    assert life.as_wished is (state is APPLIED)
    assert len(set(api.writes)) == 1, "what is sent again is the same to the byte"


@pytest.mark.parametrize("where", ["before", "after"])
async def test_trouble_that_does_not_end_is_told_and_not_repeated_for_ever(
    api: FakeApi, action: Action, where: str
) -> None:
    life = KubeLife(api, action)
    await life.plan()
    setattr(api, where, said(500))
    outcome = await life.run()
    assert outcome.state is (UNKNOWN if where == "before" else APPLIED)
    assert life.effects == (where == "after")
    assert len(api.writes) <= send.MOST_SENDS


async def test_a_request_that_lands_late_and_again_has_one_effect(
    api: FakeApi, action: Action
) -> None:
    """Its answer is lost, nothing is seen of it, and it lands before its repetition does."""
    life = KubeLife(api, action)
    await life.plan()
    late: list[str] = []

    def held(_found: Any) -> Any:
        late.append(api.writes[-1])
        raise Lost

    def landing(_found: Any) -> Any:
        if not late:
            return held(_found)
        body, api.before = late.pop(), lambda _found: None
        query = {"fieldValidation": "Strict"}
        path = "/apis/apps/v1/namespaces/shop/deployments/payments-api"
        assert api.answer("PATCH", path, query, body)[0] == 200
        return None

    api.before = landing
    # What flies is let in by the second try, directly before that is judged.
    outcome = await life.run()
    assert (outcome.state, life.effects, life.as_wished) == (APPLIED, 1, True)


@pytest.mark.parametrize("at", POINTS)
async def test_a_process_that_dies_anywhere_leaves_one_effect_to_the_next(
    api: FakeApi, action: Action, at: Point
) -> None:
    life = KubeLife(api, action)
    await life.plan()

    def die(point: Point) -> None:
        if point is at:
            raise Died

    with pytest.raises(Died):
        await life.executor(die).execute(life.request, asks)
    assert (await life.run()).state is APPLIED
    assert (life.effects, life.as_wished, len(api.writes)) == (1, True, 1)


@pytest.mark.parametrize("at", [None, Point.ARMED, Point.BEFORE_SEND])
async def test_what_somebody_changed_after_the_yes_is_not_sent(
    api: FakeApi, action: Action, at: Point | None
) -> None:
    life = KubeLife(api, action)
    await life.plan()

    def meanwhile(point: Point | None) -> None:
        if point is at:
            api.change("payments-api", lambda found: found["spec"].update(minReadySeconds=5))

    meanwhile(None)
    try:
        outcome = await life.executor(meanwhile).execute(life.request, asks)
    except ApprovalError:
        assert at is None
    else:
        assert outcome.state is not APPLIED
    assert (life.effects, life.as_wished) == (1, False)


async def test_a_look_that_does_not_know_our_mark_is_caught(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect calls every change that is there somebody else's."""

    def blind(_patch: object, _live: object) -> Sight:
        return Sight(landing=Landing.DIVERGED, note="it is not as it was")

    seams.BY_MARK.plant(monkeypatch, blind)
    life = KubeLife(api, scale(4))
    await life.plan()
    api.after = once(lost)
    assert (await life.run()).state is UNKNOWN


async def test_a_sender_that_believes_a_silence_is_caught(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect calls what was not answered applied."""

    async def believed(sender: Any, intent: Any) -> Any:
        return await sender._record(intent, IntentState.APPLIED, "it was sent")

    seams.RECOVER.plant(monkeypatch, believed)
    life = KubeLife(api, scale(4))
    await life.plan()
    api.before = once(lost)
    assert (await life.run()).state is APPLIED
    assert life.effects == 0


async def test_what_was_applied_is_taken_back_by_the_executor(api: FakeApi) -> None:
    for action in (scale(4), rollback()):
        before = json.dumps(api.one("payments-api")["spec"])
        life = KubeLife(api, action)
        plan = await life.plan()
        assert (await life.run()).state is APPLIED
        api.after = once(lost)
        assert (await life.executor().undo(plan)).state is APPLIED
        assert json.dumps(api.one("payments-api")["spec"]) == before
