"""What the engine still remembers of containers: ends, kills, pauses, removals.

It keeps its last 256 events only, so an older one is not seen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiops_agent.adapters.docker.containers import PROJECT, Containers, Listed, whose
from aiops_agent.domain.telemetry import Window
from aiops_agent.domain.value import Document

IMAGE_OF_COMPOSE = "com.docker.compose.image"  # the image's id, as compose labels containers
_KINDS = ("create", "destroy", "remove", "die", "oom", "stop", "pause", "unpause", "health_status")
_GONE = ("destroy", "remove")  # of Docker, of Podman
_ASKED_BEFORE = 5.0  # seconds: the engine tells of a stop as soon as the container has ended


@dataclass(frozen=True)
class Removed:
    """A container that is gone: what it ran, by name and (where compose says it) by id.

    `created` is None when that is longer ago than the engine remembers.
    """

    service: str
    at: datetime
    image: str
    image_id: str = ""
    created: datetime | None = None


@dataclass(frozen=True)
class Happening:
    """Something that happened to a container, in the engine's word; an end has its exit code."""

    container: str
    at: datetime
    word: str
    code: int | None = None


@dataclass(frozen=True)
class Past:
    """The remembered events of one stretch of time, oldest first.

    `tagged` holds when a name was last given to an image: (name, image id) -> moment.
    """

    removed: Sequence[Removed] = ()
    happened: Sequence[Happening] = ()
    tagged: Mapping[tuple[str, str], datetime] = field(default_factory=dict)

    def last(self, container: str, word: str) -> datetime | None:
        """Return when something last happened to a container, or None."""
        found = (one for one in self.happened if (one.container, one.word) == (container, word))
        return max((one.at for one in found), default=None)

    def last_code(self, container: str) -> int | None:
        """Return the exit code of a container's last end, or None."""
        ends = [one for one in self.happened if (one.container, one.word) == (container, "die")]
        return max(ends, key=lambda one: one.at).code if ends else None

    def asked_to_stop(self, container: str, ended: datetime | None) -> bool:
        """Whether somebody asked for the end at that moment: no fault of the container."""
        asked = self.last(container, "stop")
        if asked is None or ended is None:
            return False
        return (asked - ended).total_seconds() >= -_ASKED_BEFORE


async def read_past(containers: Containers, listed: Sequence[Listed], window: Window) -> Past:
    """Return what the engine remembers of these containers, and of others that are gone.

    Raises SourceError.
    """
    names = {(one.labels.get(PROJECT, ""), whose(one.labels)): one.service for one in listed}
    removed: list[Removed] = []
    happened: list[Happening] = []
    created: dict[str, datetime] = {}
    for event in await _read(containers, window, "container", _KINDS):
        actor = event.get("Actor") or {}
        labels = {str(key): str(value) for key, value in (actor.get("Attributes") or {}).items()}
        home, container = labels.get(PROJECT, ""), str(actor.get("ID", ""))
        if containers.project and home != containers.project:
            continue
        at, word = _at(event), str(event.get("Action", ""))
        created |= {container: at} if word == "create" else {}
        if word in _GONE:
            gone = Removed(
                service=names.get((home, whose(labels)), whose(labels)),
                at=at,
                image=labels.get("image", ""),
                image_id=labels.get(IMAGE_OF_COMPOSE, ""),
                created=created.get(container),
            )
            removed.append(gone)
        happened.append(Happening(container, at, word, _code(labels)))
    return Past(removed, happened, await _tagged(containers, window))


async def _tagged(containers: Containers, window: Window) -> dict[tuple[str, str], datetime]:
    found: dict[tuple[str, str], datetime] = {}
    for event in await _read(containers, window, "image", ("tag",)):
        actor = event.get("Actor") or {}
        name = str((actor.get("Attributes") or {}).get("name", ""))
        found[name.removeprefix("docker.io/library/"), str(actor.get("ID", ""))] = _at(event)
    return found


async def _read(
    containers: Containers, window: Window, kind: str, words: Sequence[str]
) -> list[Document]:
    query = {
        "since": f"{window.start.timestamp():.3f}",
        "until": f"{window.end.timestamp():.3f}",
        "filters": json.dumps({"type": [kind], "event": list(words)}),
    }
    found = []
    for line in (await containers.client.raw("/events", query)).splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # a torn line: the stream was cut
        if isinstance(event, dict) and event.get("Type", kind) == kind:
            word = str(event.get("Action", "")).partition(":")[0]
            found += [event] if word in words else []
    return found


def _code(labels: Mapping[str, str]) -> int | None:
    told = labels.get("exitCode") or labels.get("containerExitCode", "")  # of Docker, of Podman
    return int(told) if told.isdecimal() else None


def _at(event: Document) -> datetime:
    nanoseconds = event.get("timeNano")
    seconds = nanoseconds / 1e9 if isinstance(nanoseconds, int) else float(event.get("time") or 0)
    return datetime.fromtimestamp(seconds, UTC)
