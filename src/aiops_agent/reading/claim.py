"""What does an alert claim? From what its expression measures, else its labels, else its words."""

import re
from collections.abc import Callable, Mapping, Sequence

from aiops_agent.domain.alert import Alert
from aiops_agent.domain.meaning import AlertClaim, ClaimSource
from aiops_agent.domain.watch import PLATFORM_TROUBLE, WATCH
from aiops_agent.reading.conventions import CONVENTIONS, Convention, says
from aiops_agent.reading.expression import AlertExpression, Measured, tokens

LONG = 86_400  # seconds: what is spare for so long is not needed
YOUNG = 7 * 86_400  # seconds: a start more recent than this is what a rule is about
# Selectors that name a state, so that their value says what is meant.
_STATES = ("reason", "condition", "name", "mode", "resource")
# Selectors whose name says what is meant: ready="false", deprecated="true".
_FLAGS = frozenset({"ready", "healthy", "deprecated", "sync_status", "health_status"})
STATUS = ("status", "code", "status_code", "response_code", "statuscode", "rcode", "grpc_code",
           "http_status_code", "http_response_status_code", "envoy_response_code_class",
           "response_code_class", "result", "outcome", "error", "reason_code", "http_status",
           "envoy_response_code", "classification", "response_flags", "return_code")  # fmt: skip
_BAD = re.compile(
    r"(?i)[\^(.?:\[]*[45](?:xx|\.\.?|\.[*+]|[0-9x]{2}|\[)?.*|.*(?:err|fail|servfail|unavailable|internal"
    r"|unknown|deadline|exhausted|aborted|dataloss|denied|timeout|refused).*|!?~?2.*"
)
# Labels by which generators of objectives say what an objective is about.
OBJECTIVE = ("sloth_slo", "sloth_id", "slo", "category", "sli", "objective", "slo_name")
_SERVED = re.compile(r"_(?:https?|httpd|grpc|rpc|requests?|responses?|rq|handler|handled|calls)_")
# Words of a name that tell where a metric comes from, not what it measures.
_NAMESPACE = re.compile(
    r"_(?:global_status|global_variables|info_schema|pg_settings|queue_manager|health_detail|mem_?cached"
    r"|click_house)(?=_)"
)
_DEADMAN = re.compile(r"_(?:watchdog|dead_?mans?_?(?:switch|snitch)?|always_firing)_")
_UNUSED = re.compile(r"_(?:under_?utili[sz]ed|under_?used|unused|over_?provisioned)_")
_SLOW = re.compile(r"_(?:latency|duration|slow|response_time|p\d+)_")


def claim_of(
    alert: Alert, expression: AlertExpression | None, table: Sequence[Convention] = CONVENTIONS
) -> tuple[AlertClaim | None, ClaimSource]:
    """Return what an alert claims and where that was read; None when it cannot be told.

    What a platform itself says is wrong claims nothing that a signal could contradict.
    """
    if alert.source == WATCH and alert.name == PLATFORM_TROUBLE:
        return None, ClaimSource.NOWHERE
    if _UNUSED.search(tokens(alert.name)):
        return AlertClaim.COST, ClaimSource.WORDS
    if expression is not None:
        found = _measured_claim(expression, alert.labels, table)
        if found is not None:
            return found, ClaimSource.EXPRESSION
    objective = [tokens(alert.labels[name]) for name in OBJECTIVE if alert.labels.get(name)]
    if any(map(_SLOW.search, objective)):
        return AlertClaim.LATENCY, ClaimSource.LABELS
    for text in (alert.name, alert.labels.get("category", ""), _prose(alert)):
        found = _spoken(text, table)
        if found is not None:
            return found, ClaimSource.WORDS
    return None, ClaimSource.NOWHERE


def fires_always(alert: Alert, expression: AlertExpression | None) -> bool:
    """Whether an alert is a deadman's, or a helper that fires over other alerts.

    It is none of trouble: it opens nothing, however loud its severity.
    """
    if expression is not None:
        return _nothing(expression)
    return _DEADMAN.search(tokens(alert.name)) is not None


def beats(alert: Alert, expression: AlertExpression | None) -> bool:
    """Whether it also tells that alerts arrive, so that its silence is an alarm."""
    return fires_always(alert, expression) and (expression is None or expression.constant)


def _nothing(expression: AlertExpression) -> bool:
    return expression.constant or all(one.metric == "ALERTS" for one in expression.series)


def _prose(alert: Alert) -> str:
    """Return the sender's sentence, without what its template says of every alert."""
    texts = (alert.annotations.get(name, "") for name in ("summary", "description", "message"))
    return re.sub(r"\(instance[^)]*\)|VALUE = .*", "", next(filter(None, texts), ""))


def _spoken(text: str, table: Sequence[Convention]) -> AlertClaim | None:
    words = tokens(text)
    if _DEADMAN.search(words):
        return AlertClaim.DEADMAN
    rows = (row for row in table if row.words)
    return next((row.claim for row in rows if says(words, row.phrases)), None)


