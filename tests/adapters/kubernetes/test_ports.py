"""What a cluster tells through the read ports, and what it says when it does not."""

from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from aiops_agent.adapters.kubernetes import client
from aiops_agent.adapters.kubernetes.changes import KubernetesChanges
from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.kinds import PODS
from aiops_agent.adapters.kubernetes.logs import KubernetesLogs
from aiops_agent.adapters.kubernetes.sickness import KubernetesTroubles
from aiops_agent.adapters.kubernetes.topology import KubernetesTopology
from aiops_agent.adapters.kubernetes.workloads import KubernetesWorkloads
from aiops_agent.domain.errors import NotReadable, SourceError
from aiops_agent.domain.telemetry import ChangeKind, ServiceKind, ServiceName, Window
from tests.adapters.kubernetes.fake_cluster import NOW, FakeCluster, ago
from tests.adapters.kubernetes.test_findings import ended, waiting

CART = ServiceName("cart")
HOUR = Window(start=NOW - timedelta(hours=2), end=NOW)


def shop() -> FakeCluster:
    one = FakeCluster()
    one.deployment("cart", 2, env=[{"name": "DB", "value": "postgres://u:p@db.shop:5432/x"}])
    one.deployment("db", image="postgres:15")
    for name in ("cart", "db"):
        one.add("services", name, spec={"selector": {"app": name}})
        one.pod(name)
    return one


async def test_services_are_workloads_and_settings_tell_whom_they_call() -> None:
    roster = KubernetesTopology(shop().cluster)

    graph = await roster.graph()

    assert set(graph.names) == {"cart", "db"}
    assert graph.calls == (("cart", "db"),)
    database = graph.service("db")
    assert database
    cart = graph.service("cart")
    assert cart
    assert cart.replicas == 2, "what it wants, though one pod runs"
    assert (database.kind, database.release) == (ServiceKind.DATABASE, "postgres:15")
    known = {one.service: one.aliases for one in await roster.instances()}
    assert known[CART] == ("cart-1-1", "10.0.0.1")


async def test_one_name_in_two_namespaces_is_two_services() -> None:
    one = shop()
    one.add("deployments", "cart", namespace="test", spec={})

    graph = await KubernetesTopology(one.cluster).graph()

    assert {"shop/cart", "test/cart", "db"} == set(graph.names)


async def test_a_pod_tells_its_state_why_it_ended_and_where_it_is() -> None:
    one = shop()
    container = waiting("CrashLoopBackOff", lastState=ended(137, "OOMKilled"), restartCount=2)
    one.pod("cart", 2, container=container, main={"resources": {"limits": {"memory": "1Gi"}}})

    well, ill = await KubernetesWorkloads(one.cluster).workloads([CART])

    assert (well.state, well.node, well.reason) == ("running", "node1", "")
    assert (ill.state, ill.reason, ill.exit_code) == ("waiting", "OOMKilled", 137)
    assert (ill.restarts, ill.memory_limit) == (2, 2**30)
    assert await KubernetesWorkloads(one.cluster).workloads([]) == ()


async def test_the_last_words_are_those_of_the_run_that_ended() -> None:
    one = shop()
    one.pod("cart", 2, container=waiting("CrashLoopBackOff", lastState=ended(1), restartCount=2))
    one.logs = {"cart-1-2/main": "starting\n", "cart-1-2/main/previous": "no such table\n"}
    cluster = one.cluster

    (found,) = await KubernetesTroubles(cluster, KubernetesLogs(cluster)).troubles()

    assert found.last_words == "no such table"


async def test_lines_of_the_run_before_a_restart_are_read_too() -> None:
    one = shop()
    one.pod("db", 2, container={"lastState": ended(1, age=60), "restartCount": 1})
    one.logs["db-1-2/main/previous"] = f"{ago(61)} FATAL: disk is full\n"
    one.logs["db-1-2/main"] = f"{ago(5)} ready\nno time in front\n"

    lines = await KubernetesLogs(one.cluster).lines([ServiceName("db")], HOUR)

    told = [(line.text, line.level, line.instance) for line in lines]
    assert told == [("FATAL: disk is full", "fatal", "db-1-2"), ("ready", "info", "db-1-2")]


async def test_a_release_is_told_with_its_image_and_settings() -> None:
    one = shop()
    env = [{"name": "POOL", "value": "2"}, {"name": "KEY", "valueFrom": {"secretKeyRef": {}}}]
    template = {"spec": {"containers": [{"name": "main", "image": "x:2", "env": env}]}}
    one.replica_set("cart", 2, template, age=600)

    (found,) = await KubernetesChanges(one.cluster).changes(HOUR)

    assert (found.kind, found.before, found.after) == (ChangeKind.RELEASE, "x:1", "x:2")
    assert found.settings["POOL"] == ("", "2")
    assert "POOL unset → 2" in found.title


