"""Replicas that are ready, and restarts, over time: a cluster tells only of now, so it is kept.

Whoever looks at the cluster fills it; `aiops serve` does all the time. Where kube-state-metrics is,
that tells them instead.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiops_agent.adapters.kubernetes import fields
from aiops_agent.adapters.kubernetes.pods import ready
from aiops_agent.adapters.kubernetes.state import ClusterState, Key, Thing
from aiops_agent.domain.telemetry import Series, ServiceName, Signal, Window
from aiops_agent.domain.text import shell

STEP = 15  # seconds between two samples
GAP = 4  # steps without a look, after which nobody knows what was between
LOOKS_BACK = 20  # steps: five minutes, as rates over restarts are usual
MOST_RUNS = 240  # of one signal of a service: each is a time in which its value did not change
FORGOTTEN = timedelta(hours=26)  # what is older is asked for by nobody
SOURCE = "kubernetes"
_Runs = deque[tuple[int, int, float]]  # (first step, last step, value), the oldest first


@dataclass
class Samples:
    """What was seen of each service: a run of steps for each value, so that calm costs nothing."""

    ready: dict[ServiceName, _Runs] = field(default_factory=dict)
    restarts: dict[ServiceName, _Runs] = field(default_factory=dict)  # so many so far
    homes: dict[ServiceName, Key] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)  # by the uid of a pod
    _last: int = -1
    _lock: threading.Lock = field(default_factory=threading.Lock)  # looks come from several threads

    def note(self, state: ClusterState) -> None:
        """Keep how the services of a cluster are, once in each step."""
        step = int(state.at.timestamp()) // STEP
        with self._lock:
            if step <= self._last:
                return
            counts: dict[str, int] = {}
            for key in state.serving:
                service, pods = state.names[key], state.pods.get(key, [])
                self.homes[service] = key
                up = float(sum(map(ready, pods)))
                _extend(self.ready.setdefault(service, deque(maxlen=MOST_RUNS)), step, up)
                now = {pod.uid: _restarts(pod) for pod in pods}
                runs = self.restarts.setdefault(service, deque(maxlen=MOST_RUNS))
                _extend(runs, step, (runs[-1][2] if runs else 0.0) + self._more(now, step))
                counts |= now
            self._counts, self._last = counts, step
            self._forget(step)

    def series(self, service: ServiceName, signal: Signal, window: Window) -> Series | None:
        """Return what was seen of a signal inside the window; None when nothing was."""
        counted = signal is Signal.RESTARTS
        with self._lock:
            runs = tuple((self.restarts if counted else self.ready).get(service, ()))
            home = self.homes.get(service)
        first = -int(-window.start.timestamp() // STEP)
        last = -int(-window.end.timestamp() // STEP) - 1
        seen = [
            (step, value - _before(runs, step) if counted else value)
            for begins, ends, value in runs
            for step in range(max(begins, first), min(ends, last) + 1)
        ]
        if not seen or home is None:
            return None
        return Series(
            service=service,
            signal=signal,
            times=tuple(datetime.fromtimestamp(step * STEP, UTC) for step, _ in seen),
            values=tuple(value for _, value in seen),
            source=SOURCE,
            query=shell("kubectl", "-n", home.namespace, "get", home.of.lower(), home.name),
        )

    def _more(self, now: dict[str, int], step: int) -> int:
        """Return how many restarts there are that the look before did not see."""
        if self._last < 0 or step - self._last > GAP:
            return 0  # nobody knows when they were
        return sum(max(0, count - self._counts.get(uid, 0)) for uid, count in now.items())

    def _forget(self, step: int) -> None:
        """Drop the services of which nothing was seen for a day."""
        oldest = step - int(FORGOTTEN.total_seconds()) // STEP
        for service in [name for name, runs in self.ready.items() if runs[-1][1] < oldest]:
            for kept in (self.ready, self.restarts, self.homes):
                kept.pop(service, None)


def _extend(runs: _Runs, step: int, value: float) -> None:
    if runs and runs[-1][2] == value and step - runs[-1][1] <= GAP:
        runs[-1] = (runs[-1][0], step, value)
    else:
        runs.append((step, step, value))


def _before(runs: Sequence[tuple[int, int, float]], step: int) -> float:
    """Return how many restarts there were so far when the last five minutes began."""
    earlier = [value for begins, _, value in runs if begins <= step - LOOKS_BACK]
    return earlier[-1] if earlier else runs[0][2]


def _restarts(pod: Thing) -> int:
    statuses = fields.many(pod.document, "status", "containerStatuses")
    return sum(fields.count(one, "restartCount") for one in statuses)
