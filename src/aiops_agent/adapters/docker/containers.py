"""Which containers there are, and whose they are."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from aiops_agent.adapters.docker.client import DockerClient, path_of
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.value import Document, Json

PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
SERVICE = "aiops.service"
OPERATION = "aiops-agent/operation"
INCIDENT = "aiops-agent/incident"

NEVER = "0001-01-01T00:00:00Z"  # the start of what has not started

_MOST = 500  # one engine holds fewer; more would be another system
_MOST_NAMED = 5  # containers that do not run, in one line
_DIGITS = 9  # a label is foreign text
_AT_ONCE = 8  # inspections side by side
_ID = re.compile(r"[0-9a-f]{64}")
RUNNING = "running"
_PRESENT = (RUNNING, "restarting", "paused")  # the engine's words
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Listed:
    """A container as the list of containers shows it."""

    id: str
    name: str
    service: ServiceName
    state: str  # the engine's word: "running", "restarting", "paused", "exited", "created", "dead"
    image: str
    image_id: str
    created: datetime
    labels: Mapping[str, str] = field(repr=False)
    networks: Mapping[str, Json] = field(repr=False)

    @property
    def running(self) -> bool:
        """Whether it can serve: neither paused nor between two starts."""
        return self.state == RUNNING

    @property
    def present(self) -> bool:
        """Whether the engine keeps it going, also paused or between two starts."""
        return self.state in _PRESENT

    @property
    def number(self) -> int:
        """Which of its service's containers it is, as compose counts them; 0 without a number."""
        text = self.labels.get(NUMBER, "0")
        return int(text) if text.isdecimal() and len(text) < _DIGITS else 0


