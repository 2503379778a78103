"""A node is cordoned once, and uncordoned only while the cordon is ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aiops_agent.actions.platform import Landing
from aiops_agent.adapters.kubernetes.live import MARK
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import NotOurs, PlatformError, RequestRefused
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Action, ActionKind, Target, TargetKind
from aiops_agent.safety import send
from tests import seams
from tests.adapters.kubernetes.fake_api import NOW, FakeApi
from tests.adapters.kubernetes.fake_nodes import a_node, cordon, foreign_cordon
from tests.adapters.kubernetes.fake_patch import Raw, status
from tests.adapters.kubernetes.life import (
    APPLIED,
    OPERATION,
    POINTS,
    TROUBLE,
    Died,
    KubeLife,
    lost,
    once,
)
from tests.safety.plans import asks
from tests.sending import applied

BACK = "INC-0001.1.undo.1"


@pytest.fixture
def api(api: FakeApi) -> FakeApi:
    a_node(api, "node-7", ready=False)
    a_node(api, "node-8")
    return api


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "LOOK_AGAIN_SECONDS", 0)


def node(api: FakeApi) -> Raw:
    return api.objects["nodes", "", "node-7"]


def cordoned(api: FakeApi) -> bool:
    return node(api)["spec"].get("unschedulable") is True


async def test_it_is_cordoned_and_uncordoned_again(api: FakeApi) -> None:
    draft = await api.platform.prepare(cordon(), OPERATION)
    assert await api.platform.unchanged(draft)
    sent = await applied(api.platform, draft.requests)
    assert cordoned(api)
    assert node(api)["metadata"]["annotations"][MARK] == f"{OPERATION}.1"
    assert await api.platform.unchanged(draft, sent)
    assert (draft.run, draft.undo) == ("kubectl cordon node-7", "kubectl uncordon node-7")

    back = await api.platform.take_back(draft, sent, BACK)
    await applied(api.platform, back)
    assert not cordoned(api)
    with pytest.raises(RequestRefused):  # the first one, late: its mark is gone
        await api.platform.send(draft.requests[0])
    assert not cordoned(api)


async def test_what_is_cordoned_already_is_left_so(api: FakeApi) -> None:
    foreign_cordon(api)
    draft = await api.platform.prepare(cordon(), OPERATION)
    assert (draft.requests, draft.inverse) == ((), None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda api: api.objects.pop(("nodes", "", "node-7")), "has no node node-7"),
        (lambda api: api.objects.pop(("nodes", "", "node-8")), "no node but node-7 takes"),
        (lambda api: foreign_cordon(api, "node-8"), "no node but node-7 takes"),
        (lambda api: api.forbidden.add("nodes"), "forbids us to read"),
        (lambda api: setattr(api, "refuse", status(403, "no")), r"node node-7 \(403\): no"),
    ],
)
async def test_what_cannot_be_cordoned_is_refused_in_a_sentence(
    api: FakeApi, change: Callable[[FakeApi], object], words: str
) -> None:
    change(api)
    with pytest.raises(PlatformError, match=words):
        await api.platform.prepare(cordon(), OPERATION)


async def test_what_somebody_else_did_to_it_stops_ours_and_stays(api: FakeApi) -> None:
    draft = await api.platform.prepare(cordon(), OPERATION)
    foreign_cordon(api)
    assert not await api.platform.unchanged(draft)
    with pytest.raises(RequestRefused, match="was changed since the plan was made"):
        await api.platform.send(draft.requests[0])
    assert (await api.platform.look(draft.requests[0], NOW)).landing is Landing.DIVERGED


def uncordoned(api: FakeApi) -> None:
    node(api)["spec"].pop("unschedulable")


def cordoned_anew(api: FakeApi) -> None:
    uncordoned(api)
    foreign_cordon(api)


def replaced(api: FakeApi) -> None:
    node(api)["metadata"]["uid"] = "another"


def untold(api: FakeApi) -> None:
    del node(api)["metadata"]["managedFields"]


def gone(api: FakeApi) -> None:
    del api.objects["nodes", "", "node-7"]


OTHERS = [uncordoned, cordoned_anew, replaced, untold, gone]


@pytest.mark.parametrize("change", OTHERS)
async def test_a_cordon_that_is_ours_no_more_is_left_to_a_person(
    api: FakeApi, change: Callable[[FakeApi], object]
) -> None:
    draft = await api.platform.prepare(cordon(), OPERATION)
    sent = await applied(api.platform, draft.requests)
    change(api)
    with pytest.raises(NotOurs):
        await api.platform.take_back(draft, sent, BACK)


async def test_hands_that_uncordon_what_others_cordoned_are_caught(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.CORDON_IS_OURS.plant(monkeypatch, lambda _node: True)
    draft = await api.platform.prepare(cordon(), OPERATION)
    sent = await applied(api.platform, draft.requests)
    cordoned_anew(api)
    await applied(api.platform, await api.platform.take_back(draft, sent, BACK))
    assert not cordoned(api)


@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLE)
async def test_one_trouble_on_the_way_makes_one_cordon_or_none(api: FakeApi, trouble: str) -> None:
    where, answer, state = TROUBLE[trouble]
    life = KubeLife(api, cordon())
    plan = await life.plan()
    setattr(api, where, once(answer))

    outcome = await life.run()

    assert outcome.state is state, outcome
    assert cordoned(api) is (state is APPLIED)
    assert api.taken.count(f"{OPERATION}.1") == (state is APPLIED)
    if state is APPLIED:
        api.after = once(lost)
        assert (await life.executor().undo(plan)).state is APPLIED
        assert not cordoned(api)


@pytest.mark.slow
@pytest.mark.parametrize("at", POINTS)
async def test_a_process_that_dies_anywhere_leaves_one_cordon_to_the_next(
    api: FakeApi, at: Point
) -> None:
    life = KubeLife(api, cordon())
    await life.plan()

    def die(point: Point) -> None:
        if point is at:
            raise Died

    with pytest.raises(Died):
        await life.executor(die).execute(life.request, asks)
    assert (await life.run()).state is APPLIED
    assert api.taken == [f"{OPERATION}.1"]


@pytest.mark.parametrize("name", ["", "../x", "a?b", "Upper"])
async def test_what_is_no_name_never_reaches_an_address(api: FakeApi, name: str) -> None:
    target = Target(environment=EnvironmentRef.parse("shop:a"), kind=TargetKind.NODE, name=name)
    wished: dict[str, Any] = {"new_pods": "no"}
    with pytest.raises(PlatformError):
        await api.platform.prepare(
            Action(kind=ActionKind("cordon_node"), target=target, wished=wished), OPERATION
        )
    assert all("?" not in path and ".." not in path for _, path, _, _ in api.seen)
