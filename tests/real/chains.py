"""Two chains of services, and a real Prometheus, of which alone the product knows.

orders (FastAPI) asks catalogue (podinfo); payments (our own) asks sessions (podinfo), which asks
Redis. Who calls goes through a proxy that can be slow. Targets are listed, as with compose: who is
gone is down.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .docker import BOUNDS, IMAGE, docker
from .docker import PROGRAMS as OWN_PROGRAMS
from .naming import Naming
from .processes import free_port, until
from .product import Product
from .strange import (
    EXPORTER,
    PROGRAMS,
    REDIS,
    Program,
    PublicPrometheus,
    StrangeSystem,
    orders,
    passed,
    podinfo,
)

RATE = 8.0  # requests per second that come to each chain
WORK = "0.2"  # seconds that a request of what we can tell to misbehave takes by itself
CALM = (35, 70)  # seconds in which all is well: before the first fault, and behind one
SLOW = 0.6  # seconds of p95 that the alert calls too slow
LINKS = {"catalogue": 7001, "sessions": 7002, "redis": 7003}  # ports of the proxy
CALLER = {"catalogue": "orders", "sessions": "payments", "redis": "sessions"}
FRONT = {"orders": "orders", "catalogue": "orders"}  # where users feel it; else at payments
PATHS = {"orders": ("GET /orders", "GET /checkout"), "payments": ("GET /pay", "GET /refund")}
MANY = 16  # connections that payments may hold


_given: set[int] = set()


def lasting_port() -> int:
    """Return a port of the host that stays free while a container is away, and is given once.

    It lies below those that outgoing connections take.
    """
    while True:
        port = random.randrange(18_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


def own(slots: int = MANY, leak: int = 0) -> Program:
    """Return our own service, which asks sessions and holds one of `slots` connections."""
    environment = {
        "PORT": "8080",
        "SLOTS": str(slots),
        "WORK": WORK,
        "LEAK": str(leak),
        "CODE_LABEL": "status",
        "BACKEND": f"http://proxy:{LINKS['sessions']}/cache/order",
    }
    options = (
        f"--volume={OWN_PROGRAMS}:/app:ro",
        *(f"--env={name}={value}" for name, value in environment.items()),
        *BOUNDS,
    )
    command = ("python3", "-B", "/app/service.py")
    return Program("payments", IMAGE, command, 8080, ("sessions",), options)


def fastapi(pool: int = 40, leak: int = 0) -> Program:
    """Return the FastAPI service, which asks catalogue and has so many connections."""
    made = orders("catalogue", leak=leak)
    environment = {
        "BACKEND": f"http://proxy:{LINKS['catalogue']}/echo",
        "WORK": WORK,
        "POOL": str(pool),
    }
    added = tuple(f"--env={name}={value}" for name, value in environment.items())
    return replace(made, options=(*made.options, *added))


def caching() -> Program:
    """Return podinfo with its cache behind the proxy."""
    made = podinfo("sessions")
    flag = f"--cache-server=tcp://proxy:{LINKS['redis']}"
    return replace(made, command=(*made.command, flag), calls=("redis",))


RULE = {
    "alert": "HighLatency",
    "expr": "histogram_quantile(0.95, sum by (service, le) "
    f"(rate(http_request_duration_seconds_bucket[15s]))) > {SLOW}",
    "for": "4s",
    "labels": {"severity": "warning"},
    "annotations": {"summary": "{{ $labels.service }} answers slowly"},
}


@dataclass
class ListedPrometheus(PublicPrometheus):
    """A Prometheus with a list of targets, each at a port of the host that is its service's."""

    ports: Mapping[str, int] = field(default_factory=dict)

    def services(self) -> dict[str, Any]:
        """Return the list."""
        listed = [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"service": name}}
            for name, port in self.ports.items()
        ]
        return {"job_name": "docker", "static_configs": listed}


