"""What happened to containers: new ones, other images, restarts."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.adapters.docker.containers import Containers, Inspected, Listed, whose
from aiops_agent.adapters.docker.topology import release_of
from aiops_agent.domain.telemetry import Change, ChangeKind, Window

SOURCE = "docker"
_FIRST_START = timedelta(seconds=30)  # a container that starts this soon was created to start
_TOGETHER = timedelta(seconds=60)  # replicas created this close are one creation


@dataclass(frozen=True)
class DockerChanges:
    """The Changes port, read from the containers that exist now and the engine's last events.

    The engine keeps its last 256 events only, so an older removal is not seen.
    """

    containers: Containers

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Return the changes inside the window, oldest first. Raises SourceError."""
        listed = await self.containers.listed()
        inspected = await self.containers.inspect_all([one.id for one in listed])
        past = await self._past(window)
        details = {one.id: one for one in inspected}
        found: list[Change] = []
        for one in listed:
            if detail := details.get(one.id):
                rest = [other for other in listed if other.service == one.service and other != one]
                found += _of(one, detail, rest, past)
        inside = (change for change in found if window.start <= change.at < window.end)
        # Replicas changed together are one change, at the time of the first.
        first: dict[tuple[str, str], Change] = {}
        for change in sorted(inside, key=lambda change: (change.at, change.service)):
            first.setdefault((change.service, change.title), change)
        return tuple(first.values())

    async def _past(self, window: Window) -> "_Past":
        body = await self.containers.client.raw(
            "/events",
            {
                "since": f"{window.start.timestamp():.3f}",
                "until": f"{window.end.timestamp():.3f}",
                "filters": json.dumps({"type": ["container"], "event": ["destroy", "oom"]}),
            },
        )
        past = _Past()
        for line in body.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue  # a torn line: the stream was cut
            if not isinstance(event, dict):
                continue
            actor = event.get("Actor") or {}
            labels = actor.get("Attributes") or {}
            if event.get("Action") == "oom":
                past.starved.add(str(actor.get("ID")))
            elif labels.get("image"):
                past.removed.setdefault(whose(labels), []).append(str(labels["image"]))
        return past


@dataclass(frozen=True)
class _Past:
    """Images of removed containers by service, and who ran out of memory."""

    removed: dict[str, list[str]] = field(default_factory=dict)
    starved: set[str] = field(default_factory=set)


def _of(one: Listed, detail: Inspected, rest: Sequence[Listed], past: _Past) -> Iterator[Change]:
    created = detail.created_at or one.created
    before = [other for other in rest if one.created - other.created > _TOGETHER]
    yield _creation(one, created, before, past.removed.get(one.service, ()))
    started = detail.started_at
    if started is not None and started - created > _FIRST_START:
        why = " after it ran out of memory" if one.id in past.starved else ""
        yield _change(one, ChangeKind.RESTART, started, f"{one.name} was started again{why}")


def _creation(
    one: Listed, at: datetime, before: Sequence[Listed], removed: Sequence[str]
) -> Change:
    now = release_of(one.image, one.image_id)
    older = next((other for other in reversed(before) if other.image_id != one.image_id), None)
    left = next((image for image in reversed(removed) if image != one.image), "")
    was = release_of(older.image, older.image_id) if older else left
    if was:
        title = f"{one.service} runs {now} instead of {was}"
        change = _change(one, ChangeKind.RELEASE, at, title)
        return change.model_copy(update={"before": was, "after": now})
    if before:
        return _change(one, ChangeKind.SCALE, at, f"{one.service} got one more container")
    return _change(one, ChangeKind.OTHER, at, f"{one.service} was created with {now}")


def _change(one: Listed, kind: ChangeKind, at: datetime, title: str) -> Change:
    return Change(at=at, service=one.service, kind=kind, title=title, source=SOURCE)
