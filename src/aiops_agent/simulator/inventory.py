"""What the shop knows of itself beside signals: its alerting rules, and what runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.domain.errors import NoSource, SourceError
from aiops_agent.domain.telemetry import (
    AlertRule,
    RuleReading,
    RuleState,
    ServiceName,
    Signal,
    Span,
    Window,
    Workload,
)
from aiops_agent.simulator.alarms import HELD, PROMISES, RULES, alarms
from aiops_agent.simulator.history import TICK
from aiops_agent.simulator.replay import Shop


@dataclass(frozen=True)
class ShopRules:
    """The Rules port: one rule for each promise of a service."""

    shop: Shop

    async def rules(self) -> tuple[AlertRule, ...]:
        """Return every rule with its present state."""
        self.shop.catch_up()
        held = {(one.service, one.signal) for one in alarms(self.shop.history, self.shop.seconds)}
        return tuple(self._rule(*pair, fires=pair in held) for pair in PROMISES)

    async def evaluate(
        self, rule: AlertRule, at: datetime | None = None
    ) -> tuple[RuleReading, ...]:
        """Return the service's reading while it breaks its promise now. Raises SourceError."""
        if at is not None:
            raise SourceError("The shop knows its rules' values of now only.")
        self.shop.catch_up()
        for name, signal in PROMISES:
            if self._expression(name, signal) == rule.expression:
                value, holds = self._now(name, signal)
                labels = {"service": str(self.shop.shown(name))}
                return (RuleReading(labels=labels, value=value),) if holds else ()
        raise SourceError(f"The shop has no rule {rule.name!r} with that expression.")

    def _rule(self, service: str, signal: Signal, *, fires: bool) -> AlertRule:
        _, holds = self._now(service, signal)
        shown, (name, words) = self.shop.shown(service), RULES[signal]
        pending = RuleState.PENDING if holds else RuleState.INACTIVE
        return AlertRule(
            name=name,
            group="promises",
            expression=self._expression(service, signal),
            hold=timedelta(seconds=HELD * TICK),
            labels={"service": shown},
            annotations={"summary": f"{shown} {words}"},
            state=RuleState.FIRING if holds and fires else pending,
        )

    def _expression(self, service: str, signal: Signal) -> str:
        level, own = PROMISES[service, signal], f'service="{self.shop.shown(service)}"'
        asked = f"sum(rate(http_requests_total{{{own}}}[1m]))"
        if signal is Signal.ERRORS:
            failed = f'sum(rate(http_requests_total{{{own}, code=~"5.."}}[1m]))'
            return f"{failed} / {asked} > {level:g}"
        buckets = f"sum by (le) (rate(http_request_duration_seconds_bucket{{{own}}}[1m]))"
        return f"histogram_quantile(0.95, {buckets}) > {level:g}"

    def _now(self, service: str, signal: Signal) -> tuple[float | None, bool]:
        """Return the present value, and whether it breaks the promise."""
        track = self.shop.history.tracks[service, signal]
        value = track[min(len(track) - 1, int(self.shop.seconds / TICK))]
        return value, value is not None and value > PROMISES[service, signal]


@dataclass(frozen=True)
class ShopWorkloads:
    """The Workloads port: every replica, as far as its platform can know it."""

    shop: Shop

    async def workloads(self, services: Sequence[ServiceName]) -> tuple[Workload, ...]:
        """Return the replicas of these services; a replica that hangs looks like any other."""
        self.shop.catch_up()
        now = self.shop.seconds
        return tuple(
            Workload(
                service=self.shop.shown(name),
                name=f"{self.shop.shown(name)}-{ordinal}",
                state="running" if now >= replica.ready_at else "starting",
                image=f"{self.shop.shown(name)}:{replica.build.release.name}",
                started_at=self.shop.time(replica.ready_at) if replica.ready_at > 0 else None,
            )
            for name, node in self.shop.world.nodes.items()
            if self.shop.shown(name) in services
            for ordinal, replica in enumerate(node.fleet.replicas, start=1)
        )


@dataclass(frozen=True)
class ShopSpans:
    """The Spans port of a shop that traces nothing."""

    async def spans(self, _services: Sequence[ServiceName], _window: Window) -> tuple[Span, ...]:
        """Raise NoSource: there are none."""
        raise NoSource("The shop writes no spans; its topology tells who calls whom.")
