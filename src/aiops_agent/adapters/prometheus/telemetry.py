"""Signals over time, read from Prometheus."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.adapters.prometheus.client import PrometheusClient, RawSeries
from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.mapping import Key
from aiops_agent.adapters.prometheus.signals import (
    Question,
    Source,
    question,
    questions,
    tail_of,
)
from aiops_agent.domain.telemetry import Series, ServiceName, Signal, Window

SOURCE = "prometheus"
_POINTS = 240  # at most, whatever the window
_AT_ONCE = 4  # questions side by side


@dataclass(frozen=True)
class PrometheusMetrics:
    """The Metrics port over one Prometheus."""

    client: PrometheusClient
    discovery: Discovery

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        """Return a series for each pair that has data in the window. Raises SourceError."""
        sources = (await self.discovery.signals()).sources
        wanted = [
            source
            for service in dict.fromkeys(services)
            for signal in dict.fromkeys(signals)
            if (source := _source(sources, service, signal)) is not None
        ]
        turn = asyncio.Semaphore(_AT_ONCE)  # the server answers everybody else too
        # What is scraped seldom must not make the rest coarse.
        grids = {one: _Grid.of(window, one) for one in {source.interval for source in wanted}}
        asked = [
            self._answer(one, grid, turn)
            for interval, grid in grids.items()
            for one in questions([s for s in wanted if s.interval == interval], grid.step)
        ]
        found = [series for answer in await asyncio.gather(*asked) for series in answer]
        order = {(source.service, source.signal): i for i, source in enumerate(wanted)}
        return tuple(sorted(found, key=lambda series: order[series.service, series.signal]))

    async def _answer(
        self, asked: Question, grid: "_Grid", turn: asyncio.Semaphore
    ) -> list[Series]:
        async with turn:
            answer = await self.client.range(
                asked.expression, grid.times[0], grid.times[-1], grid.step
            )
        found = []
        for source in asked.sources:
            own = [t for t in answer if not asked.by or t.labels.get(asked.by) in source.values]
            if series := grid.series(source, own):
                found.append(series)
        return found


def _source(sources: Mapping[Key, Source], service: ServiceName, signal: Signal) -> Source | None:
    own = sources.get((service, signal))
    if own is None and signal is Signal.TAIL:
        return tail_of(sources.get((service, Signal.LATENCY)))
    return own


@dataclass(frozen=True)
class _Grid:
    times: tuple[datetime, ...]
    step: timedelta

    @classmethod
    def of(cls, window: Window, interval: timedelta) -> "_Grid":
        step = max(interval, window.length / _POINTS, timedelta(milliseconds=1))
        count = max(1, math.ceil(window.length / step))
        return cls(tuple(window.start + i * step for i in range(count)), step)

    def series(self, source: Source, found: Sequence[RawSeries]) -> Series | None:
        values: list[float | None] = [None] * len(self.times)
        start = self.times[0].timestamp()
        for one in found:
            for at, value in one.points.items():
                place = round((at - start) / self.step.total_seconds())
                if 0 <= place < len(values):
                    values[place] = value
        if all(value is None for value in values):
            return None
        return Series(
            service=source.service,
            signal=source.signal,
            times=self.times,
            values=tuple(values),
            source=SOURCE,
            query=question([source], self.step).expression.render(),
        )
