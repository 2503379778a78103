"""On a real cluster the product is killed while an incident waits, is armed, is sent.

Each time it goes on where it was: nothing is lost, and the workload has exactly one new generation.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from .cluster_door import ClusterDoor, Fate
from .cluster_shop import BAD, GOOD
from .cluster_stage import ClusterStage, staged

pytestmark = pytest.mark.cluster

# A service for each death: on one service three actions an hour are allowed.
KEPT = {"armed": Fate.KEPT, "sent": Fate.UNANSWERED}
SERVICES = ("idle", *KEPT)


@pytest.fixture(scope="module")
def door() -> Iterator[ClusterDoor]:
    """What the product asks of the cluster goes through it."""
    with ClusterDoor(ClusterStage.cluster()) as made:
        yield made


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, door: ClusterDoor) -> Iterator[ClusterStage]:
    """Services that have run well, under traffic, and the product behind a door."""
    with staged(tmp_path_factory.mktemp("stage")) as made:
        for name in SERVICES:
            made.deploy(name)
        made.settled(*SERVICES)
        made.watch(*SERVICES)
        made.serve(*SERVICES, server=door.url)
        yield made


def broken(stage: ClusterStage, name: str) -> str:
    """Release what ends at once; return the incident, which waits for a yes."""
    stage.release(name, BAD)
    pod = stage.waiting(name, "CrashLoopBackOff")
    incident = stage.alert("KubePodCrashLooping", pod=pod, container=name, severity="warning")
    (action,) = stage.planned(incident)
    assert (action["kind"], action["target"]["name"]) == ("rollback_release", name)
    return incident


def mended(stage: ClusterStage, name: str, incident: str, before: dict[str, Any]) -> None:
    """See it verified, by one change of the workload and one attempt."""
    shown = stage.wait(incident, "resolved", timeout=240)
    after = stage.one(name)
    assert stage.image(name) == GOOD
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    (attempt,) = shown["attempts"]
    assert [one["state"] for one in attempt["outcome"]["effects"]] == ["applied"]


def test_killed_while_it_waits_the_same_plan_waits_still(stage: ClusterStage) -> None:
    incident = broken(stage, "idle")
    assert stage.product is not None
    asked = stage.product.read("approval", "show", incident)
    before = stage.one("idle")
    stage.product.kill()
    stage.product.serve()
    assert stage.product.read("approval", "show", incident)["digest"] == asked["digest"]
    assert stage.approve(incident).code == 0
    mended(stage, "idle", incident, before)


@pytest.mark.parametrize("name", KEPT)
def test_killed_while_it_sends_the_change_is_made_once(
    stage: ClusterStage, door: ClusterDoor, name: str
) -> None:
    incident = broken(stage, name)
    before = stage.one(name)
    assert stage.product is not None
    door.shut(KEPT[name])
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(stage.approve, incident)
        assert door.closed.wait(120), "the change never came to the door"
        stage.product.kill()
        door.opened.set()
        stage.product.serve()
        said.result()
    mended(stage, name, incident, before)


def test_the_audit_log_says_what_the_ledger_says(stage: ClusterStage) -> None:
    assert stage.audited() >= len(SERVICES)
