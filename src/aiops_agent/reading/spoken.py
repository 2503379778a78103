"""What could contradict an alert of which only words are known."""

import re

from aiops_agent.domain.alert import Alert
from aiops_agent.domain.meaning import AlertClaim, Refuter
from aiops_agent.domain.telemetry import Signal
from aiops_agent.reading.expression import tokens
from aiops_agent.reading.scope import PARTS, Refusal, one_instance

# Without an expression an alert is taken by its word, where the word can mean only one signal:
# what must be said, and what must not.
_SPOKEN = {
    AlertClaim.LATENCY: (
        Signal.LATENCY,
        re.compile(
            r"_(?:latency|latencies|response|responses|requests?|p\d\d|duration|experiencing)_"
        ),
        re.compile(r"_(?:p99\d*|99\d*|99th|mean|average|avg|max|ops|fsync|dns|query|queries)_"),
    ),
    AlertClaim.ERRORS: (
        Signal.ERRORS,
        re.compile(r"_(?:errors?|5xx|failures?|requests?|responses?|exceptions?)_"),
        re.compile(
            r"_(?:4xx|404|client|budget|burn[a-z]*|slo|jobs?|tasks?|backups?|connections?|scrape)_"
        ),
    ),
    AlertClaim.TRAFFIC: (
        Signal.TRAFFIC,
        re.compile(r"_(?:traffic|requests?|rps|qps)_"),
        re.compile(r"_(?:no|low|missing|zero|drop)_"),
    ),
    AlertClaim.SATURATION: (
        Signal.SATURATION,
        re.compile(r"_cpu_"),
        re.compile(r"_(?:throttl[a-z]*|steal|io|iowait|host|node)_"),
    ),
    AlertClaim.MEMORY: (
        Signal.MEMORY,
        re.compile(r"_(?:memory|mem)_"),
        re.compile(r"_(?:oom[a-z]*|kill[a-z]*|evict[a-z]*|heap|swap|host|node|redis|leak)_"),
    ),
    AlertClaim.QUEUE: (
        Signal.QUEUE,
        re.compile(r"_(?:queue|backlog|lag)_"),
        re.compile(r"_(?:consumers?|drop[a-z]*|replication|full)_"),
    ),
}
# Who counts from outside says so.
_OUTSIDE = re.compile(
    r"_(?:aws|alb|elb|azure|gcp|haproxy|nginx|ingress|proxy|probe|blackbox|upstream|cloudflare|ceph"
    r"|osd|istio|envoy|traefik|load_balancer|balancer|synthetic)_"
)


def by_words(alert: Alert, claim: AlertClaim) -> tuple[Refuter, ...] | Refusal:
    """Return the one signal that an alert's words can mean, or why they contradict nothing."""
    if claim not in _SPOKEN:
        return Refusal("its words alone do not say which signal is meant")
    signal, said, unless = _SPOKEN[claim]
    words = tokens(f"{alert.name} {alert.summary}")
    if not said.search(words):
        return Refusal("its words alone do not say which signal is meant")
    if unless.search(words) or _OUTSIDE.search(words):
        return Refusal("its words mean more than the signal that we read")
    if any(map(PARTS.search, alert.labels)):
        return Refusal("it is about a part of the service, which may be well as a whole")
    return (Refuter(signal=signal, one=one_instance(alert, signal)),)
