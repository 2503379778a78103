"""What sort of thing an image is, by its name."""

from collections.abc import Iterable

from aiops_agent.domain.telemetry import ServiceKind

_STEMS = (
    (ServiceKind.DATABASE, ("postgres", "timescale", "mysql", "mariadb", "percona", "cockroach")),
    (ServiceKind.DATABASE, ("mongo", "cassandra", "clickhouse", "influxdb")),
    (ServiceKind.DATABASE, ("elasticsearch", "opensearch")),
    (ServiceKind.CACHE, ("redis", "valkey", "memcached", "keydb", "dragonfly")),
    (ServiceKind.QUEUE, ("rabbitmq", "activemq", "nats", "mosquitto")),
    (ServiceKind.QUEUE, ("kafka", "redpanda", "pulsar", "zookeeper")),
)

_BESIDE = ("exporter", "-ui", "admin", "express", "proxy")  # named after what they look at


def kind_of(image: str, labels: Iterable[str] = ()) -> ServiceKind:
    """Return what sort of thing an image is, by its name; `labels` may say it."""
    for said in labels:
        if said in set(ServiceKind):
            return ServiceKind(said)
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    if any(word in name for word in _BESIDE):
        return ServiceKind.APPLICATION
    fits = (kind for kind, stems in _STEMS if name.startswith(stems))
    return next(fits, ServiceKind.APPLICATION)
