"""Who reads changes nothing, and who changes reads nothing: two tokens, kept apart."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from aiops_agent.adapters.clock import WallClock
from aiops_agent.adapters.kubernetes.kinds import KINDS
from aiops_agent.adapters.kubernetes.platform import KubernetesPlatform
from aiops_agent.adapters.kubernetes.plug import SOURCE, KubernetesSettings, platform
from aiops_agent.adapters.kubernetes.rights import judged
from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.adapters.off import NoTopology
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import PlatformError
from aiops_agent.ports.plug import Surroundings
from tests import seams
from tests.adapters.kubernetes.fake_api import FakeApi
from tests.adapters.kubernetes.fake_patch import Raw
from tests.adapters.kubernetes.life import OPERATION, scale
from tests.sending import applied


def rule(verbs: list[str], group: str, *resources: str) -> Raw:
    return {"verbs": verbs, "apiGroups": [group], "resources": list(resources)}


@asynccontextmanager
async def hands(folder: Path, token: Path) -> AsyncIterator[KubernetesPlatform]:
    """Open the platform as a configuration would."""
    section = KubernetesSettings(kubeconfig=folder / "kubeconfig", executor_token=token)
    around = Surroundings(declared={}, clock=WallClock())
    found = platform(SOURCE.connect(section, around), NoTopology(), {})
    try:
        yield found
    finally:
        await found.writes.reader.close()
        await found.writes.writer.close()


LOOKS, CHANGED = ["get", "list", "watch"], ["deployments", "statefulsets", "daemonsets"]
READS: list[Raw] = [
    *(rule(LOOKS, kind.group.rpartition("/")[0], kind.plural) for kind in KINDS),
    rule(["create"], "authorization.k8s.io", "selfsubjectrulesreviews"),
]
BLIND = [one for one in READS if one["resources"] != ["horizontalpodautoscalers"]]
EVICTS = rule(["create"], "", "pods/eviction")
SETS = {**rule(["patch"], "", "configmaps"), "resourceNames": ["web"]}
ACTS: list[Raw] = [rule(["patch"], "apps", *CHANGED), EVICTS, SETS]
CHECKED = Checkup(group="platform", name="kubernetes", health=Health.OK, words="v1.34")


async def checked(
    api: FakeApi, folder: Path, reads: list[Raw], acts: list[Raw], maps: tuple[str, ...] = ("web",)
) -> Checkup:
    api.rules = {"loopback": reads, "executor": acts}
    token = folder / "token"
    token.write_text("executor")
    async with hands(folder, token) as acting:
        return await judged(CHECKED, acting.writes, ("shop",), maps)


async def test_exactly_the_rights_that_are_needed_are_no_matter(
    api: FakeApi, tmp_path: Path
) -> None:
    assert await checked(api, tmp_path, READS, ACTS) == CHECKED
    assert await checked(api, tmp_path, READS, [*ACTS, rule(["patch"], "", "nodes")]) == CHECKED
    named = [{**ACTS[0], "resourceNames": ["web"]}, EVICTS, SETS]
    assert await checked(api, tmp_path, READS, named) == CHECKED


async def test_which_config_maps_may_be_changed_is_told(api: FakeApi, tmp_path: Path) -> None:
    none = await checked(api, tmp_path, READS, ACTS[:2], ())
    assert none.health is Health.OK
    assert none.words == (
        "v1.34; set_config is not offered (sources.kubernetes.config_maps names none)"
    )
    wide = await checked(api, tmp_path, READS, ACTS, ())
    assert wide.health is Health.PROBLEM
    assert "may also patch configmaps (web)" in wide.words
    every = [*ACTS[:2], rule(["patch"], "", "configmaps")]
    assert (await checked(api, tmp_path, READS, every)).health is Health.PROBLEM
    fewer = await checked(api, tmp_path, READS, ACTS, ("web", "db"))
    assert fewer.health is Health.NOTE
    assert "no `patch` of ConfigMap db in shop: set_config of it is refused" in fewer.words
    lists = [one for one in READS if one["resources"] != ["configmaps"]]
    blind = await checked(api, tmp_path, [*lists, rule(["list"], "", "configmaps")], ACTS)
    assert "no `get` of ConfigMap web in shop" in blind.words


WRONG: list[tuple[list[Raw], list[Raw], Health, str]] = [
    ([rule(["*"], "*", "*")], ACTS, Health.PROBLEM, "may do everything"),
    (READS, [rule(["*"], "*", "*")], Health.PROBLEM, "may do everything"),
    ([*READS, rule(["get"], "", "secrets")], ACTS, Health.PROBLEM, "may read Secrets"),
    ([*READS, rule(["*"], "", "secrets")], ACTS, Health.PROBLEM, "may read Secrets"),
    (
        [*READS, rule(["delete"], "", "pods")],
        ACTS,
        Health.PROBLEM,
        "the account that reads may also delete pods",
    ),
    (
        READS,
        [*ACTS, rule(["create"], "", "pods/exec")],
        Health.PROBLEM,
        "the account that acts may also create pods/exec",
    ),
    (READS, [rule(["update", "patch"], "apps", *CHANGED)], Health.PROBLEM, "update daemonsets"),
    (BLIND, ACTS, Health.NOTE, "horizontalpodautoscalers cannot be read in shop"),
    (READS, [ACTS[0], SETS], Health.NOTE, "no pod can be evicted in shop"),
    (READS, [rule(["patch"], "apps", "deployments")], Health.NOTE, "cannot be changed in shop"),
]


async def test_rights_that_are_missing_or_too_wide_are_told(api: FakeApi, tmp_path: Path) -> None:
    for reads, acts, health, words in WRONG:
        found = await checked(api, tmp_path, reads, acts)
        assert found.health is health
        assert words in found.words
        assert found.remedy


async def test_one_account_for_both_is_worth_knowing(api: FakeApi, tmp_path: Path) -> None:
    api.rules = {"loopback": READS + ACTS}
    found = await judged(CHECKED, api.platform.writes, ("shop",), ("web",))
    assert (found.health, found.words) == (Health.NOTE, "v1.34; one account reads and changes")


async def test_only_the_account_that_acts_sends_a_patch(api: FakeApi, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("executor\n")
    async with hands(tmp_path, token) as acting:
        draft = await acting.prepare(scale(4), OPERATION)
        assert await acting.unchanged(draft)
        sent = await applied(acting, draft.requests)
        await applied(acting, await acting.take_back(draft, sent, "INC-0001.1.undo.1"))

    assert set(api.tokens) == {("GET", "loopback"), ("PATCH", "executor")}
    assert api.one("payments-api")["spec"]["replicas"] == 2


async def test_hands_that_change_things_as_who_reads_are_caught(
    api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("executor\n")
    seams.TWO_ACCOUNTS.plant(monkeypatch, lambda reader, _writer: Writes(reader, reader))
    async with hands(tmp_path, token) as acting:
        await acting.prepare(scale(4), OPERATION)
    assert ("PATCH", "loopback") in api.tokens


@pytest.mark.parametrize("name", ["none", "folder", "garbage"])
async def test_a_token_that_cannot_be_read_is_one_sentence_and_sends_nothing(
    api: FakeApi, tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "garbage").write_bytes(b"\xff\xfe\x00")
    async with hands(tmp_path, tmp_path / name) as acting:
        with pytest.raises(PlatformError, match=f"{name} cannot be read"):
            await acting.prepare(scale(4), OPERATION)
    assert {method for method, _ in api.tokens} == {"GET"}
