"""A shop on a real cluster: services in pods, usual traffic, a Prometheus that scrapes them.

It has a namespace of its own, with the chart's two accounts and its admission policies.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiops_agent.adapters.kubernetes.client import KubeClient
from bench.accounts import EXECUTOR, READER, Accounts

from .cluster import image
from .parts import START_SECONDS, write_config
from .processes import Process, free_port, get_json, until

PORT = 9898
GOOD, BAD = "local.test/story:1", "local.test/story:2"  # one that serves, one that ends at once
BOUNDED = "local.test/bounded:1"  # serves as many at once as it has slots (service/service.py)
CALM_SECONDS = 45  # of usual traffic, to compare with
LAST_WORDS = "cannot open /etc/story.conf"
_EVERY = 0.2  # seconds between two rounds of requests
_SERVICE = Path(__file__).parent / "service"


@dataclass
class ClusterShop:
    """Services in pods, and what watches them."""

    kubeconfig: Path
    folder: Path
    namespace: str = field(default_factory=lambda: f"aiops-story-{uuid4().hex[:6]}")

    def __post_init__(self) -> None:
        self.admin = KubeClient(self.kubeconfig)
        self.accounts = Accounts(self.admin, self.folder, self.namespace)
        self.over = threading.Event()
        self.addresses: dict[str, str] = {}  # of ready pods, with their service
        self.children: list[Process] = []
        self.metrics = ""  # the address of Prometheus

    async def install(self) -> None:
        """Give the product its accounts, under the policies; have images on the node."""
        await self.accounts.install()
        await self.accounts.bind(self.accounts.policies())
        await self.admin.close()  # of this loop
        self.prepare()

    def prepare(self) -> None:
        """Have images on the node, and the API at hand."""
        port = free_port()
        proxy = ("kubectl", f"--kubeconfig={self.kubeconfig}", "proxy", f"--port={port}")
        self.api = f"http://127.0.0.1:{port}"  # asked often, it costs no process
        self.children.append(Process(proxy, self.folder / "proxy.log"))
        self.children[-1].wait_ready(f"{self.api}/readyz", START_SECONDS)
        podinfo = {"bin/podinfo": Path(os.environ["AIOPS_TEST_PODINFO"])}
        self.have(GOOD, ("podinfo", f"--port={PORT}"), podinfo)
        program = {**image.python(), "service.py": _SERVICE / "service.py"}
        self.have(BOUNDED, ("python3", "/service.py"), program)
        self.have(BAD, ("sh", "-c", f"echo {LAST_WORDS}; exit 3"))

    def have(
        self, tag: str, command: Sequence[str], files: Mapping[str, Path] | None = None
    ) -> None:
        """Have an image on the node."""
        image.write(self.folder / "image.tar", tag, command, files)
        node = ("ctr", "-a", os.environ["AIOPS_TEST_NODE"], "-n", "k8s.io")
        run(*node, "images", "import", str(self.folder / "image.tar"))

    def kubectl(self, *words: str, given: object = None) -> str:
        """Do something as the cluster's administrator."""
        return run(
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

    def settled(self, *names: str) -> None:
        """Wait until all pods of these Deployments are ready."""
        for name in names:
            self.kubectl("rollout", "status", f"deployment/{name}", "--timeout=180s")

    def release(self, name: str, tag: str) -> None:
        """Roll another image out."""
        self.kubectl("set", "image", f"deployment/{name}", f"{name}={tag}")

    def one(self, name: str) -> dict[str, Any]:
        """Return a Deployment as it is now."""
        return self.get(f"apis/apps/v1/namespaces/{self.namespace}/deployments/{name}")

    def image(self, name: str) -> str:
        """Return what a Deployment is to run."""
        return str(self.one(name)["spec"]["template"]["spec"]["containers"][0]["image"])

    def pods(self) -> list[dict[str, Any]]:
        """Return all pods of the namespace."""
        return [*self.get(f"api/v1/namespaces/{self.namespace}/pods")["items"]]

    def get(self, path: str) -> dict[str, Any]:
        """Return what the API server has there."""
        with urllib.request.urlopen(f"{self.api}/{path}", timeout=60) as reply:
            found: dict[str, Any] = json.load(reply)
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
        prometheus = Process(command, self.folder / "prometheus.log")
        self.children.append(prometheus)
        self.metrics = f"http://127.0.0.1:{port}"
        prometheus.wait_ready(f"{self.metrics}/-/ready", START_SECONDS)
        threading.Thread(target=self._discover, args=(targets,), daemon=True).start()
        self.visit(*names)

    def visit(self, *names: str) -> None:
        """Have services used as usual; return when Prometheus has seen enough of it."""
        for name in names:
            threading.Thread(target=self._call, args=(name,), daemon=True).start()
        self.calm(*names)

    def calm(self, *names: str) -> None:
        """Wait until Prometheus has seen enough of the usual traffic of services."""
        for name in names:
            until(partial(self._calm, name), CALM_SECONDS + 60, f"some calm of {name}")

    @contextmanager
    def strained(self, name: str, rate: float) -> Iterator[None]:
        """Have a Service asked so often a second; what is done begins when it is slow."""
        address = self.get(f"api/v1/namespaces/{self.namespace}/services/{name}")["spec"][
            "clusterIP"
        ]
        load = [sys.executable, str(_SERVICE / "load.py"), address, "80", f"{rate:g}"]
        with Process(load, self.folder / f"load-{name}.log"):
            self.suffers(name)
            yield

    def suffers(self, name: str) -> None:
        """Wait until a service is slow, as an alert's rule would."""
        bucket = f'http_request_duration_seconds_bucket{{service="{name}"}}'
        slow = f"histogram_quantile(0.95, sum by (le) (rate({bucket}[10s]))) > 0.6"
        query = f"count_over_time(({slow})[10s:1s])"
        until(lambda: self._value(query) >= 8, 90, f"{name} to be slow")

    def sources(self, server: str = "") -> dict[str, Any]:
        """Return how the product looks at this cluster: as its two accounts, perhaps elsewhere."""
        reader = self.folder / "kubeconfig"
        own = self.accounts.token(READER).read_text("utf-8")
        kubectl = ("kubectl", f"--kubeconfig={reader}", "config")
        whole = run("kubectl", f"--kubeconfig={self.kubeconfig}", "config", "view", "--raw")
        reader.write_text(whole)
        run(*kubectl, "set-credentials", "aiops", f"--token={own}")
        run(*kubectl, "set-context", "--current", "--user=aiops")
        if server:
            run(*kubectl, "set-cluster", "test", f"--server={server}")
        cluster = {
            "kubeconfig": str(reader),
            "namespaces": [self.namespace],
            "executor_token": str(self.accounts.token(EXECUTOR)),
        }
        metrics = {"prometheus": {"url": self.metrics}} if self.metrics else {}
        return {"kubernetes": cluster, **metrics}

    def stop(self) -> None:
        """End what runs here."""
        self.over.set()
        for child in self.children:
            child.stop()

    async def remove(self) -> None:
        """Take everything away from the cluster."""
        await self.accounts.applier.clean()
        await self.admin.close()

    def _discover(self, targets: Path) -> None:
        """Tell Prometheus of the pods that have an address, as its own discovery would."""
        while not self.over.wait(2.0):
            found = [
                one
                for one in self.pods()
                if one["status"].get("podIP") and "ports" in one["spec"]["containers"][0]
            ]
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

    def _call(self, name: str) -> None:
        while not self.over.wait(_EVERY):
            for address, service in tuple(self.addresses.items()):
                if service != name:
                    continue
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


def run(*command: str, given: str | None = None) -> str:
    """Run a command that must succeed; return what it printed."""
    ran = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
