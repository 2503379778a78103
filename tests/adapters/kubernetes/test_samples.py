"""Where no metric tells it, a cluster tells how many replicas are ready and what restarted."""

from datetime import timedelta
from itertools import pairwise

import pytest

from aiops_agent.adapters.joined import JoinedMetrics
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.samples import GAP, MOST_RUNS, STEP
from aiops_agent.adapters.kubernetes.signals import KubernetesSignals
from aiops_agent.adapters.off import Absent
from aiops_agent.domain.errors import NoSource
from aiops_agent.domain.telemetry import Series, ServiceName, Signal, Window
from tests.adapters.kubernetes.fake_cluster import FakeCluster
from tests.adapters.kubernetes.test_ports import shop
from tests.workflow.place import HandClock

CART = ServiceName("cart")


class Seen:
    """A cluster that is looked at each step; `signals` is all that measures it."""

    def __init__(self, fake: FakeCluster) -> None:
        self.fake, self.clock = fake, HandClock()
        self.cluster = Cluster(fake.client, self.clock)
        flaw = Absent("No source of metrics is configured.")
        self.signals = JoinedMetrics(flaw, [KubernetesSignals(self.cluster)])

    def look(self, steps: int = 1) -> None:
        for _ in range(steps):
            self.cluster.samples.note(self.fake.state.later(self.clock.at))
            self.clock.go(seconds=STEP)

    async def read(self, signal: Signal, minutes: float = 60) -> Series | None:
        now = self.clock.at
        window = Window(start=now - timedelta(minutes=minutes), end=now)
        found = await self.signals.read([CART], [signal, Signal.TRAFFIC], window)
        return found[0] if found else None


async def test_ready_pods_are_replicas_over_time() -> None:
    one = Seen(shop())
    one.look(4)
    one.fake.objects["pods"][0]["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    one.look(2)
    found = await one.read(Signal.REPLICAS)
    assert found
    assert found.values == (1, 1, 1, 1, 0, 0)
    assert {b - a for a, b in pairwise(found.times)} == {timedelta(seconds=STEP)}
    assert (found.source, found.query) == ("kubernetes", "kubectl -n shop get deployment cart")


async def test_restarts_are_counted_over_five_minutes_and_not_those_of_before() -> None:
    one = Seen(shop())
    status = one.fake.objects["pods"][0]["status"]["containerStatuses"][0]
    status["restartCount"] = 40
    one.look(2)
    status["restartCount"] = 42
    one.look(1)
    found = await one.read(Signal.RESTARTS)
    assert found
    assert found.values == (0, 0, 2)
    one.look(25)
    again = await one.read(Signal.RESTARTS, minutes=1)
    assert again
    assert set(again.values) == {0}


async def test_what_nobody_saw_is_a_gap_and_no_restart_is_dated_into_it() -> None:
    one = Seen(shop())
    one.look(2)
    one.clock.go(seconds=STEP * (GAP + 1))
    one.fake.objects["pods"][0]["status"]["containerStatuses"][0]["restartCount"] = 9
    one.look(1)
    found = await one.read(Signal.RESTARTS)
    assert found
    assert found.values == (0, 0, 0)
    assert found.times[2] - found.times[1] > timedelta(seconds=STEP * GAP)


async def test_where_nothing_is_known_it_says_that_nothing_is_configured() -> None:
    one = Seen(FakeCluster(objects={"pods": []}))
    with pytest.raises(NoSource, match="No source of metrics"):
        await one.read(Signal.REPLICAS)


async def test_what_is_kept_is_bounded() -> None:
    one = Seen(shop())
    state = await one.cluster.state()
    samples = one.cluster.samples
    for number in range(MOST_RUNS + 50):
        ready = [{"type": "Ready", "status": str(bool(number % 2))}]
        one.fake.objects["pods"][0]["status"]["conditions"] = ready
        samples.note(one.fake.state.later(state.at + timedelta(seconds=STEP * (number + 1))))
    assert len(samples.ready[CART]) == MOST_RUNS
    samples.note(state.later(state.at + timedelta(days=9)))
    assert len(samples.ready[CART]) == MOST_RUNS
