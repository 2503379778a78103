"""Which signals could contradict an alert, if they were read and fine? Far fewer than seem so."""

import re

from aiops_agent.domain.alert import Alert
from aiops_agent.domain.labels import carrier, found_by
from aiops_agent.domain.meaning import AlertClaim, AlertSubject, ClaimSource, Refuter
from aiops_agent.domain.remediation import TargetKind as Kind
from aiops_agent.domain.telemetry import Signal
from aiops_agent.reading.case import AlertCase, burns, of_requests
from aiops_agent.reading.claim import STATUS, bad_status, served
from aiops_agent.reading.expression import AlertExpression, tokens
from aiops_agent.reading.same import ALIKE
from aiops_agent.reading.scope import Refusal, one_instance
from aiops_agent.reading.spoken import by_words
from aiops_agent.reading.tree import COMPARISONS, BinaryNode, constant, walk

OUR_QUANTILE = 0.95  # the quantile of Signal.LATENCY: a good one tells nothing of a higher one
SLOW_SHARE = 1.0 - OUR_QUANTILE  # of requests that may be slow while it is good
_CLIENT_ERRORS = re.compile(r"[\^(?:\[.]*4.*")
_EVENTS = frozenset({"changes", "resets", "idelta"})
_COUNTED = re.compile(
    r"_(?:replicas|number_scheduled|number_ready|number_available|number_unavailable|status_ready"
    r"|status_phase|waiting_reason|unschedulable|current_healthy|desired_healthy|status_scheduled)_"
)
_WAITING = re.compile(
    r"_(?:messages|messages_ready|queue_length|queue_size|queue_depth|lag|lag_sum|depth|backlog"
    r"|back_log|partition_offset|current_offset|uncommitted_offsets|ready_depth)_(?!.*_seconds_)"
)
_MESSAGING = re.compile(
    r"_(?:kafka|rabbitmq|nsq|pulsar|nats|gnatsd|jetstream|activemq|celery|sidekiq|resque|beanstalkd?"
    r"|gearman|burrow|messages|consumergroup|mqtt|stomp|ibmmq|bullmq)_"
)
_NOT_WAITING = re.compile(r"_(?:unacked|unacknowledged|dropped|consumers|connections|client|pool)_")
_CPU = re.compile(r"(?:^| )_(?:process_cpu_seconds|container_cpu)_")
_MEMORY = re.compile(r"(?:^| )_(?:container_memory|process_resident_memory|container_spec_memory)_")


def refuters_of(
    alert: Alert,
    expression: AlertExpression | None,
    subject: AlertSubject,
    claim: AlertClaim | None,
    source: ClaimSource,
) -> tuple[Refuter, ...] | Refusal:
    """Return the signals of the subject that could contradict the claim, or why none could."""
    if claim is None:
        return Refusal("what it claims could not be read")
    if not subject.service or subject.kind in {Kind.NODE, Kind.UNKNOWN}:
        return Refusal("it speaks of no service whose signals we read")
    if expression is None:
        return by_words(alert, claim)
    if source is ClaimSource.WORDS:
        return Refusal("its expression measures something that we do not know")
    case = AlertCase(alert, expression, subject)
    found = never(expression) or _JUDGES.get(claim, _unread)(case)
    if isinstance(found, Refusal):
        return found
    none = _none_at_all(case, found)
    budget = burns(case) and found is Signal.ERRORS
    below = expression.condition.limit if budget else None
    window, one = expression.window, one_instance(alert, found)
    return (Refuter(signal=found, window=window, none=none, below=below, one=one),)


def alike(
    alert: Alert,
    expression: AlertExpression | None,
    subject: AlertSubject,
    claim: AlertClaim | None,
    source: ClaimSource,
) -> tuple[Refuter, ...]:
    """Return the signals that could contradict it if they are read from the very same series."""
    if expression is None or claim is None or source is not ClaimSource.EXPRESSION:
        return ()
    case = AlertCase(alert, expression, subject)
    strange = not subject.service or subject.kind in {Kind.NODE, Kind.UNKNOWN}
    if strange or case.part or expression.absent or never(expression):
        return ()
    return tuple(
        Refuter(signal=one, window=expression.window, one=one_instance(alert, one))
        for one in ALIKE.get(claim, ())
    )


def never(expression: AlertExpression) -> Refusal | None:
    """Return why no signal could ever contradict such an expression, if none could."""
    if expression.absent and not _containers(expression):
        return Refusal("it fires because data is missing, which no other data contradicts")
    if any(_EVENTS & set(one.through) for one in expression.measured):
        return Refusal("it tells of an event, and a calm after it does not undo it")
    return None


def _unread(_case: AlertCase) -> Signal | Refusal:
    return Refusal("no signal that we read tells of it")


def _none_at_all(case: AlertCase, signal: Signal) -> bool:
    """Whether a small share is not enough: single failures are counted, or those of one part."""
    if signal is not Signal.ERRORS:
        return False
    return bool(case.part) or not (case.expression.ratio or burns(case))


