"""The way back in Docker: only containers that the ledger says an operation made or stopped.

A label proves nothing: whoever starts a container may write what he likes on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiops_agent.adapters.docker.client import path_of
from aiops_agent.adapters.docker.containers import Containers, Inspected
from aiops_agent.adapters.docker.payload import QUICK, ContainerChange, Payload, Staying
from aiops_agent.domain.errors import NotOurs
from aiops_agent.domain.ledger import Intent


@dataclass(frozen=True)
class WayBack:
    """From what an operation did to `service` to what there was; `version` is the path's prefix."""

    containers: Containers
    service: str
    version: str
    grace: timedelta

    async def payloads(self, applied: Sequence[Intent]) -> tuple[Payload, ...]:
        """Return what takes `applied` back, last first. Raises NotOurs, SourceError."""
        did = [(Payload.of(intent.request.payload), intent.made) for intent in reversed(applied)]
        made = [(payload, made) for payload, made in did if _created(payload)]
        stopped = [
            (payload, made) for payload, made in did if payload.effect is ContainerChange.STOPPED
        ]
        # Whether the old ones can be started is looked at before one that replaced them goes.
        started = await self._started(stopped)
        for payload, _ in made:
            if payload.instead and await self.containers.inspect(payload.instead) is None:
                raise NotOurs(
                    f"What {payload.container} of {self.service} replaced was removed by others "
                    "since: a person must decide."
                )
        added = [one for payload, one in made if not payload.instead]
        swapped = [one for payload, one in made if payload.instead]
        return (*await self._swapped(swapped), *await self._removed(added), *started)

    async def _swapped(self, made: Sequence[str]) -> list[Payload]:
        """Return what takes away containers whose places others take again."""
        self._known(made)
        ours = await self.containers.inspect_all(made)
        return [payload for one in ours for payload in self._removal(one, None)]

    def _known(self, made: Sequence[str]) -> None:
        if not all(made):
            raise NotOurs(
                f"Which container of {self.service} was made cannot be told any more: a person "
                "must remove it."
            )

    async def _removed(self, made: Sequence[str]) -> list[Payload]:
        self._known(made)
        ours = await self.containers.inspect_all(made)
        group = await self.containers.of(self.service)
        left = [one for one in group if one.running and one.id not in set(made)]
        if not left and any(one.running for one in ours):
            names = ", ".join(one.name for one in ours)
            raise NotOurs(
                f"{self.service} runs on nothing but {names} any more, which taking back would "
                "remove: a person must decide."
            )
        staying = Staying(service=self.service, leaving=tuple(made), least=1)
        return [payload for one in ours for payload in self._removal(one, staying)]

    def _removal(self, one: Inspected, staying: Staying | None) -> list[Payload]:
        where = f"{self.version}{path_of('containers', one.id)}"
        stop = Payload(
            method="POST",
            path=f"{where}/stop?t={round(self.grace.total_seconds())}",
            timeout=self.grace + QUICK,
            effect=ContainerChange.STOPPED,
            container=one.id,
            staying=staying,
        )
        # v=1: volumes without a name came with the container and hold nothing of others.
        remove = Payload(
            method="DELETE",
            path=f"{where}?force=1&v=1",
            effect=ContainerChange.REMOVED,
            container=one.id,
            staying=staying,
        )
        return [stop, remove] if one.running else [remove]

    async def _started(self, stopped: Sequence[tuple[Payload, str]]) -> list[Payload]:
        payloads = []
        for payload, made in stopped:
            found = await self.containers.inspect(payload.container)
            name = found.name if found else payload.container[:12]
            if found is not None and found.running:
                continue  # others started it again
            if not made:
                told = f"Whether we or others stopped {name} of {self.service} is not known"
                raise NotOurs(f"{told}: a person must decide.")
            # Of what crashed and started again its last start was not known beforehand.
            started = payload.started or (found.started if found else "")
            if found is None or found.started != started:
                what = "was started and ended" if found else "was removed"
                told = f"{name} of {self.service}, which we stopped, {what} by others since"
                raise NotOurs(f"{told}: a person must decide.")
            payloads.append(self._start(found))
        return payloads

    def _start(self, one: Inspected) -> Payload:
        return Payload(
            method="POST",
            path=f"{self.version}{path_of('containers', one.id)}/start",
            effect=ContainerChange.STARTED,
            container=one.id,
            started=one.started,
        )


def _created(payload: Payload) -> bool:
    return payload.effect is ContainerChange.CREATED
