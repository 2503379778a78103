"""Dependencies of the story with a real store, a clock that is set by hand, and a small company."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any

from aiops_agent.adapters.off import Absent, NoPlatform
from aiops_agent.agents.crew import without_llm
from aiops_agent.domain.alert import Alert, AlertState, Delivery, IncidentAlert
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceName
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.ports.store import Store
from aiops_agent.ports.telemetry import Environment, Metrics
from aiops_agent.registry import CATALOGUE, RULES
from aiops_agent.safety.execute import Executor
from aiops_agent.workflow.deps import Deps, Terms

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
ABSENT = Absent("Nothing is configured.")
HERE = EnvironmentRef.parse("docker:local")
# web -> payments-api -> payments-db; mail stands alone
NAMES = tuple(map(ServiceName, ("web", "payments-api", "payments-db", "mail")))
CALLS = tuple(pairwise(NAMES[:3]))


@dataclass
class HandClock:
    """The time of the wall and of the environment, moved by the test alone."""

    at: datetime = START

    def now(self) -> datetime:
        """Return the time that was set."""
        return self.at

    def go(self, **length: float) -> None:
        """Move on, or back."""
        self.at += timedelta(**length)

    async def wait_until(self, at: datetime) -> None:
        """Be there at once."""
        self.at = max(self.at, at)


@dataclass(frozen=True)
class Company:
    """The topology of NAMES and CALLS, unless it is away."""

    away: bool = False

    async def graph(self) -> ServiceGraph:
        """Return who calls whom."""
        if self.away:
            raise SourceError("The topology does not answer.")
        return ServiceGraph(services=tuple(Service(name=n) for n in NAMES), calls=CALLS)


@dataclass
class Place:
    """One store and what lives on it; `marks` collects the points that were passed."""

    store: Store
    clock: HandClock = field(default_factory=HandClock)
    topology: Company = field(default_factory=Company)
    metrics: Metrics = ABSENT
    terms: Terms = field(default_factory=Terms)
    marks: list[str] = field(default_factory=list)

    @property
    def deps(self) -> Deps:
        """Return everything the story needs."""
        executor = Executor(
            platforms=lambda _name: NoPlatform("sources.docker"),
            store=self.store,
            catalogue=CATALOGUE,
            bounds=lambda _name: {},
            now=self.clock.now,
        )
        return Deps(
            store=self.store,
            environments=self._environment,
            executor=executor,
            memory=ArchiveMemory(self.store),
            crew=without_llm(),
            rules=RULES,
            now=self.clock.now,
            terms=self.terms,
            mark=lambda point: self.marks.append(point.value),
        )

    def _environment(self, environment: EnvironmentRef) -> Environment:
        return Environment(
            ref=environment,
            metrics=self.metrics,
            logs=ABSENT,
            changes=ABSENT,
            rules=ABSENT,
            workloads=ABSENT,
            spans=ABSENT,
            topology=self.topology,
            clock=self.clock,
        )

    def incidents(self) -> list[Incident]:
        """Return all incidents, oldest first."""
        with self.store.begin() as work:
            return list(work.incidents.loaded()[::-1])

    def alerts(self, incident: Incident) -> tuple[IncidentAlert, ...]:
        """Return the alerts of an incident, in the order in which they joined it."""
        with self.store.begin() as work:
            found = work.alerts.of_incident(incident.id, limit=1000)
            assert found.total == len(found.shown)
            return found.shown

    def events(self, *kinds: EventType) -> list[Event]:
        """Return the events of these kinds (all when none is given)."""
        with self.store.begin() as work:
            return [e for e in work.events.after(0) if not kinds or e.type in kinds]

    def keep(self, *alerts: Alert, **other: Any) -> Delivery:
        """Put a body with these alerts into the inbox, as the webhook does."""
        words = "|".join(f"{alert.identity(())}{alert.state}" for alert in alerts)
        given = {
            "source": "alertmanager",
            "environment": HERE,
            "digest": sha256(words.encode("utf-8", "surrogatepass")).hexdigest(),
            "body": "{}",
            "alerts": alerts,
            "received_at": self.clock.at,
        }
        with self.store.begin() as work:
            return work.inbox.keep(Delivery(**{**given, **other}))

    def put(self, incident: Incident) -> None:
        """Store an incident."""
        with self.store.begin() as work:
            work.incidents.put(incident)


def an_alert(service: str = "payments-api", **other: Any) -> Alert:
    given = {
        "source": "alertmanager",
        "labels": {"alertname": "HighLatency", "service": service},
        "state": AlertState.FIRING,
        "starts_at": START,
        "received_at": START,
    }
    return Alert(**{**given, **other})