def _measured_claim(
    expression: AlertExpression, labels: Mapping[str, str], table: Sequence[Convention]
) -> AlertClaim | None:
    if _nothing(expression):
        return AlertClaim.DEADMAN
    shaped = _shaped(expression)
    if shaped is not None:
        return shaped
    names = [(one, _text(one)) for one in expression.measured]
    whole = [(one, _text(one)) for one in expression.series]
    for row in table:
        test = TESTS[row.when]
        looked = whole if row in table[:2] else names
        if any(says(text, row.phrases) and test(expression, one) for one, text in looked):
            return _refined(row.claim, expression, labels)
    return None


def _shaped(expression: AlertExpression) -> AlertClaim | None:
    """Return what the shape of an expression claims, whatever its metrics are called."""
    measured = expression.measured[0]
    if re.fullmatch(r"(?:.*[:_])?up", measured.metric) and "_network_" not in measured.metric:
        return AlertClaim.AVAILABILITY
    if expression.absent:
        # Who is missing is told by what was selected; without it, monitoring sees nothing at all.
        named = measured.selected("container", "pod", "name", "service", "deployment")
        return AlertClaim.AVAILABILITY if named else AlertClaim.MONITORING
    if any(served(one) and "429" in one.selected(*STATUS) for one in expression.measured):
        return AlertClaim.QUOTA
    if any(served(one) and bad_status(one) for one in expression.measured):
        return AlertClaim.ERRORS
    if _idle(expression):
        return AlertClaim.COST
    return None


def _idle(expression: AlertExpression) -> bool:
    """Whether it fires because a resource is used little: nobody suffers, somebody pays."""
    one = expression.measured[0]
    name, sign = tokens(one.metric), expression.condition.sign
    if not re.search(r"_(?:cpu|memory)_", name):
        return False
    spare = re.search(r"_(?:free|avail|available|idle|limit)_", name) or any(
        matcher.value == "idle" and matcher.sign == "=" for matcher in one.matchers
    )
    if spare:
        return sign in {">", ">="} and expression.window >= LONG
    return (
        sign in {"<", "<="} and re.search(r"_(?:usage|used|seconds|working_set)_", name) is not None
    )


def _refined(
    claim: AlertClaim, expression: AlertExpression, labels: Mapping[str, str]
) -> AlertClaim:
    """Return the claim of an objective's burn rate: its labels say what is promised."""
    text = " ".join(one.metric for one in expression.measured)
    if claim is AlertClaim.ERRORS and re.search(r"burn_?rate|sli_error|error_budget", text):
        chosen = [one.value for series in expression.series for one in series.matchers
                  if one.label in OBJECTIVE]  # fmt: skip
        told = [labels[name] for name in OBJECTIVE if labels.get(name)]
        if any(_SLOW.search(tokens(value)) for value in (*chosen, *told)):
            return AlertClaim.LATENCY
    return claim


def _text(one: Measured) -> str:
    states = "".join(tokens(value) for value in one.selected(*_STATES))
    states += "".join(tokens(m.label) for m in one.matchers if m.label in _FLAGS)
    return _NAMESPACE.sub("", tokens(one.metric)) + states + ("_error_" if bad_status(one) else "")


def served(one: Measured) -> bool:
    """Whether a series counts or times requests that are served."""
    return _SERVED.search(tokens(one.metric)) is not None


def bad_status(one: Measured) -> bool:
    """Whether only requests that went wrong were selected."""
    chosen = one.selected(*STATUS)
    turned = [m for m in one.matchers if m.label in STATUS and m.sign in {"!=", "!~"}]
    return any(map(_BAD.fullmatch, chosen)) or any(
        re.match(r"(?i)[\^(]*(?:2|ok|success|0$|noerror)", m.value) for m in turned
    )


def _timed(expression: AlertExpression, one: Measured) -> bool:
    """Whether it is a time: a quantile, a mean or a gauge, not how often something was timed."""
    if expression.quantile is not None:
        return True
    if bad_status(one) or one.metric.endswith("_count"):
        return False
    if one.metric.endswith("_sum"):
        return any(other.metric.endswith(("_count", "_total")) for other in expression.measured)
    return True


def _runs(expression: AlertExpression, one: Measured) -> bool:
    """Whether it tells how runs of work ended, not which share of many failed, or how slowly."""
    if expression.ratio or expression.quantile is not None:
        return False
    return not re.search(r"_(?:pending|backup_servers|limits_backup)_", tokens(one.metric))


def _young(expression: AlertExpression, one: Measured) -> bool:
    sign = expression.condition.sign
    limit = expression.condition.limit
    changed = bool({"changes", "resets"} & set(one.through))
    young = sign in {"<", "<="} and limit is not None and abs(limit) <= YOUNG
    return changed or young


TESTS: Mapping[str, Callable[[AlertExpression, Measured], bool]] = {
    "": lambda _expression, _one: True,
    "first": lambda expression, one: one is expression.measured[0],
    "not_requests": lambda expression, one: (
        not (served(one) and (expression.quantile is not None or bad_status(one)))
    ),
    "not_kube": lambda _expression, one: not one.metric.startswith("kube_"),
    "not_container": lambda _expression, one: not one.metric.startswith("container_"),
    "no_disk": lambda _expression, one: "_disk_space_" not in tokens(one.metric),
    "not_share": _runs,
    "young": _young,
    "timed": _timed,
    "queued": lambda _expression, one: (
        not re.search(r"^_kube_|_(?:memory|cpu)_", tokens(one.metric))
    ),
}
