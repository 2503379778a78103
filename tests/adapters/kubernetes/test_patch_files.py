"""A plan as patches for a repository: exact, without values of the object, with its owner named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from aiops_agent.adapters.kubernetes.patch_files import KubernetesPatchFiles
from aiops_agent.bootstrap.patch_files import patch_files
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import PlatformError, UsageError
from aiops_agent.domain.incident import Attempt
from aiops_agent.domain.patch_file import PatchFile
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.remediation import Action, Plan, PlanKind
from aiops_agent.settings.load import load
from tests.adapters.kubernetes.fake_api import NEW, NOW, OLD, FakeApi
from tests.adapters.kubernetes.fake_configs import PLACE, a_config, set_config
from tests.adapters.kubernetes.fake_nodes import cordon
from tests.adapters.kubernetes.fake_patch import Raw
from tests.adapters.kubernetes.life import delete, restart, rollback, scale
from tests.reasoning.world import World

OWNED: Raw = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/payments-api"}
NAMES = {"name": "payments-api", "namespace": "shop"}


async def exported(api: FakeApi, action: Action) -> PatchFile:
    return await KubernetesPatchFiles(api.platform.writes, lambda: NOW).patch_file(action)


@pytest.fixture
def api(api: FakeApi) -> FakeApi:
    api.one("payments-api")["metadata"]["annotations"] = dict(OWNED)
    return api


def rolled(image: str) -> Raw:
    return {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}


STAMP = {"kubectl.kubernetes.io/restartedAt": "2026-03-01T12:00:00Z"}
WANTED: list[tuple[Action, Raw]] = [
    (scale(4), {"replicas": 4}),
    (restart(), {"template": {"metadata": {"annotations": STAMP}}}),
    (rollback(), rolled(OLD)),
]


@pytest.mark.parametrize(("action", "spec"), WANTED)
async def test_what_is_refused_for_its_owner_is_a_patch(
    api: FakeApi, action: Action, spec: Raw
) -> None:
    api.release("payments-api", NEW)
    api.ran_well(OLD)
    with pytest.raises(PlatformError, match="aiops plan export"):
        await api.platform.prepare(action, "INC-0001.1.1")

    found = await exported(api, action)

    kind = {"apiVersion": "apps/v1", "kind": "Deployment"}
    assert yaml.safe_load(found.text) == {**kind, "metadata": NAMES, "spec": spec}
    assert found.run == f"kubectl -n shop patch deployment payments-api --patch-file {found.name}"
    assert "Argo CD manages deployment shop/payments-api" in found.notes[0]
    assert api.writes == []


async def test_what_else_was_otherwise_is_named_without_its_value(api: FakeApi) -> None:
    api.release("payments-api", NEW, env=[{"name": "TOKEN", "value": "s3cret-of-now"}])
    found = await exported(api, rollback())
    assert "otherwise too in revision 1, and not in this file: env of app" in found.notes[1]
    assert "s3cret" not in str(found.document())


async def test_helm_s_own_way_back_is_told(api: FakeApi) -> None:
    api.one("payments-api")["metadata"]["annotations"] = {"meta.helm.sh/release-name": "shop"}
    api.release("payments-api", NEW)
    [note] = (await exported(api, rollback())).notes
    assert "put it into the values, or: helm -n shop history shop, then helm" in note
    assert "put it into the values" in (await exported(api, scale(4))).notes[0]


async def test_an_autoscaler_is_told_of(api: FakeApi) -> None:
    to: dict[str, Any] = {"kind": "Deployment", "name": "payments-api"}
    api.add("horizontalpodautoscalers", "hpa", {"scaleTargetRef": to, "maxReplicas": 4})
    assert any("autoscaler hpa" in note for note in (await exported(api, scale(6))).notes)


async def test_what_stands_in_no_file_is_a_line_to_type(api: FakeApi) -> None:
    for action, run in ((delete("a", "b"), "kubectl delete pod a b"), (cordon(), "kubectl cordon")):
        found = await exported(api, action)
        assert found.run.startswith(run)
        assert (found.text, found.name) == ("", "")


async def test_a_release_that_is_not_kept_is_refused_in_a_sentence(api: FakeApi) -> None:
    with pytest.raises(PlatformError, match="keeps no ReplicaSet that runs other:1"):
        await exported(api, rollback("other:1"))


async def test_the_newest_plan_of_an_incident_is_told_by_its_own_environment(
    api: FakeApi, tmp_path: Path
) -> None:
    file = tmp_path / "aiops.yaml"
    config = tmp_path / "kubeconfig"
    file.write_text(
        f"environment: kubernetes:prod\nsources: {{kubernetes: {{kubeconfig: {config}}}}}\n"
    )
    settings = load(file, environ={}, folder=tmp_path).settings
    place = EnvironmentRef.parse("kubernetes:prod")
    incident = World().incident().model_copy(update={"environment": place})
    plan = Plan(kind=PlanKind.ACT, actions=(scale(4),), reason="it is overloaded")
    told = incident.model_copy(update={"attempts": (Attempt(number=1, plan=plan),)})

    [found] = await patch_files(settings, Redactor(), told, None)
    assert yaml.safe_load(found.text)["spec"] == {"replicas": 4}
    for number, of, words in (
        (2, told, "no plan that changes anything in attempt 2"),
        (None, incident, "no plan that changes anything"),
        (None, told.model_copy(update={"environment": EnvironmentRef.parse("a:b")}), "writes no"),
    ):
        with pytest.raises(UsageError, match=words):
            await patch_files(settings, Redactor(), of, number)


async def test_a_setting_is_a_patch_of_its_config_map_with_the_restart_beside_it(
    api: FakeApi,
) -> None:
    a_config(api)["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "shop"}
    found = await exported(api, set_config())
    assert yaml.safe_load(found.text) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "shop"},
        "data": {"POOL_SIZE": "20"},
    }
    assert "Flux manages ConfigMap shop/settings" in found.notes[0]
    assert found.notes[-1].startswith("then: kubectl -n shop rollout restart")
    with pytest.raises(PlatformError, match="looks like a secret"):
        await exported(api, set_config("x", "settings/DB_PASSWORD"))
    del api.objects[PLACE]
    with pytest.raises(PlatformError, match="does not exist"):
        await exported(api, set_config())
