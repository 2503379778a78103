"""Our own counts for Prometheus, read from the bus."""

import platform
import threading
from collections import Counter as Tally
from typing import Any

import prometheus_client as prom
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.event import Event, EventType
from aiops_agent.domain.incident import ENDED, Status
from aiops_agent.domain.timing import by_phase
from aiops_agent.ports.store import Store, Work

BATCH = 1_000
MANY = 10_000
SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """Counts of one store.

    What happened to incidents is counted from the whole event table when it is first asked for,
    and from there on: it survives a restart. What was received counts from the start of the
    process. Labels are words of ours, never a name out of an alert or an incident.
    """

    def __init__(self, store: Store, version: str) -> None:
        self.registry = CollectorRegistry()
        self._store = store
        self._cursor = 0
        self._lock = threading.Lock()
        self._define(version)
        self._define_story()
        self._meanings = {
            EventType.INCIDENT_RESOLVED: self._ended,
            EventType.PEOPLE_TOLD: self._told,
            EventType.INCIDENT_DISMISSED: self._ended,
            EventType.INCIDENT_ESCALATED: self._ended,
            EventType.POLICY_DECIDED: self._ruled,
            EventType.APPROVAL_DECIDED: self._decided,
            EventType.APPROVAL_ENDED: self._expired,
            EventType.APPROVAL_REFUSED: self._refused,
            EventType.ACTION_FINISHED: self._acted,
            EventType.VERIFICATION_DONE: self._verified,
        }

    def received(self, delivery: Delivery) -> None:
        """Count a delivery that was kept, alert by alert; a rejected body counts as one."""
        states = Tally(alert.state.value for alert in delivery.alerts)
        if delivery.rejected:
            states["rejected"] += 1
        for state, count in states.items():
            self._alerts.labels(delivery.source, state).inc(count)
        self._last_alert.labels(delivery.source).set(delivery.received_at.timestamp())

    def render(self) -> bytes:
        """Return all counts in Prometheus' text format; raises StoreError."""
        with self._lock:
            self._catch_up()
            return prom.generate_latest(self.registry)

    def _catch_up(self) -> None:
        more = True
        while more:
            with self._store.begin() as work:
                events = work.events.after(self._cursor, limit=BATCH)
                for event in events:
                    self._count(event, work)
                self._look(work)
            more = len(events) == BATCH

    def _count(self, event: Event, work: Work) -> None:
        self._cursor = event.id
        meaning = self._meanings.get(event.type)
        if meaning is not None:
            meaning(event, work)

    def _look(self, work: Work) -> None:
        """Count what is so now."""
        unended = work.incidents.listed(open_only=True, limit=MANY)
        tally = Tally(incident.status for incident in unended)
        for status in (status for status in Status if status not in ENDED):
            self._open.labels(status.value).set(tally[status])
        pending = work.approvals.listed(states=[ApprovalState.PENDING], limit=MANY)
        self._pending.set(len(pending))

    def _told(self, event: Event, _work: Work) -> None:
        self._notifications.labels(_word(event, "channel"), _word(event, "outcome")).inc()

    def _ended(self, event: Event, work: Work) -> None:
        self._incidents.labels(_word(event, "severity"), _word(event, "ending")).inc()
        history = work.events.after(0, incident=event.incident, limit=MANY)
        for spent in by_phase([known for known in history if known.id <= event.id]):
            self._phases.labels(spent.name).observe(spent.wall.total_seconds())

    def _ruled(self, event: Event, _work: Work) -> None:
        ruling = _inner(event, "verdict").get("ruling", "unknown")
        self._policy.labels(str(ruling), _word(event, "rule")).inc()

    def _decided(self, event: Event, _work: Work) -> None:
        decision = _inner(event, "decision")
        word = "approved" if decision.get("approve") else "rejected"
        self._approvals.labels(word, str(decision.get("surface", "unknown"))).inc()

    def _refused(self, event: Event, _work: Work) -> None:
        surface = str(_inner(event, "decision").get("surface", "unknown"))
        self._approvals.labels("refused", surface).inc()

    def _expired(self, event: Event, _work: Work) -> None:
        self._approvals.labels(_word(event, "state"), "none").inc()

    def _acted(self, event: Event, _work: Work) -> None:
        words = [_word(event, name) for name in ("action", "risk", "state")]
        self._actions.labels(*words).inc()

    def _verified(self, event: Event, _work: Work) -> None:
        self._verifications.labels(_word(event, "recovery")).inc()

    def _define(self, version: str) -> None:
        r = self.registry
        prom.disable_created_metrics()  # type: ignore[no-untyped-call] # it has no types
        prom.ProcessCollector(registry=r)
        build = Gauge("aiops_build_info", "What runs here.", ["version", "python"], registry=r)
        build.labels(version, platform.python_version()).set(1)
        self._alerts = _counter(r, "alerts_received", "Alerts kept.", "source", "status")
        self._last_alert = Gauge(
            "aiops_last_alert_received_timestamp_seconds",
            "When the last body was kept.",
            ["source"],
            registry=r,
        )
        told = "Messages to people."
        self._notifications = _counter(r, "notifications", told, "channel", "outcome")

    def _define_story(self) -> None:
        r = self.registry
        self._incidents = _counter(r, "incidents", "Incidents ended.", "severity", "outcome")
        self._open = Gauge("aiops_incidents_open", "Incidents not ended.", ["phase"], registry=r)
        self._phases = Histogram(
            "aiops_phase_duration_seconds",
            "Wall time of one incident in one phase.",
            ["phase"],
            buckets=SECONDS,
            registry=r,
        )
        self._policy = _counter(r, "policy_decisions", "Plans judged.", "decision", "rule")
        self._approvals = _counter(r, "approvals", "Requests answered.", "decision", "surface")
        self._pending = Gauge("aiops_approvals_pending", "Requests that wait.", registry=r)
        self._actions = _counter(r, "actions", "Plans sent.", "action", "risk", "outcome")
        self._verifications = _counter(r, "verifications", "Verdicts after acting.", "outcome")


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    return Counter(f"aiops_{name}", text, labels, registry=registry)


def _word(event: Event, name: str) -> str:
    return str(event.data.get(name) or "unknown")


def _inner(event: Event, name: str) -> dict[str, Any]:
    found = event.data.get(name)
    return found if isinstance(found, dict) else {}
