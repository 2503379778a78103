"""The alerting rules that Prometheus evaluates, and what fires by them."""

from dataclasses import dataclass
from datetime import datetime

from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.domain.alert import SenderAlert
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import AlertRule, RuleReading


@dataclass(frozen=True)
class PrometheusRules:
    """The Rules port."""

    client: PrometheusClient

    async def rules(self) -> tuple[AlertRule, ...]:
        """Return every alerting rule with its present state. Raises SourceError."""
        return await self.client.rules()

    async def evaluate(
        self, rule: AlertRule, at: datetime | None = None
    ) -> tuple[RuleReading, ...]:
        """Return the series for which a rule of this server holds then. Raises SourceError."""
        # A group may have two rules of one name, for two severities.
        own = {(one.group, one.name, one.expression) for one in await self.client.rules()}
        if (rule.group, rule.name, rule.expression) not in own:
            raise SourceError(f"Prometheus has no rule {rule.name!r} with that expression.")
        found = await self.client.instant(_Own(rule.expression), at)
        return tuple(RuleReading(labels=dict(one.labels), value=one.value) for one in found)


@dataclass(frozen=True)
class PrometheusAlerts:
    """The SenderAlerts port over the server that evaluates the rules: it knows of no silence."""

    client: PrometheusClient

    async def firing(self) -> tuple[SenderAlert, ...]:
        """Return every alert of its rules that fires. Raises SourceError."""
        return await self.client.alerts()


@dataclass(frozen=True)
class _Own:
    """An expression that the server itself listed: the only text that is not built by us."""

    text: str

    def render(self) -> str:
        return self.text
