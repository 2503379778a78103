"""The closed menu: what is not on it, badly typed or out of bounds is refused before anything."""

from dataclasses import replace
from typing import Any

import pytest

from aiops_agent.actions.cordon_node import CORDON_NODE, CordonBounds
from aiops_agent.actions.scale import SCALE, ScaleBounds
from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    BlastRadius,
    Draft,
    Offer,
    Risk,
    Target,
    TargetKind,
)
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.registry import ACTIONS, CATALOGUE
from aiops_agent.simulator.platform import MOVES
from tests.adapters.docker.fake_engine import FakeEngine, Known
from tests.adapters.kubernetes.fake_api import FakeApi
from tests.targets import at

ELSEWHERE = EnvironmentRef.parse("shop:a")
BOUNDS = {
    SCALE.kind: ScaleBounds(max_replicas=6),
    CORDON_NODE.kind: CordonBounds(allowed=True),
}
PLACES = ("shop", "kubernetes")  # what one of them does not offer the other does
MENU = tuple(
    {
        offer.kind: offer
        for place in PLACES
        for offer in CATALOGUE.offers(place, CATALOGUE.kinds, BOUNDS)
    }.values()
)
TARGETS = {spec.kind: min(spec.targets) for spec in ACTIONS}
RIGHT: dict[ActionKind, dict[str, Any]] = {
    ActionKind("restart_service"): {},
    ActionKind("scale_pods"): {"replicas": 6},
    ActionKind("rollback_release"): {"release": "r41"},
    ActionKind("set_config"): {"name": "DB_POOL_SIZE", "value": "8"},
    ActionKind("delete_pod"): {"pods": "web-1,web-2"},
    ActionKind("cordon_node"): {"new_pods": "no"},
}


def an_action(kind: ActionKind, wished: dict[str, Any]) -> Action:
    target = at("payments-api").model_copy(update={"kind": TARGETS[kind]})
    return Action.model_construct(kind=kind, target=target, wished=wished)


def test_every_kind_of_action_is_known_and_offered() -> None:
    assert set(RIGHT) == set(CATALOGUE.kinds) == {offer.kind for offer in MENU}


@pytest.mark.parametrize("kind", CATALOGUE.kinds)
def test_a_right_action_passes(kind: ActionKind) -> None:
    CATALOGUE.check(an_action(kind, RIGHT[kind]), MENU)


@pytest.mark.parametrize("kind", CATALOGUE.kinds)
def test_an_action_that_the_place_does_not_offer_is_refused(kind: ActionKind) -> None:
    menu = [offer for offer in MENU if offer.kind != kind]
    with pytest.raises(PlatformError, match="not offered"):
        CATALOGUE.check(an_action(kind, RIGHT[kind]), menu)


@pytest.mark.parametrize("kind", CATALOGUE.kinds)
def test_smuggled_missing_and_mistyped_parameters_are_refused(kind: ActionKind) -> None:
    right = RIGHT[kind]
    smuggled = {**right, "command": "rm -rf /"}
    missing = [{n: v for n, v in right.items() if n != left_out} for left_out in right]
    others: tuple[object, ...] = (None, True, [1], 2.0, {})
    strange = [{**right, name: other} for name in right for other in others]
    for wished in (smuggled, *missing, *strange):
        with pytest.raises(PlatformError):
            CATALOGUE.check(an_action(kind, wished), MENU)


@pytest.mark.parametrize("replicas", [7, 0, -1, 10**12])
def test_replicas_out_of_bounds_are_refused(replicas: int) -> None:
    with pytest.raises(PlatformError, match=r"at most 6|at least one"):
        CATALOGUE.check(an_action(ActionKind("scale_pods"), {"replicas": replicas}), MENU)


@pytest.mark.parametrize("pods", ["", "a,", "a,a", "a,b,c,d"])
def test_pods_are_named_once_each_and_within_the_bound(pods: str) -> None:
    with pytest.raises(PlatformError, match=r"named, once|at most 3 pods"):
        CATALOGUE.check(an_action(ActionKind("delete_pod"), {"pods": pods}), MENU)


