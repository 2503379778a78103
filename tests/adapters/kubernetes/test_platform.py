"""What restarting, scaling and rolling back does to a workload, and what is refused."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from typing import Any

import pytest

from aiops_agent.actions.platform import Landing
from aiops_agent.adapters.kubernetes.live import MARK
from aiops_agent.domain.errors import NotOurs, PlatformError, RequestRefused, TargetMissing
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, Draft
from tests import seams
from tests.adapters.kubernetes.fake_api import NEW, NOW, OLD, FakeApi
from tests.adapters.kubernetes.fake_patch import Raw
from tests.adapters.kubernetes.life import OPERATION, restart, rollback, scale
from tests.sending import applied

MARKED = "INC-0001.1.1.1"


async def done(api: FakeApi, action: Action) -> tuple[Draft, tuple[Intent, ...]]:
    draft = await api.platform.prepare(action, OPERATION)
    return draft, await applied(api.platform, draft.requests)


async def refusal(api: FakeApi, action: Action) -> str:
    with pytest.raises(PlatformError) as error:
        await api.platform.prepare(action, OPERATION)
    assert api.writes == []
    return str(error.value)


def image(api: FakeApi) -> str:
    [container] = api.one("payments-api")["spec"]["template"]["spec"]["containers"]
    return str(container["image"])


async def test_a_restart_stamps_the_template_and_marks_the_workload(api: FakeApi) -> None:
    draft, _ = await done(api, restart())

    found = api.one("payments-api")
    stamps = found["spec"]["template"]["metadata"]["annotations"]
    assert stamps == {"kubectl.kubernetes.io/restartedAt": "2026-03-01T12:00:00Z"}
    assert found["metadata"]["annotations"][MARK] == MARKED
    assert draft.run == "kubectl -n shop rollout restart deployment/payments-api"
    assert draft.blast.words == (
        "2 pods of deployment shop/payments-api replaced one after the other; requests in flight "
        "may be lost"
    )


async def test_scaling_sets_the_number_and_touches_nothing_else(api: FakeApi) -> None:
    before = deepcopy(api.one("payments-api")["spec"])
    draft, _ = await done(api, scale(5))

    assert api.one("payments-api")["spec"] == {**before, "replicas": 5}
    assert draft.blast.words == "3 new pods beside 2 of deployment shop/payments-api"
    assert not draft.blast.interrupts
    assert draft.undo == "kubectl -n shop scale --replicas=2 deployment/payments-api"


async def test_a_rollback_takes_the_exact_template_of_the_release_that_ran_well(
    api: FakeApi,
) -> None:
    was = deepcopy(api.one("payments-api")["spec"]["template"])
    api.release("payments-api", NEW, env=[{"name": "POOL", "value": "2"}])
    api.ran_well(OLD)
    draft, sent = await done(api, rollback())

    assert api.one("payments-api")["spec"]["template"] == was
    assert "s3cret" not in json.dumps(draft.document())
    assert draft.run == "kubectl -n shop rollout undo --to-revision=1 deployment/payments-api"

    back = await api.platform.take_back(draft, sent, "INC-0001.1.undo.1")
    await applied(api.platform, back)
    assert image(api) == NEW


async def test_without_a_release_that_ran_well_nothing_is_rolled_back(api: FakeApi) -> None:
    api.release("payments-api", NEW)
    assert "never seen to run well" in await refusal(api, rollback())


async def test_a_release_of_which_nothing_is_kept_is_not_rolled_back_to(api: FakeApi) -> None:
    api.ran_well("registry.test/shop:1.0.0")
    told = await refusal(api, rollback("registry.test/shop:1.0.0"))
    assert "keeps no earlier ReplicaSet" in told


async def test_another_replica_set_under_the_pinned_name_is_not_taken(api: FakeApi) -> None:
    api.release("payments-api", NEW)
    api.ran_well(OLD)
    draft = await api.platform.prepare(rollback(), OPERATION)
    api.one("payments-api-h0", "replicasets")["metadata"]["uid"] = "another"

    with pytest.raises(RequestRefused, match="is another one"):
        await api.platform.send(draft.requests[0])
    assert api.writes == []


def set_spec(**fields: Any) -> Callable[[Raw], None]:
    def change(found: Raw) -> None:
        found["spec"] |= fields

    return change


def set_meta(**fields: Any) -> Callable[[Raw], None]:
    def change(found: Raw) -> None:
        found["metadata"] |= fields

    return change


ARGO = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/payments-api"}
FLUX = {"kustomize.toolkit.fluxcd.io/name": "shop"}
OWNER = [{"controller": True, "kind": "Shop", "name": "big", "uid": "u"}]
ADDED = [{"manager": "argocd-controller", "operation": "Apply"}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_meta(annotations=ARGO), "Argo CD manages"),
        (set_meta(managedFields=ADDED), "Argo CD manages"),
        (set_meta(labels=FLUX), "Flux manages"),
        (set_meta(labels={"app.kubernetes.io/managed-by": "shop-operator"}), "by shop-operator"),
        (set_meta(ownerReferences=OWNER), "managed by Shop big"),
        (set_meta(deletionTimestamp="2026-03-01T12:00:00Z"), "is being deleted"),
    ],
)
async def test_what_others_would_put_back_is_not_touched(
    api: FakeApi, change: Callable[[Raw], None], words: str
) -> None:
    api.ran_well(OLD)
    api.release("payments-api", NEW)
    api.change("payments-api", change)
    for action in (restart(), scale(4), rollback()):
        assert words in await refusal(api, action)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_spec(paused=True), "is paused"),
        (set_spec(strategy={"type": "OnDelete"}), "replaces no pod by itself"),
        (set_spec(updateStrategy={"rollingUpdate": {"partition": 1}}), "only some of its pods"),
        (set_spec(replicas=0), "has no pod"),
    ],
)
async def test_a_restart_that_would_not_reach_the_pods_is_refused(
    api: FakeApi, change: Callable[[Raw], None], words: str
) -> None:
    api.change("payments-api", change)
    assert words in await refusal(api, restart())


def autoscaled(api: FakeApi, name: str = "payments-api") -> None:
    to = {"kind": "Deployment", "name": name, "apiVersion": "apps/v1"}
    api.add("horizontalpodautoscalers", "hpa", {"scaleTargetRef": to, "maxReplicas": 4})


async def test_what_an_autoscaler_sets_is_not_set_and_its_bound_is_told(api: FakeApi) -> None:
    autoscaled(api)
    assert await refusal(api, scale(6)) == (
        "autoscaler hpa sets the replicas of deployment shop/payments-api (at most 4) and would "
        "put them back; to allow it more: kubectl -n shop patch hpa hpa -p "
        """'{"spec":{"maxReplicas":8}}'."""
    )


async def test_an_autoscaler_of_others_holds_nothing_up_and_an_unseen_one_does(
    api: FakeApi,
) -> None:
    autoscaled(api, "orders")
    assert (await api.platform.prepare(scale(3), OPERATION)).requests
    api.forbidden.add("horizontalpodautoscalers")
    assert "forbids us to read" in await refusal(api, scale(3))


async def test_an_autoscaler_that_came_between_plan_and_send_is_noticed(api: FakeApi) -> None:
    draft = await api.platform.prepare(scale(3), OPERATION)
    autoscaled(api)
    with pytest.raises(PlatformError, match="autoscaler hpa"):
        await api.platform.unchanged(draft)
    api.forbidden.add("horizontalpodautoscalers")
    with pytest.raises(PlatformError, match="forbids us to read"):
        await api.platform.unchanged(draft)


async def test_helm_s_release_is_scaled_with_the_drift_told_and_rolled_back_by_helm(
    api: FakeApi,
) -> None:
    notes = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop"}
    api.release("payments-api", NEW)
    api.change("payments-api", set_meta(annotations=notes))
    api.ran_well(OLD)
    draft = await api.platform.prepare(scale(3), OPERATION)
    assert "Helm release shop does not know of it" in draft.blast.words
    assert "helm -n shop rollback shop REVISION" in await refusal(api, rollback())


async def test_the_label_alone_says_that_helm_installed_it(api: FakeApi) -> None:
    labels = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "big"}
    api.release("payments-api", NEW)
    api.change("payments-api", set_meta(labels=labels))
    api.ran_well(OLD)
    assert "helm -n shop history big" in await refusal(api, rollback())


async def test_what_is_not_scaled_or_rolled_back_says_why(api: FakeApi) -> None:
    api.workload("agent", "daemonsets")
    api.workload("db", "statefulsets")
    gone = {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}
    api.one("db", "statefulsets")["spec"] |= gone
    api.ran_well(OLD, "db")

    assert "a pod on each of its nodes" in await refusal(api, scale(3, "agent"))
    assert "deletes the data" in await refusal(api, scale(3, "db"))
    assert "is no deployment" in await refusal(api, rollback(name="db"))


@pytest.mark.parametrize("plural", ["statefulsets", "daemonsets"])
async def test_other_workloads_are_restarted_too(api: FakeApi, plural: str) -> None:
    api.workload("agent", plural)
    draft, _ = await done(api, restart("agent"))
    assert api.one("agent", plural)["metadata"]["annotations"] == {MARK: MARKED}
    assert f"rollout restart {plural.removesuffix('s')}/agent" in draft.run


async def test_which_workload_is_meant_has_to_be_clear(api: FakeApi) -> None:
    api.workload("payments-api", namespace="test")
    api.workload("dns", namespace="kube-system")
    assert "which one is not clear" in await refusal(api, restart())
    assert "belongs to the cluster itself" in await refusal(api, restart("dns"))
    assert (await api.platform.prepare(restart("test/payments-api"), OPERATION)).requests


async def test_what_is_no_name_reaches_no_address(api: FakeApi) -> None:
    for name in ("a?dryRun=All", "../x", "A", "a b", "a%2f", "", "x/y/z", "a\n"):
        told = await refusal(api, restart(name))
        assert "no name" in told
    assert api.seen == []


async def test_a_namespace_that_is_not_ours_is_not_touched(api: FakeApi) -> None:
    api.workload("web", namespace="test")
    platform = api.platform
    bounded = type(platform)(platform.writes, lambda: NOW, namespaces=("shop",))
    with pytest.raises(PlatformError, match=r"none of sources\.kubernetes\.namespaces"):
        await bounded.prepare(restart("test/web"), OPERATION)
    with pytest.raises(TargetMissing):
        await bounded.prepare(restart("web"), OPERATION)


async def test_what_the_server_would_refuse_is_found_while_preparing(api: FakeApi) -> None:
    api.refuse = (403, {"message": "denied request: replicas out of 1..20"})
    told = await refusal(api, scale(30))
    assert "refused to change deployment shop/payments-api (403)" in told
    assert "replicas out of 1..20 (only tried out)" in told


async def test_a_refusal_tells_no_value_of_the_object(api: FakeApi) -> None:
    """With strict checks the server repeats the whole object, environment included."""
    whole = json.dumps({"X": "strict decoding error: ", **api.one("payments-api")})
    said = f'Deployment "x" is invalid: patch: Invalid value: "{whole}": strict decoding error: '
    cause = {"field": "spec.template.spec.containers[0].image", "message": f"Invalid: {whole}"}
    details = {"causes": [cause]}
    api.refuse = (422, {"message": said + 'unknown field "spec.x"', "details": details})
    told = await refusal(api, scale(3))
    assert "s3cret" not in told
    assert told.endswith('strict decoding error: unknown field "spec.x" (only tried out)')
    api.refuse = (422, {"message": whole, "details": details})
    told = await refusal(api, scale(3))
    assert "s3cret" not in told
    assert "spec.template.spec.containers[0].image not allowed" in told


async def test_a_policy_that_refuses_with_the_status_of_a_failed_test_is_named(
    api: FakeApi,
) -> None:
    said = (
        "deployments.apps \"x\" is forbidden: ValidatingAdmissionPolicy 'no-fridays' with binding"
    )
    details = {"causes": [{"message": "s3cret"}]}
    api.refuse = (422, {"message": f"{said} 'b' denied request: s3cret", "details": details})
    told = await refusal(api, scale(3))
    assert "Admission policy no-fridays refuses the change of deployment shop/payments-api" in told
    assert "s3cret" not in told


async def test_what_somebody_else_changed_is_left_to_a_person(api: FakeApi) -> None:
    draft, sent = await done(api, scale(4))
    api.change("payments-api", set_spec(replicas=7))
    with pytest.raises(NotOurs, match="changed by somebody else"):
        await api.platform.take_back(draft, sent, "INC-0001.1.undo.1")


async def test_a_mark_that_the_server_did_not_keep_counts_as_unknown(api: FakeApi) -> None:
    def dropped(found: Raw) -> None:
        del found["metadata"]["annotations"]

    api.after = dropped
    draft = await api.platform.prepare(scale(3), OPERATION)
    with pytest.raises(PlatformError, match="without our mark"):
        await api.platform.send(draft.requests[0])
    assert (await api.platform.look(draft.requests[0], NOW)).landing is Landing.DIVERGED


# Planted defects.


async def test_text_that_is_not_written_as_go_writes_it_is_caught(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.release("payments-api", NEW)
    api.ran_well(OLD)
    seams.AS_GO_WRITES.plant(monkeypatch, {})
    assert "refused the change" in await refusal(api, rollback())


async def test_a_patch_without_tests_overwrites_what_somebody_else_wrote(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect sends the change alone."""
    for tests, left in ((True, 9), (False, 3)):
        if not tests:
            seams.PATCH_TESTS.plant(monkeypatch, lambda _path, _value: {"op": "none", "path": "/x"})
        draft = await api.platform.prepare(scale(3), OPERATION)
        api.change("payments-api", set_spec(replicas=9))
        told = "was changed since the plan was made"
        with pytest.raises(RequestRefused, match=told) if tests else nullcontext():
            await api.platform.send(draft.requests[0])
        assert api.one("payments-api")["spec"]["replicas"] == left


