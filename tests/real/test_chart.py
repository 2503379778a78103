"""What a real Helm makes of the chart: rights, the pod's bounds, refusals, rules, configuration."""

from __future__ import annotations

import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.settings.load import load
from bench.accounts import MAPS, Accounts
from tests.deploy import rights
from tests.deploy.test_chart import VALUES, WRONG
from tests.real.helm import CHART, HERE, Rendered, helm, rendered, template, written

pytestmark = pytest.mark.built

OPERATOR = {name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule")}
OPERATOR["alertmanagerConfig"] = {"enabled": True}
READ = {"read": {"enabled": True}}
HANDS: dict[str, Any] = {"sources": {"kubernetes": {"executor_token": "/etc/aiops/executor/token"}}}
OLD = ("--kube-version", "1.29.4")
MANY = {"replicas": 2, "postgresql": {"secret": "aiops-db"}}


def test_helm_finds_nothing_to_blame(tmp_path: Path) -> None:
    ran = helm("lint", "--strict", str(CHART))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 chart(s) failed" in ran.stdout


def test_as_it_is_it_has_no_right_and_no_token_of_the_cluster(tmp_path: Path) -> None:
    made = rendered(tmp_path, {})

    assert made.all("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding") == []
    assert made.pod["automountServiceAccountToken"] is False
    assert made.one("ServiceAccount")["automountServiceAccountToken"] is False
    assert made.one("Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    assert made.one("Deployment")["spec"]["replicas"] == 1
    kept = made.one("PersistentVolumeClaim")["metadata"]["annotations"]
    assert kept == {"helm.sh/resource-policy": "keep"}


@pytest.mark.parametrize(
    ("look", "act"),
    [*product([(), ("shop",), ("shop", "bank")], [(), ("shop",), ("shop", "bank")])],
)
def test_who_looks_only_looks_and_who_acts_only_patches_where_it_may(
    tmp_path: Path, look: tuple[str, ...], act: tuple[str, ...]
) -> None:
    read = {"enabled": True, "namespaces": [*look]}
    cluster = {"read": read, "act": {"namespaces": [*act]}}
    made = rendered(tmp_path, {"cluster": cluster, "config": HANDS})

    roles = made.all("Role", "ClusterRole")
    acting = [one for one in roles if one["metadata"]["name"].endswith("-executor")]
    looking = [one for one in roles if one not in acting]
    assert [flaw for one in looking for flaw in rights.flaws(one["rules"], acts=False)] == []
    assert [flaw for one in acting for flaw in rights.flaws(one["rules"], acts=True)] == []
    places: tuple[str | None, ...] = look or (None,)
    assert {one["metadata"].get("namespace") for one in looking} == {*places}
    assert {one["metadata"].get("namespace") for one in acting} == {*act}
    assert {one["kind"] for one in looking} == {"Role" if look else "ClusterRole"}
    bound = {*map(_bound, made.all("RoleBinding", "ClusterRoleBinding"))}
    accounts = {one["metadata"]["name"] for one in made.all("ServiceAccount")}
    assert bound == {
        *((where, "ops-aiops", "aiops") for where in places),
        *((where, "ops-aiops-executor", "aiops-executor") for where in act),
    }
    assert accounts == ({"aiops", "aiops-executor"} if act else {"aiops"})


def test_it_sets_values_of_the_config_maps_that_values_name_and_of_no_other(
    tmp_path: Path,
) -> None:
    act = {"namespaces": ["shop", "bank"], "configMaps": ["web", "db"]}
    made = rendered(tmp_path, {"cluster": {**READ, "act": act}, "config": settings("web", "db")})
    roles = [one for one in made.all("Role") if one["metadata"]["name"].endswith("-executor")]
    for role in roles:
        *others, own = role["rules"]
        assert (own["resources"], own["verbs"]) == (["configmaps"], ["patch"])
        assert own["resourceNames"] == ["web", "db"]
        assert rights.flaws(others, acts=True) == []
    assert len(roles) == 2


def settings(*names: str) -> dict[str, Any]:
    """A configuration that lets values of ConfigMaps be set."""
    own = {**HANDS["sources"]["kubernetes"], "config_maps": [*names]}
    return {**HANDS, "sources": {"kubernetes": own}}


def _bound(binding: dict[str, Any]) -> tuple[str | None, str, str]:
    (subject,) = binding["subjects"]
    assert subject["namespace"] == "ops"
    return binding["metadata"].get("namespace"), binding["roleRef"]["name"], subject["name"]


def test_the_executor_s_token_is_a_file_and_the_pod_is_the_investigator(tmp_path: Path) -> None:
    cluster = {**READ, "act": {"namespaces": ["shop"]}}
    made = rendered(tmp_path, {"cluster": cluster, "config": HANDS})

    (volume,) = [one for one in made.pod["volumes"] if "projected" in one]
    items = [item for one in volume["projected"]["sources"] for item in _items(one)]
    assert ("aiops-executor", "executor/token") in items
    assert made.pod["serviceAccountName"] == "aiops"
    assert made.pod["automountServiceAccountToken"] is True


def apart(**act: Any) -> dict[str, Any]:
    """Return values with which what was approved is sent by a pod of its own."""
    cluster = {**READ, "act": {"namespaces": ["shop"], **act}}
    return {"postgresql": {"secret": "aiops-db"}, "cluster": cluster, "config": HANDS}


def test_with_postgresql_who_acts_is_a_pod_of_its_own_and_no_other_has_its_token(
    tmp_path: Path,
) -> None:
    made = rendered(tmp_path, apart())

    serve, acts = (_pod(made, name) for name in ("aiops", "aiops-executor"))
    assert (serve["serviceAccountName"], acts["serviceAccountName"]) == ("aiops", "aiops-executor")
    assert "executor" not in str(serve["volumes"])
    sources = acts["volumes"][0]["projected"]["sources"]
    (token,) = [one["serviceAccountToken"] for one in sources if "serviceAccountToken" in one]
    assert token == {"path": "executor/token", "expirationSeconds": 3600}
    assert acts["automountServiceAccountToken"] is False
    (secret,) = [one for one in made.all("Secret") if one["type"] != "Opaque"]
    assert secret["metadata"]["name"] == "aiops-reader"
    whose = secret["metadata"]["annotations"]["kubernetes.io/service-account.name"]
    assert whose == "aiops", "it reads; of who acts there is no lasting token"
    for pod in (serve, acts):
        environ = _environ(pod)
        assert environ["AIOPS_EXECUTOR_SEPARATE"] == "true"
        assert environ["AIOPS_STORE_URL"] == "file:/etc/aiops/store-url"
    assert "AIOPS_SERVER_TOKEN" not in _environ(acts)
    (one,) = acts["containers"]
    assert one["args"] == ["execute", "--host", "0.0.0.0", "--port", "8089"]
    alive = {one[probe]["httpGet"]["path"] for probe in ("livenessProbe", "startupProbe")}
    assert alive == {"/healthz"}
    assert one["readinessProbe"]["httpGet"]["path"] == "/readyz"


def _environ(pod: dict[str, Any]) -> dict[str, Any]:
    (one,) = pod["containers"]
    return {found["name"]: found.get("value") for found in one["env"]}


def test_the_executor_s_pods_are_nobody_else_s(tmp_path: Path) -> None:
    """No Service leads to them, and no budget or policy of the others counts them."""
    made = rendered(tmp_path, {**apart(replicas=2), "replicas": 2})

    labels = made.named("Deployment", "aiops-executor")["spec"]["template"]["metadata"]["labels"]
    for kind, place in (
        ("Deployment", "selector"),
        ("PodDisruptionBudget", "selector"),
        ("NetworkPolicy", "podSelector"),
    ):
        theirs = made.named(kind, "aiops")["spec"][place]["matchLabels"]
        assert not theirs.items() <= labels.items()
        ours = made.named(kind, "aiops-executor")["spec"][place]["matchLabels"]
        assert ours.items() <= labels.items()
    assert not made.one("Service")["spec"]["selector"].items() <= labels.items()
    policy = made.named("NetworkPolicy", "aiops-executor")["spec"]
    assert policy["ingress"] == []
    alone = rendered(tmp_path, apart())
    assert alone.all("PodDisruptionBudget") == []


def _pod(made: Rendered, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = made.named("Deployment", name)["spec"]["template"]["spec"]
    return spec


def test_the_policies_bound_the_executor_of_this_release_where_they_are_wanted(
    tmp_path: Path,
) -> None:
    admission = {"enabled": True, "maxReplicas": 7}
    act: dict[str, Any] = {"namespaces": ["shop"], "admission": admission}
    settable = {**act, "configMaps": [*MAPS]}
    values = {"cluster": {**READ, "act": settable}, "config": settings(*MAPS)}
    made = rendered(tmp_path, values)

    wanted = Accounts(KubeClient(), tmp_path, "ops").policies(most=7)
    policies = made.all("ValidatingAdmissionPolicy")
    assert [one["spec"] for one in policies] == [one["spec"] for one in wanted]
    names = [one["metadata"]["name"] for one in policies]
    bound = made.all("ValidatingAdmissionPolicyBinding")
    assert [one["spec"] for one in bound] == [
        {"policyName": name, "validationActions": ["Deny", "Audit"]} for name in names
    ]
    values["cluster"] = {**READ, "act": {"namespaces": ["shop"]}}
    assert rendered(tmp_path, values).all("ValidatingAdmissionPolicy") == []
    old = template(tmp_path, {"cluster": {**READ, "act": act}, "config": HANDS}, *OLD)
    assert old.returncode != 0
    assert "before Kubernetes 1.30" in old.stderr


def _items(source: dict[str, Any]) -> list[tuple[str, str]]:
    (found,) = source.values()
    return [(found["name"], item["path"]) for item in found["items"]]


@pytest.mark.parametrize(
    "values",
    [
        {},
        MANY,
        {"cluster": {**READ, "act": {"namespaces": ["a"]}}, "config": HANDS},
        {**MANY, "cluster": {**READ, "act": {"namespaces": ["a"]}}, "config": HANDS},
    ],
)
def test_a_restricted_namespace_takes_the_pods(tmp_path: Path, values: dict[str, Any]) -> None:
    for one in rendered(tmp_path, values).all("Deployment"):
        _restricted(one["spec"]["template"]["spec"])


def _restricted(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for one in (container, *pod["initContainers"]):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    kinds = {key for one in pod["volumes"] for key in one} - {"name"}
    assert kinds <= {"projected", "persistentVolumeClaim", "emptyDir", "secret"}
    assert all("hostPort" not in port for port in container["ports"])


def test_the_state_is_a_folder_of_the_agent_s_own(tmp_path: Path) -> None:
    """The root of an emptyDir, and of many volumes, can be written by everybody."""
    made = rendered(tmp_path, {})

    (state,) = [one for one in made.container["volumeMounts"] if one["name"] == "state"]
    assert state == {"name": "state", "mountPath": "/var/lib/aiops", "subPath": "aiops"}
    (first,) = made.pod["initContainers"]
    assert "os.makedirs('/volume/aiops', 0o700" in first["command"][-1]
    assert first["volumeMounts"] == [{"name": "state", "mountPath": "/volume"}]


def test_several_need_postgresql_and_are_never_all_taken_away(tmp_path: Path) -> None:
    made = rendered(tmp_path, MANY)

    environ = {one["name"]: one.get("value") for one in made.container["env"]}
    assert environ["AIOPS_STORE_URL"] == "file:/etc/aiops/store-url"
    assert made.one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert made.one("Deployment")["spec"]["strategy"] == {"type": "RollingUpdate"}
    assert rendered(tmp_path, {}).all("PodDisruptionBudget") == []


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_value_is_refused_and_named(tmp_path: Path, text: str) -> None:
    wrong = yaml.safe_load(text)
    ran = template(tmp_path, wrong)

    assert ran.returncode != 0
    assert "don't meet the specifications of the schema" in ran.stderr
    assert next(iter(wrong)) in ran.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("replicas: 2", "set postgresql.secret or replicas: 1"),
        ("cluster: { act: { replicas: 2 } }", "set postgresql.secret and cluster.act.namespaces"),
        ("prometheusRule: { enabled: true }", "set serviceMonitor.enabled: true too"),
        ("cluster: { act: { namespaces: [a] } }", "set cluster.read.enabled: true too"),
        ("cluster: { act: { admission: { enabled: true } } }", "set cluster.act.namespaces too"),
        ("cluster: { act: { configMaps: [a] } }", "name cluster.act.namespaces too"),
        (
            "cluster: { act: { namespaces: [a], configMaps: [web] } }",
            "name it in config.sources.kubernetes.config_maps too",
        ),
        (
            "cluster: { read: { enabled: true }, act: { namespaces: [a] } }",
            "set config.sources.kubernetes.executor_token",
        ),
    ],
)
def test_what_cannot_be_meant_together_is_refused_in_a_sentence(
    tmp_path: Path, text: str, told: str
) -> None:
    ran = template(tmp_path, yaml.safe_load(text))

    assert ran.returncode != 0
    assert told in ran.stderr


def test_the_rules_are_rules_and_fire_when_they_should(tmp_path: Path) -> None:
    made = rendered(tmp_path, OPERATOR)
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(made.one("PrometheusRule")["spec"]))
    ours = '{job="aiops",namespace="ops"'
    series = {
        f"aiops_leader{ours}}}": "1x10 0x10",
        f'aiops_loop_trouble_seconds{ours},loop="inbox"}}': "0x5 200x15",
        f'aiops_notifications_waiting{ours},channel="hook"}}': "0x5 3x15",
        'aiops_leader{job="other",namespace="ops"}': "1x20",
    }
    _promtool(tmp_path, "check", "rules", "rules.yaml")
    for name, quiet, firing in (
        ("AiopsAgentNotWorking", 12, 15),
        ("AiopsAgentInTrouble", 5, 8),
        ("AiopsAgentTellsNobody", 14, 17),
    ):
        for minute, fires in ((quiet, False), (firing, True)):
            none = {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": []}
            test = {
                "interval": "1m",
                "input_series": [{"series": one, "values": text} for one, text in series.items()],
                "alert_rule_test": [none],
            }
            content = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
            (tmp_path / "test.yaml").write_text(yaml.safe_dump(content))
            ran = _promtool(tmp_path, "test", "rules", "test.yaml", fails=fires)
            assert fires == (f'alertname="{name}"' in ran), ran


def _promtool(folder: Path, *arguments: str, fails: bool = False) -> str:
    ran = subprocess.run(
        ["promtool", *arguments], check=False, capture_output=True, text=True, cwd=folder
    )
    assert (ran.returncode != 0) == fails, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_the_operator_s_objects_find_the_service_and_the_token(tmp_path: Path) -> None:
    made = rendered(tmp_path, OPERATOR)

    service = made.one("Service")
    monitor = made.one("ServiceMonitor")["spec"]
    wanted = monitor["selector"]["matchLabels"].items()
    assert wanted <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["endpoints"]
    (port,) = service["spec"]["ports"]
    assert (endpoint["port"], endpoint["path"]) == (port["name"], "/metrics")
    (receiver,) = made.one("AlertmanagerConfig")["spec"]["receivers"]
    (hook,) = receiver["webhookConfigs"]
    assert hook["url"] == "http://aiops.ops.svc:8088/api/v1/alertmanager"
    secret = made.one("Secret")
    credentials = hook["httpConfig"]["authorization"]["credentials"]
    assert credentials == {"name": secret["metadata"]["name"], "key": "token"}
    assert {*secret["data"]} == {"token"}


@pytest.mark.parametrize(
    "values", [{}, {"config": {"mode": "observe", "watch": {"signals": "none"}}}]
)
def test_the_rendered_configuration_is_accepted(tmp_path: Path, values: dict[str, Any]) -> None:
    text = rendered(tmp_path, values).one("ConfigMap")["data"]["config.yaml"]
    (tmp_path / "config.yaml").write_text(text)

    found = load(tmp_path / "config.yaml", environ={}, folder=tmp_path)

    assert found.settings.mode == {**VALUES, **values}["config"].get("mode")


def test_selectors_stay_what_they_are_and_names_are_short(tmp_path: Path) -> None:
    ran = helm("template", "x" * 53, str(CHART), *HERE)
    assert ran.returncode == 0, ran.stderr
    made = Rendered(tuple(one for one in yaml.safe_load_all(ran.stdout) if one))

    names = [one["metadata"]["name"] for one in made.objects]
    assert max(map(len, names)) <= 63
    spec = made.one("Deployment")["spec"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert {*spec["selector"]["matchLabels"]} == {
        "app.kubernetes.io/name",
        "app.kubernetes.io/instance",
    }


@pytest.mark.parametrize(
    ("values", "second"),
    [
        ({}, "get secret aiops-token -o go-template='{{index .data \"token\" | base64decode}}'"),
        (OPERATOR, "exec -it deploy/aiops -- aiops incident list"),
    ],
)
def test_the_notes_say_the_next_two_commands(
    tmp_path: Path, values: dict[str, Any], second: str
) -> None:
    """Helm prints them to a cluster only: here they are a field of one object more."""
    copy = tmp_path / "chart"
    shutil.copytree(CHART, copy)
    told = '{{ include (print .Template.BasePath "/NOTES.txt") . | toJson }}'
    (copy / "templates" / "told.yaml").write_text(f"kind: Notes\ntext: {told}\n")
    ran = helm("template", "aiops", str(copy), *HERE, "--values", str(written(tmp_path, values)))
    assert ran.returncode == 0, ran.stderr
    made = Rendered(tuple(one for one in yaml.safe_load_all(ran.stdout) if one))

    text = made.one("Notes")["text"]
    commands = [line.strip() for line in text.splitlines() if line.startswith("  ")]
    assert commands == [
        "kubectl -n ops exec deploy/aiops -- aiops doctor",
        f"kubectl -n ops {second}",
    ]
    assert "NO SOURCE IS CONFIGURED" in text
