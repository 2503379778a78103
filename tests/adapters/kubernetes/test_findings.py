"""Each broken state is named with its next step; what is healthy is not."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiops_agent.adapters.kubernetes.changes import changes_of
from aiops_agent.adapters.kubernetes.findings import troubles
from aiops_agent.adapters.kubernetes.kinds import KINDS
from aiops_agent.adapters.kubernetes.state import ClusterState
from aiops_agent.adapters.kubernetes.topology import graph_of
from aiops_agent.adapters.kubernetes.workloads import workloads_of
from aiops_agent.domain.trouble import TroubleKind as Kind
from tests.adapters.kubernetes.fake_cluster import NOW, FakeCluster, Raw, ago


def waiting(reason: str, message: str = "", **more: Any) -> Raw:
    return {"ready": False, "state": {"waiting": {"reason": reason, "message": message}}, **more}


def ended(code: int, reason: str = "Error", age: float = 20, message: str = "") -> Raw:
    over = {"exitCode": code, "reason": reason, "finishedAt": ago(age), "message": message}
    return {"terminated": over}


def crash(one: FakeCluster) -> None:
    container = waiting("CrashLoopBackOff", lastState=ended(3), restartCount=4)
    one.pod("cart", container=container)


def between_two_ends(one: FakeCluster) -> None:
    running = {"running": {"startedAt": ago(2)}}
    one.pod("cart", container={"state": running, "lastState": ended(3, age=5), "restartCount": 3})


def starved(one: FakeCluster) -> None:
    container = waiting("CrashLoopBackOff", lastState=ended(137, "OOMKilled"), restartCount=2)
    one.pod("cart", container=container, main={"resources": {"limits": {"memory": "64Mi"}}})


def no_tag(one: FakeCluster) -> None:
    one.pod("cart", container=waiting("ImagePullBackOff", 'Back-off pulling image "x:9"'))
    one.event("Pod", "cart-1-1", "Failed", 'Failed to pull image "x:9": x:9: not found')


def no_login(one: FakeCluster) -> None:
    said = "failed to authorize: 401 Unauthorized"
    one.pod("cart", container=waiting("ErrImagePull", said))


def bad_release(one: FakeCluster) -> None:
    template = {"spec": {"containers": [{"name": "main", "image": "x:2"}]}}
    one.replica_set("cart", 2, template, age=60)
    one.pod("cart", 2, revision=2, container=waiting("ErrImagePull", "x:2: not found"))


def no_command(one: FakeCluster) -> None:
    said = 'exec: "serve": executable file not found in $PATH'
    one.pod("cart", container=waiting("RunContainerError", said))


def no_config(one: FakeCluster) -> None:
    one.pod("cart", container=waiting("CreateContainerConfigError", 'configmap "cfg" not found'))


def no_key(one: FakeCluster) -> None:
    said = "couldn't find key size in ConfigMap shop/cfg"
    one.pod("cart", container=waiting("CreateContainerConfigError", said))


def no_keys(one: FakeCluster) -> None:
    one.pod("cart", container=waiting("CreateContainerConfigError", 'secret "key" not found'))


def beside(one: FakeCluster) -> None:
    status = waiting("CrashLoopBackOff", lastState=ended(98), restartCount=4) | {"name": "proxy"}
    pod = one.pod("cart", status={"containerStatuses": [status]})
    pod["spec"]["containers"].append({"name": "proxy"})


def paused(one: FakeCluster) -> None:
    one.objects["deployments"][0]["spec"]["paused"] = True
    one.objects["deployments"][0]["status"] = {"updatedReplicas": 0}


def no_mount(one: FakeCluster) -> None:
    one.pod("cart", container=waiting("ContainerCreating"), status={"phase": "Pending"})
    said = 'MountVolume.SetUp failed for volume "v" : secret "login" not found'
    one.event("Pod", "cart-1-1", "FailedMount", said)


def unplaced(one: FakeCluster, message: str) -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    status = {"phase": "Pending", "conditions": [{**condition, "message": message}]}
    one.pod("cart", status=status | {"containerStatuses": []}, spec={"nodeName": ""})


def too_large(one: FakeCluster) -> None:
    unplaced(one, "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes.")


def cordoned(one: FakeCluster) -> None:
    unplaced(one, "0/1 nodes are available: 1 node(s) were unschedulable. preemption: none.")


def tainted(one: FakeCluster) -> None:
    unplaced(one, "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: true}.")


def no_label(one: FakeCluster) -> None:
    unplaced(one, "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.")


def no_claim(one: FakeCluster) -> None:
    unplaced(one, '0/1 nodes are available: persistentvolumeclaim "data" not found.')


def not_ready(one: FakeCluster) -> None:
    one.pod("cart", container={"ready": False}, main={"readinessProbe": {}})
    said = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    one.event("Pod", "cart-1-1", "Unhealthy", said)


def killed_by_probe(one: FakeCluster) -> None:
    running = {"running": {"startedAt": ago(5)}}
    container = {"state": running, "lastState": ended(137, age=6), "restartCount": 1}
    one.pod("cart", container=container)
    one.event("Pod", "cart-1-1", "Unhealthy", "Liveness probe failed: connection refused")
    said = "Container main failed liveness probe, will be restarted"
    one.event("Pod", "cart-1-1", "Killing", said)


def init_crash(one: FakeCluster) -> None:
    init = {"name": "first", "restartCount": 2, **waiting("CrashLoopBackOff", lastState=ended(1))}
    status = {"phase": "Pending", "initContainerStatuses": [init]}
    one.pod("cart", container=waiting("PodInitializing"), status=status)


def init_hangs(one: FakeCluster) -> None:
    init = {"name": "first", "ready": False, "state": {"running": {"startedAt": ago(600)}}}
    one.pod("cart", container=waiting("PodInitializing"), status={"initContainerStatuses": [init]})


def evicted(one: FakeCluster) -> None:
    said = "The node was low on resource: memory."
    status = {"phase": "Failed", "reason": "Evicted", "message": said, "conditions": []}
    one.pod("cart", status=status)


def stuck(one: FakeCluster) -> None:
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    one.objects["deployments"][0]["status"]["conditions"] = [condition]


def quota(one: FakeCluster) -> None:
    said = 'pods "cart-1-x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1'
    condition = {"type": "ReplicaFailure", "status": "True", "message": said}
    one.objects["replicasets"][0]["status"] = {"conditions": [condition]}


def job(one: FakeCluster) -> None:
    condition = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
    condition["lastTransitionTime"] = ago(60)
    one.add("jobs", "cart", spec={}, status={"conditions": [condition]})


def claim(one: FakeCluster) -> None:
    status = {"phase": "Pending"}
    one.add("persistentvolumeclaims", "data", spec={"storageClassName": "fast"}, status=status)
    said = 'storageclass.storage.k8s.io "fast" not found'
    one.event("PersistentVolumeClaim", "data", "ProvisioningFailed", said)
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
    one.pod("cart", spec={"volumes": [volume]})


def wrong_selector(one: FakeCluster) -> None:
    one.add("services", "cart", spec={"selector": {"app": "kart"}})
    one.pod("cart")


def wrong_port(one: FakeCluster) -> None:
    ports = [{"port": 80, "targetPort": "web"}]
    one.add("services", "cart", spec={"selector": {"app": "cart"}, "ports": ports})
    one.pod("cart", main={"ports": [{"name": "http", "containerPort": 8080}]})


def to_zero(one: FakeCluster) -> None:
    one.objects["deployments"][0]["spec"]["replicas"] = 0
    one.add("services", "cart", spec={"selector": {"app": "cart"}})


def at_maximum(one: FakeCluster) -> None:
    about = {"kind": "Deployment", "name": "cart"}
    spec = {"scaleTargetRef": about, "minReplicas": 1, "maxReplicas": 3}
    one.add("horizontalpodautoscalers", "cart", spec=spec, status={"currentReplicas": 3})


def no_metrics(one: FakeCluster) -> None:
    about = {"kind": "Deployment", "name": "cart"}
    said = "missing request for cpu in container main of Pod cart-1"
    condition = {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric"}
    status = {"conditions": [{**condition, "message": said}]}
    spec = {"scaleTargetRef": about, "maxReplicas": 3}
    one.add("horizontalpodautoscalers", "cart", spec=spec, status=status)


def blocks(one: FakeCluster) -> None:
    status = {"observedGeneration": 1, "disruptionsAllowed": 0, "expectedPods": 1}
    status |= {"currentHealthy": 1, "desiredHealthy": 1}
    spec = {"selector": {"matchLabels": {"app": "cart"}}}
    one.add("poddisruptionbudgets", "cart", spec=spec, status=status)
    one.pod("cart")


def node(one: FakeCluster, kind: str, status: str) -> None:
    one.add("nodes", "n1", status={"conditions": [{"type": kind, "status": status}]})


BROKEN: list[tuple[Callable[[FakeCluster], None], Kind, str, str]] = [
    (crash, Kind.CRASH_LOOP, "exit code 3, restarted 4 times", "last lines"),
    (between_two_ends, Kind.CRASH_LOOP, "exit code 3", "last lines"),
    (starved, Kind.OUT_OF_MEMORY, "64 MB", "raise the memory limit"),
    (no_tag, Kind.IMAGE, "not found", "there is no such image"),
    (no_login, Kind.IMAGE, "401 Unauthorized", "imagePullSecrets"),
    (bad_release, Kind.IMAGE, "x:2: not found", "roll back Deployment cart to revision 1 (x:1)"),
    (no_command, Kind.START, '"serve"', "no such program"),
    (no_config, Kind.CONFIG_MISSING, '"cfg" not found', "create ConfigMap shop/cfg"),
    (no_key, Kind.CONFIG_MISSING, "size", "add the key to ConfigMap shop/cfg"),
    (no_keys, Kind.CONFIG_MISSING, "key", "create Secret shop/key"),
    (beside, Kind.CRASH_LOOP, "proxy: ", "last lines"),
    (paused, Kind.ROLLOUT_STUCK, "paused: 0 of 1", "kubectl rollout resume deployment/cart"),
    (no_mount, Kind.CONFIG_MISSING, "login", "create Secret shop/login"),
    (too_large, Kind.UNSCHEDULABLE, "Insufficient cpu", "lower the request for cpu"),
    (cordoned, Kind.UNSCHEDULABLE, "unschedulable", "uncordon"),
    (tainted, Kind.UNSCHEDULABLE, "gpu", "toleration"),
    (no_label, Kind.UNSCHEDULABLE, "affinity/selector", "nodeSelector"),
    (no_claim, Kind.VOLUME, '"data" not found', "create the claim"),
    (not_ready, Kind.NOT_READY, "503", "probe"),
    (killed_by_probe, Kind.UNHEALTHY, "connection refused", "probe"),
    (init_crash, Kind.INIT, "exit code 1", "last lines"),
    (init_hangs, Kind.INIT, "600 s", "waits for"),
    (evicted, Kind.EVICTED, "low on resource: memory", "memory"),
    (stuck, Kind.ROLLOUT_STUCK, "does not end", "new pods"),
    (quota, Kind.CREATE_REFUSED, "exceeded quota", "ResourceQuota"),
    (job, Kind.JOB_FAILED, "BackoffLimitExceeded", "run it anew"),
    (claim, Kind.VOLUME, "fast", "StorageClass"),
    (wrong_selector, Kind.NO_ENDPOINTS, "app=kart", "Deployment cart have app=cart"),
    (wrong_port, Kind.NO_ENDPOINTS, "web", "targetPort"),
    (to_zero, Kind.SCALED_TO_ZERO, "scaled to 0", "scale Deployment cart up"),
    (at_maximum, Kind.AUTOSCALER, "maximum of 3", "maxReplicas"),
    (no_metrics, Kind.AUTOSCALER, "missing request", "set a resource request"),
    (blocks, Kind.BUDGET_BLOCKS, "1 of 1 are healthy", "minAvailable"),
    (lambda one: node(one, "Ready", "Unknown"), Kind.NODE, "not ready", "kubelet"),
    (lambda one: node(one, "DiskPressure", "True"), Kind.NODE, "DiskPressure", "free disk"),
]


@pytest.mark.parametrize(("broken", "kind", "words", "step"), BROKEN)
def test_a_broken_state_is_named_with_its_next_step(
    broken: Callable[[FakeCluster], None], kind: Kind, words: str, step: str
) -> None:
    cluster = FakeCluster()
    cluster.deployment("cart")

    broken(cluster)

    found = [one for one in cluster.troubles if one.kind is kind]
    assert found, [one.words for one in cluster.troubles]
    assert words in found[0].words
    assert step in found[0].step
    assert found[0].service == ("" if kind is Kind.NODE else "cart")


def healthy() -> FakeCluster:
    """A cluster in which everything works, with the traces that a working one has."""
    one = FakeCluster()
    one.deployment("cart", replicas=2)["spec"]["paused"] = True  # all its pods are the newest
    one.objects["deployments"][0]["status"]["updatedReplicas"] = 2
    one.add("services", "cart", spec={"selector": {"app": "cart"}, "ports": [{"port": 80}]})
    once = {"lastState": ended(1, age=4000), "restartCount": 7}  # mended an hour ago
    one.pod("cart", 1, container=once)
    one.pod("cart", 2)
    one.pod("cart", 3, meta={"deletionTimestamp": ago(5)}, container={"ready": False})
    starting = {"ready": False, "state": {"running": {"startedAt": ago(3)}}}
    one.pod("cart", 4, container=starting, main={"readinessProbe": {}})
    done = {"state": ended(0, "Completed"), "ready": False}
    one.pod("cart", 5, container=done, status={"phase": "Succeeded", "containerStatuses": [done]})
    node(one, "Ready", "True")
    one.add("nodes", "n2", status={"conditions": [{"type": "DiskPressure", "status": "False"}]})
    return one


def test_a_healthy_cluster_has_no_finding() -> None:
    assert healthy().troubles == ()


def test_pods_that_say_the_same_are_one_trouble() -> None:
    one = FakeCluster()
    one.deployment("cart", replicas=3)
    for number in (1, 2, 3):
        container = waiting("CrashLoopBackOff", lastState=ended(1), restartCount=4)
        one.pod("cart", number, container=container)

    (found,) = one.troubles

    assert found.instances == 3


ODD: tuple[Any, ...] = (None, True, -1, 2**70, 1e300, float("nan"), "", "\ud800", "x" * 99, [], {})
ODD += ([None], [[]], [{}], {"name": 1}, {"metadata": []}, "2026-13-99T00:00:00Z", "9e99Ei")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_no_object_of_another_shape_ends_a_look(seed: int) -> None:
    drawn, one = Random(seed), FakeCluster()
    one.deployment("cart")
    for broken, *_ in BROKEN:
        broken(one)
    documents = [doc for found in one.objects.values() for doc in found]
    for doc in drawn.sample(documents, 12):
        _spoil(doc, drawn)
    state = ClusterState(NOW, {kind: one.objects.get(kind.plural, []) for kind in KINDS})

    troubles(state)
    graph = graph_of(state)
    workloads_of(state, graph.names)
    list(changes_of(state))


def _spoil(document: Raw, drawn: Random) -> None:
    """Put anything in the place of some field, at some depth."""
    inner: Any = document
    while True:
        key = drawn.choice(sorted(inner))
        below = inner[key]
        if isinstance(below, list) and below and isinstance(below[0], dict):
            below = below[0]
        if not isinstance(below, dict) or not below or drawn.random() < 0.3:
            inner[key] = drawn.choice(ODD)
            return
        inner = below
