"""One page of a Prometheus that scrapes many, as if it were alone there."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from aiops_agent.adapters.prometheus.client import (
    PrometheusClient,
    RawSeries,
    Sample,
    ScrapeTarget,
)
from aiops_agent.adapters.prometheus.query import Aggregate, Expression, Over, Select, equal

T = TypeVar("T")


@dataclass(frozen=True)
class Text:
    """A query that somebody else wrote."""

    text: str

    def render(self) -> str:
        """Return it as it is."""
        return self.text


@dataclass(frozen=True)
class PageClient(PrometheusClient):
    """Sees only the series that were scraped from `page`; a query as text is asked as it is."""

    page: str = ""

    async def instant(self, query: Expression, at: datetime | None = None) -> tuple[Sample, ...]:
        """Return what the page alone would give at a moment."""
        return await super().instant(self._within(query), at)

    async def range(
        self, query: Expression, start: datetime, end: datetime, step: timedelta
    ) -> tuple[RawSeries, ...]:
        """Return what the page alone would give over time."""
        return await super().range(self._within(query), start, end, step)

    async def metrics(self, since: datetime, until: datetime) -> tuple[str, ...]:
        """Return the names of the page's metrics that had samples in that time."""
        own = Over("last_over_time", Select("", (equal("job", self.page),)), until - since)
        found = await super().instant(Aggregate("count", own, ("__name__",)), until)
        return tuple(sorted(one.labels["__name__"] for one in found))

    async def targets(self) -> tuple[ScrapeTarget, ...]:
        """Return the page's target."""
        return tuple(one for one in await super().targets() if one.labels["job"] == self.page)

    def _within(self, node: T) -> T:
        if isinstance(node, Select):
            return replace(node, matchers=(*node.matchers, equal("job", self.page)))
        if not is_dataclass(node) or isinstance(node, type):
            return node
        changed: Mapping[str, Any] = {
            field.name: self._within(getattr(node, field.name)) for field in fields(node)
        }
        return replace(node, **changed)
