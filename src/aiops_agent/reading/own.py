"""What does the value of an alert's own rule say? Of the very quantile, route or instance."""

import re

from aiops_agent.domain.alert import Alert
from aiops_agent.domain.meaning import AlertClaim, AlertSubject, OwnValue
from aiops_agent.domain.remediation import TargetKind as Kind
from aiops_agent.domain.telemetry import AlertRule, Signal
from aiops_agent.reading.case import AlertCase, burns
from aiops_agent.reading.claim import served
from aiops_agent.reading.expression import AlertExpression
from aiops_agent.reading.refute import errors, never
from aiops_agent.reading.scope import Refusal
from aiops_agent.reading.tree import BinaryNode, CallNode, Node, constant


def own_value(
    alert: Alert,
    expression: AlertExpression | None,
    subject: AlertSubject,
    claim: AlertClaim | None,
    rule: AlertRule,
) -> OwnValue | None:
    """Return how the value of an alert's rule is read, where it is one of requests answered."""
    if expression is None or claim not in {AlertClaim.LATENCY, AlertClaim.ERRORS}:
        return None
    case = AlertCase(alert, expression, subject)
    strange = not subject.service or subject.kind in {Kind.NODE, Kind.UNKNOWN}
    above = expression.condition.sign in {">", ">="} and expression.condition.limit is not None
    if strange or not above or burns(case) or case.elsewhere or never(expression):
        return None
    if not all(map(served, case.measured)):
        return None
    factor = _factor(expression.condition.value)
    if claim is AlertClaim.ERRORS:
        return None if not expression.ratio or isinstance(errors(case), Refusal) else OwnValue(
            rule=rule, signal=Signal.ERRORS, scale=1.0 / factor)  # fmt: skip
    found = re.search(r"_(seconds|milliseconds|ms)_", case.text)
    if found is None:
        return None
    unit = 1.0 if found.group(1) == "seconds" else 0.001
    return OwnValue(rule=rule, signal=Signal.LATENCY, scale=unit / factor)


def _factor(node: Node) -> float:
    """Return by which number a value was multiplied, as into percent; 1 for none."""
    match node:
        case BinaryNode(sign="*"):
            return _factor(node.left) * _factor(node.right)
        case BinaryNode(sign="/"):
            return _factor(node.left) / _factor(node.right)
        case CallNode(arguments=(inner,)):
            return _factor(inner)
        case _:
            return constant(node) or 1.0
