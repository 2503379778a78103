"""The hands on a real API server: it answers what the one of the unit tests answers.

AIOPS_TEST_CLUSTER names a kubeconfig of a cluster that may be changed; its pods need not run.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from aiops_agent.actions.platform import Landing
from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.json_patch import put
from aiops_agent.adapters.kubernetes.live import MARK
from aiops_agent.adapters.kubernetes.platform import KubernetesPlatform
from aiops_agent.adapters.kubernetes.restart import RESTARTED
from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.domain.errors import NotOurs, PlatformError, RequestRefused
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.remediation import Action, ActionKind, TargetKind
from aiops_agent.domain.telemetry import ServiceName
from tests.adapters.kubernetes.fake_api import NEW, OLD, template
from tests.adapters.kubernetes.fake_configs import CONFIG, KEY, NOW_IS, WAS, set_config
from tests.sending import applied
from tests.targets import at

from .processes import until

pytestmark = pytest.mark.cluster

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAME, OPERATION = "payments-api", "INC-0001.1.1"
SECONDS = 20.0  # for a controller to take up a change


@dataclass
class RealCluster:
    """A namespace of its own on a cluster, and the hands on it."""

    config: Path
    namespace: str = field(default_factory=lambda: f"aiops-test-{uuid4().hex[:8]}")
    known: list[GoodRelease] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = KubeClient(self.config)
        writes, where = Writes(self.client, self.client), (self.namespace,)
        self.platform = KubernetesPlatform(writes, lambda: NOW, None, self, where, (CONFIG,))

    async def good(self, service: ServiceName) -> tuple[GoodRelease, ...]:
        return tuple(one for one in self.known if one.service == service)

    def ran_well(self, image: str) -> None:
        name = ServiceName(NAME)
        self.known.append(
            GoodRelease(service=name, image_id=f"id-of-{image}", image=image, seen=NOW)
        )

    def kubectl(self, *words: str, given: object = None) -> str:
        command = ["kubectl", f"--kubeconfig={self.config}", "-n", self.namespace, *words]
        text = None if given is None else json.dumps(given)
        ran = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def add(self, kind: str, name: str = NAME, **spec: Any) -> None:
        """Make a workload and wait until its controller has seen it."""
        given: dict[str, Any] = {
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": {
                "selector": {"matchLabels": {"app": name}},
                "template": template(name),
                **spec,
            },
        }
        self.kubectl("create", "-f", "-", given=given)
        self.settle(kind, name)

    def settle(self, kind: str = "Deployment", name: str = NAME) -> None:
        def seen() -> bool:
            found = self.one(kind, name)
            observed: int = found["status"].get("observedGeneration", 0)
            return bool(observed >= found["metadata"]["generation"])

        until(seen, SECONDS, f"the controller of {kind} {name}")

    def one(self, kind: str = "Deployment", name: str = NAME) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "-o", "json"))
        return found

    def configured(self, **more: Any) -> None:
        """Make a ConfigMap of which the workload reads every value."""
        data = {KEY: WAS, "LEVEL": "info"}
        about = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG}}
        self.kubectl("create", "-f", "-", given={**about, "data": data, **more})
        self.kubectl("set", "env", f"deployment/{NAME}", f"--from=configmap/{CONFIG}")
        self.settle()

    @property
    def values(self) -> dict[str, str]:
        found: dict[str, str] = self.one("configmap", CONFIG)["data"]
        return found

    @property
    def restarted(self) -> str:
        notes = self.one()["spec"]["template"]["metadata"].get("annotations", {})
        return str(notes.get(RESTARTED, ""))

    def release(self, image: str) -> None:
        """Roll another image out."""
        self.kubectl("set", "image", f"deployment/{NAME}", f"app={image}")
        self.settle()

    def pods(self, name: str) -> list[str]:
        """Have two pods that no node takes: the first one looks ill, the other one ready."""
        nowhere = template(name)
        nowhere["spec"]["nodeSelector"] = {"aiops-test/nowhere": "yes"}
        self.add("Deployment", name, replicas=2, template=nowhere)
        until(lambda: len(self.named(name)) == 2, SECONDS, f"two pods of {name}")
        for pod, ready in zip(self.named(name), ("False", "True"), strict=True):
            state = {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}
            told = json.dumps({"status": state})
            self.kubectl("patch", "pod", pod, "--subresource=status", "--type=merge", "-p", told)
        return self.named(name)

    def named(self, name: str) -> list[str]:
        found = self.kubectl("get", "pods", "-l", f"app={name}", "-o", "name").split()
        return [one.removeprefix("pod/") for one in found]

    @property
    def token(self) -> str:
        """The token of the kubeconfig."""
        told = self.kubectl("config", "view", "--raw", "--minify", "-o", "json")
        return str(json.loads(told)["users"][0]["user"]["token"])

    @property
    def image(self) -> str:
        return str(self.one()["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.fixture
async def cluster() -> AsyncIterator[RealCluster]:
    config = os.environ.get("AIOPS_TEST_CLUSTER", "")
    assert config, "AIOPS_TEST_CLUSTER names no kubeconfig of a cluster; start one and name it."
    found = RealCluster(Path(config))
    found.kubectl("create", "namespace", found.namespace)
    try:
        found.add("Deployment", replicas=2)
        yield found
    finally:
        await found.client.close()
        found.kubectl("delete", "namespace", found.namespace, "--wait=false")


def action(kind: str, name: str = NAME, **wished: str | int) -> Action:
    return Action(kind=ActionKind(kind), target=at(name), wished=wished)


ROLLBACK = action("rollback_release", release=OLD, image=f"id-of-{OLD}")


async def test_each_action_has_one_effect_and_bears_its_mark(cluster: RealCluster) -> None:
    was = cluster.one()["spec"]["template"]
    cluster.release(NEW)
    cluster.ran_well(OLD)
    wished = (action("restart_service"), action("scale_pods", replicas=3), ROLLBACK)
    for number, one in enumerate(wished, start=1):
        draft = await cluster.platform.prepare(one, f"INC-0001.{number}.1")
        [request] = draft.requests
        before = cluster.one()["metadata"]["generation"]
        assert (await cluster.platform.look(request, NOW)).landing is Landing.NOT_LANDED
        await cluster.platform.send(request)
        with pytest.raises(RequestRefused):
            await cluster.platform.send(request)
        sight = await cluster.platform.look(request, NOW)
        assert sight.landing is Landing.LANDED
        after = cluster.one()["metadata"]
        assert after["annotations"][MARK] == request.operation
        assert after["generation"] == before + 1
        assert sight.made == f"{after['uid']}/{after['generation']}"
        cluster.settle()
    found = cluster.one()["spec"]
    assert (found["replicas"], found["template"]) == (3, was)


async def test_scaling_and_rolling_back_are_taken_back(cluster: RealCluster) -> None:
    cluster.release(NEW)
    cluster.ran_well(OLD)
    for one in (action("scale_pods", replicas=3), ROLLBACK):
        before = cluster.one()["spec"]
        draft = await cluster.platform.prepare(one, OPERATION)
        sent = await applied(cluster.platform, draft.requests)
        cluster.settle()
        assert cluster.one()["spec"] != before
        back = await cluster.platform.take_back(draft, sent, "INC-0001.1.undo.1")
        await applied(cluster.platform, back)
        assert cluster.one()["spec"] == before
        cluster.settle()


async def test_what_somebody_changed_is_not_sent_to_and_not_taken_back(
    cluster: RealCluster,
) -> None:
    waiting = await cluster.platform.prepare(action("scale_pods", replicas=3), OPERATION)
    sent = await applied(cluster.platform, waiting.requests)
    cluster.settle()
    other = await cluster.platform.prepare(action("scale_pods", replicas=4), "INC-0002.1.1")
    cluster.kubectl("scale", f"deployment/{NAME}", "--replicas=7")
    with pytest.raises(RequestRefused, match="was changed since"):
        await cluster.platform.send(other.requests[0])
    with pytest.raises(NotOurs):
        await cluster.platform.take_back(waiting, sent, "INC-0001.1.undo.1")
    assert cluster.one()["spec"]["replicas"] == 7


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
async def test_workloads_without_any_annotation_are_restarted(
    cluster: RealCluster, kind: str
) -> None:
    cluster.add(kind, "agent", **({"serviceName": "agent"} if kind == "StatefulSet" else {}))
    draft = await cluster.platform.prepare(action("restart_service", "agent"), OPERATION)
    await applied(cluster.platform, draft.requests)
    assert cluster.one(kind, "agent")["metadata"]["annotations"][MARK] == f"{OPERATION}.1"


async def test_an_autoscaler_and_a_pause_are_seen(cluster: RealCluster) -> None:
    cluster.kubectl("autoscale", f"deployment/{NAME}", "--min=1", "--max=4", "--cpu-percent=80")
    with pytest.raises(PlatformError, match="autoscaler payments-api sets the replicas"):
        await cluster.platform.prepare(action("scale_pods", replicas=6), OPERATION)
    cluster.kubectl("rollout", "pause", f"deployment/{NAME}")
    cluster.settle()
    with pytest.raises(PlatformError, match="is paused"):
        await cluster.platform.prepare(action("restart_service"), OPERATION)


async def test_a_field_that_the_server_does_not_know_is_refused_without_a_value(
    cluster: RealCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = put("/spec/unknownField", "x")
    monkeypatch.setattr("aiops_agent.adapters.kubernetes.scale.replaced", lambda *_given: [unknown])
    with pytest.raises(PlatformError) as error:
        await cluster.platform.prepare(action("scale_pods", replicas=3), OPERATION)
    assert "strict decoding error" in str(error.value)
    assert "s3cret" not in str(error.value)


async def test_only_the_ill_pod_is_evicted_and_made_anew(cluster: RealCluster) -> None:
    ill, well = cluster.pods("unplaced")
    draft = await cluster.platform.prepare(
        action("delete_pod", "unplaced", pods=ill), "INC-0001.1.1"
    )
    mark, eviction = draft.requests
    assert (await cluster.platform.look(eviction, NOW)).landing is Landing.NOT_LANDED
    sent = await applied(cluster.platform, [mark])
    cluster.settle(name="unplaced")
    assert await cluster.platform.unchanged(draft, sent)
    await cluster.platform.send(eviction)
    until(lambda: ill not in cluster.named("unplaced"), SECONDS, f"the end of {ill}")
    assert (await cluster.platform.look(eviction, NOW)).landing is Landing.LANDED
    with pytest.raises(RequestRefused, match="is gone"):
        await cluster.platform.send(eviction)
    assert well in cluster.named("unplaced")
    until(lambda: len(cluster.named("unplaced")) == 2, SECONDS, "another pod in its place")


async def test_a_disruption_budget_is_named_and_not_used_up(cluster: RealCluster) -> None:
    ill, _ = cluster.pods("unplaced")
    draft = await cluster.platform.prepare(action("delete_pod", "unplaced", pods=ill), OPERATION)
    cluster.kubectl("create", "pdb", "keep-both", "--selector=app=unplaced", "--min-available=2")

    def seen() -> bool:
        return "observedGeneration" in cluster.one("pdb", "keep-both")["status"]

    until(seen, SECONDS, "the controller of budgets")
    with pytest.raises(PlatformError, match="budget keep-both needs 2 healthy pods"):
        await cluster.platform.prepare(action("delete_pod", "unplaced", pods=ill), OPERATION)
    with pytest.raises(RequestRefused, match="budget keep-both needs 2 healthy pods"):
        await cluster.platform.send(draft.requests[1])
    assert ill in cluster.named("unplaced")
    assert not cluster.one("pdb", "keep-both")["status"].get("disruptedPods")


async def test_a_node_is_cordoned_and_uncordoned_while_it_is_ours(cluster: RealCluster) -> None:
    name = f"{cluster.namespace}-node"
    # Of one that is made without any field nobody keeps who wrote what.
    about = {"name": name, "labels": {"kubernetes.io/hostname": name}}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": about}
    cluster.kubectl("create", "-f", "-", given=node)
    target = at(name).model_copy(update={"kind": TargetKind.NODE})
    cordon = Action(kind=ActionKind("cordon_node"), target=target, wished={"new_pods": "no"})
    try:
        for number, theirs in enumerate((False, True)):
            draft = await cluster.platform.prepare(cordon, f"INC-000{number}.1.1")
            sent = await applied(cluster.platform, draft.requests)
            assert cluster.one("node", name)["spec"]["unschedulable"]
            assert (await cluster.platform.look(draft.requests[0], NOW)).landing is Landing.LANDED
            if theirs:
                cluster.kubectl("uncordon", name)
                cluster.kubectl("cordon", name)
                with pytest.raises(NotOurs):
                    await cluster.platform.take_back(draft, sent, f"INC-000{number}.1.undo.1")
                continue
            back = await cluster.platform.take_back(draft, sent, f"INC-000{number}.1.undo.1")
            await applied(cluster.platform, back)
            assert not cluster.one("node", name)["spec"].get("unschedulable")
            with pytest.raises(RequestRefused, match="was changed since"):
                await cluster.platform.send(draft.requests[0])
    finally:
        cluster.kubectl("delete", "node", name)


async def test_a_value_is_set_its_reader_restarted_and_both_are_taken_back(
    cluster: RealCluster,
) -> None:
    cluster.configured()
    draft = await cluster.platform.prepare(set_config(), OPERATION)
    of_map, restart = draft.requests
    assert (await cluster.platform.look(of_map, NOW)).landing is Landing.NOT_LANDED
    sent = await applied(cluster.platform, [of_map])
    with pytest.raises(RequestRefused, match="was changed since"):
        await cluster.platform.send(of_map)
    assert (await cluster.platform.look(of_map, NOW)).landing is Landing.LANDED
    assert await cluster.platform.unchanged(draft, sent)
    sent += await applied(cluster.platform, [restart])
    assert cluster.values == {KEY: NOW_IS, "LEVEL": "info"}
    assert cluster.one("configmap", CONFIG)["metadata"]["annotations"][MARK] == of_map.operation
    first = cluster.restarted
    assert first
    cluster.settle()
    back = await cluster.platform.take_back(draft, sent, "INC-0001.1.undo.1")
    await applied(cluster.platform, back)
    assert cluster.values == {KEY: WAS, "LEVEL": "info"}
    assert cluster.restarted not in ("", first)


async def test_a_value_beside_which_somebody_set_another_is_not_set_and_not_taken_back(
    cluster: RealCluster,
) -> None:
    cluster.configured()
    waiting = await cluster.platform.prepare(set_config("7"), "INC-0002.1.1")
    draft = await cluster.platform.prepare(set_config(), OPERATION)
    sent = await applied(cluster.platform, draft.requests)
    with pytest.raises(RequestRefused, match="was changed since"):
        await cluster.platform.send(waiting.requests[0])
    cluster.kubectl("patch", "configmap", CONFIG, "-p", json.dumps({"data": {"LEVEL": "debug"}}))
    with pytest.raises(NotOurs, match="was changed by somebody else"):
        await cluster.platform.take_back(draft, sent, "INC-0001.1.undo.1")
    assert cluster.values == {KEY: NOW_IS, "LEVEL": "debug"}


async def test_a_config_map_that_stays_as_it_is_and_who_reads_it_too_are_seen(
    cluster: RealCluster,
) -> None:
    cluster.configured()
    nightly = ("cronjob", "nightly", "--image=x:1", "--schedule=0 0 1 1 *")
    cluster.kubectl("create", *nightly)
    source = {"envFrom": [{"configMapRef": {"name": CONFIG}}], "name": "nightly"}
    pod = {"template": {"spec": {"containers": [source]}}}
    told = json.dumps({"spec": {"jobTemplate": {"spec": pod}}})
    cluster.kubectl("patch", "cronjob", "nightly", "-p", told)
    draft = await cluster.platform.prepare(set_config(), OPERATION)
    assert draft.hazards == (f"cronjob {cluster.namespace}/nightly read it too",)
    cluster.kubectl("patch", "configmap", CONFIG, "-p", json.dumps({"immutable": True}))
    with pytest.raises(RequestRefused, match="was changed since"):
        await cluster.platform.send(draft.requests[0])
    with pytest.raises(PlatformError, match="is immutable"):
        await cluster.platform.prepare(set_config(), OPERATION)
    assert (cluster.values[KEY], cluster.restarted) == (WAS, "")