def _latency(case: AlertCase) -> Signal | Refusal:
    if case.elsewhere:
        return Refusal("it is measured elsewhere than at the service itself")
    burning = burns(case)
    if burning:
        limit = case.expression.condition.limit
        if limit is None or limit < SLOW_SHARE:
            return Refusal("a good p95 does not tell that so few requests are slow")
    elif not all(served(one) for one in case.measured):
        return Refusal("it times something else than the requests that a service answers")
    elif case.expression.quantile is None:
        return Refusal("it is about a mean, and a p95 does not contradict it")
    elif case.expression.quantile > OUR_QUANTILE:
        return Refusal("a good p95 does not contradict a higher quantile")
    return _whole(case) or Signal.LATENCY


def errors(case: AlertCase) -> Signal | Refusal:
    """Return the share of failures, where an alert is about requests that the service fails."""
    if case.elsewhere:
        return Refusal("it is counted elsewhere than at the service itself")
    if burns(case) and not of_requests(case):
        return Refusal("what its objective is about, or how fast it may burn, could not be read")
    own = any(map(bad_status, case.measured)) and all(map(served, case.measured))
    if not own and not burns(case):
        return Refusal("it counts other failures than requests that a service fails")
    chosen = [value for one in case.measured for value in one.selected(*STATUS)]
    if any(map(_CLIENT_ERRORS.fullmatch, chosen)):
        return Refusal("it counts what clients did wrong, which we do not read")
    return Signal.ERRORS


def _traffic(case: AlertCase) -> Signal | Refusal:
    asked = all(re.search(r"_(?:https?|grpc|rpc)_", tokens(one.metric)) for one in case.measured)
    if case.elsewhere or not asked:
        return Refusal("it counts something else than the requests of a service")
    if case.expression.condition.sign not in {">", ">="}:
        return Refusal("that something is missing is contradicted by nothing that is there")
    return _whole(case) or Signal.TRAFFIC


def _containers(expression: AlertExpression) -> bool:
    """Whether containers are missed that were named: those that run are counted."""
    one = expression.measured[0]
    return one.metric.startswith("container_") and bool(one.selected("container", "name"))


def _availability(case: AlertCase) -> Signal | Refusal:
    if case.expression.absent:
        return Signal.REPLICAS
    if re.search(r"_(?:updated|revision|generation|misscheduled)_", case.text):
        return Refusal("it is about a rollout, and what ran before may still serve well")
    counted = _COUNTED.search(case.text) is not None and "_kube_" in case.text
    if counted and case.subject.kind not in {Kind.CLUSTER, Kind.TARGET}:
        return Signal.REPLICAS
    if all(one.metric == "up" for one in case.measured):
        jobs = [case.alert.labels.get(name, "") for name in ("job", "service")]
        own = [one for one in jobs if one and not found_by(one)]
        if not _down(case.expression):
            return Refusal("it is about more instances than there should be")
        if own and not any(map(carrier, own)):
            return Signal.REPLICAS
        return Refusal("that its exporter answers tells nothing of the thing itself")
    return Refusal("only what it looked at itself tells whether it is there")


def _down(expression: AlertExpression) -> bool:
    """Whether it fires because too few are up: `up == 0`, `avg(up) < 1`, a share of those at 0."""
    inner = (one for one in walk(expression.condition.value) if isinstance(one, BinaryNode))
    at_none = any(one.sign in COMPARISONS and constant(one.right) == 0 for one in inner)
    condition = expression.condition
    return at_none or condition.sign in {"<", "<=", "!="} or condition.limit == 0


def _saturation(case: AlertCase) -> Signal | Refusal:
    if _CPU.search(case.text) and "_throttled_" not in case.text:
        return Signal.SATURATION
    return Refusal("it is about another resource than the CPU of the service")


def _memory(case: AlertCase) -> Signal | Refusal:
    if any("OOM" in value for one in case.expression.series for value in one.selected("reason")):
        return Refusal("a kill is an event, and little memory is used after it")
    if _MEMORY.search(case.text) and not re.search(r"_(?:failures|failcnt|events)_", case.text):
        return Signal.MEMORY
    return Refusal("it is about other memory than that of the service's container")


def _queue(case: AlertCase) -> Signal | Refusal:
    messages = _WAITING.search(case.text) and _MESSAGING.search(case.text)
    if messages and not _NOT_WAITING.search(case.text) and not case.elsewhere:
        return Signal.QUEUE
    return Refusal("it is about something else than the messages that wait")


def _other(case: AlertCase) -> Signal | Refusal:
    if case.expression.ratio and re.search(r"_(?:hits?|blks_hit)_", case.text):
        return Signal.CACHE_HITS
    return _unread(case)


def _whole(case: AlertCase) -> Refusal | None:
    if case.part:
        return Refusal(f"it is about one {case.part}, and the whole service may be well meanwhile")
    return None


_JUDGES = {
    AlertClaim.LATENCY: _latency,
    AlertClaim.ERRORS: errors,
    AlertClaim.TRAFFIC: _traffic,
    AlertClaim.AVAILABILITY: _availability,
    AlertClaim.SATURATION: _saturation,
    AlertClaim.MEMORY: _memory,
    AlertClaim.QUEUE: _queue,
    AlertClaim.OTHER: _other,
}
