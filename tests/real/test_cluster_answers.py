"""Answers of a real API server that are lost, refused or wrong: each plan has one effect."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.platform import KubernetesPlatform
from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.domain.remediation import Action, EffectState
from tests.adapters.kubernetes.fake_api import kubeconfig
from tests.adapters.kubernetes.life import PlanLife

from .cluster_door import ClusterDoor, Fate
from .test_kubernetes_hands import NOW, RealCluster, action, cluster

__all__ = ["cluster"]
pytestmark = pytest.mark.cluster

FATES = (Fate.LOST, Fate.ANSWER_LOST, Fate.BUSY, Fate.FAILED, Fate.FAILED_AFTER)
ACTIONS = (action("restart_service"), action("scale_pods", replicas=3))


@pytest.fixture
async def door(cluster: RealCluster, tmp_path: Path) -> AsyncIterator[ClusterDoor]:
    """The hands act through it."""
    with ClusterDoor(cluster.config) as made:
        through = json.loads(kubeconfig(made.url))
        through["users"][0]["user"]["token"] = cluster.token
        (tmp_path / "kubeconfig").write_text(json.dumps(through))
        client = KubeClient(tmp_path / "kubeconfig")
        writes = Writes(client, client)
        cluster.platform = KubernetesPlatform(
            writes, lambda: NOW, None, cluster, (cluster.namespace,)
        )
        yield made
        await client.close()


@pytest.mark.parametrize("wished", ACTIONS, ids=lambda one: str(one.kind))
@pytest.mark.parametrize("fate", FATES, ids=lambda one: str(one.value))
async def test_whatever_becomes_of_a_write_or_its_answer_there_is_one_effect(
    cluster: RealCluster, door: ClusterDoor, fate: Fate, wished: Action
) -> None:
    life = PlanLife(cluster.platform, wished)
    await life.plan()
    before = cluster.one()["metadata"]["generation"]
    door.fates.append(fate)
    outcome = await life.run()
    assert door.fates == [], "the write came through the door"
    assert [one.state for one in outcome.effects] == [EffectState.APPLIED]
    assert cluster.one()["metadata"]["generation"] == before + 1


async def test_what_is_never_answered_is_unknown_or_done_once(
    cluster: RealCluster, door: ClusterDoor
) -> None:
    life = PlanLife(cluster.platform, ACTIONS[1])
    await life.plan()
    before = cluster.one()["metadata"]["generation"]
    door.fates += [Fate.ANSWER_LOST] * 9
    outcome = await life.run()
    assert [one.state for one in outcome.effects] == [EffectState.APPLIED]
    assert cluster.one()["metadata"]["generation"] == before + 1
