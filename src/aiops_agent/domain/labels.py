"""One dictionary of names: what a label names, who only carries a metric, how a name is spelled.

Alerts and metrics are both read with it. Sources: the label tables of kube-state-metrics, cAdvisor,
Istio, ingress-nginx, OpenTelemetry's Prometheus compatibility page, YACE's CloudWatch dimensions,
and https://prometheus.io/docs/concepts/jobs_instances for job and instance.
"""

# limit: tables first, then the few functions that read them.

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from aiops_agent.domain.remediation import TargetKind as Kind

# Labels that name the thing whatever carries the metric, the most telling first.
THINGS: Mapping[str, Kind] = {
    "aiops_service": Kind.SERVICE,
    "sloth_service": Kind.SERVICE,
    "destination_canonical_service": Kind.SERVICE,
    "destination_service_name": Kind.SERVICE,
    "destination_workload": Kind.SERVICE,
    "destination_app": Kind.SERVICE,
    "destination_service": Kind.SERVICE,
    "exported_service": Kind.SERVICE,
    "exported_service_name": Kind.SERVICE,
    "exported_app": Kind.SERVICE,
    "exported_deployment": Kind.DEPLOYMENT,
    "exported_pod": Kind.POD,
    "exported_container": Kind.CONTAINER,
    "exported_job": Kind.SERVICE,
    "deployment": Kind.DEPLOYMENT,
    "statefulset": Kind.STATEFULSET,
    "daemonset": Kind.DAEMONSET,
    "replicaset": Kind.DEPLOYMENT,
    "horizontalpodautoscaler": Kind.DEPLOYMENT,
    "hpa": Kind.DEPLOYMENT,
    "scaledobject": Kind.DEPLOYMENT,
    "scaledObject": Kind.DEPLOYMENT,
    "poddisruptionbudget": Kind.DEPLOYMENT,
    "cronjob": Kind.DEPLOYMENT,
    "job_name": Kind.DEPLOYMENT,
    "workload": Kind.DEPLOYMENT,
    "owner_name": Kind.DEPLOYMENT,
    "created_by_name": Kind.DEPLOYMENT,
    "compose_service": Kind.SERVICE,
    "com_docker_compose_service": Kind.SERVICE,
    "container_label_com_docker_compose_service": Kind.SERVICE,
    "container_label_aiops_service": Kind.SERVICE,
    "container_label_app_kubernetes_io_name": Kind.SERVICE,
    "container_label_com_docker_swarm_service_name": Kind.SERVICE,
    "label_app_kubernetes_io_name": Kind.SERVICE,
    "app_kubernetes_io_name": Kind.SERVICE,
    "app_name": Kind.SERVICE,
    "service_name": Kind.SERVICE,
    "app": Kind.SERVICE,
    "application": Kind.SERVICE,
    "ingress": Kind.SERVICE,
    "consumergroup": Kind.SERVICE,
    "consumer_group": Kind.SERVICE,
    "envoy_cluster_name": Kind.SERVICE,
    "rabbitmq_cluster": Kind.SERVICE,
    "strimzi_io_cluster": Kind.SERVICE,
    "load_balancer": Kind.SERVICE,
    "loadbalancer": Kind.SERVICE,
    "dimension_load_balancer": Kind.SERVICE,
    "function_name": Kind.SERVICE,
    "dimension_function_name": Kind.SERVICE,
    "dbinstance_identifier": Kind.SERVICE,
    "dimension_dbinstance_identifier": Kind.SERVICE,
    "cache_cluster_id": Kind.SERVICE,
    "volume_id": Kind.UNKNOWN,
    "dimension_volume_id": Kind.UNKNOWN,
    "instance_id": Kind.UNKNOWN,
    "dimension_instance_id": Kind.UNKNOWN,
    "dimension_queue_name": Kind.UNKNOWN,
    "nodepool": Kind.CLUSTER,
    "persistentvolume": Kind.CLUSTER,
    "exported_instance": Kind.TARGET,
}
# Labels that name the scraped thing: the subject, unless that is a mere carrier.
SCRAPED = ("service", "backend", "proxy", "server", "target", "container", "container_name", "pod",
           "pod_name", "kubernetes_pod_name", "hostname", "instance", "job")  # fmt: skip
