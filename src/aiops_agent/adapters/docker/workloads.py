"""How the containers of a service are: state, limits, use, restarts, why one ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from aiops_agent.adapters.docker.containers import Containers, Inspected
from aiops_agent.adapters.docker.events import Past, read_past
from aiops_agent.adapters.docker.stats import Use, usages
from aiops_agent.adapters.docker.use import UseLog
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import ServiceName, Window, Workload
from aiops_agent.domain.value import Document
from aiops_agent.ports.telemetry import Clock

_NANO = 1e9  # the engine counts billionths of a core
_REMEMBERED = timedelta(hours=24)  # an older end is told without what led to it
_LATELY = timedelta(hours=1)  # a container that ran out of memory since was not cured by a restart
_LONGEST = 300  # characters of what a health check said
_NOT_STARTED = ("created",)
OUT_OF_MEMORY = "OOMKilled"
ON_REQUEST = "stopped on request"


@dataclass(frozen=True)
class DockerWorkloads:
    """The Workloads port. `clock` says how far the engine's memory is read."""

    containers: Containers
    clock: Clock
    log: UseLog = field(default_factory=UseLog)

    async def workloads(self, services: Sequence[ServiceName]) -> tuple[Workload, ...]:
        """Return the containers of these services, stopped ones too. Raises SourceError."""
        listed = [one for one in await self.containers.listed() if one.service in services]
        if not listed:
            return ()
        owners = {one.id: one.service for one in listed}
        found = await self.containers.inspect_all(tuple(owners))
        used = await usages(self.containers, [one.id for one in listed if one.running])
        now = self.clock.now()
        window = Window(start=now - _REMEMBERED, end=now)
        past = await read_past(self.containers, listed, window)
        try:
            read = tuple(_Read(one, past, used, window).workload(owners[one.id]) for one in found)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SourceError("Docker described a container in a shape we cannot read.") from error
        self.log.note(now, read)
        return read


@dataclass(frozen=True)
class _Read:
    one: Inspected
    past: Past
    used: Mapping[str, Use]
    window: Window

    def workload(self, service: ServiceName) -> Workload:
        """Return the container as everybody else reads it."""
        one, host = self.one, self.one.raw.get("HostConfig") or {}
        state, health = one.raw["State"], one.raw["State"].get("Health") or {}
        used = self.used.get(one.id, Use())
        probed = [str(log.get("Output", "")).strip() for log in health.get("Log") or ()]
        return Workload(
            service=service,
            name=one.name,
            state=one.status,
            reason=self._reason(state),
            exit_code=self._exit_code(state),
            image=str((one.raw.get("Config") or {}).get("Image", "")),
            image_id=str(one.raw.get("Image", "")),
            restarts=one.raw.get("RestartCount"),
            cpu_limit=_cores(host),
            memory_limit=host.get("Memory") or None,
            node=str((one.raw.get("Node") or {}).get("Name", "")),
            started_at=one.started_at,
            ended_at=one.ended_at,
            wanted=self._wanted(state),
            health="" if health.get("Status") in (None, "none") else str(health["Status"]),
            probe=probed[-1][:_LONGEST] if probed else "",
            cpu_used=used.cores,
            memory_used=used.memory,
        )

    def _exit_code(self, state: Document) -> int | None:
        if self.one.started_at is None:
            return None
        if self.one.status not in ("running", "paused"):
            code: int | None = state.get("ExitCode")
            return code
        # Between two ends of a crash loop it runs, with the exit code 0 of nothing.
        return self.past.last_code(self.one.id) if self.one.raw.get("RestartCount") else None

    def _reason(self, state: Document) -> str:
        starved = self.past.last(self.one.id, "oom")
        lately = starved is not None and starved >= self.window.end - _LATELY
        if state.get("OOMKilled") or lately:
            return OUT_OF_MEMORY
        if error := str(state.get("Error") or ""):
            return error
        return ON_REQUEST if self._asked else ""

    @property
    def _asked(self) -> bool:
        over = self.one.status == "exited"
        return over and self.past.asked_to_stop(self.one.id, self.one.ended_at)

    def _wanted(self, state: Document) -> bool:
        if self.one.status == "exited":
            # 0 is work that was done: what should go on for ever ends with something else.
            return state.get("ExitCode") != 0 and not self._asked
        # One that was only made waits for its start, unless that has failed.
        return self.one.status not in _NOT_STARTED or bool(state.get("Error"))


def _cores(host: Document) -> float | None:
    if nano := host.get("NanoCpus"):
        return float(nano / _NANO)
    quota, period = host.get("CpuQuota") or 0, host.get("CpuPeriod") or 100_000
    return float(quota / period) if quota > 0 else None
