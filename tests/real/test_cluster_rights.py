"""What the chart's accounts may do on a real API server, and what our hands may under its policies.

AIOPS_TEST_CLUSTER names a kubeconfig of a cluster that may be changed; its pods need not run.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiops_agent.adapters.kubernetes.platform import KubernetesPlatform
from aiops_agent.adapters.kubernetes.write import Writes
from bench.accounts import EXECUTOR, MAPS, READER, Accounts
from bench.cluster_rights import goals
from tests.adapters.kubernetes.fake_api import NEW, OLD
from tests.adapters.kubernetes.fake_configs import KEY, WAS, set_config
from tests.sending import applied

from .test_kubernetes_hands import NOW, OPERATION, ROLLBACK, RealCluster, action, cluster

__all__ = ["cluster"]
pytestmark = pytest.mark.cluster


async def test_each_account_may_what_it_is_for_and_the_policies_let_nothing_else_through() -> None:
    rows = await goals(Path(os.environ["AIOPS_TEST_CLUSTER"]))

    for row in rows:
        print(row.json())
    assert [row.json() for row in rows if not row.met] == []
    of = {row.row: row.n for row in rows}
    assert of["rights: out of shape, and let through"] >= 40


@pytest.fixture
async def bounded(cluster: RealCluster, tmp_path: Path) -> AsyncIterator[RealCluster]:
    """The hands with the chart's two accounts, under its policies."""
    accounts = Accounts(cluster.client, tmp_path, cluster.namespace)
    reader = executor = None
    try:
        await accounts.install()
        await accounts.bind(accounts.policies())
        reader, executor = accounts.client(READER), accounts.client(EXECUTOR)
        writes = Writes(reader, executor)
        cluster.platform = KubernetesPlatform(
            writes, lambda: NOW, None, cluster, (cluster.namespace,), MAPS
        )
        yield cluster
    finally:
        for one in (reader, executor):
            if one is not None:
                await one.close()
        made = accounts.applier.made  # the namespace is another's
        made[:] = [path for path in made if "/namespaces/" not in path]
        await accounts.applier.clean()


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
async def test_a_restart_fits_the_policies(bounded: RealCluster, kind: str) -> None:
    if kind != "Deployment":
        bounded.add(kind, "agent", **({"serviceName": "agent"} if kind == "StatefulSet" else {}))
    name = "payments-api" if kind == "Deployment" else "agent"
    draft = await bounded.platform.prepare(action("restart_service", name), OPERATION)
    await applied(bounded.platform, draft.requests)


async def test_scaling_a_rollback_and_their_ways_back_fit_the_policies(
    bounded: RealCluster,
) -> None:
    bounded.release(NEW)
    bounded.ran_well(OLD)
    for one in (action("scale_pods", replicas=3), ROLLBACK):
        before = bounded.one()["spec"]
        draft = await bounded.platform.prepare(one, OPERATION)
        sent = await applied(bounded.platform, draft.requests)
        bounded.settle()
        back = await bounded.platform.take_back(draft, sent, "INC-0001.1.undo.1")
        await applied(bounded.platform, back)
        assert bounded.one()["spec"] == before
        bounded.settle()


async def test_a_setting_and_its_way_back_fit_the_policies(bounded: RealCluster) -> None:
    bounded.configured()
    draft = await bounded.platform.prepare(set_config(), OPERATION)
    sent = await applied(bounded.platform, draft.requests)
    bounded.settle()
    back = await bounded.platform.take_back(draft, sent, "INC-0001.1.undo.1")
    await applied(bounded.platform, back)
    assert bounded.values[KEY] == WAS
