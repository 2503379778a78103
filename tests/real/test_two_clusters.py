"""One `aiops serve` for two clusters: an alert finds the one that it is about.

The second has no node (`CLUSTER_PARTS=control`), and services and a namespace of the same names.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .cluster_shop import BAD, GOOD, ClusterShop
from .cluster_stage import ClusterStage, staged

pytestmark = pytest.mark.cluster

NAME = "pay"


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of another cluster, beside the first on this machine."""
    script = str(Path(__file__).parent / "cluster" / "cluster.sh")
    environment = {
        **os.environ,
        "CLUSTER_PARTS": "control",
        "CLUSTER_RUN": str(tmp_path / "second"),
        "CLUSTER_NODE": "10.243.0.2",
        "CLUSTER_BRIDGE": "aiops-second",
        "CLUSTER_ETCD_PORT": "23890",
    }
    try:
        up = subprocess.run(
            [script, "up"], check=False, env=environment, capture_output=True, text=True
        )
        assert up.returncode == 0, up.stderr
        yield Path(up.stdout.strip())
    finally:
        subprocess.run([script, "down"], env=environment, check=True)


@pytest.fixture
def both(tmp_path: Path, second: Path) -> Iterator[tuple[ClusterStage, ClusterShop]]:
    """The same service on both, and the product that looks at both."""
    (tmp_path / "elsewhere").mkdir()
    with staged(tmp_path) as here:
        there = ClusterShop(second, tmp_path / "elsewhere", here.namespace)
        try:
            asyncio.run(there.install())
            for shop in (here, there):
                shop.deploy(NAME)
            here.settled(NAME)
            here.watch(NAME)
            here.environment = "kubernetes:here"
            here.serve(
                NAME,
                environments={
                    name: {
                        "labels": {"cluster": name},
                        "sources": shop.sources(),
                    }
                    for name, shop in (("here", here), ("there", there))
                },
            )
            yield here, there
        finally:
            there.stop()


def test_an_alert_is_worked_on_in_its_own_cluster_and_nowhere_else(
    both: tuple[ClusterStage, ClusterShop],
) -> None:
    here, there = both
    untouched = there.one(NAME)["metadata"]["generation"]
    labels = {"deployment": NAME, "severity": "warning"}
    idle = here.alert("KubeDeploymentReplicasMismatch", cluster="there", **labels)
    told = here.wait(idle, "escalated")
    assert told["environment"] == "kubernetes:there"
    assert "no nodes available" in json.dumps(told)

    here.release(NAME, BAD)
    pod = here.waiting(NAME, "CrashLoopBackOff")
    incident = here.alert("KubePodCrashLooping", cluster="here", pod=pod, container=NAME)
    (action,) = here.planned(incident)
    assert action["kind"] == "rollback_release"
    assert here.approve(incident).code == 0
    assert here.wait(incident, "resolved", timeout=240)["environment"] == "kubernetes:here"
    assert (here.image(NAME), there.image(NAME)) == (GOOD, GOOD)
    assert there.one(NAME)["metadata"]["generation"] == untouched
