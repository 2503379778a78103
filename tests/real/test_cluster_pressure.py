"""On a real cluster: too much to do, stuck pods, no memory, an autoscaler, a freeze, and calm.

All services are bounded ones (service/service.py): what they can do a second does not depend on how
busy the machine is.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .cluster_shop import BOUNDED, PORT
from .cluster_stage import ClusterStage, staged
from .processes import until

pytestmark = pytest.mark.cluster

SERVICES = ("stock", "quote", "login", "rates")
WORK, SLOTS = 0.1, 2  # two pods serve 40 requests a second
TOO_MUCH = 55.0  # requests a second
LIMIT = "64Mi"
QUIET_SECONDS = 120  # in which a watch that sees harm where there is none would have opened one
LEAK = {"LEAK": 100}  # KiB that each request keeps


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterStage]:
    """Services under their usual traffic, and the product that looks at them."""
    with staged(tmp_path_factory.mktemp("stage")) as made:
        for name in SERVICES:
            deploy(made, name, "/readyz" if name in ("login", "rates") else "/metrics")
        made.settled(*SERVICES)
        made.watch(*SERVICES)
        made.serve(watch={"signals": "open", "kubernetes": "open"})
        yield made


def deploy(stage: ClusterStage, name: str, probe: str, **more: float) -> None:
    """Have two bounded pods; a probe that needs a worker fails when none is free."""
    given = {"PORT": PORT, "WORK": WORK, "SLOTS": SLOTS, "WAIT": 1, **more}
    stage.deploy(
        name,
        BOUNDED,
        env=[{"name": key, "value": str(value)} for key, value in given.items()],
        readinessProbe={"httpGet": {"path": probe, "port": PORT}, "periodSeconds": 1},
        resources={"limits": {"memory": LIMIT}},
    )


def hang(stage: ClusterStage, name: str) -> str:
    """Have every worker of one pod stuck; return its name when it is not ready any more."""
    pod = next(one for one in stage.pods() if one["metadata"]["labels"]["app"] == name)
    address = f"http://{pod['status']['podIP']}:{PORT}/hang"
    urllib.request.urlopen(address, timeout=20).close()
    stuck = str(pod["metadata"]["name"])

    def unready() -> bool:
        found = stage.get(f"api/v1/namespaces/{stage.namespace}/pods/{stuck}")
        return any(not one["ready"] for one in found["status"]["containerStatuses"])

    until(unready, 60, f"{stuck} to be unready")
    return stuck


def uids(stage: ClusterStage, name: str) -> dict[str, str]:
    """Return the pods of a service by name."""
    return {
        one["metadata"]["name"]: one["metadata"]["uid"]
        for one in stage.pods()
        if one["metadata"]["labels"]["app"] == name and "deletionTimestamp" not in one["metadata"]
    }


def test_healthy_services_open_nothing_and_have_nothing_proposed(stage: ClusterStage) -> None:
    """Not by itself for a while, nor on an alert that is not so."""
    end = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < end:
        assert stage.incidents() == []
        time.sleep(5)
    incident = stage.alert("HighLatency", service="stock", severity="critical")
    shown = stage.wait(incident, "dismissed", timeout=300)
    assert shown["triage"]["impact"] == "no harm is seen at stock"
    assert shown["attempts"] == []


def test_only_the_stuck_pod_is_made_anew(stage: ClusterStage) -> None:
    before = uids(stage, "login")
    stuck = hang(stage, "login")
    incident = stage.alert("KubePodNotReady", pod=stuck, severity="warning")
    (action,) = stage.planned(incident)
    assert (action["kind"], action["wished"]) == ("delete_pod", {"pods": stuck})
    assert stage.approve(incident).code == 0
    stage.wait(incident, "resolved", timeout=240)
    after = uids(stage, "login")
    assert stuck not in after
    assert len(after) == 2
    assert {name: uid for name, uid in before.items() if name != stuck}.items() <= after.items()


def test_overload_is_scaled_and_verified(stage: ClusterStage) -> None:
    with stage.strained("stock", TOO_MUCH):
        incident = stage.alert("HighLatency", service="stock", severity="critical")
        (action,) = stage.planned(incident)
        assert (action["kind"], action["target"]["name"]) == ("scale_pods", "stock")
        assert stage.approve(incident).code == 0
        stage.wait(incident, "resolved", timeout=300)
    assert stage.one("stock")["status"]["readyReplicas"] == action["wished"]["replicas"]


def test_what_an_autoscaler_owns_is_handed_over_with_the_way_out(stage: ClusterStage) -> None:
    stage.kubectl("autoscale", "deployment/quote", "--min=2", "--max=2", "--cpu-percent=80")
    with stage.strained("quote", TOO_MUCH):
        incident = stage.alert("HighLatency", service="quote", severity="critical")
        told = json.dumps(stage.wait(incident, "escalated"))
    assert "autoscaler quote sets the replicas" in told
    assert "maxReplicas" in told
    assert stage.one("quote")["spec"]["replicas"] == 2


def test_what_is_frozen_today_is_refused_with_the_reason(stage: ClusterStage) -> None:
    today = datetime.now(UTC)
    days = [f"{today + timedelta(days=more):%A}".lower() for more in (0, 1)]
    frozen: dict[str, Any] = {
        "days": days,
        "actions": ["restart_service", "delete_pod"],
        "reason": f"no restarts on {days[0]}s",
    }
    stage.reconfigure(policy={"freeze": [frozen]})
    before = uids(stage, "rates")
    stuck = hang(stage, "rates")
    incident = stage.alert("KubePodNotReady", pod=stuck, severity="warning")
    assert frozen["reason"] in json.dumps(stage.wait(incident, "escalated"))
    assert uids(stage, "rates") == before


def test_out_of_memory_is_named_with_its_limit(stage: ClusterStage) -> None:
    deploy(stage, "feed", "/metrics", **LEAK)
    stage.settled("feed")
    stage.visit("feed")

    def killed() -> str:
        for pod in stage.pods():
            if pod["metadata"]["labels"]["app"] == "feed":
                for one in pod["status"]["containerStatuses"]:
                    if one["lastState"].get("terminated", {}).get("reason") == "OOMKilled":
                        return str(pod["metadata"]["name"])
        return ""

    pod = until(killed, 300, "a pod of feed to be out of memory")
    incident = stage.alert("KubePodCrashLooping", pod=pod, container="feed", severity="warning")
    shown = stage.wait(incident, "awaiting_approval", "escalated")
    told = json.dumps(shown)
    assert "memory" in told
    assert "limit of 64 MB" in told


def test_the_audit_log_says_what_the_ledger_says(stage: ClusterStage) -> None:
    assert stage.audited() >= 3
