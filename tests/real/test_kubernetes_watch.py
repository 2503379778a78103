"""A real cluster is followed: what changes is seen, a version of another life does not hold us up.

AIOPS_TEST_CLUSTER names a kubeconfig of a cluster that may be changed; its pods need not run.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from aiops_agent.adapters.clock import WallClock
from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.follow import ClusterWatch
from aiops_agent.adapters.kubernetes.kept import KeptKind
from aiops_agent.adapters.kubernetes.kinds import CONFIG_MAPS, DEPLOYMENTS, PODS
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.state import ClusterState, Key
from aiops_agent.adapters.kubernetes.trim import Trimmer
from aiops_agent.domain.errors import SourceError
from tests.adapters.kubernetes.fake_api import template

pytestmark = pytest.mark.cluster

SECONDS = 60.0  # for a controller, and for a namespace to end, on a busy machine


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    client = KubeClient(Path(os.environ["AIOPS_TEST_CLUSTER"]), timeout=timedelta(seconds=30))
    watch = ClusterWatch(client)
    keeping = asyncio.create_task(watch.keep(lambda: None))
    await asyncio.sleep(0)
    yield Cluster(client, WallClock(), (), watch)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    await client.close()
    await asyncio.sleep(0)  # a closed socket ends one round of the loop later


async def seen(cluster: Cluster, holds: Callable[[ClusterState], object]) -> ClusterState:
    """Look until something holds, without any list."""
    end = time.monotonic() + SECONDS
    while not holds(state := await cluster.state()):
        assert time.monotonic() < end, "it was never seen"
        await asyncio.sleep(0.2)
    return state


async def create(client: KubeClient, path: str, document: object) -> None:
    answer = await client.send("POST", path, body=json.dumps(document).encode())
    assert answer.status == 201, answer.words


async def test_what_changes_is_seen_and_a_namespace_that_goes_takes_all_with_it(
    cluster: Cluster,
) -> None:
    home, client = f"aiops-watch-{uuid4().hex[:8]}", cluster.client
    await cluster.state()
    await create(client, "/api/v1/namespaces", {"metadata": {"name": home}})
    chosen = {"matchLabels": {"app": "cart"}}
    spec = {"replicas": 2, "selector": chosen, "template": template("cart")}
    await create(client, DEPLOYMENTS.path(home), {"metadata": {"name": "cart"}, "spec": spec})
    settings = {"metadata": {"name": "settings"}, "data": {"secret": "x" * 500_000}}
    await create(client, CONFIG_MAPS.path(home), settings)
    state = await seen(cluster, lambda one: len(one.inside(home)) == 2)
    (key,) = {state.root(pod) for pod in state.inside(home)}
    assert (key.of, key.name) == ("Deployment", "cart")
    named = Key("ConfigMap", home, "settings")
    state = await seen(cluster, lambda one: one.find(named))
    kept = state.find(named)
    assert kept
    assert "data" not in kept.document
    await client.send("DELETE", f"/api/v1/namespaces/{home}")
    state = await seen(cluster, lambda one: not one.inside(home))
    await seen(cluster, lambda one: home not in {o.namespace for o in one.all(DEPLOYMENTS)})
    assert cluster.watch
    assert [one.broken for one in cluster.watch.parts] == [""] * len(cluster.watch.parts)


@pytest.mark.parametrize("version", ["999999999999", "no-version"])
async def test_a_version_of_another_life_tells_nothing_and_does_not_hold_us_up(
    cluster: Cluster, version: str
) -> None:
    news = cluster.client.follow(PODS, "", version, timedelta(seconds=2))
    lines = list[bytes]()
    with suppress(SourceError, TimeoutError):  # refused, silent until it ends, or silent for ever
        async with asyncio.timeout(10.0), aclosing(news) as told:
            async for line in told:
                lines.append(line)
    part = KeptKind(PODS, "", Trimmer())
    for line in lines:
        with pytest.raises(SourceError, match="resource version"):
            part.take(line)
    assert part.objects == {}
