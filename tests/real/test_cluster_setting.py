"""A whole story of a setting on a real cluster: changed by hand, found, set back, verified.

`make test-cluster` starts the cluster.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import pytest

from .cluster_stage import ClusterStage, staged
from .processes import until

pytestmark = pytest.mark.cluster

NAME, SETTINGS = "desk", "settings"
MOST = "PODINFO_RANDOM_DELAY_MAX"  # of the delay of each answer, in milliseconds
QUICK = {"PODINFO_RANDOM_DELAY": "true", "PODINFO_RANDOM_DELAY_UNIT": "ms", MOST: "2"}


def configure(stage: ClusterStage, **data: str) -> None:
    """Give keys of the ConfigMap their values, as a person does."""
    given = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": SETTINGS}, "data": data}
    stage.kubectl("apply", "--server-side", "-f", "-", given=given)


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterStage]:
    """A service that reads its settings from a ConfigMap, and the product that may set them."""
    with staged(tmp_path_factory.mktemp("stage")) as made:
        configure(made, **QUICK)
        made.deploy(NAME, envFrom=[{"configMapRef": {"name": SETTINGS}}])
        made.settled(NAME)
        made.watch(NAME)
        sources = made.sources()
        sources["kubernetes"]["config_maps"] = [SETTINGS]
        made.serve(NAME, sources=sources)
        yield made


def test_a_setting_that_made_it_slow_is_set_back_and_verified(stage: ClusterStage) -> None:
    began = time.monotonic()
    stage.incidents()  # its token takes a while on a busy machine
    # After two looks of the watch the settings as they were are known.
    until(lambda: time.monotonic() - began > 40, 60, "two looks")
    configure(stage, **{**QUICK, MOST: "700"})
    stage.kubectl("rollout", "restart", f"deployment/{NAME}")
    stage.settled(NAME)
    stage.suffers(NAME)
    incident = stage.alert("HighLatency", service=NAME, severity="warning")

    (action,) = stage.planned(incident)
    assert (action["kind"], action["target"]["name"]) == ("set_config", NAME)
    assert action["wished"] == {"name": f"{SETTINGS}/{MOST}", "value": "2"}
    assert stage.approve(incident).code == 0
    stage.wait(incident, "resolved", timeout=240)

    found = json.loads(stage.kubectl("get", "configmap", SETTINGS, "-o", "json"))
    assert found["data"] == QUICK
    if "AIOPS_TEST_AUDIT" in os.environ:  # one of a cluster of ours
        assert stage.audited() == 2
