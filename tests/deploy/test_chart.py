"""The chart as it lies there, without Helm: its schema, rights, rules and configuration.

What Helm makes of it is looked at by `tests/real/test_chart.py`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from aiops_agent import __version__
from aiops_agent.adapters.kubernetes import privilege
from aiops_agent.adapters.kubernetes.kinds import EVICTIONS, KINDS, NODES
from aiops_agent.adapters.kubernetes.live import CHANGEABLE, MARK
from aiops_agent.adapters.kubernetes.restart import RESTARTED
from aiops_agent.interfaces.http.metrics import MetricsExporter
from aiops_agent.ports.store import Reader
from aiops_agent.settings.load import load
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.queries import Queries
from tests.deploy import rights, schema
from tests.interfaces.http.conftest import FakeMetrics, FakeService, app_of

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
DEPLOYMENT = "".join(
    (CHART / "templates" / name).read_text() for name in ("deployment.yaml", "_helpers.tpl")
)


def file(name: str) -> Any:
    text = (CHART / "files" / name).read_text()
    return yaml.safe_load(text.replace("CONFIGMAPS", '["web"]'))


def overlaid(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return values over values, as Helm lays them."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        merged[key] = overlaid(below[key], value) if both else value
    return merged


def test_the_built_in_values_fit_the_schema() -> None:
    assert schema.flaws(VALUES, SCHEMA, SCHEMA) == []
    assert {*SCHEMA["properties"]} - {"global"} == {*VALUES}


WRONG = [
    "replica: 2",
    "replicas: two",
    "replicas: 0",
    "image: { repository: '' }",
    "image: { tag: 'a b' }",
    "image: { digest: latest }",
    "config: { mode: yolo }",
    "config: { apiVersion: v9 }",
    "config: { server: { port: 9 } }",
    "token: { secret: Not_A_Name }",
    "secretFiles: [{ name: ../config.yaml, secret: a, key: b }]",
    "secretEnv: [{ name: lower, secret: a, key: b }]",
    "secretEnv: [{ name: A }]",
    "cluster: { act: { namespaces: ['*'] } }",
    "cluster: { act: { namespaces: shop } }",
    "cluster: { act: { namespaces: [shop, shop] } }",
    "cluster: { act: { configMaps: ['*'] } }",
    "cluster: { act: { configMaps: shop } }",
    "cluster: { act: { replicas: 0 } }",
    "cluster: { act: { nodes: 'yes' } }",
    "cluster: { act: { admission: true } }",
    "cluster: { act: { admission: { maxReplicas: 0 } } }",
    "cluster: { act: { admission: { rollback: false } } }",
    "cluster: { read: { enabled: 1 } }",
    "cluster: { read: { enabled: 'yes' } }",
    "service: { port: 70000 }",
    "service: { type: ExternalName }",
    "networkPolicy: { from: everybody }",
    "persistence: { size: big }",
    "serviceMonitor: { interval: often }",
    "podLabels: { a: 1 }",
]


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_value_is_refused(text: str) -> None:
    assert schema.flaws(overlaid(VALUES, yaml.safe_load(text)), SCHEMA, SCHEMA)


def test_every_value_is_described_and_what_is_ours_is_closed() -> None:
    for place, part in schema.parts(SCHEMA):
        told = part.get("description") or part.get("title") or "$ref" in part
        assert told or place.endswith("[]") or ".definitions" in place, place
        closed = part.get("additionalProperties") is not None
        assert closed or "properties" not in part or place == "$.config", place
        assert place.endswith("[]") or not (part.get("description") or "x").endswith(" "), place


def test_the_investigator_only_looks_and_at_no_secret() -> None:
    rules = [*file("investigator.yaml"), *file("investigator-cluster.yaml")]

    assert rights.flaws(rules, acts=False) == []
    assert {verb for *_, verb in rights.grants(rules)} == {"get", "list", "watch"}


def test_the_executor_patches_workloads_and_nothing_else() -> None:
    assert {*rights.grants(file("executor.yaml"))} == rights.ACT


def test_it_may_touch_nodes_only_where_values_say_so() -> None:
    template = (CHART / "templates" / "rights.yaml").read_text()

    assert {*rights.grants(file("executor-cluster.yaml"))} == rights.ACT_ON_NODES
    assert VALUES["cluster"]["act"]["nodes"] is False
    switch, _, rest = template.rpartition("{{- if .Values.cluster.act.nodes }}")
    assert "executor-cluster.yaml" in rest
    assert "executor-cluster.yaml" not in switch


def test_it_may_touch_config_maps_only_by_the_names_that_values_say() -> None:
    [rule] = file("executor-configmaps.yaml")
    template = (CHART / "templates" / "rights.yaml").read_text()

    assert {*rights.grants([rule])} == rights.ACT_ON_CONFIG
    assert rule["resourceNames"] == ["web"]
    assert VALUES["cluster"]["act"]["configMaps"] == []
    switch, _, rest = template.partition("{{- with .Values.cluster.act.configMaps }}")
    assert "executor-configmaps.yaml" in rest
    assert "executor-configmaps.yaml" not in switch


def test_the_accounts_may_what_the_product_does_and_no_more() -> None:
    looked = rights.grants([*file("investigator.yaml"), *file("investigator-cluster.yaml")])
    read = {(kind.group.rpartition("/")[0], kind.plural) for kind in KINDS}

    assert {(group, resource) for group, resource, _ in looked} == read | {("", "pods/log")}
    patched = {("apps", kind.plural, "patch") for kind in CHANGEABLE.values()}
    assert {*patched, ("", EVICTIONS.plural, "create")} == rights.ACT
    assert {("", NODES.plural, "patch")} == rights.ACT_ON_NODES


def test_the_policies_speak_of_the_executor_and_of_what_the_hands_write() -> None:
    """Whether they judge right a real API server says: `python -m bench cluster-rights`."""
    workload, *others = (one["spec"] for one in file("admission.yaml"))
    fence = others[-1]
    told = {one["name"]: one["expression"] for one in workload["variables"]}

    for spec in (workload, *others):
        assert spec["failurePolicy"] == "Fail"
        assert [one["expression"] for one in spec["matchConditions"]] == [
            "request.userInfo.username == 'EXECUTOR'"
        ]
        assert all(one["message"] for one in spec["validations"])
    (rule,) = workload["matchConstraints"]["resourceRules"]
    assert rule["resources"] == sorted(kind.plural for kind in CHANGEABLE.values())
    assert all(f"'{one}'" in fence["validations"][0]["expression"] for one in rule["resources"])
    setting = others[0]["validations"][0]["expression"]
    assert setting == 'object.metadata.name in ["web"]'
    assert f"'{MARK}'" in told["freeMarks"]
    assert f"'{RESTARTED}'" in told["freeNotes"]
    assert all(f"'{one}'" in told["freeNotes"] for one in privilege._FREE_ANNOTATIONS)
    assert all(f"'{one}'" in told["freeLabels"] for one in privilege._FREE_LABELS)


TOO_WIDE = [
    "{ apiGroups: [''], resources: [secrets], verbs: [get] }",
    "{ apiGroups: [''], resources: ['*'], verbs: [get] }",
    "{ apiGroups: ['*'], resources: [deployments], verbs: [get] }",
    "{ apiGroups: [apps], resources: [deployments], verbs: ['*'] }",
    "{ apiGroups: [apps], resources: [deployments], verbs: [update] }",
    "{ apiGroups: [''], resources: [pods/exec], verbs: [create] }",
    "{ apiGroups: [''], resources: [nodes/proxy], verbs: [get] }",
    "{ apiGroups: [''], resources: [serviceaccounts/token], verbs: [create] }",
    "{ apiGroups: [''], resources: [configmaps], verbs: [patch] }",
    "{ apiGroups: [''], resources: [nodes], verbs: [patch] }",
    "{ apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [bind] }",
    "{ nonResourceURLs: ['*'], verbs: [get] }",
]


@pytest.mark.parametrize("text", TOO_WIDE)
def test_a_right_that_is_too_wide_is_seen(text: str) -> None:
    planted = yaml.safe_load(text)

    assert rights.flaws([*file("executor.yaml"), planted], acts=True)
    assert rights.flaws([*file("investigator.yaml"), planted], acts=False)


def test_every_rule_of_a_template_comes_from_these_files() -> None:
    """So that what is tested above is what a cluster is given."""
    text = "".join(one.read_text() for one in (CHART / "templates").iterdir())

    assert "apiGroups" not in text
    named = re.findall(r'Files\.Get "(files/[\w.-]+)"', text)
    assert {*named} == {f"files/{one.name}" for one in (CHART / "files").iterdir()}


def test_every_metric_and_label_of_the_rules_is_one_of_ours() -> None:
    queries = Queries(cast(Reader, None))  # what there is to count is known before it is counted
    gauges = MetricsExporter(queries, Feed(queries), "1").registry._names_to_collectors
    rules = [rule for group in file("rules.yaml")["groups"] for rule in group["rules"]]

    assert len(rules) == 3
    for rule in rules:
        (metric,) = re.findall(r"\baiops_\w+", rule["expr"])
        labels = re.findall(r"by \((\w+)\)", rule["expr"])
        assert getattr(gauges[metric], "_labelnames", ()) == tuple(labels), rule
        told = {*re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))}
        assert told <= {*labels}, rule


def variables() -> dict[str, str]:
    """What the deployment sets in the environment of the program."""
    return dict(re.findall(r'{ name: (AIOPS_\w+), value: "?([^" }]+)"? }', DEPLOYMENT))


@pytest.mark.parametrize(
    "config",
    [
        "{}",
        "{ sources: { prometheus: { url: 'http://prometheus-operated.monitoring:9090' } } }",
        "{ environment: 'kubernetes:prod', sources: { kubernetes: { executor_token: /a } } }",
        "{ mode: observe, server: { external_url: 'https://aiops.example.org' } }",
    ],
)
def test_the_configuration_of_the_chart_is_accepted(tmp_path: Path, config: str) -> None:
    values = overlaid(VALUES, {"config": yaml.safe_load(config)})
    place = tmp_path / "etc"
    place.mkdir()
    (place / "token").write_text("0123456789abcdef0123\n")
    (place / "store-url").write_text("postgresql://aiops:x@db/aiops")
    (place / "config.yaml").write_text(yaml.safe_dump(values["config"]))
    environ = {name: value.replace("/etc/aiops", str(place)) for name, value in variables().items()}

    assert schema.flaws(values, SCHEMA, SCHEMA) == []
    found = load(place / "config.yaml", environ=environ, folder=tmp_path)

    server = found.settings.server
    assert found.strange == ()
    assert len(environ) == 6
    assert (server.host, server.port, server.token is not None) == ("0.0.0.0", 8088, True)
    assert found.settings.store.url == "postgresql://aiops:x@db/aiops"
    assert str(found.settings.state_dir) == "/var/lib/aiops"


def test_what_the_chart_asks_for_is_answered() -> None:
    text = "".join(one.read_text() for one in (CHART / "templates").iterdir())
    asked = {*re.findall(r"path: (/\w+)[, ]", text), *re.findall(r'url" \. }}(/[\w/]+)', text)}
    app = app_of(FakeService(), FakeMetrics(), tokens_required=True)

    answered = {getattr(route, "path", "") for route in app.routes}
    assert asked == {"/healthz", "/readyz", "/metrics", "/api/v1/alertmanager"}
    assert asked <= answered


def test_chart_and_package_have_one_version_and_name_no_registry() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    base = re.findall(r"^ARG BASE=(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
    for name in (VALUES["image"]["repository"], *base):
        assert "." not in name.partition("/")[0].partition(":")[0], name
