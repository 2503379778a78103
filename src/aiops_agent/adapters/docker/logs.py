"""What the containers of a service wrote."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiops_agent.adapters.docker.client import path_of
from aiops_agent.adapters.docker.containers import Containers, Listed, moment
from aiops_agent.domain.log_levels import level_of
from aiops_agent.domain.telemetry import LogLine, ServiceName, Window

_PER_CONTAINER = 400  # the last lines; a loud one must not hide the others
_MOST_LINES = 3000  # enough to mine, and quick
_MOST_CONTAINERS = 40  # one request each
_LONGEST = 2000  # characters of a line; the rest says nothing new
_HEADER = struct.Struct(">BxxxL")
_SECOND = timedelta(seconds=1)  # Docker reads its end to the second


@dataclass(frozen=True)
class DockerLogs:
    """The Logs port over the engine's own log files."""

    containers: Containers

    async def lines(self, services: Sequence[ServiceName], window: Window) -> tuple[LogLine, ...]:
        """Return the newest lines of each container, oldest first. Raises SourceError."""
        listed = [one for one in await self.containers.listed() if one.service in services]
        found: list[LogLine] = []
        for container in listed[-_MOST_CONTAINERS:]:
            found += await self._of(container, window)
        found.sort(key=lambda line: line.at)
        return tuple(found[-_MOST_LINES:])

    async def _of(self, container: Listed, window: Window) -> list[LogLine]:
        query = {
            "stdout": "1",
            "stderr": "1",
            "timestamps": "1",
            "tail": str(_PER_CONTAINER),
            "since": f"{window.start.timestamp():.3f}",
            "until": f"{(window.end + _SECOND).timestamp():.3f}",
        }
        body = await self.containers.client.raw(
            f"{path_of('containers', container.id)}/logs", query
        )
        read = (_line(text, container) for text in texts(body))
        return [line for line in read if line and window.start <= line.at < window.end]


def texts(body: bytes) -> list[str]:
    """Return the lines of a log body, with or without the engine's stream headers."""
    joined = b"".join(_frames(body)) if body[:1] in {b"\0", b"\1", b"\2"} else body
    # Nothing but a newline ends a line: U+2028, U+0085 and a form feed stand within one.
    lines = joined.decode("utf-8", "replace").split("\n")
    return [_overwritten(line) for line in lines if line.strip()]


def _overwritten(line: str) -> str:
    """Return what a screen would show of a line that a carriage return sends back to its start."""
    stamp, blank, said = line.partition(" ")
    return stamp + blank + next((part for part in reversed(said.split("\r")) if part.strip()), "")


def _frames(body: bytes) -> Iterator[bytes]:
    place = 0
    while place + _HEADER.size <= len(body):
        _, length = _HEADER.unpack_from(body, place)
        place += _HEADER.size
        yield body[place : place + length]
        place += length


def _line(text: str, container: Listed) -> LogLine | None:
    stamp, _, said = text.partition(" ")
    at = moment(stamp)
    if at is None or not said.strip():
        return None
    return LogLine(
        at=at,
        service=container.service,
        level=level_of(said),
        text=said[:_LONGEST],
        instance=container.name,
    )
