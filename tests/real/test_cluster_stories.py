"""Whole stories on a real cluster: an alert, a diagnosis, a plan, a person's yes, its effect.

`make test-cluster` starts the cluster. The stories share one: the last test reads what all of them
asked of the API server.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from .cluster_shop import BAD, GOOD, LAST_WORDS
from .cluster_stage import ClusterStage, staged
from .processes import until

pytestmark = pytest.mark.cluster

SERVICES = ("pay", "ship", "mail", "cart")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterStage]:
    """Four services that have run well, under traffic, and the product that looks at them."""
    with staged(tmp_path_factory.mktemp("stage")) as made:
        for name in SERVICES:
            made.deploy(name)
        made.settled(*SERVICES)
        made.watch(*SERVICES)
        made.serve(*SERVICES)
        yield made


def rolled_back(stage: ClusterStage, name: str, incident: str) -> None:
    """See the rollback planned, say yes, and see it verified."""
    (action,) = stage.planned(incident)
    assert (action["kind"], action["target"]["name"]) == ("rollback_release", name)
    assert stage.approve(incident).code == 0
    stage.wait(incident, "resolved", timeout=240)
    assert stage.image(name) == GOOD
    ready = stage.one(name)["status"]
    assert (ready["readyReplicas"], ready.get("unavailableReplicas", 0)) == (2, 0)


def test_a_release_that_ends_at_once_is_rolled_back_and_verified(stage: ClusterStage) -> None:
    stage.release("pay", BAD)
    pod = stage.waiting("pay", "CrashLoopBackOff")
    incident = stage.alert("KubePodCrashLooping", pod=pod, container="pay", severity="warning")
    rolled_back(stage, "pay", incident)
    assert LAST_WORDS in json.dumps(stage.show(incident))


def test_a_release_whose_image_does_not_exist_is_rolled_back(stage: ClusterStage) -> None:
    stage.release("ship", "local.test/story:never-made")
    pod = stage.waiting("ship", "ErrImagePull", "ImagePullBackOff")
    incident = stage.alert("KubeContainerWaiting", pod=pod, container="ship", severity="warning")
    rolled_back(stage, "ship", incident)


def test_what_somebody_changed_before_the_yes_counts_is_not_sent_to(stage: ClusterStage) -> None:
    stage.release("mail", BAD)
    pod = stage.waiting("mail", "CrashLoopBackOff")
    incident = stage.alert("KubePodCrashLooping", pod=pod, container="mail", severity="warning")
    stage.planned(incident)
    stage.kubectl("scale", "deployment/mail", "--replicas=3")
    before = stage.one("mail")
    stage.approve(incident)

    def decided() -> bool:
        shown = stage.show(incident)
        return bool(shown["status"] == "escalated" or len(shown["attempts"]) > 1)

    until(decided, 120, "the plan to be superseded")
    after = stage.one("mail")
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert (stage.image("mail"), after["spec"]["replicas"]) == (BAD, 3)
    first = stage.show(incident)["attempts"][0]
    assert not [
        effect
        for effect in (first.get("outcome") or {}).get("effects", ())
        if effect["state"] == "applied"
    ]


def test_what_argo_cd_manages_is_handed_over_with_the_way_out(stage: ClusterStage) -> None:
    tracked = "argocd.argoproj.io/tracking-id=shop:apps/Deployment:shop/cart"
    stage.kubectl("annotate", "deployment/cart", tracked)
    stage.release("cart", BAD)
    pod = stage.waiting("cart", "CrashLoopBackOff")
    incident = stage.alert("KubePodCrashLooping", pod=pod, container="cart", severity="warning")
    told = json.dumps(stage.wait(incident, "escalated"))
    assert "Argo CD manages" in told
    assert "make the change where that is written" in told
    assert stage.image("cart") == BAD


def test_what_no_node_takes_is_handed_over_with_the_scheduler_s_reason(
    stage: ClusterStage,
) -> None:
    stage.deploy("huge", resources={"requests": {"cpu": "1000"}})
    incident = stage.alert("KubeDeploymentReplicasMismatch", deployment="huge", severity="warning")
    told = json.dumps(stage.wait(incident, "escalated"))
    assert "Insufficient cpu" in told


def test_the_audit_log_says_what_the_ledger_says(stage: ClusterStage) -> None:
    """Of all the stories above: who reads only read, and each change has its record."""
    if "AIOPS_TEST_AUDIT" not in os.environ:
        pytest.skip("a cluster of yours, whose audit log AIOPS_TEST_AUDIT does not name")
    assert stage.audited() >= 2
