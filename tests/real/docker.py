"""The test system: containers of a bounded service on a network of their own, and load on them."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .naming import Naming
from .processes import PATIENCE

# A replica at twice its load takes some 30 MB; the bounds keep an overload from ending it, and a
# service without bounds from ending the machine.
BOUNDS = ("--memory=128m", "--memory-swap=128m", "--pids-limit=400", "--log-opt=max-size=2m")
IMAGE = "local.test/python:3.11"
# Carried by everything the tests create and by nothing else: run.sh removes by it.
OURS = "aiops-agent.test"
PROGRAMS = Path(__file__).parent / "service"


def docker(*arguments: str) -> str:
    """Run the docker command and return what it prints; fail with what it complains about."""
    ran = subprocess.run(
        ["docker", *arguments], check=False, capture_output=True, text=True, timeout=60 * PATIENCE
    )
    assert ran.returncode == 0, f"docker {' '.join(arguments)}: {ran.stderr.strip()}"
    return ran.stdout.strip()


@dataclass(frozen=True)
class Container:
    """A container as the engine describes it."""

    id: str
    started_at: str
    address: str
    raw: dict[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: dict[str, Any], network: str) -> Container:
        joined = raw["NetworkSettings"]["Networks"].get(network, {})
        return cls(raw["Id"], raw["State"]["StartedAt"], joined.get("IPAddress", ""), raw)


_EVENT = "{{.Time}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}"


def _ending(raw: dict[str, Any]) -> str:
    """Return why a container ended: its exit code, whether memory ran out, its last words."""
    state, name = raw["State"], raw["Name"].lstrip("/")
    logs = subprocess.run(
        ["docker", "logs", "--tail", "5", raw["Id"]],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    killed = ", killed: out of memory" if state["OOMKilled"] else ""
    error = f", {state['Error']}" if state["Error"] else ""
    code, at = state["ExitCode"], state["FinishedAt"]
    return f"{name} ended with {code}{killed}{error} at {at}; its last words:\n{logs.stdout}"


@contextmanager
def image(tag: str, *environment: str) -> Iterator[str]:
    """Make an image that differs from IMAGE by its environment alone; yield its tag."""
    base = docker("create", f"--label={OURS}=", IMAGE, "true")
    changes = [word for one in environment for word in ("-c", f"ENV {one}")]
    docker("commit", *changes, base, tag)
    docker("rm", base)
    try:
        yield tag
    finally:
        docker("rmi", "-f", tag)


@dataclass
class System:
    """Two services, of which one has several replicas of 20 requests per second each."""

    naming: Naming
    replicas: int = 2
    _numbers: dict[str, int] = field(default_factory=dict)
    _since: str = "0"  # when it was started, in seconds since the epoch

    @property
    def network(self) -> str:
        return f"{self.naming.project}_default"

    def start(self) -> None:
        """Create the network and the containers."""
        self.create()
        for _ in range(self.replicas):
            self.add(self.naming.service)
        self.add(self.naming.bystander)

    def create(self) -> None:
        """Create the network."""
        self._since = f"{time.time():.3f}"
        docker("network", "create", "--label", OURS, self.network)

    def remove(self) -> None:
        """Remove every container on the network, also those that others put there, and itself."""
        on_network = docker("ps", "-aq", "--filter", f"network={self.network}").split()
        if on_network:
            docker("rm", "-f", *on_network)
        docker("network", "rm", self.network)

    def add(self, service: str, image: str = IMAGE) -> str:
        """Start one more replica of a service, labelled as compose does, and return its id."""
        self._numbers[service] = number = self._numbers.get(service, 0) + 1
        labels = {
            "com.docker.compose.project": self.naming.project,
            self.naming.docker_label: service,
            "com.docker.compose.container-number": str(number),
            "com.docker.compose.oneoff": "False",
        }
        environment = {
            "PORT": str(self.naming.port),
            "HISTOGRAM": self.naming.histogram,
            "COUNTER": self.naming.counter,
            "CODE_LABEL": self.naming.code_label,
            "WORK": "0.1",
        }
        options = [f"--label={key}={value}" for key, value in labels.items()]
        options += [f"--env={key}={value}" for key, value in environment.items()]
        options += [f"--network-alias={service}", *BOUNDS]
        name = f"{self.naming.project}-{service}-{number}"
        return self._run(name, options, "service.py", image=image)

    def load(self, service: str, rate: float, *requests: str, port: int = 0) -> str:
        """Send a service `rate` requests per second until the returned container is ended.

        `requests` are methods and paths, and by default the usual one.
        """
        number = self._numbers["load"] = self._numbers.get("load", 0) + 1
        name = f"{self.naming.project}-load-{number}"
        to = (service, str(port or self.naming.port), str(rate), *requests)
        return self._run(name, ["--memory=256m"], "load.py", *to)

    def end_load(self, container: str) -> str:
        """End a load and return its report: one line per outcome."""
        docker("stop", "-t", "5", container)
        report = docker("logs", container)
        docker("rm", container)
        return report

    def containers(self, service: str) -> list[Container]:
        """Return the running containers of a service, by id."""
        label = f"label={self.naming.docker_label}={service}"
        project = f"label=com.docker.compose.project={self.naming.project}"
        ids = docker("ps", "-q", "--filter", label, "--filter", project).split()
        raw = json.loads(docker("inspect", *ids)) if ids else []
        return sorted((Container.of(one, self.network) for one in raw), key=lambda one: one.id)

    def endings(self) -> str:
        """Return why containers of the project ended, removed ones too; "" when none did."""
        label = f"label=com.docker.compose.project={self.naming.project}"
        over = docker("ps", "-aq", "--filter", label, "--filter", "status=exited").split()
        told = [_ending(one) for one in (json.loads(docker("inspect", *over)) if over else [])]
        kinds = [f"--filter=event={kind}" for kind in ("die", "oom", "kill", "destroy")]
        window = ["--since", self._since, "--until", f"{time.time():.3f}"]
        events = docker("events", *window, "--filter", label, *kinds, "--format", _EVENT)
        return "\n".join([*told, *events.splitlines()])

    def hang(self, container: Container) -> None:
        """Leave every worker of a container stuck until it is restarted."""
        url = f"http://{container.address}:{self.naming.port}/hang"
        with urllib.request.urlopen(url, timeout=5) as reply:
            assert reply.status == 200

    def freeze(self, container: Container) -> None:
        """Stop the processes of a container where they are: its sockets stay open."""
        docker("kill", "--signal=STOP", container.id)

    def restart(self, container: Container) -> None:
        """Restart a container in place."""
        docker("restart", "-t", "2", container.id)

    def _run(
        self, name: str, options: list[str], program: str, *arguments: str, image: str = IMAGE
    ) -> str:
        mount = f"--volume={PROGRAMS}:/app:ro"
        base = ["run", "-d", f"--name={name}", f"--label={OURS}", f"--network={self.network}"]
        command = [image, "python3", "-B", f"/app/{program}", *arguments]
        return docker(*base, mount, *options, *command)
