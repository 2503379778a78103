"""A scenario's stage: the system, its watchers and the product, and what a person does there."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .docker import System
from .naming import Naming
from .parts import Prometheus
from .processes import until
from .product import Product, Ran
from .receiver import Receiver

# A replica serves 20 requests per second: 40 by two, 80 by the four that the configuration allows.
USUAL_RATE, TOO_MUCH_FOR_TWO, TOO_MUCH_FOR_FOUR = 20, 55, 130
CALM_SECONDS = 45
SECRET = "shared-secret"  # of the outgoing webhook
ENDED = ("resolved", "dismissed", "escalated")


def configuration(naming: Naming, prometheus: str, notify: str) -> dict[str, Any]:
    """Return what a user of this system would write, with short waits."""
    return {
        "apiVersion": "aiops-agent/v1",
        "mode": "propose",
        "environment": f"docker:{naming.project}",
        "sources": {
            "prometheus": {"url": prometheus},
            "docker": {"socket": "/var/run/docker.sock", "project": naming.project},
        },
        "approvals": {"expires": "15m"},
        "story": {"settle": "10s", "hold": "10s", "within": "60s", "look": "5s"},
        "notify": {"webhook": {"url": notify, "secret": SECRET}},
        "actions": {"scale_pods": {"max_replicas": 4}},
    }


@dataclass
class Stage:
    """Everything of one scenario."""

    naming: Naming
    system: System
    prometheus: Prometheus
    product: Product
    receiver: Receiver
    alertmanager_port: int
    seen: list[str] = field(default_factory=list)

    def calm(self) -> None:
        """Let the usual load run until Prometheus has seen enough of it to compare with."""
        self.system.load(self.naming.service, USUAL_RATE)
        self.system.load(self.naming.bystander, 5)
        served = f"sum(rate({self.naming.histogram}_count{{{self.label}}}[5s]))"
        query = f"count_over_time(({served} > {USUAL_RATE / 2})[10m:1s])"
        until(
            lambda: (self.prometheus.value(query) or 0) >= CALM_SECONDS,
            CALM_SECONDS + 40,
            f"{CALM_SECONDS} s of calm",
        )

    @property
    def label(self) -> str:
        return f'{self.naming.service_label}="{self.naming.service}"'

    def surge(self, rate: float) -> None:
        """Add load up to `rate` requests per second in all."""
        self.system.load(self.naming.service, rate - USUAL_RATE)

    def alert(self, *alerts: Mapping[str, str]) -> None:
        """Tell Alertmanager of alerts by their labels."""
        body = json.dumps([{"labels": labels, "annotations": {}} for labels in alerts]).encode()
        url = f"http://127.0.0.1:{self.alertmanager_port}/api/v2/alerts"
        asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=5) as reply:
            assert reply.status == 200

    def incidents(self) -> list[dict[str, Any]]:
        """Return every incident in short, the newest first."""
        found: list[dict[str, Any]] = self.product.get("incidents")["incidents"]
        return found

    def show(self, incident: str) -> dict[str, Any]:
        """Return one incident with all its attempts and alerts."""
        shown: dict[str, Any] = self.product.get(f"incidents/{incident}")
        return shown

    def wait_incident(self) -> str:
        """Wait for the first incident, and return its id."""
        found = until(self.incidents, 60, "an incident")
        return str(found[0]["id"])

    def wait(self, incident: str, *statuses: str, timeout: float = 90) -> str:
        """Wait until the incident is in one of the statuses, and return which."""

        def reached() -> str:
            status = str(self.show(incident)["status"])
            if not self.seen or self.seen[-1] != status:
                self.seen.append(status)
            assert status in statuses or status not in ENDED, self.show(incident)
            return status if status in statuses else ""

        return until(reached, timeout, f"{incident} to be {' or '.join(statuses)}; {self.seen}")

    def over(self, incident: str, timeout: float) -> dict[str, Any]:
        """Wait until an incident has ended, and return it."""
        return until(
            lambda: (one := self.show(incident))["ended_at"] and one,
            timeout,
            f"the end of {incident}, which is {self.show(incident)['status']}",
        )

    def left(self, incident: str) -> dict[str, Any]:
        """Wait for an incident's end; a plan that was made for it is rejected by a person."""

        def settled() -> str:
            status = str(self.show(incident)["status"])
            return status if status in (*ENDED, "awaiting_approval") else ""

        if until(settled, 120, f"{incident} to end or to wait for an answer") not in ENDED:
            self.reject(incident)
        return self.over(incident, 30)

    def pending(self) -> list[dict[str, Any]]:
        """Return the requests that wait for an answer."""
        found: list[dict[str, Any]] = self.product.read("approval", "list")
        return [one for one in found if one["state"] == "pending"]

    def approve(self, incident: str) -> Ran:
        """Approve what waits, as a person in another terminal."""
        return self._answer("approve", incident)

    def reject(self, incident: str) -> Ran:
        """Reject what waits."""
        return self._answer("reject", incident)

    def _answer(self, verb: str, incident: str) -> Ran:
        shown = self.product.read("approval", "show", incident)
        ran = self.product.aiops(verb, incident, "--plan", shown["digest"][:12])
        assert ran.code == 0, ran
        return ran

    def p95(self) -> float:
        """Return the p95 latency in seconds that Prometheus sees; 9 when it sees none."""
        return self.prometheus.p95(self.naming.service, "10s") or 9.0

    def ids(self) -> list[str]:
        """Return the ids of the service's running containers."""
        return [container.id for container in self.system.containers(self.naming.service)]

    def wait_containers(self, wanted: Callable[[list[str]], bool], timeout: float = 60) -> None:
        """Wait until the service's containers are as wanted; else fail with why they ended."""
        try:
            until(lambda: wanted(self.ids()), timeout, "the containers to be as wanted")
        except AssertionError as error:
            raise AssertionError(f"{error} {self.ids()}\n{self.system.endings()}") from error
