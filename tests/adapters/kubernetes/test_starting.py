"""A first look finds who measures and who alerts, and values that only read."""

from pathlib import Path

import pytest
import yaml

from aiops_agent.adapters.kubernetes.starting import start_of
from aiops_agent.interfaces.cli.main import main
from tests.adapters.kubernetes.fake_cluster import FakeCluster, Raw


def ports(number: int, **more: str) -> Raw:
    return {"ports": [{"port": number}], **more}


def monitored() -> FakeCluster:
    one = FakeCluster()
    one.deployment("cart")
    one.add("services", "prometheus-operated", "monitoring", spec=ports(9090, clusterIP="None"))
    one.add("services", "kube-prometheus-prometheus", "monitoring", spec=ports(9090))
    one.add("services", "prometheus-node-exporter", "monitoring", spec=ports(9090))
    one.add("services", "alertmanager-operated", "monitoring", spec=ports(9093, clusterIP="None"))
    one.add("services", "prometheus", "shop", spec=ports(80))
    return one


def test_prometheus_and_alertmanager_are_found_by_name_and_port() -> None:
    found = start_of(monitored().state, "https://k8s", ())

    assert found.prometheus == "http://kube-prometheus-prometheus.monitoring:9090"
    assert found.alertmanager == "http://alertmanager-operated.monitoring:9093"
    assert found.homes == (("shop", 1),)
    assert found.values["cluster"] == {"read": {"enabled": True, "namespaces": []}}


def test_what_is_not_found_is_said_and_only_named_namespaces_are_read() -> None:
    one = FakeCluster()
    one.deployment("cart")

    found = start_of(one.state, "https://k8s", ("shop",))

    assert found.values["config"]["sources"] == {"kubernetes": {"namespaces": ["shop"]}}
    assert any("no prometheus was found" in line for line in found.words)
    assert yaml.safe_load(yaml.safe_dump(found.values)) == found.values


def test_a_cluster_that_does_not_answer_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    assert main(["init", "--kubernetes"]) != 0
    assert main(["init"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "cannot be used" in told.err
    assert "aiops init --kubernetes" in told.err
