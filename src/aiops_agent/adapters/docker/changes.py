"""What happened to containers: new ones, other images, restarts, ends, pauses, failing checks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.adapters.docker.containers import Containers, Inspected, Listed, moment
from aiops_agent.adapters.docker.events import Past, Removed, read_past
from aiops_agent.adapters.docker.topology import release_of
from aiops_agent.domain.telemetry import Change, ChangeKind, Window

SOURCE = "docker"
_FIRST_START = timedelta(seconds=30)  # a container that starts this soon was created to start
_TOGETHER = timedelta(seconds=60)  # replicas created this close are one creation
_BUILT = timedelta(hours=1)  # an image that is given its name later than this was there before
_WORDS = {
    "pause": "was paused",
    "unpause": "goes on after a pause",
    "health_status: unhealthy": "became unhealthy: its health check fails",
    "health_status: healthy": "became healthy",
}


@dataclass(frozen=True)
class DockerChanges:
    """The Changes port, read from the containers that exist now and the engine's last events."""

    containers: Containers

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Return the changes inside the window, oldest first. Raises SourceError."""
        listed = await self.containers.listed()
        inspected = await self.containers.inspect_all([one.id for one in listed])
        past = await read_past(self.containers, listed, window)
        details = {one.id: one for one in inspected}
        found: list[Change] = []
        for one in listed:
            if detail := details.get(one.id):
                rest = [other for other in listed if other.service == one.service and other != one]
                found.append(await self._creation(one, detail, rest, past))
                found += _life(one, detail, past)
        inside = (change for change in found if window.start <= change.at < window.end)
        # Replicas changed together are one change, at the time of the first.
        first: dict[tuple[str, str], Change] = {}
        for change in sorted(inside, key=lambda change: (change.at, change.service)):
            first.setdefault((change.service, change.title), change)
        return tuple(first.values())

    async def _creation(
        self, one: Listed, detail: Inspected, rest: Sequence[Listed], past: Past
    ) -> Change:
        at = detail.created_at or one.created
        before = [other for other in rest if one.created - other.created > _TOGETHER]
        older = next((other for other in reversed(before) if other.image_id != one.image_id), None)
        if older is not None:
            return _release(one, at, older.image, older.image_id)
        if gone := _replaced(one, detail.started_at or at, before, past):
            if gone.image != one.image or (gone.image_id and gone.image_id != one.image_id):
                return _release(one, at, gone.image, gone.image_id)
            if not gone.image_id and await self._anew(one, gone, past):
                return _release(one, at, gone.image, "")
        if before:
            return _change(one, ChangeKind.SCALE, at, f"{one.service} got one more container")
        now = release_of(one.image, one.image_id)
        return _change(one, ChangeKind.OTHER, at, f"{one.service} was created with {now}")

    async def _anew(self, one: Listed, gone: Removed, past: Past) -> bool:
        """Whether the name that both ran was given to a newly built image between the two."""
        tagged = past.tagged.get((one.image, one.image_id))
        if tagged is None or tagged > one.created + _TOGETHER:
            return False
        if gone.created is not None and gone.created > tagged:
            return False
        image = await self.containers.image(one.image_id)
        built = moment(str(image.get("Created", "")))
        # A build that found everything done gives the name to the same image again.
        return built is not None and tagged - built < _BUILT


def _replaced(
    one: Listed, started: datetime, before: Sequence[Listed], past: Past
) -> Removed | None:
    """Return the container whose place one took: compose makes the new one, then removes the old.

    What was removed before a like of it was created is an older story.
    """
    since = max((other.created for other in before), default=None)
    gone = [
        other
        for other in past.removed
        if other.service == one.service
        and other.at <= started + _TOGETHER
        and (since is None or other.at > since)
    ]
    return gone[-1] if gone else None


def _release(one: Listed, at: datetime, image: str, image_id: str) -> Change:
    now, was = release_of(one.image, one.image_id), release_of(image, image_id)
    if was == now:  # one name, another image
        now = f"{now} ({one.image_id[7:19]})"
        was = f"{was} ({image_id[7:19]})" if image_id else f"an older {was}"
    title = f"{one.service} runs {now} instead of {was}"
    change = _change(one, ChangeKind.RELEASE, at, title)
    return change.model_copy(update={"before": was, "after": now})


def _life(one: Listed, detail: Inspected, past: Past) -> Iterator[Change]:
    created = detail.created_at or one.created
    started = detail.started_at
    if started is not None and started - created > _FIRST_START:
        why = " after it ran out of memory" if past.last(one.id, "oom") else ""
        yield _change(one, ChangeKind.RESTART, started, f"{one.name} was started again{why}")
    if detail.ended_at is not None and not one.running:
        asked = past.asked_to_stop(one.id, detail.ended_at)
        how = "was stopped" if asked else f"ended with {detail.ending}"
        yield _change(one, ChangeKind.OTHER, detail.ended_at, f"{one.name} {how}")
    for happening in past.happened:
        if happening.container == one.id and (words := _WORDS.get(happening.word)):
            yield _change(one, ChangeKind.OTHER, happening.at, f"{one.name} {words}")


def _change(one: Listed, kind: ChangeKind, at: datetime, title: str) -> Change:
    return Change(at=at, service=one.service, kind=kind, title=title, source=SOURCE)
