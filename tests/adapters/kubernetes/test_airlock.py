"""Each action through the executor, whatever becomes of what is sent: one effect or none."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.actions.platform import Landing, Sight
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.errors import ApprovalError
from aiops_agent.domain.ledger import IntentState
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Action, EffectState, Outcome, PreparedPlan
from aiops_agent.registry import CATALOGUE
from aiops_agent.safety import send
from aiops_agent.safety.execute import Executor
from tests import seams
from tests.adapters.kubernetes.fake_api import REFUSED_TEST, FakeApi, Lost, Raw, status
from tests.adapters.kubernetes.test_platform import NEW, OLD, image, restart, rollback, scale
from tests.safety.memory import MemoryStore
from tests.safety.plans import NOW, a_plan, a_request, asks, stored

APPLIED, REFUSED, UNKNOWN = EffectState.APPLIED, EffectState.REFUSED, EffectState.UNKNOWN


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


class Life:
    """One approved plan of one action, executed as often as a process is begun."""

    def __init__(self, api: FakeApi, action: Action) -> None:
        self.api, self.action, self.store = api, action, MemoryStore()

    async def plan(self) -> PreparedPlan:
        draft = await self.api.platform.prepare(self.action, "INC-0001.1.1")
        plan = a_plan(1, 1).model_copy(update={"steps": (CATALOGUE.prepared(draft),)})
        self.request = stored(self.store, a_request(plan, ApprovalState.APPROVED))
        return plan

    def executor(self, mark: Callable[[Point], None] = lambda _point: None) -> Executor:
        return Executor(
            platforms=lambda _name: self.api.platform,
            store=self.store,
            catalogue=CATALOGUE,
            bounds=lambda _name: {},
            now=lambda: NOW + timedelta(minutes=2),
            mark=mark,
        )

    async def run(self) -> Outcome:
        return await self.executor().execute(self.request, asks)

    @property
    def effects(self) -> int:
        """How often what the workload is to be was changed since the last release."""
        return int(self.api.one("payments-api")["metadata"]["generation"]) - 2

    @property
    def as_wished(self) -> bool:
        found = self.api.one("payments-api")["spec"]
        restarted = found["template"]["metadata"].get("annotations")
        return {
            "restart_service": bool(restarted),
            "scale_pods": found["replicas"] == 4,
            "rollback_release": image(self.api) == OLD,
        }[self.action.kind]


def once(answer: Callable[[Raw], Any]) -> Callable[[Raw], Any]:
    """Answer so the first time, and let the others be."""
    left = [answer]
    return lambda found: left.pop()(found) if left else None


def lost(_found: Raw) -> Any:
    raise Lost


def said(code: int, words: str = "no") -> Callable[[Raw], Any]:
    return lambda _found: status(code, words)


TROUBLE: dict[str, tuple[str, Callable[[Raw], Any], EffectState]] = {
    "lost before it was taken": ("before", lost, APPLIED),
    "lost after it was taken": ("after", lost, APPLIED),
    "too many requests": ("before", said(429), APPLIED),
    "an error of the server before": ("before", said(500), APPLIED),
    "an error of the server after": ("after", said(500), APPLIED),
    "not available": ("before", said(503), APPLIED),
    "a timeout of the server after": ("after", said(504), APPLIED),
    "a conflict": ("before", said(409), REFUSED),
    "a conflict that is told of what was taken": ("after", said(409), APPLIED),
    "a test that failed": ("before", lambda _found: REFUSED_TEST, REFUSED),
    "a failed test that is told of what was taken": ("after", lambda _found: REFUSED_TEST, APPLIED),
    "forbidden": ("before", said(403), REFUSED),
    "not let in": ("before", said(401), REFUSED),
    "elsewhere": ("before", said(307), REFUSED),
    "not understood": ("before", said(400), REFUSED),
}


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_one_trouble_on_the_way_makes_one_effect_or_none(
    api: FakeApi, action: Action, trouble: str
) -> None:
    where, answer, state = TROUBLE[trouble]
    life = Life(api, action)
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
    life = Life(api, action)
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
    life = Life(api, action)
    await life.plan()
    late: list[str] = []

    def held(_found: Raw) -> Any:
        late.append(api.writes[-1])
        raise Lost

    def landing(_found: Raw) -> Any:
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


class Died(BaseException):
    """The process ended here."""


POINTS = (Point.ARMED, Point.BEFORE_SEND, Point.SENDING, Point.AFTER_SEND, Point.RECORDED)


@pytest.mark.parametrize("at", POINTS)
async def test_a_process_that_dies_anywhere_leaves_one_effect_to_the_next(
    api: FakeApi, action: Action, at: Point
) -> None:
    life = Life(api, action)
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
    life = Life(api, action)
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
    life = Life(api, scale(4))
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
    life = Life(api, scale(4))
    await life.plan()
    api.before = once(lost)
    assert (await life.run()).state is APPLIED
    assert life.effects == 0


async def test_what_was_applied_is_taken_back_by_the_executor(api: FakeApi) -> None:
    for action in (scale(4), rollback()):
        before = json.dumps(api.one("payments-api")["spec"])
        life = Life(api, action)
        plan = await life.plan()
        assert (await life.run()).state is APPLIED
        api.after = once(lost)
        assert (await life.executor().undo(plan)).state is APPLIED
        assert json.dumps(api.one("payments-api")["spec"]) == before
