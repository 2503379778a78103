"""What would a monitoring system have recorded? Every signal, each fifteen seconds, with noise."""

import random
from dataclasses import dataclass

from aiops_agent.domain.telemetry import ServiceKind, Signal
from aiops_agent.simulator.node import SEEN_FROM, STEP, Node
from aiops_agent.simulator.physics import World

TICK = 15.0  # seconds between two samples
PER_TICK = int(TICK / STEP)
Track = list[float | None]

_FELT = (Signal.LATENCY, Signal.TRAFFIC, Signal.ERRORS)
_INSIDE = (Signal.SATURATION, Signal.REPLICAS, Signal.MEMORY)
_SPECIAL = {ServiceKind.CACHE: (Signal.CACHE_HITS,), ServiceKind.QUEUE: (Signal.QUEUE,)}


@dataclass
class _Sum:
    """What one tick gathers of a service, step by step."""

    offered: float = 0.0
    failed: float = 0.0
    latency: float = 0.0
    answered: int = 0
    used: float = 0.0
    pool: float = 0.0
    pool_wait: float = 0.0


class History:
    """Watches a world and keeps its samples; sample i was taken at i * TICK seconds."""

    def __init__(self, world: World, seed: int) -> None:
        self._noise = random.Random(f"{seed}/noise")  # noqa: S311 -- repeatable, not secret
        self._sums = {name: _Sum() for name in world.nodes}
        self.tracks: dict[tuple[str, Signal], Track] = {
            (name, signal): [None] for name, node in world.nodes.items() for signal in _kept(node)
        }
        world.watchers.append(self.watch)

    @property
    def ticks(self) -> int:
        """How many samples there are."""
        return len(next(iter(self.tracks.values())))

    def watch(self, world: World) -> None:
        """Gather one step; on a full tick, take the samples."""
        full = world.steps % PER_TICK == 0
        for name, node in world.nodes.items():
            _gather(self._sums[name], node)
            if full:
                self._sample(name, node, world)
                self._sums[name] = _Sum()

    def _sample(self, name: str, node: Node, world: World) -> None:
        gauss, total, tracks = self._noise.gauss, self._sums[name], self.tracks
        wobble = (gauss(0, 0.05), gauss(0, 0.012), gauss(0, 0.03), gauss(0, 0.004))
        latency = total.latency / total.answered * (1 + wobble[0]) if total.answered else None
        share = total.failed / total.offered if total.offered > 0 else None
        quiet = 0.001 * (1 + 12 * abs(wobble[3]))  # a few requests fail on the best of days
        errors = None if share is None else min(1.0, share * (1 + wobble[2]) + quiet)
        tracks[name, Signal.LATENCY].append(_rounded(latency))
        tracks[name, Signal.TRAFFIC].append(_rounded(total.offered / PER_TICK * (1 + wobble[1])))
        tracks[name, Signal.ERRORS].append(_rounded(errors))
        if node.spec.external:
            return
        used = total.used / PER_TICK
        tracks[name, Signal.SATURATION].append(_rounded(0.02 + used * (0.98 + wobble[2])))
        tracks[name, Signal.REPLICAS].append(float(node.strength.ready))
        memory = node.fleet.memory * (0.15 + 0.85 * node.warm if name == "cache" else 1.0)
        tracks[name, Signal.MEMORY].append(_rounded(min(1.0, memory * (1 + wobble[3]))))
        if (name, Signal.POOL) in tracks:
            tracks[name, Signal.POOL].append(_rounded(min(1.0, total.pool / PER_TICK)))
            tracks[name, Signal.POOL_WAIT].append(_rounded(total.pool_wait / PER_TICK))
        elif (name, Signal.QUEUE) in tracks:
            tracks[name, Signal.QUEUE].append(_rounded(node.depth + 40 * abs(wobble[3])))
        elif (name, Signal.CACHE_HITS) in tracks:
            tracks[name, Signal.CACHE_HITS].append(_rounded(_hits(world) * (1 + wobble[3] / 2)))


def _gather(total: _Sum, node: Node) -> None:
    load = node.work_load
    total.offered += node.offered
    total.failed += node.offered * node.errors
    if node.offered > 0 and (load.passed > 0 or node.hung_share >= SEEN_FROM):
        total.latency += node.latency
        total.answered += 1
    if not node.down:
        total.used += min(1.0, load.load) * (1.0 - node.hung_share)
    total.pool += node.pool.load if node.pool.backlog <= 0 else 1.0
    total.pool_wait += node.pool_wait


def _hits(world: World) -> float:
    readers = [node for node in world.nodes.values() if node.spec.misses]
    asked = sum(node.work_load.passed for node in readers)
    known = sum(node.work_load.passed * node.known_share for node in readers)
    return world.nodes["cache"].warm * known / asked if asked > 0 else 0.0


def _kept(node: Node) -> tuple[Signal, ...]:
    if node.spec.external:
        return _FELT
    pooled = (Signal.POOL, Signal.POOL_WAIT) if "DB_POOL_SIZE" in node.spec.config else ()
    return (*_FELT, *_INSIDE, *_SPECIAL.get(node.spec.kind, ()), *pooled)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")
