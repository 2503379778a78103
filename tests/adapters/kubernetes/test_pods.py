"""Only the pods that are named end: those that are ill still, and that somebody makes anew."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiops_agent.actions.platform import Landing
from aiops_agent.adapters.kubernetes.live import MARK
from aiops_agent.domain.errors import NotOurs, PlatformError, RequestRefused
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Action
from aiops_agent.safety import send
from tests import seams
from tests.adapters.kubernetes.fake_api import NOW, FakeApi
from tests.adapters.kubernetes.fake_patch import Raw, status
from tests.adapters.kubernetes.fake_pods import a_pod
from tests.adapters.kubernetes.life import (
    APPLIED,
    OPERATION,
    POINTS,
    TROUBLE,
    Died,
    KubeLife,
    delete,
    once,
)
from tests.safety.plans import asks
from tests.sending import applied

ILL, WELL = "payments-api-h0-a", "payments-api-h0-b"
POD = ("pods", "shop", ILL)


@pytest.fixture
def api(api: FakeApi) -> FakeApi:
    found = api.one("payments-api")
    a_pod(api, ILL, found, ready=False)
    a_pod(api, WELL, found)
    return api


async def refusal(api: FakeApi, action: Action | None = None) -> str:
    with pytest.raises(PlatformError) as error:
        await api.platform.prepare(action or delete(ILL), OPERATION)
    assert api.writes == []
    return str(error.value)


def get_well(api: FakeApi) -> None:
    api.objects[POD]["status"]["conditions"][0]["status"] = "True"


async def test_the_workload_is_marked_and_the_ill_pod_alone_is_evicted(api: FakeApi) -> None:
    draft = await api.platform.prepare(delete(ILL), OPERATION)
    uid = api.objects[POD]["metadata"]["uid"]
    assert await api.platform.unchanged(draft)
    mark, eviction = draft.requests
    assert (await api.platform.look(eviction, NOW)).landing is Landing.NOT_LANDED
    sent = await applied(api.platform, [mark])
    assert await api.platform.unchanged(draft, sent)
    sent += await applied(api.platform, [eviction])

    assert api.one("payments-api")["metadata"]["annotations"][MARK] == f"{OPERATION}.1"
    assert POD not in api.objects
    assert ("pods", "shop", WELL) in api.objects
    assert json.loads(api.writes[-1])["deleteOptions"] == {"preconditions": {"uid": uid}}
    assert (await api.platform.look(eviction, NOW)).landing is Landing.LANDED
    assert draft.run == f"kubectl -n shop delete pod {ILL}"
    assert "1 pod not touched" in draft.blast.words
    assert draft.inverse is None
    with pytest.raises(NotOurs):
        await api.platform.take_back(draft, sent, "INC-0001.1.undo.1")


@pytest.mark.parametrize("plural", ["statefulsets", "daemonsets"])
async def test_the_pods_of_other_workloads_are_evicted_too(api: FakeApi, plural: str) -> None:
    agent = api.workload("agent", plural)
    a_pod(api, "agent-0", agent, ready=False)
    a_pod(api, "agent-1", agent)
    draft = await api.platform.prepare(delete("agent-0", name="agent"), OPERATION)
    sent = await applied(api.platform, draft.requests[:1])
    assert await api.platform.unchanged(draft, sent)
    with pytest.raises(RequestRefused):  # its mark is there: the same once more is refused
        await api.platform.send(draft.requests[0])
    assert (await api.platform.look(draft.requests[0], NOW)).landing is Landing.LANDED
    await applied(api.platform, draft.requests[1:])
    assert ("pods", "shop", "agent-0") not in api.objects


async def test_a_budget_that_forbids_it_is_told_by_its_name(api: FakeApi) -> None:
    api.budgets = {"payments": 0}
    assert "The disruption budget payments needs 2 healthy pods" in await refusal(api)


async def test_a_budget_that_is_used_up_meanwhile_stops_it_before_it_is_sent(api: FakeApi) -> None:
    draft = await api.platform.prepare(delete(ILL), OPERATION)
    api.budgets = {"payments": 0}
    began: list[bool] = []

    async def begin() -> None:
        began.append(True)

    with pytest.raises(RequestRefused, match="budget payments"):
        await api.platform.send(draft.requests[1], begin)
    assert (began, api.writes) == ([], [])


async def test_hands_that_try_no_eviction_out_are_caught(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def believed(_writes: Any, _eviction: Any) -> None:
        return None

    draft = await api.platform.prepare(delete(ILL), OPERATION)
    seams.EVICTION_TRIED.plant(monkeypatch, believed)
    api.budgets = {"payments": 0}
    with pytest.raises(RequestRefused, match="budget payments"):
        await api.platform.send(draft.requests[1])
    assert len(api.writes) == 1


async def test_a_missing_right_is_told_with_the_way_out(api: FakeApi) -> None:
    draft = await api.platform.prepare(delete(ILL), OPERATION)
    api.refuse = status(403, "pods is forbidden")
    with pytest.raises(
        RequestRefused, match=r"of pods/eviction, or set actions\.delete_pod\.max_pods"
    ):
        await api.platform.send(draft.requests[1])


STRANGE: list[tuple[str, Any]] = [
    ("nobody's", lambda pod: pod["metadata"].update(ownerReferences=[])),
    ("another's", lambda pod: pod["metadata"]["ownerReferences"][0].update(uid="other")),
    ("no controller", lambda pod: pod["metadata"]["ownerReferences"][0].pop("controller")),
    ("ending", lambda pod: pod["metadata"].update(deletionTimestamp="2026-03-01T12:00:00Z")),
]


@pytest.mark.parametrize(("_words", "change"), STRANGE)
async def test_a_pod_that_nobody_would_make_anew_is_not_ended(
    api: FakeApi, _words: str, change: Any
) -> None:
    change(api.objects[POD])
    assert f"has no pod {ILL} that its controller would make anew" in await refusal(api)


async def test_a_pod_of_a_release_that_is_wanted_no_more_is_not_ended(api: FakeApi) -> None:
    api.one("payments-api-h0", "replicasets")["spec"]["replicas"] = 0
    assert "has no pod" in await refusal(api)


async def test_hands_that_take_any_pod_with_the_label_are_caught(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = api.one("payments-api-h0", "replicasets")["metadata"]["uid"]
    owner = api.one("payments-api")["metadata"]["uid"]
    seams.POD_MAKER.plant(
        monkeypatch, lambda one: owner if one["metadata"]["uid"] == maker else maker
    )
    api.objects[POD]["metadata"]["ownerReferences"] = []
    await api.platform.prepare(delete(ILL), OPERATION)


async def test_without_another_that_is_ready_none_is_ended(api: FakeApi) -> None:
    assert "no other pod of" in await refusal(api, delete(ILL, WELL))
    api.objects["pods", "shop", WELL]["status"]["conditions"][0]["status"] = "False"
    assert "restart the whole" in await refusal(api)


def replaced(api: FakeApi) -> None:
    api.objects[POD]["metadata"]["uid"] = "another"


def restarted(api: FakeApi) -> None:
    api.objects[POD]["status"]["containerStatuses"][0]["restartCount"] = 1


def released(api: FakeApi) -> None:
    api.release("payments-api", "registry.test/shop:9")


CHANGES = [get_well, replaced, released, lambda api: api.objects.pop(POD)]


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_otherwise_than_planned_is_not_ended(api: FakeApi, change: Any) -> None:
    draft = await api.platform.prepare(delete(ILL), OPERATION)
    sent = await applied(api.platform, draft.requests[:1])
    change(api)
    assert not await api.platform.unchanged(draft, sent)


async def test_one_that_is_ready_is_left_alone_when_it_was_started_anew(api: FakeApi) -> None:
    get_well(api)
    draft = await api.platform.prepare(delete(ILL), OPERATION)
    assert await api.platform.unchanged(draft)
    restarted(api)
    assert not await api.platform.unchanged(draft)


async def test_hands_that_do_not_see_that_a_pod_got_well_are_caught(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.POD_STATE.plant(monkeypatch, lambda _pod: {})
    draft = await api.platform.prepare(delete(ILL), OPERATION)
    get_well(api)
    assert await api.platform.unchanged(draft)


async def test_another_pod_under_the_name_is_never_evicted(api: FakeApi) -> None:
    draft = await api.platform.prepare(delete(ILL), OPERATION)
    before: Raw = api.objects[POD]
    replaced(api)
    with pytest.raises(RequestRefused, match="another one by now"):
        await api.platform.send(draft.requests[1])
    assert api.objects[POD] is before
    assert (await api.platform.look(draft.requests[1], NOW)).landing is Landing.LANDED


@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLE)
async def test_one_trouble_on_the_way_ends_the_pod_once_or_not_at_all(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(send, "LOOK_AGAIN_SECONDS", 0)
    where, answer, state = TROUBLE[trouble]
    life = KubeLife(api, delete(ILL))
    await life.plan()
    once_only, pod = once(answer), api.objects[POD]
    setattr(api, where, lambda found: once_only(found) if found is pod else None)

    outcome = await life.run()

    assert outcome.state is state, outcome
    assert (POD not in api.objects) is (state is APPLIED)
    assert api.taken.count(f"{OPERATION}.2") == (state is APPLIED)


@pytest.mark.slow
@pytest.mark.parametrize("at", POINTS)
async def test_a_process_that_dies_anywhere_leaves_the_rest_to_the_next(
    api: FakeApi, at: Point
) -> None:
    life = KubeLife(api, delete(ILL))
    await life.plan()
    left = [2]  # at the eviction, which passes each point the second time but for the first

    def die(point: Point) -> None:
        left[0] -= point is at
        if point is at and (not left[0] or at is Point.ARMED):
            raise Died

    with pytest.raises(Died):
        await life.executor(die).execute(life.request, asks)
    assert (await life.run()).state is APPLIED
    assert api.taken == [f"{OPERATION}.1", f"{OPERATION}.2"]


@pytest.mark.parametrize("name", ["", "web/../x", "a?b=1", "Upper"])
async def test_what_is_no_name_never_reaches_an_address(api: FakeApi, name: str) -> None:
    await refusal(api, delete(name))
    assert all("?" not in path and ".." not in path for _, path, _, _ in api.seen)