@pytest.mark.parametrize(
    ("seam", "defect"),
    [
        (seams.RECONCILED, lambda _live: ""),
        (seams.AUTOSCALED, lambda _live, _all: ""),
        (seams.RIGHTS_GAINED, lambda _now, _then: ()),
        (seams.KUBE_GOOD_ONLY, lambda _action, good: good[0]),
    ],
    ids=lambda one: str(one) if isinstance(one, seams.Seam) else "defect",
)
async def test_a_hand_that_does_not_ask_who_owns_what_is_caught(
    api: FakeApi, seam: seams.Seam, defect: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {"securityContext": {"privileged": True}}
    api.release("payments-api", "registry.test/shop:2.3.0", **old)
    api.release("payments-api", NEW, securityContext={})
    good = api.ran_well("registry.test/shop:2.3.0")
    action: Action = rollback(good.image)
    if seam is seams.RECONCILED:
        api.change("payments-api", set_meta(labels=FLUX))
        action = restart()
    elif seam is seams.AUTOSCALED:
        autoscaled(api)
        action = scale(5)
    elif seam is seams.KUBE_GOOD_ONLY:
        api.good.clear()
        api.ran_well(OLD)
        action = rollback("registry.test/shop:0.0.1")
    assert await refusal(api, action)
    seam.plant(monkeypatch, defect)
    assert (await api.platform.prepare(action, OPERATION)).requests
