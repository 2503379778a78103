"""A shop on the wall clock, served while somebody wants it, and what to configure for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from aiops_agent.simulator.exposed import live_shop
from aiops_agent.simulator.serving import ShopServer, prometheus_snippet, settings_snippet


@contextmanager
def live(
    fault: str, after: timedelta, *, speed: float, seed: int, host: str, port: int
) -> Iterator[tuple[str, str]]:
    """Serve a shop; its address, and what a prometheus.yml and an aiops.yaml need.

    Raises UsageError when there is no such fault, BusyError when the port cannot be had.
    """
    wall, seconds = partial(datetime.now, UTC), after.total_seconds()
    shop = live_shop(wall, seed=seed, speed=speed, scenario=fault, after=seconds)
    with ShopServer(shop, host, port) as server:
        snippets = f"{prometheus_snippet(server.address)}\n{settings_snippet()}"
        yield server.address, snippets
