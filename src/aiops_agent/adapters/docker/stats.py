"""What containers use now: CPU and memory, as `docker stats` counts them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiops_agent.adapters.docker.client import path_of
from aiops_agent.adapters.docker.containers import Containers
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.value import Document

_AT_ONCE = 8  # each takes the engine a second: it looks twice
MOST_MEASURED = 32  # containers: four seconds
# File cache that the kernel takes back when it is short: cgroup v2, cgroup v1.
_CACHE = ("inactive_file", "total_inactive_file")


@dataclass(frozen=True)
class Use:
    """Cores and bytes in use; None is what the engine does not tell."""

    cores: float | None = None
    memory: int | None = None


async def usages(containers: Containers, ids: Sequence[str]) -> dict[str, Use]:
    """Return what these containers use, by id; who cannot be measured is left out."""
    turn = asyncio.Semaphore(_AT_ONCE)  # the engine answers everybody else too

    async def one(container: str) -> Use | None:
        async with turn:
            try:
                path = f"{path_of('containers', container)}/stats"
                return usage(await containers.client.get(path, {"stream": "false"}))
            except (SourceError, AttributeError, KeyError, TypeError, ValueError):
                return None  # ended meanwhile, or a proxy that hides it: its state is known anyway

    asked = list(ids)[:MOST_MEASURED]
    found = await asyncio.gather(*(one(container) for container in asked))
    return {container: used for container, used in zip(asked, found, strict=True) if used}


def usage(raw: Document) -> Use:
    """Return what one answer of `/stats` says. Raises KeyError, TypeError on another shape."""
    return Use(_cores(raw), _memory(raw.get("memory_stats") or {}))


def _cores(raw: Document) -> float | None:
    now, before = raw.get("cpu_stats") or {}, raw.get("precpu_stats") or {}
    machine = (now.get("system_cpu_usage") or 0) - (before.get("system_cpu_usage") or 0)
    if machine <= 0 or not before.get("system_cpu_usage"):
        return None  # one look only: a rate needs two
    used = now["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    count = now.get("online_cpus") or len(now["cpu_usage"].get("percpu_usage") or ()) or 1
    return max(float(used / machine * count), 0.0)


def _memory(stats: Document) -> int | None:
    if not isinstance(stats.get("usage"), int):
        return None
    detail = stats.get("stats") or {}
    cache = next((detail[name] for name in _CACHE if name in detail), 0)
    return max(int(stats["usage"] - cache), 0)
