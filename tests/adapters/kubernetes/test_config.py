"""A setting gets another value once, and the old one again only while the ConfigMap is as left."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from aiops_agent.adapters.kubernetes.config_maps import maps_of, reads
from aiops_agent.adapters.kubernetes.live import MARK
from aiops_agent.adapters.kubernetes.restart import RESTARTED
from aiops_agent.domain.errors import ApprovalError, NotOurs, PlatformError, RequestRefused
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Prepared, Risk
from aiops_agent.registry import CATALOGUE
from aiops_agent.safety import send
from tests import seams
from tests.adapters.kubernetes.fake_api import FakeApi
from tests.adapters.kubernetes.fake_configs import (
    CONFIG,
    KEY,
    NOW_IS,
    PLACE,
    WAS,
    a_config,
    foreign_value,
    reading,
    set_config,
)
from tests.adapters.kubernetes.fake_patch import Raw, status
from tests.adapters.kubernetes.life import (
    APPLIED,
    OPERATION,
    POINTS,
    REFUSED,
    TROUBLE,
    Died,
    KubeLife,
    lost,
    once,
)
from tests.safety.plans import asks
from tests.sending import applied

BACK = "INC-0001.1.undo.1"


@pytest.fixture
def api(api: FakeApi) -> FakeApi:
    a_config(api)
    return api


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "LOOK_AGAIN_SECONDS", 0)


def value(api: FakeApi, key: str = KEY) -> str:
    return str(api.objects[PLACE]["data"][key])


def stamp(api: FakeApi) -> str:
    meta = api.one("payments-api")["spec"]["template"]["metadata"]
    return str(meta.get("annotations", {}).get(RESTARTED, ""))


async def test_a_value_is_set_then_its_reader_is_restarted_and_both_are_taken_back(
    api: FakeApi,
) -> None:
    draft = await api.platform.prepare(set_config(), OPERATION)
    assert await api.platform.unchanged(draft)
    assert [one.words.rpartition("/")[2] for one in draft.requests] == [CONFIG, "payments-api"]
    assert {one.part for one in draft.requests} == {OPERATION}
    assert '\'{"data": {"POOL_SIZE": "20"}}\' && kubectl' in draft.run
    assert '"2 > 1"' in draft.undo
    assert draft.inverse == set_config(WAS)

    sent = await applied(api.platform, draft.requests[:1])
    assert (value(api), stamp(api)) == (NOW_IS, "")
    assert await api.platform.unchanged(draft, sent)
    sent += await applied(api.platform, draft.requests[1:])
    assert stamp(api)
    assert await api.platform.unchanged(draft, sent)
    assert api.objects[PLACE]["metadata"]["annotations"][MARK] == f"{OPERATION}.1"
    assert value(api, "LEVEL") == "info"

    first = stamp(api)
    await applied(api.platform, await api.platform.take_back(draft, sent, BACK))
    assert value(api) == WAS
    assert stamp(api) not in ("", first), "its pods read the old value only when they start anew"
    with pytest.raises(RequestRefused, match="was changed since the plan was made"):
        await api.platform.send(draft.requests[0])


@pytest.mark.parametrize("key", ["self", "data", "a.b-c_D", ".env"])
async def test_a_key_may_be_called_as_kubernetes_lets_it(api: FakeApi, key: str) -> None:
    api.objects[PLACE]["data"][key] = "1"
    draft = await api.platform.prepare(set_config("2", f"{CONFIG}/{key}"), OPERATION)
    sent = await applied(api.platform, draft.requests)
    assert (value(api, key), await api.platform.unchanged(draft, sent)) == ("2", True)


async def test_what_is_so_already_is_left_so(api: FakeApi) -> None:
    draft = await api.platform.prepare(set_config(WAS), OPERATION)
    assert (draft.requests, draft.inverse) == ((), None)


def config(**changes: Any) -> Callable[[FakeApi], None]:
    return lambda api: api.objects[PLACE].update(changes)


def meta(**changes: Any) -> Callable[[FakeApi], None]:
    return lambda api: api.objects[PLACE]["metadata"].update({"resourceVersion": "99", **changes})


def noted(**changes: str) -> Callable[[FakeApi], None]:
    notes = {name.replace("__", ".").replace("_", "/"): text for name, text in changes.items()}
    return lambda api: api.change(
        "payments-api", lambda one: one["metadata"].update(annotations=notes)
    )


def unread(api: FakeApi) -> None:
    containers = api.one("payments-api")["spec"]["template"]["spec"]["containers"]
    del containers[0]["envFrom"]


BIG = {KEY: WAS, "PAGE": "x" * (2**20 - 30)}
CONTROLLED = [{"controller": True, "kind": "Tenant", "name": "a", "uid": "1"}]
REFUSALS: list[tuple[Callable[[FakeApi], object], str]] = [
    (lambda api: api.objects.pop(PLACE), "ConfigMap shop/settings does not exist"),
    (config(immutable=True), "is immutable: a release names another one"),
    (config(data={}, binaryData={KEY: "eA=="}), "POOL_SIZE of ConfigMap shop/settings is binary"),
    (config(data={"LEVEL": "info"}), "has no key POOL_SIZE: none is added"),
    (config(data=None), "has no key POOL_SIZE"),
    (config(data={KEY: "a\nb"}), "more than one readable line"),
    (config(data={KEY: "x" * 501}), "more than one readable line"),
    (config(data={KEY: "postgres://shop:hunter2hunter2@db/shop"}), "looks like a secret"),
    (config(data=BIG), "would hold more than 1 MiB"),
    (meta(deletionTimestamp="2026-03-01T12:00:00Z"), "is being deleted"),
    (meta(labels={"argocd.argoproj.io/instance": "x"}), "Argo CD manages ConfigMap shop/settings"),
    (meta(managedFields=[{"manager": "kustomize-controller"}]), "Flux manages"),
    (meta(ownerReferences=CONTROLLED), "is managed by Tenant a"),
    (noted(reloader__stakater__com_auto="true"), "Reloader restarts deployment shop/payments-api"),
    (unread, "does not read POOL_SIZE of ConfigMap settings"),
    (lambda api: api.change("payments-api", lambda one: one["spec"].update(paused=True)), "paused"),
    (lambda api: api.forbidden.add("configmaps"), "forbids us to read"),
    (lambda api: api.forbidden.add("cronjobs"), "forbids us to read"),
    (lambda api: setattr(api, "refuse", status(403, "no")), r"ConfigMap shop/settings \(403\): no"),
]


@pytest.mark.parametrize(("change", "words"), REFUSALS, ids=[words for _, words in REFUSALS])
async def test_what_cannot_be_set_is_refused_in_one_sentence(
    api: FakeApi, change: Callable[[FakeApi], object], words: str
) -> None:
    change(api)
    with pytest.raises(PlatformError, match=words) as refused:
        await api.platform.prepare(set_config("200 and more than that"), OPERATION)
    assert "hunter2" not in str(refused.value)
    assert not api.writes


@pytest.mark.parametrize(
    ("name", "wished", "words"),
    [
        ("POOL_SIZE", "3", "is no key of a ConfigMap"),
        ("settings/", "3", "is no key of a ConfigMap"),
        ("settings/a/b", "3", "is no key of a ConfigMap"),
        ("settings/a?b", "3", "is no key of a ConfigMap"),
        ("../secrets/x", "3", "is no key of a ConfigMap"),
        ("..%2fsecrets/x", "3", "is no name of an object"),
        ("other/POOL_SIZE", "3", "is none of sources.kubernetes.config_maps"),
        (f"settings/{KEY}", "a\u202eb", "more than one readable line"),
        (f"settings/{KEY}", "[redacted]", "looks like a secret"),
        (f"settings/{KEY}", "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5", "looks like a secret"),
        ("settings/DB_PASSWORD", "changeme", "looks like a secret"),
    ],
)
async def test_what_is_no_setting_of_ours_or_a_secret_is_never_sent(
    api: FakeApi, name: str, wished: str, words: str
) -> None:
    api.objects[PLACE]["data"]["DB_PASSWORD"] = "x"
    with pytest.raises(PlatformError, match=words):
        await api.platform.prepare(set_config(wished, name), OPERATION)
    assert not any(method == "PATCH" or "secrets" in path for method, path, _, _ in api.seen)


async def test_without_a_named_config_map_it_is_not_offered(api: FakeApi) -> None:
    allowed = api.platform
    assert "set_config" in allowed.kinds
    assert "set_config" not in type(allowed)(allowed.writes, allowed.now).kinds


async def test_who_reads_the_setting_too_is_named_and_raises_the_risk(api: FakeApi) -> None:
    alone = CATALOGUE.prepared(await api.platform.prepare(set_config(), OPERATION))
    other = api.workload("worker")
    reading(other)
    job = {"jobTemplate": {"spec": {"template": other["spec"]["template"]}}}
    api.add("cronjobs", "nightly", job)
    own = [{"controller": True, "kind": "Deployment", "name": "worker", "uid": "1"}]
    api.add("replicasets", "worker-1", {"template": other["spec"]["template"]}, labels={"app": ""})
    api.one("worker-1", "replicasets")["metadata"]["ownerReferences"] = own
    shared = CATALOGUE.prepared(await api.platform.prepare(set_config(), OPERATION))
    assert "deployment shop/worker, cronjob shop/nightly read it too" in shared.hazard
    assert "worker-1" not in shared.hazard
    assert "get it when they start anew" in shared.blast.words
    assert (alone.risk, shared.risk) == (Risk.MEDIUM, Risk.HIGH)
    assert Prepared.of(shared.document()) == shared
    assert "hazards" not in alone.document(), "older plans keep their digest"


async def test_helm_is_told_of_once_and_no_reason_to_refuse(api: FakeApi) -> None:
    for one in (api.objects[PLACE], api.one("payments-api")):
        one["metadata"]["annotations"] = {"meta.helm.sh/release-name": "shop"}
    draft = await api.platform.prepare(set_config(), OPERATION)
    assert draft.blast.words.count("Helm release shop does not know of it") == 1


CHANGES: list[Callable[[FakeApi], object]] = [
    foreign_value,
    lambda api: foreign_value(api, KEY, "7"),
    lambda api: foreign_value(api, "MORE"),
    meta(uid="another"),
    meta(labels={"kustomize.toolkit.fluxcd.io/name": "x"}),
    lambda api: api.objects.pop(PLACE),
    lambda api: api.change("payments-api", lambda one: one["spec"].update(minReadySeconds=5)),
]


@pytest.mark.parametrize("change", CHANGES)
async def test_what_somebody_else_changed_is_left_to_a_person(
    api: FakeApi, change: Callable[[FakeApi], object]
) -> None:
    draft = await api.platform.prepare(set_config(), OPERATION)
    sent = await applied(api.platform, draft.requests)
    change(api)
    was = json.dumps([api.objects.get(PLACE), api.one("payments-api")])
    with pytest.raises(NotOurs):
        await api.platform.take_back(draft, sent, BACK)
    assert json.dumps([api.objects.get(PLACE), api.one("payments-api")]) == was


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("at", [None, Point.ARMED, Point.BEFORE_SEND])
async def test_what_somebody_changed_after_the_yes_is_not_overwritten(
    api: FakeApi, change: Callable[[FakeApi], object], at: Point | None
) -> None:
    life = KubeLife(api, set_config())
    await life.plan()
    pending = [change]

    def meanwhile(point: Point | None) -> None:
        if point is at and pending:
            pending.pop()(api)

    meanwhile(None)
    try:
        outcome = await life.executor(meanwhile).execute(life.request, asks)
    except ApprovalError:
        assert at is None
    else:
        assert outcome.state is not APPLIED
    assert stamp(api) == ""
    landed = api.objects.get(PLACE, {}).get("data", {}).get(KEY) == NOW_IS
    assert landed is (at is Point.BEFORE_SEND and change is CHANGES[-1]), "only its reader changed"


async def test_a_value_whose_restart_is_refused_is_taken_back_alone(api: FakeApi) -> None:
    life = KubeLife(api, set_config())
    plan = await life.plan()

    def meanwhile(found: Raw) -> None:
        if found is api.objects[PLACE]:
            api.change("payments-api", lambda one: one["spec"].update(minReadySeconds=5))

    api.after = meanwhile
    outcome = await life.run()
    assert outcome.torn
    assert (value(api), stamp(api)) == (NOW_IS, "")
    api.after = lambda _found: None
    assert (await life.executor().undo(plan)).state is APPLIED
    assert (value(api), stamp(api)) == (WAS, "")
    assert api.one("payments-api")["spec"]["minReadySeconds"] == 5


@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("which", [0, 1], ids=["value", "restart"])
async def test_one_trouble_on_the_way_makes_one_effect_or_none(
    api: FakeApi, trouble: str, which: int
) -> None:
    where, answer, state = TROUBLE[trouble]
    life = KubeLife(api, set_config())
    plan = await life.plan()
    struck = [plan.requests[which].payload["kind"]]

    def trouble_of(found: Raw) -> Any:
        own = found is api.objects[PLACE]
        if struck and own is (struck[0] == "ConfigMap"):
            struck.clear()
            return answer(found)
        return None

    setattr(api, where, trouble_of)
    outcome = await life.run()

    assert outcome.state is state, outcome
    made = [f"{OPERATION}.{number}" for number in (1, 2)]
    assert api.taken == (made if state is APPLIED else made[:which])
    assert (value(api) == NOW_IS) is (state is APPLIED or which == 1)
    assert bool(stamp(api)) is (state is APPLIED)
    assert len(set(api.writes)) == (2 if state is APPLIED or which else 1)
    if state is APPLIED or which:
        assert outcome.torn is (state is REFUSED)
        api.after = once(lost)
        assert (await life.executor().undo(plan)).state is APPLIED
        assert value(api) == WAS


@pytest.mark.slow
@pytest.mark.parametrize("at", POINTS)
@pytest.mark.parametrize("times", [1, 2])
async def test_a_process_that_dies_anywhere_leaves_one_effect_to_the_next(
    api: FakeApi, at: Point, times: int
) -> None:
    life = KubeLife(api, set_config())
    await life.plan()
    left = [times if at is not Point.ARMED else 1]

    def die(point: Point) -> None:
        left[0] -= point is at
        if left[0] == 0:
            raise Died

    with pytest.raises(Died):
        await life.executor(die).execute(life.request, asks)
    assert (await life.run()).state is APPLIED
    assert api.taken == [f"{OPERATION}.1", f"{OPERATION}.2"]
    assert (value(api), bool(stamp(api))) == (NOW_IS, True)


async def test_hands_that_take_back_over_what_others_set_are_caught(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect takes every ConfigMap for one that is as it was left."""
    seams.CONFIG_AS_LEFT.plant(monkeypatch, lambda *_given: "the same")
    draft = await api.platform.prepare(set_config(), OPERATION)
    sent = await applied(api.platform, draft.requests)
    foreign_value(api)
    await applied(api.platform, await api.platform.take_back(draft, sent, BACK))
    assert value(api) == WAS


