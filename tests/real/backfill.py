"""The past of a broken shop as a real Prometheus would have recorded it, alerts and all.

`promtool tsdb create-blocks-from openmetrics` makes blocks of it. Counters and buckets are worked
out from the simulated signals, so that what is read of them is near what the shop did.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiops_agent.domain.telemetry import Signal
from aiops_agent.simulator.alarms import HELD, PROMISES, RULES, alarms
from aiops_agent.simulator.history import TICK, History
from aiops_agent.simulator.physics import World
from aiops_agent.simulator.scenarios import find_scenario
from aiops_agent.simulator.shop import COMPANY

from .parts import START_SECONDS, write_config
from .processes import Process, free_port

CALM = 3600.0  # seconds of the shop before its trouble, roughly
AFTER = 1500.0  # seconds that are lived behind the first alarm
BOUNDS = (0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 1.6, 2.5, 5.0)
GAUGES = {
    Signal.SATURATION: "shop_cpu_share",
    Signal.MEMORY: "shop_memory_share",
    Signal.REPLICAS: "shop_replicas_up",
    Signal.POOL: "shop_pool_share",
    Signal.POOL_WAIT: "shop_pool_wait_seconds",
}
_EXPRESSIONS = {
    "HighLatency": "histogram_quantile(0.95, sum by (service, le) "
    "(rate(http_request_duration_seconds_bucket[1m]))) > 0.3",
    "HighErrorRate": 'sum by (service) (rate(http_requests_total{code="500"}[1m])) '
    "/ sum by (service) (rate(http_requests_total[1m])) > 0.02",
}


@dataclass
class Past:
    """Lines of OpenMetrics by metric."""

    families: dict[str, list[str]] = field(default_factory=dict)

    def live(self, scenario: str, seed: int, ends: datetime) -> datetime:
        """Record one broken shop whose recording ends then; return when its first alert fired."""
        told = find_scenario(scenario)
        fault = told.fault_of(seed)
        world = World(seed, fault.weather, fault.deeds)
        history = History(world, seed)
        world.advance(fault.at)
        while not (fired := alarms(history, world.now)) and fault.false_alarm is None:
            assert world.now < 7200, f"{scenario} with seed {seed} hurts nobody"
            world.advance(world.now + TICK)
        world.advance(world.now + AFTER)
        began = ends - timedelta(seconds=history.ticks * TICK)
        for spec in COMPANY:
            self._service(str(spec.name), history, began)
        first = fired[0].at if fired else fault.at
        if fault.false_alarm is not None:
            rule = RULES[fault.false_alarm][0]
            at = range(int(fault.at / TICK), int(fault.at / TICK) + 20)
            self._alert(rule, str(fault.service), at, began)
        for (name, signal), level in PROMISES.items():
            broken = list(_broken(history.tracks[name, signal], level))
            self._alert(RULES[signal][0], str(name), broken, began)
        self._alert("Watchdog", "", range(history.ticks), began)
        return began + timedelta(seconds=first)

    def _service(self, name: str, history: History, began: datetime) -> None:
        labels = f'job="{name}",service="{name}"'
        tracks = {s: history.tracks.get((name, s), []) for s in Signal}
        asked, failed, spent, buckets = 0.0, 0.0, 0.0, [0.0] * (len(BOUNDS) + 1)
        for tick in range(1, history.ticks):
            at = (began + timedelta(seconds=tick * TICK)).timestamp()
            new = (tracks[Signal.TRAFFIC][tick] or 0.0) * TICK
            bad = new * (tracks[Signal.ERRORS][tick] or 0.0)
            asked, failed = asked + new, failed + bad
            latency = tracks[Signal.LATENCY][tick]
            if latency:
                spent += new * latency / 3
                for i, bound in enumerate((*BOUNDS, math.inf)):
                    buckets[i] += new * (1 - math.exp(-3 * bound / latency))
            self._add("up", f'{labels},instance="{name}:80"', 1.0, at)
            self._add("http_requests_total", f'{labels},code="200"', asked - failed, at)
            self._add("http_requests_total", f'{labels},code="500"', failed, at)
            for bound, count in zip((*BOUNDS, math.inf), buckets, strict=True):
                le = "+Inf" if math.isinf(bound) else str(bound)
                self._add("http_request_duration_seconds_bucket", f'{labels},le="{le}"', count, at)
            self._add("http_request_duration_seconds_count", labels, buckets[-1], at)
            self._add("http_request_duration_seconds_sum", labels, spent, at)
            for signal, metric in GAUGES.items():
                value = tracks[signal][tick] if tracks[signal] else None
                if value is not None:
                    self._add(metric, labels, value, at)

    def _alert(self, rule: str, service: str, ticks: Sequence[int], began: datetime) -> None:
        severity = {"HighErrorRate": "critical", "Watchdog": "none"}.get(rule, "warning")
        about = f',service="{service}"' if service else ""
        labels = f'alertname="{rule}",alertstate="firing",severity="{severity}"{about}'
        for tick in ticks:
            at = (began + timedelta(seconds=tick * TICK)).timestamp()
            self._add("ALERTS", labels, 1.0, at)

    def _add(self, metric: str, labels: str, value: float, at: float) -> None:
        line = f"{metric}{{{labels}}} {value:.6g} {at:.0f}"
        self.families.setdefault(metric, []).append(line)

    def write(self, path: Path) -> None:
        """Write all of it as OpenMetrics."""
        named: dict[str, list[str]] = {}
        for metric, lines in self.families.items():
            family = metric
            for end in ("_bucket", "_count", "_sum", "_total"):
                family = family.removesuffix(end)
            named.setdefault(family, []).extend(lines)
        with path.open("w", encoding="utf-8") as file:
            for family, lines in named.items():
                kind = {"http_requests": "counter", "http_request_duration_seconds": "histogram"}
                file.write(f"# TYPE {family} {kind.get(family, 'gauge')}\n")
                file.writelines(f"{line}\n" for line in _series_by_series(lines))
            file.write("# EOF\n")


def _series_by_series(lines: Sequence[str]) -> Iterator[str]:
    # Samples of one series stand together, oldest first.
    yield from sorted(lines, key=lambda line: (line.rsplit(" ", 2)[0], int(line.rsplit(" ")[-1])))


def _broken(track: Sequence[float | None], level: float) -> Iterator[int]:
    held = 0
    for tick, value in enumerate(track):
        held = held + 1 if value is not None and value > level else 0
        if held >= HELD:
            yield tick


def services() -> Mapping[str, Any]:
    """Return what a person would declare of the shop."""
    declared = {}
    for spec in COMPANY:
        one: dict[str, Any] = {
            "kind": "external" if spec.external else str(spec.kind),
            "calls": list(spec.callees),
            "signals": {
                str(signal): {"metric": metric, "labels": {"service": str(spec.name)}}
                for signal, metric in GAUGES.items()
            },
        }
        objective = spec.objective
        if objective.latency:
            one["objective"] = {"latency": f"{objective.latency * 1000:g}ms"}
            if objective.errors:
                one["objective"]["errors"] = f"{objective.errors * 100:g}%"
        declared[str(spec.name)] = one
    return declared


@contextmanager
def remembering(past: Past, folder: Path) -> Iterator[str]:
    """Yield the address of a Prometheus that has this past and scrapes nothing."""
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing; install Debian's package prometheus"
    past.write(folder / "past.om")
    made = [promtool, "tsdb", "create-blocks-from", "openmetrics", "-q"]
    subprocess.run([*made, str(folder / "past.om"), str(folder / "tsdb")], check=True)
    rules = [{"alert": name, "expr": text, "for": "1m"} for name, text in _EXPRESSIONS.items()]
    rules.append({"alert": "Watchdog", "expr": "vector(1)"})
    groups = {"groups": [{"name": "shop", "rules": rules}]}
    content = {"rule_files": [str(write_config(folder / "rules.yml", groups))]}
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={write_config(folder / 'prometheus.yml', content)}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with Process(command, folder / "prometheus.log") as server:
        server.wait_ready(f"http://127.0.0.1:{port}/-/ready", START_SECONDS)
        yield f"http://127.0.0.1:{port}"


def configuration(url: str, mode: str = "propose") -> dict[str, Any]:
    """Return the configuration of who reads it."""
    return {
        "apiVersion": "aiops-agent/v1",
        "mode": mode,
        "environment": "docker:shop",
        "sources": {"prometheus": {"url": url}},
        "services": services(),
    }
