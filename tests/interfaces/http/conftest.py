"""A service that is as healthy as a test wants, and clients of its doors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from aiops_agent.adapters import alertmanager
from aiops_agent.domain.alert import AlertList, Delivery
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.incident import Incident, IncidentSummary
from aiops_agent.domain.token import Token
from aiops_agent.interfaces.http.app import make_app
from aiops_agent.interfaces.http.metrics import MetricsExporter
from aiops_agent.interfaces.http.visitor import HOME, Doorstep
from aiops_agent.workflow.intake import Intake
from aiops_agent.workflow.queries import Queries
from aiops_agent.workflow.ready import Readiness
from tests.contracts.samples import a_kept_alert

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
TOKEN = "aiops_right"
JSON = {"Content-Type": "application/json"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class FakeService:
    """Keeps deliveries in a list; `broken` is raised by every call."""

    broken: Exception | None = None
    readiness: tuple[bool, str] = (True, "ready")
    tokens_made: bool = False
    kept: list[Delivery] = field(default_factory=list)
    stored: list[Incident] = field(default_factory=list)
    asked: list[tuple[object, ...]] = field(default_factory=list)
    addressed: list[tuple[str, Token | None]] = field(default_factory=list)
    unclaimed: str = ""
    scope: tuple[EnvironmentRef, ...] = ()  # what TOKEN may address; none means all

    def _work(self) -> None:
        if self.broken is not None:
            raise self.broken

    decoders = ("alertmanager",)

    def take(
        self, source: str, body: bytes, *, name: str = "", token: Token | None = None
    ) -> tuple[Delivery, ...]:
        self._work()
        self.addressed.append((name, token))
        found = alertmanager.decode(body, received_at=NOW)
        more = {"id": len(self.kept) + 1, "source": source, "unclaimed": self.unclaimed}
        self.kept.append(found.model_copy(update=more))
        return (self.kept[-1],)

    def token(self, secret: str) -> Token | None:
        self._work()
        own = Token(name="own", secret="", created_at=NOW, environments=self.scope)
        return own if secret == TOKEN else None

    def guarded(self) -> bool:
        self._work()
        return self.tokens_made

    def incidents(
        self,
        *,
        open_only: bool = False,
        before: str = "",
        limit: int = 100,
        environment: EnvironmentRef | None = None,
    ) -> tuple[IncidentSummary, ...]:
        self._work()
        self.asked.append((open_only, before, limit, environment))
        return tuple(incident.in_short for incident in self.stored)

    def incident(self, incident_id: str) -> Incident:
        self._work()
        for incident in self.stored:
            if incident.id == incident_id:
                return incident
        raise UsageError(f"There is no incident {incident_id!r}.")

    def alerts(self, incident_id: str) -> AlertList:
        self._work()
        return AlertList(shown=(a_kept_alert(incident=incident_id),), total=7)

    async def look(self) -> tuple[bool, str]:
        return self.readiness


class FakeMetrics:
    """Counts deliveries and says how many."""

    def __init__(self) -> None:
        self.count = 0

    def received(self, delivery: Delivery) -> None:
        self.count += 1

    async def render(self) -> bytes:
        return b"aiops_fake %d\n" % self.count


def app_of(
    service: FakeService,
    metrics: FakeMetrics,
    *,
    tokens_required: bool,
    doorstep: Doorstep = HOME,
) -> FastAPI:
    """Return the application before the fakes."""
    return make_app(
        cast(Queries, service),
        cast(Intake, service),
        cast(Readiness, service),
        tokens_required=tokens_required,
        metrics=cast(MetricsExporter, metrics),
        doorstep=doorstep,
    )


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def metrics() -> FakeMetrics:
    return FakeMetrics()


@pytest.fixture
def door(service: FakeService, metrics: FakeMetrics) -> Iterator[Callable[[bool], TestClient]]:
    """Open a client; True asks for tokens."""
    clients: list[TestClient] = []

    def made(tokens_required: bool) -> TestClient:
        app = app_of(service, metrics, tokens_required=tokens_required)
        client = TestClient(
            app,
            base_url="http://localhost",
            headers=JSON,
            raise_server_exceptions=False,
            follow_redirects=False,
        )
        clients.append(client)
        return client

    yield made
    for client in clients:
        client.close()


@pytest.fixture
def client(door: Callable[[bool], TestClient]) -> TestClient:
    """A client of a server that asks for tokens."""
    return door(True)
