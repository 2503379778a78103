"""Our own counts for Prometheus, read from the bus."""

import asyncio
import platform
from collections import Counter as Tally
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import prometheus_client as prom
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aiops_agent.domain import payload
from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.answer import Effort
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import ENDED, Status
from aiops_agent.domain.model import ModelRef
from aiops_agent.domain.timing import by_phase
from aiops_agent.interfaces.http.model_metrics import ModelCounts
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.loops import Loop, LoopName, Loops
from aiops_agent.workflow.queries import Queries

# From an answer of ours to an hour of waiting for a person.
SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class MetricsExporter:
    """Counts of one store.

    What happened to incidents is counted from the whole event table when it is first asked for,
    and from there on: it survives a restart. What was received counts from the start of the
    process. Labels are words of ours, never a name out of an alert or an incident.
    """

    def __init__(
        self,
        queries: Queries,
        feed: Feed,
        version: str,
        broken: Callable[[], Mapping[ModelRef, bool]] = dict,
        loops: Loops | None = None,
        *,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self.registry = CollectorRegistry()
        self._queries, self._feed, self._loops = queries, feed, loops or Loops()
        self._unread = Loop(LoopName.FEED, self._loops.clock, "metrics")
        self._failed: dict[LoopName, int] = {}
        self._leads = leads
        self._models = ModelCounts(self.registry, broken)
        self._cursor = self._call = 0
        self._lock = asyncio.Lock()  # two scrapes at once would count an event twice
        prom.disable_created_metrics()  # type: ignore[no-untyped-call] # it has no types
        prom.ProcessCollector(registry=self.registry)
        self._define(version)

    def received(self, delivery: Delivery) -> None:
        """Count a delivery that was kept, alert by alert; a rejected body counts as one."""
        states = Tally(alert.state.value for alert in delivery.alerts)
        if delivery.rejected:
            states["rejected"] += 1
        for state, count in states.items():
            self._alerts.labels(delivery.source, state).inc(count)
        self._last_alert.labels(delivery.source).set(delivery.received_at.timestamp())

    async def render(self) -> bytes:
        """Return all counts in Prometheus' text format.

        While the store cannot be read, those that come from it stay as they were.
        """
        async with self._lock:
            self._look_at_loops()
            try:
                await self._read()
                self._readable.set(1)
            except StoreError as error:  # the counts that tell of it must be seen now
                self._readable.set(0)
                if self._queries.halted():  # the file holds without a store too
                    self._stopped.set(1)
                self._unread.tell("metrics are old", error)
            return prom.generate_latest(self.registry)

    def _look_at_loops(self) -> None:
        self._leader.set(self._leads())
        for name, count in self._loops.failures().items():
            self._failures.labels(name.value).inc(count - self._failed.get(name, 0))
            self._failed[name] = count
        for name, seconds in self._loops.troubled().items():
            self._troubled.labels(name.value).set(seconds)

    async def _read(self) -> None:
        while found := await self._feed.after(self._cursor):
            for event in found:
                await self._count(event)
                self._cursor = event.id
        while calls := await asyncio.to_thread(self._queries.calls_after, self._call):
            for call in calls:
                self._models.count(call)
                self._call = call.number
        self._models.look()
        unended, pending = await asyncio.to_thread(self._queries.standing)
        for status in (status for status in Status if status not in ENDED):
            self._open.labels(status.value).set(unended.get(status, 0))
        self._pending.set(pending)
        standing = await asyncio.to_thread(self._queries.sending)
        self._stopped.set(bool(standing.stopped))
        for one in await asyncio.to_thread(self._queries.outbox, datetime.now(UTC)):
            self._untold.labels(one.receiver).set(one.waiting)

    async def _count(self, event: Event) -> None:
        if event.effort is not None:
            self._count_effort(event.agent, event.effort)
        match event.payload:
            case payload.IncidentEnd() as end:
                self._incidents.labels(end.severity, end.ending).inc()
                history = await self._feed.so_far(event.incident)
                for spent in by_phase([known for known in history if known.id <= event.id]):
                    self._phases.labels(spent.name).observe(spent.wall.total_seconds())
            case payload.PeopleTold(channel=channel) as told:
                became = "superseded" if told.superseded else "failed" if told.failed else "sent"
                self._notifications.labels(channel, became).inc()
            case payload.PolicyDecided(verdict=verdict):
                self._policy.labels(verdict.ruling, verdict.rule).inc()
            case payload.ActionFinished(action=action, risk=risk, outcome=outcome):
                kind = action.kind if action else "unknown"
                self._actions.labels(kind, risk or "unknown", outcome.state).inc()
            case payload.VerificationDone(recovery=recovery):
                self._verifications.labels(recovery).inc()
            case other:
                self._count_answer(other)

    def _count_effort(self, agent: str, effort: Effort) -> None:
        by = (
            effort.beside or effort.by
        ).kind.value  # no person's name, and no name that a provider gives itself
        self._answers.labels(agent, by).inc()
        self._work.labels(agent, by).inc(effort.took)

    def _count_answer(self, answer: payload.Payload) -> None:
        match answer:
            case payload.ApprovalDecided(decision=decision):
                word = "approved" if decision.approve else "rejected"
                self._approvals.labels(word, decision.surface).inc()
            case payload.ApprovalEnded(state=state):
                self._approvals.labels(state, "none").inc()
            case payload.ApprovalRefused(surface=surface):
                self._approvals.labels("refused", surface).inc()

    def _define(self, version: str) -> None:
        r, of = self.registry, ("agent", "author")
        build = Gauge("aiops_build_info", "What runs here.", ["version", "python"], registry=r)
        build.labels(version, platform.python_version()).set(1)
        self._alerts = _counter(r, "alerts_received", "Alerts kept.", "source", "status")
        name, text = "aiops_last_alert_received_timestamp_seconds", "When the last body was kept."
        self._last_alert = Gauge(name, text, ["source"], registry=r)
        told = "Messages to people."
        self._notifications = _counter(r, "notifications", told, "channel", "outcome")
        text = "Notices that wait for their receiver."
        self._untold = Gauge("aiops_notifications_waiting", text, ["channel"], registry=r)
        self._incidents = _counter(r, "incidents", "Incidents ended.", "severity", "outcome")
        self._open = Gauge("aiops_incidents_open", "Incidents not ended.", ["phase"], registry=r)
        name, text = "aiops_phase_duration_seconds", "Wall time of one incident in one phase."
        self._phases = Histogram(name, text, ["phase"], buckets=SECONDS, registry=r)
        self._policy = _counter(r, "policy_decisions", "Plans judged.", "decision", "rule")
        self._approvals = _counter(r, "approvals", "Requests answered.", "decision", "surface")
        self._pending = Gauge("aiops_approvals_pending", "Requests that wait.", registry=r)
        name, text = "aiops_sending_stopped", "1 while nothing is sent, by switch or by file."
        self._stopped = Gauge(name, text, registry=r)
        self._actions = _counter(r, "actions", "Plans sent.", "action", "risk", "outcome")
        told = "Turns of a loop of ours that failed; each was tried again."
        self._failures = _counter(r, "loop_failures", told, "loop")
        name, text = "aiops_loop_trouble_seconds", "How long a loop has failed or hung; 0 is well."
        self._troubled = Gauge(name, text, ["loop"], registry=r)
        name, text = "aiops_leader", "1 while stories are worked on here, 0 standing by."
        self._leader = Gauge(name, text, registry=r)
        text = "Whether the counts that come from the store are fresh."
        self._readable = Gauge("aiops_store_readable", text, registry=r)
        self._verifications = _counter(r, "verifications", "Verdicts after acting.", "outcome")
        self._answers = _counter(r, "answers", "Pieces of work done.", *of)
        self._work = _counter(r, "work_seconds", "Wall time of that work.", *of)


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    return Counter(f"aiops_{name}", text, labels, registry=registry)
