"""One alert beside its expression and subject, and what may be asked of the three."""

import re
from dataclasses import dataclass

from aiops_agent.domain.alert import Alert
from aiops_agent.domain.meaning import AlertSubject
from aiops_agent.reading.claim import OBJECTIVE, STATUS
from aiops_agent.reading.expression import AlertExpression, Measured, tokens
from aiops_agent.reading.scope import PARTS

# Who passes requests on counts what it sees, not what the service behind it counts.
_PROXIES = frozenset({"haproxy", "nginx", "envoy", "traefik", "caddy", "kong", "aws", "azure",
                      "gcp", "cloudflare", "stackdriver", "linkerd", "squid", "varnish",
                      "apisix", "contour", "azurerm", "apache"})  # fmt: skip
# Who sends telemetry on: its requests are those that it makes.
_AGENTS = frozenset({"promtail", "alloy", "vector", "fluentbit", "fluentd", "telegraf", "otelcol",
                     "vmagent", "logstash", "filebeat"})  # fmt: skip
_INNER = re.compile(
    r"_(?:limiter|forward|storage|store|objstore|cache|webhook|registry|backend|peer|plugin"
    r"|notifications?|client|outgoing|outbound|upstream|downstream|external|scrape|probe)_"
)


@dataclass(frozen=True)
class AlertCase:
    """An alert, what its expression says, and of whom it speaks."""

    alert: Alert
    expression: AlertExpression
    subject: AlertSubject

    @property
    def measured(self) -> tuple[Measured, ...]:
        """The series that it looks at."""
        return self.expression.measured

    @property
    def text(self) -> str:
        """The names of their metrics, in small words."""
        return " ".join(tokens(one.metric) for one in self.measured)

    @property
    def part(self) -> str:
        """The label that makes it speak of a part of the service, "" for none."""
        told = [name for name, value in self.alert.labels.items() if value]
        chosen = [one.label for m in self.measured for one in m.matchers if one.sign == "="]
        named = [name for name in (*told, *chosen) if name not in STATUS]
        return next((name for name in named if PARTS.search(name)), "")

    @property
    def elsewhere(self) -> bool:
        """Whether somebody else than the subject counts."""
        family = self.measured[0].metric.partition("_")[0].lower()
        reported = any(m.value == "source" for one in self.measured for m in one.matchers)
        proxied = family in _PROXIES and family not in self.subject.service
        return proxied or family in _AGENTS or reported or _INNER.search(self.text) is not None


def burns(case: AlertCase) -> bool:
    """Whether it is about how fast an objective's budget burns."""
    return re.search(r"burn_?rate|sli_error|error_budget", case.text) is not None


def of_requests(case: AlertCase) -> bool:
    """Whether an objective is about requests that succeed, and its limit is a number."""
    told = [value for name, value in case.alert.labels.items() if name in OBJECTIVE]
    words = " ".join(map(tokens, (*told, *(one.metric for one in case.measured))))
    asked = re.search(r"_(?:https?|grpc|rpc|requests?|responses?|availability)_", words)
    return asked is not None and case.expression.condition.limit is not None