NODES = ("node", "nodename", "exported_node", "kubernetes_node", "host", "hostname", "instance")
# The label of the object that a metric of kube-state-metrics tells of, by the word behind `kube_`.
KUBE_OBJECTS: Mapping[str, tuple[str, Kind]] = {
    "job": ("job_name", Kind.DEPLOYMENT),
    "pod": ("pod", Kind.POD),
    "node": ("node", Kind.NODE),
    "resourcequota": ("namespace", Kind.CLUSTER),
    "namespace": ("namespace", Kind.CLUSTER),
    "persistentvolume": ("persistentvolume", Kind.CLUSTER),
    "persistentvolumeclaim": ("persistentvolumeclaim", Kind.CLUSTER),
    "deployment": ("deployment", Kind.DEPLOYMENT),
    "replicaset": ("replicaset", Kind.DEPLOYMENT),
    "statefulset": ("statefulset", Kind.STATEFULSET),
    "daemonset": ("daemonset", Kind.DAEMONSET),
    "cronjob": ("cronjob", Kind.DEPLOYMENT),
    "horizontalpodautoscaler": ("horizontalpodautoscaler", Kind.DEPLOYMENT),
    "hpa": ("hpa", Kind.DEPLOYMENT),
    "poddisruptionbudget": ("poddisruptionbudget", Kind.DEPLOYMENT),
    "ingress": ("ingress", Kind.SERVICE),
    "service": ("service", Kind.SERVICE),
    "endpoint": ("endpoint", Kind.SERVICE),
}
# Operators tell of objects by their `name`: the first word of their metrics.
NAMED_OBJECTS = frozenset({"aggregator", "certmanager", "argocd", "gotk", "keda", "crossplane"})
# Metrics whose `instance` is a machine: the first word of their name.
MACHINES = frozenset({"node", "windows", "ipmi", "smartctl", "systemd", "nvme", "megacli", "zfs",
                      "netdata", "namedprocess", "apcupsd", "wmi", "lmsensors"})  # fmt: skip
# Metrics of things that others than their first word own: protocols, runtimes, carriers.
UNOWNED = frozenset({
    "http", "https", "grpc", "rpc", "process", "go", "jvm", "python", "ruby", "dotnet", "nodejs",
    "up", "scrape", "net", "rest", "workqueue", "controller", "probe", "container", "kube",
    "kubelet", "kubernetes", "machine", "memberlist", "istio", "envoy",
    "linkerd", "celery", "sidekiq", "puma", "rack",
    "promhttp", "traces", "calls", "target", "aws", "azure", "azurerm", "gcp", "stackdriver",
    "cloudwatch", "slo", "response", "request", "requests", "queue", "server", "service", "sys",
    "app", "application", "system", "otel", "otelcol", "snmp", "aggregator", "default", "task",
    "metrics", "store", "speedtest", "hikaricp", "tomcat", "logback", "executor",
    "asp", "aspnetcore", "kestrel", "gin", "fastapi", "flask", "django", "starlette", "webhook",
    "resilience4j", "resilience", "job", "jobs", "erlang", "beam", "count", "sum", "rate",
    "namespace", "instance", "cluster", "code", "method", "if", "hr", "cpm", "jnx", "certmanager",
    "puppet", "exported", "ssl", "dns", "tls", "dnsmasq", "statsd", "push", "errors", "error",
    "client", "tcp", "udp", "icmp", "ntp", "cpu", "memory", "disk", "uptime", "health", "rule",
})  # fmt: skip
# What else software is called than its metrics begin with.
SOFTWARE: Mapping[str, str] = {
    "scheduler": "kube-scheduler", "apiserver": "apiserver",
    "pg": "postgres", "mysqld": "mysql", "postgresql": "postgres", "cnpg": "postgres",
    "mssql": "sqlserver", "zk": "zookeeper",
    "gnatsd": "nats", "oracledb": "oracle", "hanadb": "hana", "phpfpm": "php-fpm",
    "kube_state_metrics": "kube-state-metrics", "strimzi": "kafka",
    "bookie": "pulsar", "mixer": "istio", "pilot": "istio", "galley": "istio",
}  # fmt: skip
# Jobs that say how targets are found, not what they are.
_FOUND_BY = re.compile(
    r"(?:kubernetes-(?:pods?|nodes?|services?|service-endpoints|endpoints|apiservers|cadvisor|ingresses)"
    r"|docker(?:-containers|-compose|swarm)?|containers?|services?|targets?|pods?|nodes?|apps|static"
    r"|default|federat(?:e|ion)|integrations|prometheus-federation|hosts?|instances?|endpoints?"
    r"|monitoring|metrics|scrape|exporters?|consul|ec2|file[_-]sd|http[_-]sd|istio-proxies|jmx)(?:[-_]slow)?"
)
# Whoever carries metrics of others, by its usual names.
_CARRIER = re.compile(
    r"(?:.*[-_])?(?:exporter|exporters|cadvisor|kube-state-metrics|kubelet|push-?gateway|node|blackbox"
    r"|burrow|statsd|snmp|ipmi|smartctl|otel-collector|opentelemetry-collector|otelcol|alloy"
    r"|grafana-agent|agent|vmagent|telegraf|collectd|netdata|cloudwatch|yace|stackdriver|mgr"
    r"|process-exporter|kube-rbac-proxy(?:-[a-z]+)?|istio-proxy|linkerd-proxy|envoy-sidecar|metrics"
    r"|ingress-nginx-controller-metrics|collector|prober|jmx|systemd|windows|speedtest)"
    r"(?:[-_](?:metrics|exporter|[0-9]+|[a-z0-9]{5}|[a-z0-9]{3,10}-[a-z0-9]{5}))?"
)
_CARRYING = re.compile(r"[-_](?:prometheus[-_])?(?:exporter|exporters|metrics|mgr|monitor|agent)"
                       r"(?=[-_][0-9]+$|$)")  # fmt: skip
