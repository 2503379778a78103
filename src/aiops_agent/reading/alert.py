"""Read one alert: its expression, of whom it speaks, what it claims, what could contradict it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

from aiops_agent.domain.alert import Alert
from aiops_agent.domain.labels import THINGS
from aiops_agent.domain.meaning import AlertMeaning, AlertSubject
from aiops_agent.domain.remediation import TargetKind
from aiops_agent.domain.telemetry import AlertRule
from aiops_agent.reading.claim import claim_of
from aiops_agent.reading.conventions import CONVENTIONS, Convention
from aiops_agent.reading.expression import AlertExpression, read_expression
from aiops_agent.reading.own import own_value
from aiops_agent.reading.refute import alike, refuters_of
from aiops_agent.reading.scope import Refusal
from aiops_agent.reading.subject import subject_of


def read_alert(
    alert: Alert,
    rules: Iterable[AlertRule] = (),
    known: Sequence[str] = (),
    table: Sequence[Convention] = CONVENTIONS,
    things: Mapping[str, TargetKind] = THINGS,
) -> AlertMeaning:
    """Return what an alert means; `rules` are those of its environment, `known` its services.

    `table` and `things` are what is known of metrics and labels.
    """
    listed = [one for one in rules if _of(alert, one)]
    expression = expression_of(alert, listed)
    subject = _subject(alert, expression, known, things)
    claim, source = claim_of(alert, expression, table)
    found = refuters_of(alert, expression, subject, claim, source)
    return AlertMeaning(
        subject=subject,
        claim=claim,
        source=source,
        refuters=() if isinstance(found, Refusal) else found,
        why=found.why if isinstance(found, Refusal) else "",
        measures="" if expression is None else expression.text,
        alike=alike(alert, expression, subject, claim, source),
        own=None if len(listed) != 1 else own_value(alert, expression, subject, claim, listed[0]),
    )


def read_subject(
    alert: Alert, rules: Iterable[AlertRule] = (), known: Sequence[str] = ()
) -> AlertSubject:
    """Return of whom an alert speaks, as `read_alert` does."""
    return _subject(alert, expression_of(alert, rules), known, THINGS)


def _subject(
    alert: Alert,
    expression: AlertExpression | None,
    known: Sequence[str],
    things: Mapping[str, TargetKind],
) -> AlertSubject:
    found = subject_of(alert.labels, expression, known, things)
    if found.service or found.kind is not TargetKind.UNKNOWN:
        return found
    words = set(re.split(r"[^\w-]+", alert.summary))  # no label tells; the sentence may
    named = next((name for name in known if name in words), "")
    return AlertSubject(kind=TargetKind.SERVICE, name=named, owner=named) if named else found


def expression_of(alert: Alert, rules: Iterable[AlertRule] = ()) -> AlertExpression | None:
    """Return the expression behind an alert: of the rule that it is of, else of its own link.

    Where several rules of its name agree with its labels, only the link tells which it is.
    """
    texts = dict.fromkeys(one.expression for one in rules if _of(alert, one))
    linked = linked_expression(alert.generator_url)
    if len(texts) != 1 and linked:
        return read_expression(linked)
    return read_expression(next(iter(texts), linked))


def rules_of(alert: Alert, rules: Iterable[AlertRule]) -> tuple[AlertRule, ...]:
    """Return the rules that an alert may be of, each expression once; its link tells two apart."""
    found = {one.expression: one for one in rules if _of(alert, one)}
    linked = linked_expression(alert.generator_url)
    return (found[linked],) if linked in found else tuple(found.values())


def linked_expression(link: str | None) -> str:
    """Return the expression in the link to Prometheus' graph page, "" for none. It is never run."""
    if not link:
        return ""
    try:
        found = parse_qs(urlsplit(link).query).get("g0.expr", [""])
    except ValueError:
        return ""
    return found[0]


def _of(alert: Alert, rule: AlertRule) -> bool:
    if rule.name != alert.name:
        return False
    fixed = {name: value for name, value in rule.labels.items() if "{{" not in value}
    return all(alert.labels.get(name) == value for name, value in fixed.items())
