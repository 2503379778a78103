"""Of a service some of whose instances are ill only those are restarted, or leave their machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aiops_agent.actions.cordon_node import CORDON_NODE, CordonBounds
from aiops_agent.actions.delete_pod import DELETE_POD, DeletePodBounds
from aiops_agent.domain.diagnosis import CauseKind, Hypothesis
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.remediation import PlanKind
from aiops_agent.domain.telemetry import (
    Change,
    ChangeKind,
    ServiceGraph,
    ServiceName,
    Workload,
)
from aiops_agent.reasoning.gather import Scene
from aiops_agent.reasoning.instances import standing
from aiops_agent.reasoning.propose import Means, moves, remedies
from aiops_agent.registry import CATALOGUE

WEB = ServiceName("web")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SICK = {"node-7": "not ready (Unknown): the kubelet stopped posting"}
PLACE = EnvironmentRef.parse("kubernetes:prod")


def pods(*ill: str, well: int = 1) -> tuple[Workload, ...]:
    """Some pods of the service: each that is ill with its node, the others elsewhere."""
    sick = [
        Workload(service=WEB, name=f"web-{n}", state="running", health="unhealthy", node=node)
        for n, node in enumerate(ill)
    ]
    fine = [
        Workload(service=WEB, name=f"web-well-{n}", state="running", health="healthy", node="n")
        for n in range(well)
    ]
    return (*sick, *fine)


def means(
    found: tuple[Workload, ...],
    kind: CauseKind = CauseKind.HANG,
    *,
    most: int = 3,
    allowed: bool = True,
    blamed: str = "web",
) -> Means:
    bounds = {
        DELETE_POD.kind: DeletePodBounds(max_pods=most),
        CORDON_NODE.kind: CordonBounds(allowed=allowed),
    }
    cause = Hypothesis(
        kind=kind, service=ServiceName(blamed), statement="it hangs", score=1, held=3, checks=3
    )
    graph = ServiceGraph(services=(), calls=())
    scene = Scene(WEB, NOW.timestamp(), NOW.timestamp(), {}, {}, graph)
    menu = CATALOGUE.offers("kubernetes", CATALOGUE.kinds, bounds)
    counted = standing(WEB, found, NOW)
    return Means(PLACE, scene, cause, None, menu, None, counted, SICK)


def first(given: Means) -> list[str]:
    return [action.text for action in remedies(given)[0].actions]


WHOLE = ["restart_service web"]


@pytest.mark.parametrize("kind", [CauseKind.HANG, CauseKind.LEAK])
def test_only_the_ill_ones_are_restarted(kind: CauseKind) -> None:
    found = remedies(means(pods("a", "b"), kind))
    assert [one.text for one in found[0].actions] == ["delete_pod web pods=web-0,web-1"]
    assert "only web-0, web-1 are ill, and the others stay" in found[0].reason
    assert [one.text for one in found[1].actions] == WHOLE, "the whole stays an alternative"


def test_all_are_restarted_where_none_is_well_or_too_many_are_ill_or_nobody_knows() -> None:
    assert first(means(pods("a", "b", well=0))) == WHOLE
    assert first(means(pods("a", "b"), most=1)) == WHOLE
    assert first(means(pods("a"), most=0)) == WHOLE
    assert first(means(pods())) == WHOLE
    assert first(means(())) == WHOLE


def test_of_another_service_than_the_one_to_blame_none_is_restarted() -> None:
    assert first(means(pods("a", "b"), blamed="store")) == ["restart_service store"]


@pytest.mark.parametrize("kind", CauseKind)
def test_what_is_ill_on_a_machine_that_fails_leaves_it(kind: CauseKind) -> None:
    given = means(pods("node-7", "node-7"), kind)
    [found] = moves(given)
    told = ["cordon_node node node-7 new_pods=no", "delete_pod web pods=web-0,web-1"]
    assert [one.text for one in found.actions] == told
    assert "node node-7 fails (not ready" in found.reason
    assert remedies(given)[0] == found


def test_a_machine_that_is_itself_to_blame_is_left_too() -> None:
    assert len(moves(means(pods("node-7"), CauseKind.UNKNOWN, blamed="node-7"))) == 1


def test_no_machine_is_cordoned_that_the_platform_calls_well_or_that_is_one_of_two() -> None:
    assert moves(means(pods("node-8"))) == ()
    assert moves(means(pods("node-7", "node-8"))) == ()
    assert moves(means(pods("node-7", well=0))) == ()
    assert moves(means(pods())) == ()


def test_who_fails_the_health_check_is_ended_where_nothing_else_is_known() -> None:
    given = means(pods("a"), CauseKind.UNKNOWN)
    [found] = moves(given)
    assert [one.text for one in found.actions] == ["delete_pod web pods=web-0"]
    assert found.stop_gap
    assert "why is not known" in found.reason


def test_who_fails_the_health_check_is_left_where_more_is_known_or_none_is_well() -> None:
    unknown = CauseKind.UNKNOWN
    assert moves(means(pods("a"), CauseKind.ERRORS)) == ()
    assert moves(means(pods("a", well=0), unknown)) == ()
    assert moves(means(pods("a", "b"), unknown, most=1)) == ()
    given = means(pods("a"), unknown)
    release = Change(at=NOW, service=WEB, kind=ChangeKind.RELEASE, title="x", source="kubernetes")
    changed_now = replace(given, scene=replace(given.scene, changes=(release,)))
    assert moves(changed_now) == ()
    tight = tuple(one.model_copy(update={"health": ""}) for one in pods("a"))
    assert moves(means(tight, unknown)) == ()


def test_where_cordoning_is_not_allowed_the_setting_is_named() -> None:
    [found] = moves(means(pods("node-7"), allowed=False))
    assert (found.kind, found.actions) == (PlanKind.ACT, ())
    assert "actions.cordon_node.allowed" in found.why_not
    assert first(means(pods("node-7"), CauseKind.UNKNOWN, allowed=False)) == []


def changed(old: str, fixed: str = "") -> Means:
    """A setting of a ConfigMap that was changed."""
    change = Change(
        at=NOW,
        service=WEB,
        kind=ChangeKind.CONFIG,
        title="x",
        source="kubernetes",
        settings={"web/POOL": (old, "2")},
        fixed=fixed,
    )
    return replace(means(pods(), CauseKind.CONFIG), change=change)


def test_a_setting_goes_back_to_its_earlier_value() -> None:
    assert first(changed("20")) == ["set_config web name=web/POOL value=20"]


def test_a_setting_whose_earlier_value_is_not_known_is_not_proposed_and_why_is_said() -> None:
    template = "it stands in the pod template, which a release changes"
    for given, why in ((changed("20", template), template), (changed("[redacted]"), "a secret")):
        refused, handed = remedies(given)
        assert not refused.actions
        assert why in refused.why_not
        assert handed.kind is PlanKind.HANDOVER
