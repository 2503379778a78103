"""restart_service in Docker: the containers that are ill, one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiops_agent.adapters.docker.client import path_of
from aiops_agent.adapters.docker.containers import Listed
from aiops_agent.adapters.docker.ill import Illness
from aiops_agent.adapters.docker.payload import QUICK, ContainerChange, Payload
from aiops_agent.adapters.docker.way import Way
from aiops_agent.domain.text import shell


@dataclass(frozen=True)
class Restart:
    """A restart of those of `candidates` that are ill."""

    candidates: Sequence[Listed]
    illness: Illness
    started: Mapping[str, str]  # by id
    version: str  # the path's prefix
    grace: timedelta

    def way(self) -> Way:
        """Return how the ill ones are started again; the others are not touched."""
        targets = [one for one in self.candidates if one.id in self.illness.ill]
        seconds = round(self.grace.total_seconds())
        names = [one.name for one in targets]
        return Way(
            payloads=tuple(self._payload(one, seconds) for one in targets),
            touched=len(targets),
            interrupts=True,
            words=self._words(targets),
            run=shell("docker", "restart", "-t", str(seconds), *names),
        )

    def _payload(self, one: Listed, seconds: int) -> Payload:
        return Payload(
            method="POST",
            path=f"{self.version}{path_of('containers', one.id)}/restart?t={seconds}",
            timeout=self.grace + 2 * QUICK,
            effect=ContainerChange.RESTARTED,
            container=one.id,
            started=self.started.get(one.id, ""),
        )

    def _words(self, targets: Sequence[Listed]) -> str:
        told = [
            one.name + (f" ({self.illness.ill[one.id]})" if self.illness.ill[one.id] else "")
            for one in targets
        ]
        words = f"{', '.join(told)} restarted one after the other; their requests are cut"
        if left := [one.name for one in self.candidates if one not in targets]:
            words += f"; {', '.join(left)} not touched"
        if self.illness.unsure:
            words += f"; all {len(targets)}, because {self.illness.unsure}"
        return words
