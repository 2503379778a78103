"""Whole stories on a real cluster: an alert, a diagnosis, a plan, a person's yes, its effect.

`make test-cluster` starts the cluster. The stories share one: the last test reads what all of them
asked of the API server.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.store import SqlStore
from bench.accounts import EXECUTOR, READER
from bench.cluster_audit import judged, records, requests

from .cluster_stage import BAD, GOOD, LAST_WORDS, ClusterStage
from .processes import until

pytestmark = pytest.mark.cluster

SERVICES = ("pay", "ship", "mail", "cart")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterStage]:
    """Four services that have run well, under traffic, and the product that looks at them."""
    kubeconfig = Path(os.environ["AIOPS_TEST_CLUSTER"])
    made = ClusterStage(kubeconfig, tmp_path_factory.mktemp("stage"))
    try:
        asyncio.run(made.install())
        for name in SERVICES:
            made.deploy(name)
        for name in SERVICES:
            made.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s")
        made.watch(*SERVICES)
        made.serve(*SERVICES)
        yield made
    finally:
        made.stop()
        asyncio.run(made.remove())
        log = made.folder / "product" / "serve.log"
        print(log.read_text(errors="replace")[-8000:] if log.exists() else "never served")


def waiting(stage: ClusterStage, name: str, *reasons: str) -> str:
    """Wait until a pod of a service waits for one of these reasons; return its name."""

    def found() -> str:
        for pod in stage.pods():
            states = [one["state"] for one in pod["status"].get("containerStatuses", ())]
            if pod["metadata"]["labels"].get("app") == name:
                for state in states:
                    if state.get("waiting", {}).get("reason") in reasons:
                        return str(pod["metadata"]["name"])
        return ""

    return until(found, 90, f"a pod of {name} to wait for {' or '.join(reasons)}")


def planned(stage: ClusterStage, incident: str) -> list[dict[str, Any]]:
    """Wait for a plan; return its actions."""
    stage.wait(incident, "awaiting_approval")
    assert stage.product is not None
    shown = stage.product.read("approval", "show", incident)
    actions: list[dict[str, Any]] = shown["prepared"]["plan"]["actions"]
    return actions


def rolled_back(stage: ClusterStage, name: str, incident: str) -> None:
    """See the rollback planned, say yes, and see it verified."""
    (action,) = planned(stage, incident)
    assert (action["kind"], action["target"]["name"]) == ("rollback_release", name)
    assert stage.approve(incident).code == 0
    stage.wait(incident, "resolved", timeout=240)
    assert stage.image(name) == GOOD
    ready = stage.one(name)["status"]
    assert (ready["readyReplicas"], ready.get("unavailableReplicas", 0)) == (2, 0)


def test_a_release_that_ends_at_once_is_rolled_back_and_verified(stage: ClusterStage) -> None:
    stage.release("pay", BAD)
    pod = waiting(stage, "pay", "CrashLoopBackOff")
    incident = stage.alert("KubePodCrashLooping", pod=pod, container="pay", severity="warning")
    rolled_back(stage, "pay", incident)
    assert LAST_WORDS in json.dumps(stage.show(incident))


def test_a_release_whose_image_does_not_exist_is_rolled_back(stage: ClusterStage) -> None:
    stage.release("ship", "local.test/story:never-made")
    pod = waiting(stage, "ship", "ErrImagePull", "ImagePullBackOff")
    incident = stage.alert("KubeContainerWaiting", pod=pod, container="ship", severity="warning")
    rolled_back(stage, "ship", incident)


def test_what_somebody_changed_before_the_yes_counts_is_not_sent_to(stage: ClusterStage) -> None:
    stage.release("mail", BAD)
    pod = waiting(stage, "mail", "CrashLoopBackOff")
    incident = stage.alert("KubePodCrashLooping", pod=pod, container="mail", severity="warning")
    planned(stage, incident)
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
    pod = waiting(stage, "cart", "CrashLoopBackOff")
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
    reader, executor = (stage.accounts.user(name) for name in (READER, EXECUTOR))
    database = make_engine(stage.store, 2)
    with SqlStore(database).read() as view:
        ledger = list(records(view))
    database.dispose()
    with Path(os.environ["AIOPS_TEST_AUDIT"]).open(encoding="utf-8") as lines:
        rows = judged(list(requests(lines)), ledger, reader, executor)
    for row in rows:
        print(row.json())
    assert [row.json() for row in rows if not row.met] == []
    assert len([one for one in ledger if one.state == "applied"]) >= 2
