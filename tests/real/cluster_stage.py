"""A stage on a real cluster: the shop of it, and the product that looks at it.

The product has the chart's two accounts and its admission policies, and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.telemetry import ServiceName
from bench.accounts import EXECUTOR, READER
from bench.cluster_audit import judged, records, requests

from .cluster_shop import ClusterShop
from .processes import until
from .product import Product, Ran

ENDED = ("resolved", "dismissed", "escalated")


@dataclass
class ClusterStage(ClusterShop):
    """Everything of one file of stories, in a namespace of its own."""

    product: Product | None = None
    environment: str = "kubernetes:story"

    @staticmethod
    def cluster() -> Path:
        """Return the kubeconfig of the cluster that the tests have."""
        return Path(os.environ["AIOPS_TEST_CLUSTER"])

    def serve(self, *known: str, server: str = "", **more: Any) -> Product:
        """Start the product; of the services named their present release is known to run well.

        `server` is another address of the cluster, `more` are keys of its configuration.
        """
        short = {"environment": self.environment, "sources": self.sources(server)}
        config = {
            "apiVersion": "aiops-agent/v1",
            "mode": "propose",
            **({} if "environments" in more else short),
            "story": {"settle": "5s", "hold": "10s", "within": "120s", "look": "5s"},
            "policy": {"limits": {"per_environment": "60/h"}},
            **more,
        }
        self.product = Product(self.folder / "product", config)
        self._remember(*known)
        self.product.serve()
        return self.product

    def reconfigure(self, **more: Any) -> None:
        """Have other keys in the product's configuration, which it is started anew with."""
        assert self.product is not None
        self.product.stop()
        self.product.config.update(more)
        self.product.write()
        self.product.serve()

    @property
    def store(self) -> str:
        """The address of the product's store."""
        return f"sqlite:///{self.folder / 'product' / 'state' / 'aiops.db'}"

    def alert(self, name: str, **labels: str) -> str:
        """Post an alert as Alertmanager does; return the incident that it opens."""
        assert self.product is not None
        seen = {one["id"] for one in self.incidents()}
        alert = {
            "status": "firing",
            "labels": {"alertname": name, "namespace": self.namespace, **labels},
            "annotations": {},
            "startsAt": datetime.now(UTC).isoformat(),
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "",
            "fingerprint": uuid4().hex[:16],
        }
        body: dict[str, Any] = {
            "version": "4",
            "status": "firing",
            "receiver": "aiops",
            "alerts": [alert],
        }
        whole = {**body, "groupKey": name, "groupLabels": {}, "commonLabels": {}}
        whole |= {"commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0}
        asked = urllib.request.Request(
            f"{self.product.url}/api/v1/alertmanager",
            json.dumps(whole).encode(),
            {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self.product.token}",
            },
        )
        with urllib.request.urlopen(asked, timeout=60) as reply:
            assert reply.status == 200
        found = until(lambda: {one["id"] for one in self.incidents()} - seen, 60, "an incident")
        return str(found.pop())

    def incidents(self) -> list[dict[str, Any]]:
        """Return every incident in short."""
        assert self.product is not None
        found: list[dict[str, Any]] = self.product.get("incidents")["incidents"]
        return found

    def show(self, incident: str) -> dict[str, Any]:
        """Return one incident with its attempts."""
        assert self.product is not None
        shown: dict[str, Any] = self.product.get(f"incidents/{incident}")
        return shown

    def wait(self, incident: str, *statuses: str, timeout: float = 180) -> dict[str, Any]:
        """Wait until the incident is in one of the statuses, and return it."""

        def reached() -> dict[str, Any] | None:
            shown = self.show(incident)
            over = shown["status"] in ENDED
            assert shown["status"] in statuses or not over, json.dumps(shown, indent=1)
            return shown if shown["status"] in statuses else None

        found = until(reached, timeout, f"{incident} to be {' or '.join(statuses)}")
        assert found is not None
        return found

    def waiting(self, name: str, *reasons: str) -> str:
        """Wait until a pod of a service waits for one of these reasons; return its name."""

        def found() -> str:
            for pod in self.pods():
                states = [one["state"] for one in pod["status"].get("containerStatuses", ())]
                if pod["metadata"]["labels"].get("app") == name:
                    for state in states:
                        if state.get("waiting", {}).get("reason") in reasons:
                            return str(pod["metadata"]["name"])
            return ""

        return until(found, 90, f"a pod of {name} to wait for {' or '.join(reasons)}")

    def planned(self, incident: str) -> list[dict[str, Any]]:
        """Wait for a plan; return its actions."""
        self.wait(incident, "awaiting_approval")
        assert self.product is not None
        shown = self.product.read("approval", "show", incident)
        actions: list[dict[str, Any]] = shown["prepared"]["plan"]["actions"]
        return actions

    def approve(self, incident: str) -> Ran:
        """Say yes to what waits, as a person in another terminal."""
        assert self.product is not None
        shown = self.product.read("approval", "show", incident)
        return self.product.aiops("approve", incident, "--plan", shown["digest"][:12])

    def audited(self) -> int:
        """Lay the API server's audit log beside the ledger; return how many changes both know."""
        reader, executor = (self.accounts.user(name) for name in (READER, EXECUTOR))
        database = make_engine(self.store, 2)
        with SqlStore(database).read() as view:
            ledger = list(records(view))
        database.dispose()
        with Path(os.environ["AIOPS_TEST_AUDIT"]).open(encoding="utf-8") as lines:
            rows = judged(list(requests(lines)), ledger, reader, executor)
        for row in rows:
            print(row.json())
        assert [row.json() for row in rows if not row.met] == []
        return len([one for one in ledger if one.state == "applied"])

    def stop(self) -> None:
        """End what runs here."""
        if self.product is not None:
            self.product.stop()
        super().stop()

    def _remember(self, *services: str) -> None:
        """Note what runs as what ran well: by itself that takes ten minutes of traffic."""
        database = make_engine(self.store, 2)
        upgrade(database)
        ids = {
            one["metadata"]["labels"].get("app"): one["status"]["containerStatuses"][0]["imageID"]
            for one in self.pods()
            if one["status"].get("containerStatuses")
        }
        with SqlStore(database).begin() as work:
            for name in services:
                seen = GoodRelease(
                    service=ServiceName(name),
                    image_id=ids[name],
                    image=self.image(name),
                    seen=datetime.now(UTC),
                )
                work.releases.put(EnvironmentRef.parse(self.environment), seen)
        database.dispose()


@contextmanager
def staged(folder: Path) -> Iterator[ClusterStage]:
    """A stage with its accounts and images; all of it is taken away afterwards."""
    stage = ClusterStage(ClusterStage.cluster(), folder)
    try:
        asyncio.run(stage.install())
        yield stage
    finally:
        stage.stop()
        asyncio.run(stage.remove())
        log = folder / "product" / "serve.log"
        print(log.read_text(errors="replace")[-8000:] if log.exists() else "never served")
