"""A system of software that nobody here wrote, watched as its users would watch it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .docker import BOUNDS, IMAGE, OURS, Container, System, docker
from .parts import Prometheus, write_config
from .processes import until
from .stage import Stage

PODINFO_IMAGE, REDIS_IMAGE = "local.test/podinfo:6.9.2", "local.test/redis:7"
PROGRAMS = Path(__file__).parent / "strangers"
RULES = PROGRAMS / "rules.yml"
MEMORY_MB = 160  # of the service that leaks
LEAK_KB = 600  # of each request: some 100 MB are free, and are used up in 20 s
PORT_LABEL = "prometheus.port"


@dataclass(frozen=True)
class Program:
    """One service: how its container is run, where Prometheus scrapes it, whom it calls."""

    service: str
    image: str
    command: tuple[str, ...]
    scraped: int = 0  # port of its metrics; 0 for none
    calls: tuple[str, ...] = ()
    options: tuple[str, ...] = BOUNDS


def podinfo(service: str = "podinfo", *, cache: str = "") -> Program:
    """Return podinfo: POST /echo answers, GET /cache/KEY asks its cache."""
    flags = (f"--cache-server=tcp://{cache}:6379",) if cache else ()
    command = ("/podinfo", "--port=9898", "--level=warn", *flags)
    return Program(service, PODINFO_IMAGE, command, 9898, (cache,) if cache else ())


def orders(backend: str = "", *, leak: int = 0) -> Program:
    """Return the FastAPI service; `leak` is what each request keeps, in KiB."""
    packages = os.environ.get("AIOPS_TEST_FASTAPI", "")
    assert packages, "AIOPS_TEST_FASTAPI names no folder; run this by tests/real/run.sh."
    memory = f"{MEMORY_MB}m"
    options = (
        f"--volume={packages}:/packages:ro",
        f"--volume={PROGRAMS}:/app:ro",
        "--env=PYTHONPATH=/packages:/app",
        f"--env=BACKEND={f'http://{backend}:9898/echo' if backend else ''}",
        f"--env=LEAK={leak}",
        f"--memory={memory}",
        f"--memory-swap={memory}",
        "--pids-limit=400",
        "--log-opt=max-size=2m",
        "--restart=always",
    )
    command = ("python3", "-B", "-m", "uvicorn", "app:app", "--host=0.0.0.0", "--port=8000")
    return Program("orders", IMAGE, command, 8000, (backend,) if backend else (), options)


REDIS = Program(
    "redis", REDIS_IMAGE, ("/usr/bin/redis-server", "--save", "", "--protected-mode", "no")
)
EXPORTER = Program(
    "redis-exporter",
    REDIS_IMAGE,
    ("/usr/bin/prometheus-redis-exporter", "--redis.addr=redis://redis:6379"),
    9121,
)


@dataclass
class StrangeSystem(System):
    """Its programs in containers, labelled as compose labels them."""

    programs: Sequence[Program] = ()

    def start(self) -> None:
        """Create the network and the containers."""
        self.create()
        for program in self.programs:
            self.run(program)

    def run(self, program: Program) -> str:
        """Start one container of a program, and return its id."""
        service = program.service
        self._numbers[service] = number = self._numbers.get(service, 0) + 1
        labels = {
            OURS: "",
            "com.docker.compose.project": self.naming.project,
            "com.docker.compose.service": service,
            "com.docker.compose.container-number": str(number),
            "com.docker.compose.oneoff": "False",
            "com.docker.compose.depends_on": ",".join(
                f"{one}:service_started:false" for one in program.calls
            ),
            **({PORT_LABEL: str(program.scraped)} if program.scraped else {}),
        }
        name = f"{self.naming.project}-{service}-{number}"
        base = ["run", "-d", f"--name={name}", f"--network={self.network}"]
        base += [f"--network-alias={service}", *program.options]
        base += [f"--label={key}={value}" for key, value in labels.items()]
        return docker(*base, program.image, *program.command)

    def ask(self, program: Program, rate: float, *requests: str) -> str:
        """Send a program so many requests per second, each a method and a path, in turn."""
        words = [word for request in requests for word in request.split()]
        return self.load(program.service, rate, *words, port=program.scraped)

    def only(self, service: str) -> Container:
        """Return the one container of a service."""
        [found] = self.containers(service)
        return found


@dataclass
class PublicPrometheus(Prometheus):
    """A Prometheus with ordinary public rules that scrapes what asks for it by a label.

    `static` has further targets by job, `rules` further groups of rules.
    """

    static: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rules: Sequence[Mapping[str, Any]] = ()

    def _write(self) -> Path:
        own = write_config(self.folder / "rules.yml", {"groups": list(self.rules)})
        manager = {"static_configs": [{"targets": [f"127.0.0.1:{self.alertmanager_port}"]}]}
        jobs = [
            {"job_name": job, "static_configs": [{"targets": list(targets)}]}
            for job, targets in {"prometheus": [f"127.0.0.1:{self.port}"], **self.static}.items()
        ]
        content = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES), str(own)],
            "alerting": {"alertmanagers": [manager]},
            "scrape_configs": [self.services(), *jobs],
        }
        return write_config(self.folder / "prometheus.yml", content)

    def services(self) -> dict[str, Any]:
        """Return how Prometheus finds the system's services."""
        return _by_label(self.naming.project)


