"""Of whom an alert speaks: the thing that is measured, never the carrier of its metric."""

from datetime import UTC, datetime

import pytest

from aiops_agent.domain.alert import Alert, AlertState
from aiops_agent.domain.meaning import AlertSubject
from aiops_agent.domain.remediation import TargetKind as Kind
from aiops_agent.reading.alert import read_subject
from aiops_agent.reading.expression import read_expression
from aiops_agent.reading.subject import subject_of

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
KNOWN = ("orders", "payments-api", "podinfo", "pay", "billing", "redis")


def read(text: str = "", **labels: str) -> AlertSubject:
    return subject_of(labels, read_expression(text), KNOWN)


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"job": "docker", "container": "shop-orders-1"}, "orders"),
        ({"job": "cadvisor", "name": "shop-payments-api-1"}, "payments-api"),
        ({"job": "blackbox-exporter", "instance": "http://payments-api:8080/healthz"},
         "payments-api"),
        ({"service": "prometheus", "exported_service": "payments-api"}, "payments-api"),
        ({"instance": "podinfo:9898", "job": "services"}, "podinfo"),
        ({"service": "Podinfo"}, "podinfo"),
        ({"service": "shop/pay"}, "pay"),
        ({"container": "/shop-pay-1"}, "pay"),
        ({"service": "Pay"}, "pay"),
        ({"service": "<no value>", "job": "billing"}, "billing"),
        ({"job": "otel-collector", "service_name": "orders"}, "orders"),
        ({"service": "payments-api@docker"}, "payments-api"),
        ({"envoy_cluster_name": "outbound|80||pay.shop.svc.cluster.local"}, "pay"),
        ({"job": "redis_exporter", "instance": "10.0.0.3:9121"}, "redis"),
        ({"job": "integrations/redis_exporter", "instance": "web-1"}, "redis"),
        ({"pod": "payments-api-6d9c7b5f4-x2x7k", "job": "kubernetes-pods"}, "payments-api"),
        ({"service": "canary-orders"}, "canary-orders"),
        ({"service": "shard-7"}, "shard-7"),  # and shard-8 is another
        ({"pod": "shard-7"}, "shard"),
        ({"job": "kubernetes-pods"}, ""),
    ],
)  # fmt: skip
def test_labels_name_the_service(labels: dict[str, str], service: str) -> None:
    assert read(**labels).service == service


@pytest.mark.parametrize(
    ("text", "labels", "kind", "name"),
    [
        ("node_filesystem_avail_bytes < 1", {"job": "node", "instance": "web-2:9100"},
         Kind.NODE, "web-2"),
        ("windows_cpu_time_total > 1", {"job": "w", "instance": "10.0.0.1:9182"},
         Kind.NODE, "10.0.0.1"),
        ("kube_node_status_condition > 0", {"node": "web-2", "job": "kube-state-metrics"},
         Kind.NODE, "web-2"),
        ("kube_deployment_spec_replicas > 1",
         {"deployment": "orders", "pod": "kube-state-metrics-5c7f-abcde", "container": "main"},
         Kind.DEPLOYMENT, "orders"),
        ('absent(up{job="kube-scheduler"})', {"job": "kube-scheduler"},
         Kind.CLUSTER, "kube-scheduler"),
        ("sum(kube_pod_container_resource_requests) > 1", {}, Kind.CLUSTER, ""),
        ("vector(1)", {}, Kind.CLUSTER, ""),
        ("probe_success == 0", {"job": "blackbox", "instance": "https://shop.example.com/"},
         Kind.TARGET, "https://shop.example.com/"),
        ("up == 0", {"job": "redis-exporter", "instance": "redis-exporter:9121"},
         Kind.TARGET, "redis-exporter"),
        ("absent(container_last_seen)", {}, Kind.UNKNOWN, ""),
    ],
)  # fmt: skip
def test_nodes_clusters_and_targets_are_subjects_of_their_own(
    text: str, labels: dict[str, str], kind: Kind, name: str
) -> None:
    found = read(text, **labels)
    assert (found.kind, found.name) == (kind, name)


@pytest.mark.parametrize("seen", [("redis",), ("redis", "redis-exporter")])
def test_an_exporter_that_is_down_is_its_things_where_nobody_sees_it_by_itself(
    seen: tuple[str, ...],
) -> None:
    labels = {"service": "redis-exporter", "instance": "10.0.0.7:9121", "job": "docker"}
    found = subject_of(labels, read_expression("up == 0"), seen)
    assert (found.kind, found.service) == (Kind.TARGET, seen[-1])


@pytest.mark.parametrize(
    ("text", "labels", "service"),
    [
        ("pg_replication_lag > 1", {"job": "db-metrics", "instance": "10.0.0.1:9187"}, "postgres"),
        ("consul_up == 0", {"severity": "page"}, "consul"),
        ('sum(rate(http_requests_total{service="pay"}[5m])) > 1', {}, "pay"),
        ("sum(rate(http_requests_total[5m])) > 1", {}, ""),
        ("jvm_threads_current > 1", {"instance": "orders-2:8080"}, "orders"),
        ('absent(up{job=~".*thanos-compact.*"} == 1)', {}, "thanos-compact"),
        ("otelcol_exporter_queue_size > 1", {"job": "otel-collector"}, "otel-collector"),
        ("argocd_app_info > 0", {"name": "orders", "job": "argocd-metrics"}, "orders"),
    ],
)
def test_without_a_label_selectors_and_the_family_of_the_metric_tell(
    text: str, labels: dict[str, str], service: str
) -> None:
    assert read(text, **labels).service == service


def test_the_sentence_names_a_service_only_where_no_label_does() -> None:
    def alert(**labels: str) -> Alert:
        return Alert(
            source="am",
            labels=labels,
            annotations={"summary": "orders is slow"},
            state=AlertState.FIRING,
            received_at=NOW,
        )

    assert read_subject(alert(), (), KNOWN).service == "orders"
    assert read_subject(alert(service="redis"), (), KNOWN).service == "redis"
