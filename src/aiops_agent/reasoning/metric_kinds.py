"""Which kind of metric does a name tell of? Words that exporters and agents share, nobody's own."""

import re
from functools import lru_cache

from aiops_agent.reasoning.observations import MetricKind

# The first that matches wins: "failed requests" are errors, "request latency" is latency.
WORDS = (
    (
        MetricKind.ERRORS,
        r"err|fail|5xx|4xx|exception|fault|timeout|abort|reset|reject",
    ),
    (MetricKind.AVAILABILITY, r"avail|success"),
    (MetricKind.RETRANSMITS, r"retrans|retans|drop|loss"),
    (MetricKind.SATURATION, r"cfs|throttl|satur|queue|wait|pool|backlog"),
    (MetricKind.LATENCY, r"lat|duration|response_?time|rt$|_p\d\d|elapsed"),
    (MetricKind.CPU, r"cpu"),
    (MetricKind.MEMORY, r"mem|heap|rss|oom"),
    (MetricKind.DISK, r"disk|io_|iops|fs_|syscall"),
    (MetricKind.NETWORK, r"net|byte|receive|transmit|packet"),
    (
        MetricKind.TRAFFIC,
        r"req|rps|qps|workload|traffic|load|lod|ops|count|throughput|socket",
    ),
)
_WORDS = tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in WORDS)
_MACHINE = re.compile(r"node|host", re.IGNORECASE)
_SHARED = (MetricKind.CPU, MetricKind.MEMORY, MetricKind.NETWORK)
_OUTBOUND = re.compile(r"client|outbound|upstream", re.IGNORECASE)
# How tracers and meshes name an end that reports nothing itself: seen from its callers alone.
_INFERRED = re.compile(r"(?:_remote|_client|[-_]external)$", re.IGNORECASE)


@lru_cache(maxsize=4096)
def kind_of(metric: str) -> MetricKind:
    """Return the kind of metric that a name tells of; OTHER when it tells nothing."""
    kind = next((kind for kind, words in _WORDS if words.search(metric)), MetricKind.OTHER)
    return MetricKind.NODE if kind in _SHARED and _MACHINE.search(metric) else kind


def is_percent(metric: str) -> bool:
    """Whether a name says that it counts in per cent."""
    return "%" in metric


def is_outbound(metric: str) -> bool:
    """Whether a name says that it measures a service's own calls to others."""
    return _OUTBOUND.search(metric) is not None


def is_inferred(service: str) -> bool:
    """Whether a name says that the service is known from its callers alone."""
    return _INFERRED.search(service) is not None