def _by_label(project: str) -> dict[str, Any]:
    """Return how Prometheus finds the project's containers that name the port of their metrics."""
    meta = "__meta_docker_container_label_"
    port = meta + PORT_LABEL.replace(".", "_")
    return {
        "job_name": "docker",
        "docker_sd_configs": [
            {
                "host": "unix:///var/run/docker.sock",
                "refresh_interval": "1s",
                "filters": [{"name": "label", "values": [f"com.docker.compose.project={project}"]}],
            }
        ],
        "relabel_configs": [
            {"source_labels": [port], "regex": ".+", "action": "keep"},
            {
                "source_labels": ["__meta_docker_network_ip", port],
                "separator": ":",
                "target_label": "__address__",
            },
            {
                "source_labels": [f"{meta}com_docker_compose_service"],
                "target_label": "service",
            },
            {
                "source_labels": ["__meta_docker_container_name"],
                "regex": "/(.*)",
                "target_label": "container",
            },
        ],
    }


@dataclass
class StrangeStage(Stage):
    """What a person does and sees there."""

    system: StrangeSystem

    def seen_for(self, seconds: int, condition: str) -> None:
        """Wait until a condition of PromQL has held for so long in all."""
        query = f"count_over_time(({condition})[10m:1s])"
        until(
            lambda: (self.prometheus.value(query) or 0) >= seconds,
            seconds + 60,
            f"{seconds} s of {condition}",
        )

    def served(self, seconds: int, *programs: Program) -> None:
        """Wait until each program has answered requests for so many seconds."""
        for one in programs:
            rate = f'sum(rate(http_requests_total{{service="{one.service}"}}[5s]))'
            self.seen_for(seconds, f"{rate} > 1")

    def fires(self, alert: str) -> bool:
        """Whether Prometheus says that an alert fires."""
        query = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
        return self.prometheus.value(query) is not None

    def shown(self) -> list[dict[str, Any]]:
        """Return every incident with all its attempts and alerts, the newest first."""
        return [self.show(str(one["id"])) for one in self.incidents()]

    def looks(self, incident: str) -> list[dict[str, Any]]:
        """Return what each look at telemetry said of its alerts, the first one first."""
        events = self.product.read("incident", "show", incident)["events"]
        return [one["payload"]["triage"] for one in events if one["type"] == "triage.done"]

    def news(self, incident: str) -> list[str]:
        """Return what further alerts brought to an incident."""
        events = self.product.read("incident", "show", incident)["events"]
        return [str(e["payload"]["news"]) for e in events if e["type"] == "alert.received"]

    def of(self, alert: str, timeout: float = 60) -> dict[str, Any]:
        """Wait for the newest incident with an alert of that name, and return it."""

        def found() -> dict[str, Any]:
            return next((one for one in self.shown() if alert in one["alert_names"]), {})

        return until(found, timeout, f"an incident of {alert}")

    def confirmed(self, alert: str, timeout: float = 60) -> dict[str, Any]:
        """Wait until the incident of an alert is confirmed; fail once it is dismissed."""

        def looked() -> dict[str, Any]:
            shown = self.of(alert)
            assert shown["status"] != "dismissed", shown["triage"]
            triage = shown["triage"] or {}
            return shown if triage.get("verdict") == "confirmed" else {}

        return until(looked, timeout, f"{alert} to be confirmed")

    def told(self, incident: str, *occasions: str) -> None:
        """Wait until somebody is told of an incident, on one of these occasions."""

        def heard() -> list[str]:
            bodies = [posted.body for posted in self.receiver.posted]
            return [
                one["occasion"]
                for one in bodies
                if one["incident"] == incident and one["occasion"] in occasions
            ]

        until(heard, 30, f"{incident} to be told")

    def diagnosed(self, incident: str, words: str, timeout: float = 90) -> str:
        """Wait until the findings say these words, and return all of them."""

        def told() -> str:
            shown = self.show(incident)
            found = [
                f for a in shown["attempts"] for f in (a["diagnosis"] or {}).get("findings", ())
            ]
            lines = [f"{one['what']}: {one['before']} -> {one['now']}" for one in found]
            text = " | ".join(lines)
            self.last = text or str(shown["triage"])
            return text if words in text else ""

        try:
            return until(told, timeout, f"findings with {words!r}")
        except AssertionError as error:
            raise AssertionError(f"{error} Found: {self.last}") from error

    last: str = ""


def passed(moment: float) -> None:
    """Wait until a moment of the monotonic clock."""
    left = moment - time.monotonic()
    until(lambda: time.monotonic() >= moment, max(left, 0.0) + 5, "the time to pass")
