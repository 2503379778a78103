"""Has a request landed? Read from the engine, never from an answer."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from aiops_agent.actions.platform import Landing, Sight
from aiops_agent.adapters.docker.containers import OPERATION, Containers, Inspected
from aiops_agent.adapters.docker.payload import ContainerChange, Payload

_AGAIN = 0.5  # seconds between two looks at a restart that may be going on
_GOING = ("removing", "dead")


async def sight_of(
    payload: Payload, containers: Containers, armed_at: datetime, grace: timedelta
) -> Sight:
    """Tell whether the effect is there; a restart may take `grace`. Raises SourceError."""
    if payload.effect is ContainerChange.CREATED:
        return _created(payload, await containers.inspect(payload.container), armed_at)
    if payload.effect is not ContainerChange.RESTARTED:
        return _SEEN[payload.effect](payload, await containers.inspect(payload.container))
    for pause in (*[_AGAIN] * round(grace.total_seconds() / _AGAIN), 0.0):
        found = await containers.inspect(payload.container)
        if found is None:
            return Sight(landing=Landing.DIVERGED, note="the container is gone")
        if found.running and found.started_at and found.started_at > armed_at:
            note = f"{found.name} started at {found.started_at:%H:%M:%S} UTC"
            return Sight(landing=Landing.LANDED, note=note)
        await asyncio.sleep(pause)
    note = "it has not started again, and whether it was asked to cannot be seen"
    return Sight(landing=Landing.UNKNOWN, note=note)


def _created(payload: Payload, found: Inspected | None, armed_at: datetime) -> Sight:
    if found is None:
        return Sight(landing=Landing.NOT_LANDED, note="there is no such container yet")
    before = found.created_at is None or found.created_at < armed_at
    if before or found.label(OPERATION) != payload.operation:
        return Sight(landing=Landing.DIVERGED, note=f"{found.name} was made by somebody else")
    return Sight(landing=Landing.LANDED, note=f"{found.name} is there", made=found.id)


def _connected(payload: Payload, found: Inspected | None) -> Sight:
    if found is None:
        return Sight(landing=Landing.DIVERGED, note=f"{payload.container} is gone")
    if payload.network in (found.raw["NetworkSettings"].get("Networks") or {}):
        return Sight(landing=Landing.LANDED, note=f"{found.name} is on {payload.network}")
    return Sight(landing=Landing.NOT_LANDED, note=f"{found.name} is not on {payload.network}")


def _started(payload: Payload, found: Inspected | None) -> Sight:
    if found is None:
        return Sight(landing=Landing.DIVERGED, note=f"{payload.container} is gone")
    if found.running:
        return Sight(landing=Landing.LANDED, note=f"{found.name} runs")
    if found.started == payload.started:
        return Sight(landing=Landing.NOT_LANDED, note=f"{found.name} was not started yet")
    return Sight(landing=Landing.DIVERGED, note=f"{found.name} started and is {found.status}")


def _stopped(_payload: Payload, found: Inspected | None) -> Sight:
    if found is None or not found.running:
        return Sight(landing=Landing.LANDED, note="it does not run")
    return Sight(landing=Landing.NOT_LANDED, note=f"{found.name} still runs")


def _removed(_payload: Payload, found: Inspected | None) -> Sight:
    if found is None or found.status in _GOING:
        return Sight(landing=Landing.LANDED, note="it is gone")
    return Sight(landing=Landing.NOT_LANDED, note=f"{found.name} is still there")


_SEEN: dict[ContainerChange, Callable[[Payload, Inspected | None], Sight]] = {
    ContainerChange.CONNECTED: _connected,
    ContainerChange.STARTED: _started,
    ContainerChange.STOPPED: _stopped,
    ContainerChange.REMOVED: _removed,
}
