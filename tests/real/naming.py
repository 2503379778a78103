"""What the test system is called: nothing in the product may depend on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self
from uuid import uuid4


@dataclass(frozen=True)
class Naming:
    """The names, labels and port of the test system."""

    project: str
    service: str = "payments-api"
    bystander: str = "catalogue"
    port: int = 8080
    histogram: str = "http_request_duration_seconds"
    counter: str = "http_requests_total"
    code_label: str = "code"
    service_label: str = "service"
    docker_label: str = "com.docker.compose.service"
    alert: str = "HighLatency"

    @classmethod
    def usual(cls) -> Self:
        """Return the names of a compose project instrumented with a Prometheus client."""
        return cls(project=f"shop-{uuid4().hex[:6]}")

    @classmethod
    def other(cls) -> Self:
        """Return different names, labels and port, instrumented by OpenTelemetry's conventions."""
        return replace(
            cls.usual(),
            project=f"bank-{uuid4().hex[:6]}",
            service="ledger",
            bystander="statements",
            port=9191,
            histogram="http_server_request_duration_seconds",
            counter="",
            code_label="http_response_status_code",
            service_label="job",
            docker_label="aiops.service",
            alert="LedgerTooSlow",
        )