@dataclass(frozen=True)
class Inspected:
    """A container as the engine knows it. `raw` holds everything, secrets too: never store it.

    `running` is the engine's flag, which also holds while it is paused or between two starts.
    """

    id: str
    name: str
    status: str
    running: bool
    started: str  # as the engine writes it, to the nanosecond
    raw: Document = field(repr=False)

    def label(self, name: str) -> str:
        """Return what a label says, "" without it: a claim of whoever started the container."""
        return str(((self.raw.get("Config") or {}).get("Labels") or {}).get(name, ""))

    @property
    def created_at(self) -> datetime | None:
        """When it was made, if the engine says so."""
        return moment(str(self.raw.get("Created", "")))

    @property
    def started_at(self) -> datetime | None:
        """When it started last, or None when it never did."""
        return moment(self.started)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended last, or None when it never did."""
        return moment(str((self.raw.get("State") or {}).get("FinishedAt", "")))

    @property
    def ending(self) -> str:
        """Why it ended last, in a few words."""
        state = self.raw.get("State") or {}
        killed = ", killed for want of memory" if state.get("OOMKilled") else ""
        return f"exit code {state.get('ExitCode', 'unknown')}{killed}"


@dataclass(frozen=True)
class Containers:
    """The containers of one compose project, or of all when it is empty."""

    client: DockerClient
    project: str = ""

    async def listed(self) -> tuple[Listed, ...]:
        """Return every container that belongs to a service, oldest first. Raises SourceError."""
        found = await self.client.get("/containers/json", {"all": "1", "limit": str(_MOST)})
        try:
            read = [_listed(one) for one in found]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SourceError("Docker listed its containers in a shape we cannot read.") from error
        own = [one for one in read if one is not None]
        if self.project:
            own = [one for one in own if one.labels.get(PROJECT) == self.project]
        return tuple(sorted(_told_apart(own), key=lambda one: (one.created, one.name)))

    async def of(self, service: str) -> tuple[Listed, ...]:
        """Return the containers of one service, oldest first. Raises SourceError."""
        return tuple(one for one in await self.listed() if one.service == service)

    async def inspect(self, name: str) -> Inspected | None:
        """Return one container by id or name, or None. Raises SourceError.

        The engine takes an id also for a name, and a container may be called like another's id.
        """
        raw = await self.client.find(f"{path_of('containers', name)}/json")
        if raw is None or (_ID.fullmatch(name) and raw.get("Id") != name):
            return None
        try:
            state = raw["State"]
            return Inspected(
                id=raw["Id"],
                name=str(raw["Name"]).removeprefix("/"),
                status=str(state["Status"]),
                running=bool(state["Running"]),
                started=str(state["StartedAt"]),
                raw=raw,
            )
        except (KeyError, TypeError) as error:
            told = "Docker described a container in a shape that we cannot read."
            raise SourceError(told) from error

    async def image_id(self, name: str) -> str:
        """Return which image a name or an id means now; "" when none. Raises SourceError."""
        return str((await self.image(name)).get("Id", ""))

    async def image(self, name: str) -> Document:
        """Return what the engine knows of an image, {} when none. Raises SourceError."""
        found = await self.client.find(f"{path_of('images', name)}/json")
        return found if isinstance(found, dict) else {}

    async def volume(self, name: str) -> Json | None:
        """Return what the engine knows of a volume, or None. Raises SourceError."""
        return await self.client.find(path_of("volumes", name))

    async def inspect_all(self, ids: Sequence[str]) -> tuple[Inspected, ...]:
        """Return the containers that (still) exist, in order. Raises SourceError."""
        turn = asyncio.Semaphore(_AT_ONCE)  # the engine answers everybody else too

        async def one(container: str) -> Inspected | None:
            async with turn:
                return await self.inspect(container)

        found = await asyncio.gather(*(one(container) for container in ids))
        return tuple(container for container in found if container is not None)

    async def describe(self) -> str:
        """Return a line for `doctor`: version, project, what runs. Raises SourceError."""
        about, listed = await self.client.about(), await self.listed()
        running = [one for one in listed if one.running]
        services = {one.service for one in running}
        where = f"project {self.project}" if self.project else "all projects"
        others = [f"{one.name} ({one.state})" for one in listed if not one.running]
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        still = f"; not running: {', '.join(others[:_MOST_NAMED])}{more}" if others else ""
        return (
            f"docker {about.get('Version')} on {self.client.endpoint}, {where}: "
            f"{len(services)} services on {len(running)} containers{still}"
        )


def moment(text: str) -> datetime | None:
    """Return a time as the engine writes it, or None when it stands for never."""
    read = _TIME.match(text)
    if read is None or text.startswith("0001-"):
        return None
    fraction = (read.group(2) or ".0")[:7]
    zone = read.group(3).replace("Z", "+00:00")
    return datetime.fromisoformat(f"{read.group(1)}{fraction:0<7}{zone}").astimezone(UTC)


def whose(labels: Mapping[str, str]) -> str:
    """Return which service the labels of a container name; "" when none."""
    return labels.get(SERVICE) or labels.get(COMPOSE_SERVICE, "")


def _told_apart(found: Sequence[Listed]) -> list[Listed]:
    """Return the containers, a service of compose under its project's name where two have it.

    Two projects may each have a `pay`: one plan for both would act on what nobody asked about.
    Who writes our own label means one service, in whatever projects.
    """
    homes: dict[str, set[str]] = {}
    for one in found:
        homes.setdefault(one.service, set()).add(one.labels.get(PROJECT, ""))
    taken = set(homes)

    def name(one: Listed) -> ServiceName:
        project = one.labels.get(PROJECT, "")
        if one.labels.get(SERVICE) or not project or len(homes[one.service]) == 1:
            return one.service
        whole = f"{project}-{one.service}"
        return ServiceName(f"{project}.{one.service}" if whole in taken else whole)

    return [replace(one, service=name(one)) for one in found]


def _own_name(names: Sequence[str]) -> str:
    """Return a container's own name: a link to it from another one is called /other/name."""
    return min((str(name).removeprefix("/") for name in names), key=lambda name: name.count("/"))


def _listed(raw: Document) -> Listed | None:
    labels = raw.get("Labels") or {}
    service = whose(labels)
    once = str(labels.get("com.docker.compose.oneoff", "")).lower() == "true"
    if not service or once:
        return None
    names = raw.get("Names") or [raw["Id"][:12]]
    networks = (raw.get("NetworkSettings") or {}).get("Networks") or {}
    return Listed(
        id=raw["Id"],
        name=_own_name(names),
        service=ServiceName(service),
        state=str(raw.get("State", "")),
        image=str(raw.get("Image", "")),
        image_id=str(raw.get("ImageID", "")),
        created=datetime.fromtimestamp(int(raw.get("Created", 0)), UTC),
        labels=labels,
        networks=networks,
    )