async def test_a_setting_that_is_a_secret_is_told_without_its_value() -> None:
    one = shop()
    for revision, value in ((2, "hunter-two"), (3, "hunter-three")):
        env = [{"name": "DB_PASSWORD", "value": value}]
        template = {"spec": {"containers": [{"name": "main", "image": "x:1", "env": env}]}}
        one.replica_set("cart", revision, template, age=600 - revision)

    *_, found = await KubernetesChanges(one.cluster).changes(HOUR)

    assert "DB_PASSWORD" in found.title
    assert "hunter" not in str(found)


async def test_scaling_is_told_unless_a_rollout_or_the_creation_did_it() -> None:
    one = shop()
    one.add(
        "horizontalpodautoscalers",
        "any",
        spec={"scaleTargetRef": {"kind": "Deployment", "name": "cart"}},
    )
    one.event("Deployment", "db", "ScalingReplicaSet", "Scaled up replica set db-1 to 1", 3600)
    one.event("HorizontalPodAutoscaler", "any", "SuccessfulRescale", "New size: 4; cpu", 60)

    found = await KubernetesChanges(one.cluster).changes(HOUR)

    assert [(one.kind, one.title) for one in found] == [
        (ChangeKind.SCALE, "cart: New size: 4; cpu")
    ]


async def test_a_config_map_that_changed_is_told_to_who_uses_it_without_its_content() -> None:
    one = shop()
    fields = [{"time": ago(300)}]
    one.add("configmaps", "cfg", meta={"managedFields": fields}, data={"secret": "x"})
    reference = {"configMapRef": {"name": "cfg"}}
    main = one.objects["deployments"][0]["spec"]["template"]["spec"]["containers"][0]
    main["envFrom"] = [reference]

    found = await KubernetesChanges(one.cluster).changes(HOUR)

    assert [one.title for one in found] == [
        "cart: ConfigMap cfg was changed (its content is not read)"
    ]


async def test_a_kind_that_we_may_not_read_is_named_and_the_rest_works() -> None:
    one = shop()
    one.forbidden = {"nodes", "events"}
    cluster = one.cluster
    port = KubernetesTroubles(cluster, KubernetesLogs(cluster))

    assert await port.troubles() == ()
    said = await port.unreadable()
    assert len(said) == 2
    assert "/api/v1/nodes" in said[0]


async def test_secrets_are_never_asked_for() -> None:
    one = shop()

    await one.cluster.state()

    assert one.asked
    assert not [path for path in one.asked if "secret" in path]


async def test_lists_are_read_page_by_page() -> None:
    one = shop()
    one.page = 1

    assert len(await one.client.listed(PODS)) == 2
    assert one.asked == ["/api/v1/pods"] * 2


async def test_more_than_is_read_is_said_and_nothing_is_called_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "_MOST_PAGES", 1)
    one = shop()
    one.page = 1

    state = await one.cluster.state()

    assert len(state.all(PODS)) == 1
    assert not state.knows(PODS)
    assert "more than 1 pods" in state.unreadable[PODS]
    with pytest.raises(NotReadable, match="name fewer namespaces"):
        await one.client.listed(PODS)


async def test_a_name_that_is_none_changes_no_address() -> None:
    for name in ("a/b", "a?x=1", "..", "A", ""):
        if name:
            with pytest.raises(SourceError, match="no name"):
                PODS.path("shop", name)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (httpx2.Response(401, json={}), "does not know us"),
        (httpx2.Response(500, json={"message": "etcd is gone"}), "etcd is gone"),
        (httpx2.ConnectError("refused"), "cannot be reached at http://cluster.test"),
        (httpx2.ReadTimeout("slow"), "did not answer"),
        (httpx2.Response(200, text="no json"), "something that is no list"),
        (httpx2.Response(200, json={"items": None, "metadata": {}}), "something that is no list"),
    ],
)
async def test_what_is_wrong_with_a_cluster_is_one_sentence(
    broken: httpx2.Response | Exception, words: str
) -> None:
    one = FakeCluster(broken=broken)

    with pytest.raises(SourceError) as error:
        await one.cluster.state()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


async def test_pods_that_may_not_be_read_are_no_empty_cluster() -> None:
    one = shop()
    one.forbidden = {"pods"}

    with pytest.raises(SourceError, match="forbids us"):
        await one.cluster.state()
    with pytest.raises(NotReadable):
        await one.client.listed(PODS)


@pytest.mark.parametrize("text", ["", "[]", "a: [", "clusters: 1", "contexts: []\nclusters: []"])
async def test_a_file_that_is_no_kubeconfig_is_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)

    for reader in (KubeClient(file), KubeClient(file, "other"), KubeClient(tmp_path / "none")):
        with pytest.raises(SourceError, match=r"sources\.kubernetes"):
            await reader.get("/version")