@dataclass
class Chains:
    """The system, its Prometheus, and the product, which knows that Prometheus and nothing else."""

    naming: Naming
    folder: Path
    programs: dict[str, Program] = field(default_factory=dict)

    def __post_init__(self) -> None:
        usual = (REDIS, EXPORTER, podinfo("catalogue"), caching(), fastapi(), own())
        self.ports = {one.service: lasting_port() for one in usual if one.scraped}
        self.programs = {one.service: self.exposed(one) for one in usual}
        self.system = StrangeSystem(self.naming)
        self.delays = self.folder / "delays"
        self.delays.mkdir(parents=True)

    def exposed(self, program: Program) -> Program:
        """Return it with its metrics at a port of the host."""
        if not program.scraped:
            return program
        port = f"--publish=127.0.0.1:{self.ports[program.service]}:{program.scraped}"
        limits = () if "--restart=always" in program.options else ("--restart=always",)
        return replace(program, options=(*program.options, port, *limits))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start everything; at the end nothing of it is left."""
        with ExitStack() as stack:
            stack.callback(self.system.remove)
            self.system.create()
            self.system.run(self._proxy())
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(self.system.run, self.programs.values()))
            rules = [{"name": "own", "rules": [RULE]}]
            self.prometheus = ListedPrometheus(
                self.folder, self.naming, free_port(), {}, rules, self.ports
            )
            stack.callback(self.prometheus.stop)
            self.well(40)
            self.system.ask(
                self.programs["orders"], RATE, "GET /orders", "GET /orders", "GET /checkout"
            )
            self.system.ask(self.programs["payments"], RATE, "GET /pay", "GET /pay", "GET /refund")
            sources = {"prometheus": {"url": self.prometheus.url}}
            place = {"apiVersion": "aiops-agent/v1", "environment": "docker:chains"}
            self.product = Product(self.folder / "product", {**place, "sources": sources})
            yield

    def _proxy(self) -> Program:
        pairs = [f"{port}={name}:{_port(name)}" for name, port in LINKS.items()]
        command = ("python3", "-B", "/app/proxy.py", *pairs)
        volumes = (f"--volume={PROGRAMS}:/app:ro", f"--volume={self.delays}:/delays:ro")
        return Program("proxy", IMAGE, command, 0, (), (*volumes, *BOUNDS))

    def well(self, timeout: float) -> None:
        """Wait until every target answers."""
        wanted = len(self.ports) + 1  # and Prometheus itself
        until(lambda: self.prometheus.targets() == wanted, timeout, f"{wanted} targets to be up")

    def calm(self, faults: int) -> None:
        """Wait until all is well, and for a while longer; so many faults were there before."""
        self.well(60)
        passed(time.monotonic() + CALM[min(faults, 1)])

    def replace(self, program: Program) -> None:
        """Put another container of a service in the place of the one that runs."""
        self.remove(program.service)
        self.system.run(program)

    def remove(self, service: str) -> None:
        """Take away the containers of a service, also those that ended."""
        label = f"label=com.docker.compose.service={service}"
        project = f"label=com.docker.compose.project={self.naming.project}"
        docker("rm", "-f", *docker("ps", "-aq", "--filter", label, "--filter", project).split())

    def post(self, service: str, path: str) -> None:
        """Tell a service something."""
        url = f"http://127.0.0.1:{self.ports[service]}/{path}"
        with urllib.request.urlopen(url, b"", timeout=10) as reply:
            assert reply.status == 200

    def firing(self) -> dict[str, dict[str, Any]]:
        """Return the alerts that fire and are about trouble, by their labels."""
        found = self.prometheus.get("alerts")["alerts"]
        return {
            json.dumps(one["labels"], sort_keys=True): one
            for one in found
            if one["state"] == "firing" and one["labels"]["alertname"] != "Watchdog"
        }


def _port(service: str) -> int:
    return 6379 if service == "redis" else 9898
