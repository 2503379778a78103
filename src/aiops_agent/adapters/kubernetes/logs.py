"""What the containers of a service wrote, of the run before a restart too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.adapters.kubernetes import fields
from aiops_agent.adapters.kubernetes.kinds import PODS
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.pods import containers
from aiops_agent.adapters.kubernetes.state import Thing
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.log_levels import level_of
from aiops_agent.domain.telemetry import LogLine, ServiceName, Window

_PER_CONTAINER = 400  # the last lines; a loud one must not hide the others
_MOST_BYTES = 512 * 1024  # of one container
_MOST_LINES = 3000  # enough to mine, and quick
_MOST_CONTAINERS = 40  # one request each
_LONGEST = 2000  # characters of a line; the rest says nothing new
_LAST = 5  # lines that tell why a container ended
_LAST_LONG = 400  # characters of them


@dataclass(frozen=True)
class KubernetesLogs:
    """The Logs port over the kubelet's log files."""

    cluster: Cluster

    async def lines(self, services: Sequence[ServiceName], window: Window) -> tuple[LogLine, ...]:
        """Return the newest lines of each container, oldest first. Raises SourceError."""
        state, wanted = await self.cluster.state(), set(services)
        runs = [
            (name, pod, one.name, previous)
            for key, name in state.names.items()
            if name in wanted
            for pod in state.pods.get(key, ())
            for one in containers(state, pod)
            for previous in ((True, False) if _restarted(one.status, window) else (False,))
        ]
        found: list[LogLine] = []
        for name, pod, container, previous in runs[-_MOST_CONTAINERS:]:
            told = await self._text(pod, container, window.start, previous=previous)
            read = (_line(said, name, pod) for said in told.split("\n"))
            found += [one for one in read if one and window.start <= one.at < window.end]
        found.sort(key=lambda line: line.at)
        return tuple(found[-_MOST_LINES:])

    async def last_words(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        """Return the last lines that a container wrote, "" when nobody has them."""
        query = {"container": container, "tailLines": str(_LAST), "limitBytes": "8192"}
        for earlier in dict.fromkeys((previous, False)):
            more = {"previous": "true"} if earlier else {}
            try:
                told = await self.cluster.client.text(
                    PODS.path(namespace, pod, "log"), query | more
                )
            except SourceError:  # without them the finding stands
                return ""
            if told.strip():
                return told.strip()[-_LAST_LONG:]
        return ""

    async def _text(self, pod: Thing, container: str, since: datetime, *, previous: bool) -> str:
        query = {
            "container": container,
            "timestamps": "true",
            "tailLines": str(_PER_CONTAINER),
            "limitBytes": str(_MOST_BYTES),
            "sinceTime": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        query |= {"previous": "true"} if previous else {}
        return await self.cluster.client.text(PODS.path(pod.namespace, pod.name, "log"), query)


def _restarted(status: object, window: Window) -> bool:
    over = fields.moment(status, "lastState", "terminated", "finishedAt")
    return over is not None and over >= window.start - timedelta(seconds=1)


def _line(said: str, service: ServiceName, pod: Thing) -> LogLine | None:
    stamp, _, text = said.rstrip("\r").partition(" ")
    at = fields.moment({"at": stamp}, "at")
    if at is None or not text.strip():
        return None
    return LogLine(
        at=at, service=service, level=level_of(text), text=text[:_LONGEST], instance=pod.name
    )
