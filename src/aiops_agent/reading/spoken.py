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
        r"latency|latencies|response|responses|requests?|p\d\d|duration|experiencing",
        r"p99\d*|99\d*|99th|mean|average|avg|max|ops|fsync|dns|query|queries",
    ),
    AlertClaim.ERRORS: (
        Signal.ERRORS,
        r"errors?|5xx|error_rate|failures?|requests?|responses?|exceptions?",
        r"4xx|404|client|budget|burn\w*|slo|jobs?|tasks?|backups?|connections?|scrape",
    ),
    AlertClaim.TRAFFIC: (Signal.TRAFFIC, r"traffic|requests?|rps|qps", r"no|low|missing|zero|drop"),
    AlertClaim.SATURATION: (Signal.SATURATION, r"cpu", r"throttl\w*|steal|io|iowait|host|node"),
    AlertClaim.MEMORY: (
        Signal.MEMORY, r"memory|mem", r"oom\w*|kill\w*|evict\w*|heap|swap|host|node|redis|leak",
    ),
    AlertClaim.QUEUE: (Signal.QUEUE, r"queue|backlog|lag", r"consumers?|drop\w*|replication|full"),
}  # fmt: skip
# Who counts from outside says so.
_OUTSIDE = re.compile(
    r"_(?:aws|alb|elb|azure|gcp|haproxy|nginx|ingress|proxy|probe|blackbox|upstream|cloudflare|ceph"
    r"|osd|istio|envoy|traefik|load_balancer|balancer|synthetic)_"
)


def by_words(alert: Alert, claim: AlertClaim) -> tuple[Refuter, ...] | Refusal:
    """Return the one signal that an alert's words can mean, or why they contradict nothing."""
    signal, said, unless = _SPOKEN.get(claim, (None, "", ""))
    words = tokens(f"{alert.name} {alert.summary}")
    if signal is None or not re.search(f"_(?:{said})_", words):
        return Refusal("its words alone do not say which signal is meant")
    if re.search(f"_(?:{unless})_", words) or _OUTSIDE.search(words):
        return Refusal("its words mean more than the signal that we read")
    if any(map(PARTS.search, alert.labels)):
        return Refusal("it is about a part of the service, which may be well as a whole")
    return (Refuter(signal=signal, one=one_instance(alert, signal)),)
