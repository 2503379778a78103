"""A stage on a real cluster: podinfo in pods, a Prometheus that scrapes them, and the product.

The product has the chart's two accounts and its admission policies, and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.telemetry import ServiceName
from bench.accounts import EXECUTOR, READER, Accounts

from .cluster import image
from .parts import START_SECONDS, write_config
from .processes import Process, free_port, get_json, until
from .product import Product, Ran

PORT = 9898
GOOD, BAD = "local.test/story:1", "local.test/story:2"  # one that serves, one that ends at once
CALM_SECONDS = 45  # of usual traffic, to compare with
LAST_WORDS = "cannot open /etc/story.conf"
_ENVIRONMENT = "kubernetes:story"
_EVERY = 0.2  # seconds between two rounds of requests


@dataclass
class ClusterStage:
    """Everything of one story, in a namespace of its own."""

    kubeconfig: Path
    folder: Path
    namespace: str = field(default_factory=lambda: f"aiops-story-{uuid4().hex[:6]}")

    def __post_init__(self) -> None:
        self.admin = KubeClient(self.kubeconfig)
        self.accounts = Accounts(self.admin, self.folder, self.namespace)
        self.over = threading.Event()
        self.addresses: dict[str, str] = {}  # of ready pods, with their service
        self.product: Product | None = None
        self.prometheus: Process | None = None

    async def install(self) -> None:
        """Give the product its accounts, under the policies; have images on the node."""
        await self.accounts.install()
        await self.accounts.bind(self.accounts.policies())
        podinfo = Path(os.environ["AIOPS_TEST_PODINFO"])
        said = f"echo {LAST_WORDS}; exit 3"
        for tag, command in ((GOOD, ("podinfo", f"--port={PORT}")), (BAD, ("sh", "-c", said))):
            image.write(self.folder / "image.tar", tag, command, podinfo)
            node = ("ctr", "-a", os.environ["AIOPS_TEST_NODE"], "-n", "k8s.io")
            _run(*node, "images", "import", str(self.folder / "image.tar"))
        await self.admin.close()  # of this loop

    def kubectl(self, *words: str, given: object = None) -> str:
        """Do something as the cluster's administrator."""
        return _run(
            *("kubectl", f"--kubeconfig={self.kubeconfig}", "-n", self.namespace, *words),
            given=None if given is None else json.dumps(given),
        )

    def deploy(self, name: str, tag: str = GOOD, **more: Any) -> None:
        """Make a Deployment of two pods and its Service; `more` goes into the container."""
        probe = {"httpGet": {"path": "/readyz", "port": PORT}, "periodSeconds": 1}
        ports = [{"name": "http", "containerPort": PORT}]
        pod = {"name": name, "image": tag, "ports": ports, "readinessProbe": probe, **more}
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [pod]}}
        spec = {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
            "progressDeadlineSeconds": 60,
        }
        reached = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": PORT}]}
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}
        service = {"apiVersion": "v1", "kind": "Service", "spec": reached}
        for one in (deployment, service):
            self.kubectl("create", "-f", "-", given={**one, "metadata": {"name": name}})

    def release(self, name: str, tag: str) -> None:
        """Roll another image out."""
        self.kubectl("set", "image", f"deployment/{name}", f"{name}={tag}")

    def one(self, name: str) -> dict[str, Any]:
        """Return a Deployment as it is now."""
        found: dict[str, Any] = json.loads(
            self.kubectl("get", "deployment", name, "-o", "json", "--show-managed-fields=false")
        )
        return found

    def image(self, name: str) -> str:
        """Return what a Deployment is to run."""
        return str(self.one(name)["spec"]["template"]["spec"]["containers"][0]["image"])

    def pods(self) -> list[dict[str, Any]]:
        """Return all pods of the namespace."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", "pods", "-o", "json"))["items"]
        return found

    def watch(self, *names: str) -> None:
        """Start Prometheus and the usual traffic; return when both have seen some calm."""
        port, targets = free_port(), self.folder / "targets.json"
        targets.write_text("[]")
        scraped = {
            "job_name": "pods",
            "scrape_interval": "1s",
            "file_sd_configs": [{"files": [str(targets)], "refresh_interval": "1s"}],
        }
        config = write_config(self.folder / "prometheus.json", {"scrape_configs": [scraped]})
        command = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]
        self.prometheus = Process(command, self.folder / "prometheus.log")
        self.metrics = f"http://127.0.0.1:{port}"
        self.prometheus.wait_ready(f"{self.metrics}/-/ready", START_SECONDS)
        for work in (self._discover, self._call):
            threading.Thread(target=work, args=(targets,), daemon=True).start()
        for name in names:
            until(partial(self._calm, name), CALM_SECONDS + 60, f"some calm of {name}")

    def serve(self, *known: str) -> Product:
        """Start the product; of the services named their present release is known to run well."""
        reader = self.folder / "kubeconfig"
        own = self.accounts.token(READER).read_text("utf-8")
        whole = _run("kubectl", f"--kubeconfig={self.kubeconfig}", "config", "view", "--raw")
        reader.write_text(whole)
        _run(
            *("kubectl", f"--kubeconfig={reader}", "config", "set-credentials"),
            *("aiops", f"--token={own}"),
        )
        _run(
            "kubectl",
            f"--kubeconfig={reader}",
            "config",
            "set-context",
            "--current",
            "--user=aiops",
        )
        cluster = {
            "kubeconfig": str(reader),
            "namespaces": [self.namespace],
            "executor_token": str(self.accounts.token(EXECUTOR)),
        }
        config = {
            "apiVersion": "aiops-agent/v1",
            "mode": "propose",
            "environment": _ENVIRONMENT,
            "sources": {"kubernetes": cluster, "prometheus": {"url": self.metrics}},
            "story": {"settle": "5s", "hold": "10s", "within": "120s", "look": "5s"},
        }
        self.product = Product(self.folder / "product", config)
        self._remember(*known)
        self.product.serve()
        return self.product

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
            over = shown["status"] in ("resolved", "dismissed", "escalated")
            assert shown["status"] in statuses or not over, json.dumps(shown, indent=1)
            return shown if shown["status"] in statuses else None

        found = until(reached, timeout, f"{incident} to be {' or '.join(statuses)}")
        assert found is not None
        return found

    def approve(self, incident: str) -> Ran:
        """Say yes to what waits, as a person in another terminal."""
        assert self.product is not None
        shown = self.product.read("approval", "show", incident)
        return self.product.aiops("approve", incident, "--plan", shown["digest"][:12])

    def stop(self) -> None:
        """End what runs here."""
        self.over.set()
        if self.product is not None:
            self.product.stop()
        if self.prometheus is not None:
            self.prometheus.stop()

    async def remove(self) -> None:
        """Take everything away from the cluster."""
        await self.accounts.applier.clean()
        await self.admin.close()

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
                work.releases.put(EnvironmentRef.parse(_ENVIRONMENT), seen)
        database.dispose()

    def _discover(self, targets: Path) -> None:
        """Tell Prometheus of the pods that have an address, as its own discovery would."""
        while not self.over.wait(2.0):
            found = [one for one in self.pods() if one["status"].get("podIP")]
            told: list[dict[str, Any]] = [
                {
                    "targets": [f"{one['status']['podIP']}:{PORT}"],
                    "labels": {
                        "namespace": self.namespace,
                        "pod": one["metadata"]["name"],
                        "service": one["metadata"]["labels"]["app"],
                    },
                }
                for one in found
            ]
            self.addresses = {one["targets"][0]: one["labels"]["service"] for one in told}
            part = targets.with_suffix(".part")
            part.write_text(json.dumps(told))
            part.replace(targets)

    def _call(self, _targets: Path) -> None:
        while not self.over.wait(_EVERY):
            for address in tuple(self.addresses):
                try:
                    urllib.request.urlopen(f"http://{address}/", timeout=2).close()
                except (OSError, urllib.error.URLError):
                    continue  # it starts, or ends

    def _calm(self, name: str) -> bool:
        """Whether Prometheus has seen enough of a service's usual traffic."""
        served = f'sum(rate(http_requests_total{{service="{name}"}}[5s])) > 1'
        return self._value(f"count_over_time(({served})[10m:1s])") >= CALM_SECONDS

    def _value(self, query: str) -> float:
        text = urllib.parse.urlencode({"query": query})
        found = get_json(f"{self.metrics}/api/v1/query?{text}")["data"]["result"]
        return float(found[0]["value"][1]) if found else 0.0


def _run(*command: str, given: str | None = None) -> str:
    ran = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