async def test_a_patch_of_a_config_map_without_its_tests_is_caught(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect tests nothing of which ConfigMap it is, and which version."""
    seams.CONFIG_TESTS.plant(monkeypatch, lambda _path, _value: {"op": "none", "path": "/x"})
    draft = await api.platform.prepare(set_config(), OPERATION)
    foreign_value(api)
    await api.platform.send(draft.requests[0])
    assert value(api) == NOW_IS


async def test_hands_that_show_a_secret_are_caught(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect hides no value."""
    seams.CONFIG_HIDDEN.plant(monkeypatch, lambda _key, _value: "")
    api.objects[PLACE]["data"][KEY] = "postgres://shop:hunter2hunter2@db/shop"
    draft = await api.platform.prepare(set_config(), OPERATION)
    assert "hunter2" in json.dumps(draft.document())


async def test_hands_that_change_any_config_map_are_caught(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect believes every workload to read what is to be set."""
    seams.CONFIG_READ.plant(monkeypatch, lambda *_given: True)
    unread(api)
    assert (await api.platform.prepare(set_config(), OPERATION)).requests


def template(**container: Any) -> Raw:
    return {"spec": {"containers": [container]}}


def mounted(source: Raw, projected: bool = False, **mount: str) -> Raw:
    volume: Raw = {"projected": {"sources": [{"configMap": source}]}}
    volume = volume if projected else {"configMap": source}
    made = template(volumeMounts=[{"name": "v", "mountPath": "/etc", **mount}])
    made["spec"]["volumes"] = [{"name": "v", **volume}]
    return made


REF = {"valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}
WHOLE = [{"configMapRef": {"name": "m"}}]
ITEMS = [{"key": "k", "path": "conf/k.yaml"}]
READS: list[tuple[Raw, bool]] = [
    (template(env=[{"name": "A", **REF}]), True),
    (template(env=[{"name": "A", **REF}, {"name": "A", "value": "x"}]), False),
    (template(envFrom=WHOLE), True),
    (template(envFrom=WHOLE, env=[{"name": "k", "value": "x"}]), False),
    (template(envFrom=[{**WHOLE[0], "prefix": "P_"}], env=[{"name": "P_k", "value": "x"}]), False),
    (template(envFrom=[{"secretRef": {"name": "m"}}]), False),
    ({"spec": {"initContainers": [{"envFrom": WHOLE}]}}, True),
    (mounted({"name": "m"}), True),
    (mounted({"name": "m"}, projected=True), True),
    (mounted({"name": "m"}, subPath="k"), True),
    (mounted({"name": "m"}, subPath="other"), False),
    (mounted({"name": "m", "items": ITEMS}), True),
    (mounted({"name": "m", "items": ITEMS}, subPath="conf"), True),
    (mounted({"name": "m", "items": ITEMS}, subPath="k"), False),
    (mounted({"name": "m", "items": [{"key": "o", "path": "k"}]}), False),
    (mounted({"name": "n"}), False),
    ({"spec": {"volumes": [{"name": "v", "configMap": {"name": "m"}}]}}, False),
    ({"spec": {"containers": "x", "volumes": [None, {"projected": 3}]}}, False),
]


@pytest.mark.parametrize(("made", "used"), READS)
def test_whether_a_template_reads_a_key_is_seen(made: Raw, used: bool) -> None:
    assert reads(made, "m", "k") is used
    assert not used or maps_of(made) == {"m"}