# Parts of a cluster itself: a subject, and no service of anybody's.
CONTROL_PLANE = re.compile(
    r"(?:k8s-|kube-)?(?:apiserver|scheduler|controller-manager|proxy)|kube-dns|coredns|etcd|cert-manager"
    r"|kubelet|cloud-controller-manager|cluster-autoscaler|karpenter|kube-state-metrics|metrics-server"
)
_NOTHING = re.compile(
    r"(?i)<no value>|none|null|nil|unknown|undefined|n/a|-|\{\{.*\}\}|\s*|pod|all|any"
)
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-f]*:[0-9a-f:]+\]?")
_PORT = re.compile(r"(?<=.):[0-9]{1,5}$")
_HASHED = re.compile(
    r"-[0-9a-f]{3,10}-[a-z0-9]{5}$|-[bcdfghjklmnpqrstvwxz2456789]{8,10}-[a-z0-9]{5}$"
)
_TIMED = re.compile(r"-[0-9]{8,}(?:-[a-z0-9]{5})?$")
_ORDINAL = re.compile(r"[-_][0-9]{1,3}$")
_TAIL = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}$")


# How Docker Compose names a container: project, service, number (docs.docker.com/compose).
_COMPOSED = re.compile(r"/?[a-z0-9][a-z0-9_]*?[-_](.+)[-_][0-9]{1,4}")

OWNERS = ("team", "owner", "owned_by", "squad", "contact")  # by which people route alerts


def composed(name: str) -> str:
    """Return the service in a container's name by Compose, "" where it is none."""
    found = _COMPOSED.fullmatch(name)
    return found.group(1) if found else ""


def says(value: str | None) -> bool:
    """Whether a label's value says anything: `<no value>` of a template does not."""
    return value is not None and _NOTHING.fullmatch(value) is None


def found_by(job: str) -> bool:
    """Whether a job's name only says how its targets are found."""
    return _FOUND_BY.fullmatch(plain(job).lower()) is not None


def carrier(name: str) -> bool:
    """Whether something of this name carries metrics of others."""
    return _CARRIER.fullmatch(plain(name).lower()) is not None


def carried(name: str) -> str:
    """Return whose metrics a carrier carries by its name, as in redis-exporter; "" if untold."""
    short = _CARRYING.sub("", plain(name))
    if short == plain(name) or (carrier(name) and short in {"kube-state", *UNOWNED}):
        return ""
    return "" if carrier(short) or found_by(short) else SOFTWARE.get(short, short)


@lru_cache(maxsize=8192)
def plain(value: str) -> str:
    """Return a name less what is around it: scheme, port, path, namespace, provider, domain."""
    text = value.strip()
    if "://" in text:
        text = urlsplit(text).hostname or "" if _parses(text) else text
    text = text.removeprefix("/")
    text = text.rpartition("@")[2] if text.startswith(("celery@", "rabbit@")) else text
    text = text.partition("@")[0] or text
    text = _PORT.sub("", text.rpartition("|")[2])  # Envoy: outbound|80||name.namespace
    if text.count("/") == 1:
        text = text.rpartition("/")[2]  # namespace/service
    if ".svc" in text or text.endswith((".local", ".internal")):
        text = text.partition(".")[0]
    return text


def _parses(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True


def address(value: str) -> bool:
    """Whether a value is a bare network address: it names nothing that people would say."""
    return _ADDRESS.fullmatch(_PORT.sub("", value)) is not None


def numbered(name: str) -> bool:
    """Whether a name ends in a small number, as that of an instance or of a shard does."""
    return _ORDINAL.search(name) is not None


def spelled(value: str) -> tuple[str, ...]:
    """Return how else a name may be meant, the fullest first: less a pod's hash, an ordinal."""
    name = plain(value)
    found = [name]
    for cut in (_TIMED, _HASHED, _ORDINAL, _TAIL):
        shorter = cut.sub("", found[-1])
        if shorter and shorter != found[-1]:
            found.append(shorter)
    return tuple(found)


def known_as(value: str, known: Iterable[str]) -> str:
    """Return the known service that a value names, "" for none.

    As it is, in other letters, without a port, pod hash or ordinal; that of an instance may have a
    project or release before it.
    """
    if not says(value):
        return ""
    by_spelling = _folded(tuple(known))
    for spelling in (value, *spelled(value)):
        found = by_spelling.get(_fold(spelling))
        if found:
            return found
    shorter = spelled(value)
    if len(shorter) == 1:
        return ""  # a service of its own, such as canary-orders, is not orders
    parts = _fold(shorter[-1]).split("-")
    ends = ("-".join(parts[first:]) for first in range(1, len(parts)))
    return next((by_spelling[end] for end in ends if end in by_spelling), "")


def _fold(value: str) -> str:
    return value.lower().replace("_", "-")


@lru_cache(maxsize=64)
def _folded(known: tuple[str, ...]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in known:
        found.setdefault(_fold(name), name)
    return found