def test_a_node_is_cordoned_only_where_that_is_allowed() -> None:
    menu = CATALOGUE.offers("kubernetes", CATALOGUE.kinds, {})
    action = an_action(ActionKind("cordon_node"), {"new_pods": "no"})
    with pytest.raises(PlatformError, match=r"actions\.cordon_node\.allowed"):
        CATALOGUE.check(action, menu)
    with pytest.raises(PlatformError, match='new_pods is "no"'):
        CATALOGUE.check(action.model_copy(update={"wished": {"new_pods": "yes"}}), MENU)


def test_without_a_bound_nothing_is_scaled_up() -> None:
    menu = [Offer(kind=ActionKind("scale_pods"))]
    with pytest.raises(PlatformError, match="without its bounds"):
        CATALOGUE.check(an_action(ActionKind("scale_pods"), {"replicas": 2}), menu)


@pytest.mark.parametrize(
    ("kind", "reach", "interrupts", "back", "risk"),
    [
        (ActionKind("scale_pods"), 1, False, True, Risk.LOW),
        (ActionKind("scale_pods"), 5, False, True, Risk.MEDIUM),
        (ActionKind("scale_pods"), 4, False, True, Risk.LOW),
        (ActionKind("restart_service"), 1, True, False, Risk.MEDIUM),
        (ActionKind("restart_service"), 9, True, False, Risk.HIGH),
        (ActionKind("rollback_release"), 1, True, True, Risk.MEDIUM),
        (ActionKind("set_config"), 9, True, False, Risk.HIGH),
    ],
)
def test_wide_reach_and_no_way_back_raise_the_risk(
    kind: ActionKind, reach: int, interrupts: bool, back: bool, risk: Risk
) -> None:
    blast = BlastRadius(
        services=tuple(ServiceName(f"s{n}") for n in range(reach)),
        replicas=1,
        interrupts=interrupts,
        words="",
    )
    action = an_action(kind, RIGHT[kind])
    draft = Draft(
        action=action,
        requests=(),
        precondition={},
        inverse=action if back else None,
        blast=blast,
        run="",
    )
    assert CATALOGUE.prepared(draft).risk is risk


def test_a_wish_is_never_a_delta() -> None:
    for kind in CATALOGUE.kinds:
        assert not {"add", "by", "delta", "more"} & set(RIGHT[kind])
    assert an_action(ActionKind("scale_pods"), {"replicas": 4}).text.endswith("replicas=4")


def test_only_a_thing_of_the_right_kind_is_acted_on() -> None:
    node = Target(environment=ELSEWHERE, kind=TargetKind.NODE, name="node-1")
    action = Action(kind=SCALE.kind, target=node, wished={"replicas": 2})
    with pytest.raises(PlatformError, match="node"):
        CATALOGUE.check(action, MENU)


def test_a_target_is_written_with_its_kind_only_where_it_is_no_service() -> None:
    pod = Target(environment=ELSEWHERE, kind=TargetKind.POD, namespace="shop", name="web-1")
    assert [at("web").text, pod.text] == ["web", "pod shop/web-1"]
    assert at("web").model_copy(update={"namespace": "shop"}).text == "shop/web"


def test_a_platform_does_what_the_specs_say_that_it_may() -> None:
    docker = replace(FakeEngine().platform, releases=Known())
    cluster = replace(FakeApi(client=KubeClient()).platform, releases=Known())
    offered = {"shop": tuple(MOVES), "docker": docker.kinds, "kubernetes": cluster.kinds}
    for platform, kinds in offered.items():
        assert set(kinds) == {spec.kind for spec in ACTIONS if platform in spec.platforms}


def test_the_parameters_fill_in_the_words() -> None:
    for spec in ACTIONS:
        for words in (spec.do, spec.undo):
            assert words.format(target="web", **RIGHT[spec.kind])
