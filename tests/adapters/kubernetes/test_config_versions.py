"""What a ConfigMap held before is known of what was followed, within bounds, and never a secret."""

from __future__ import annotations

from typing import Any

import pytest

from aiops_agent.adapters.kubernetes import config_versions
from aiops_agent.adapters.kubernetes.changes import changes_of
from aiops_agent.adapters.kubernetes.config_versions import ConfigVersions
from aiops_agent.adapters.kubernetes.kinds import CONFIG_MAPS
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.domain.telemetry import Change
from tests import seams
from tests.adapters.kubernetes.fake_cluster import FakeCluster, Raw, ago
from tests.adapters.kubernetes.test_follow import Followed, until
from tests.adapters.kubernetes.test_ports import shop

REDACTED = ("[redacted]", "[redacted]")


class Watched(Followed):
    """A followed shop whose cart reads the ConfigMap `cfg`."""

    def __init__(self, data: dict[str, str], names: tuple[str, ...] = ("cfg",)) -> None:
        fake = shop()
        meta = {"managedFields": [{"time": ago(1800)}], "resourceVersion": "1"}
        self.map = fake.add("configmaps", "cfg", meta=meta, data=data)
        main = fake.objects["deployments"][0]["spec"]["template"]["spec"]["containers"][0]
        main["envFrom"] = [{"configMapRef": {"name": "cfg"}}]
        super().__init__(fake)
        versions = ConfigVersions(names)
        self.cluster = Cluster(self.watch.client, self.clock, (), self.watch, versions=versions)

    async def set(self, version: int, **changes: Any) -> None:
        """Somebody changes the ConfigMap, and the watch tells that it did."""
        self.map.update(changes)
        at = ago(1800 - version)
        self.map["metadata"] |= {"managedFields": [{"time": at}], "resourceVersion": str(version)}
        (await self.news(kind=CONFIG_MAPS)).tell(
            "MODIFIED", {"kind": "PartialObjectMetadata", "metadata": self.map["metadata"]}
        )
        [part] = [one for one in self.watch.parts if one.kind is CONFIG_MAPS]
        await until(lambda: part.version == str(version))
        await self.names()  # who looks fills it

    async def told(self) -> list[Change]:
        self.clock.go(seconds=6)
        found = changes_of(await self.cluster.state(), self.cluster.versions)
        return [one for one in found if "ConfigMap" in one.title]

    @property
    def reads(self) -> int:
        return sum(one.endswith("/configmaps/cfg") for one in self.fake.asked)


async def test_the_earlier_value_of_what_is_followed_is_known() -> None:
    async with Watched({"POOL": "20", "LEVEL": "info"}).running() as one:
        assert isinstance(one, Watched)
        [first] = await one.told()
        assert first.title == (
            "cart: ConfigMap cfg was changed (before it was followed, so what in it is not known)"
        )
        await one.set(2, data={"POOL": "2", "LEVEL": "info"})
        [found] = await one.told()
        assert found.title == "cart: ConfigMap cfg: POOL 20 → 2"
        assert (found.settings, found.fixed) == ({"cfg/POOL": ("20", "2")}, "")
        await one.set(3, data={"POOL": "2", "LEVEL": "info"}, metadata=one.map["metadata"])
        assert [one.title for one in await one.told()] == [found.title], "only what it holds counts"
        assert one.reads == 3


NOT_BACK: list[tuple[dict[str, str], dict[str, str], str, dict[str, tuple[str, str]]]] = [
    ({"A": "1", "B": "1"}, {"A": "2", "B": "2"}, "several settings of ConfigMap cfg changed", {}),
    ({"DB_PASSWORD": "old-old"}, {"DB_PASSWORD": "new-new"}, "may be a secret", {}),
    ({"A": "x" * 600}, {"A": "y"}, "is no short line", {"cfg/A": REDACTED}),
    ({"A": "1"}, {"A": "1", "B": "2"}, "the key is new or gone", {"cfg/B": REDACTED}),
    ({"A": "1", "B": "2"}, {"A": "1"}, "the key is new or gone", {"cfg/B": REDACTED}),
]


@pytest.mark.parametrize(("was", "now", "why", "settings"), NOT_BACK)
async def test_why_there_is_no_way_back_is_said(
    was: dict[str, str], now: dict[str, str], why: str, settings: dict[str, tuple[str, str]]
) -> None:
    async with Watched(was).running() as one:
        assert isinstance(one, Watched)
        await one.names()
        await one.set(2, data=now)
        [found] = await one.told()
        assert why in found.fixed
        assert not settings or found.settings == settings
        kept = str(vars(one.cluster.versions))
        assert not any(secret in kept + str(found) for secret in ("old-old", "new-new", "x" * 600))


async def test_versions_that_keep_secrets_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect keeps every value."""
    seams.CONFIG_KEPT.plant(monkeypatch, lambda _key, _value: "")
    async with Watched({"DB_PASSWORD": "old-old"}).running() as one:
        assert isinstance(one, Watched)
        await one.names()
        assert "old-old" in str(vars(one.cluster.versions))


async def test_what_is_not_named_or_may_not_be_read_is_never_read() -> None:
    async with Watched({"POOL": "20"}, ("other",)).running() as one:
        assert isinstance(one, Watched)
        await one.set(2, data={"POOL": "2"})
        assert one.reads == 0
        assert "its content is not read" in (await one.told())[0].title
    async with Watched({"POOL": "20"}).running() as one:
        assert isinstance(one, Watched)
        one.fake.unread.add("cfg")
        await one.set(2, data={"POOL": "2"})
        [found] = await one.told()
        assert (found.settings, "is not known" in found.title) == ({}, True)


async def test_a_single_look_reads_no_content() -> None:
    fake = FakeCluster()
    fake.add("pods", "a")
    fake.add("configmaps", "cfg", data={"A": "1"})
    looked = Cluster(fake.client, Followed(fake).clock, versions=ConfigVersions(("cfg",)))
    await looked.state()
    assert not any(one.endswith("/cfg") for one in fake.asked)


async def test_what_is_kept_is_bounded_and_forgotten_with_its_config_map() -> None:
    async with Watched({"A": "0"}).running() as one:
        assert isinstance(one, Watched)
        kept: Raw = one.cluster.versions._kept  # type: ignore[assignment] # by place
        for number in range(2, 12):
            await one.set(number, data={"A": str(number)})
        assert len(kept["shop", "cfg"]) == config_versions.MOST_VERSIONS  # type: ignore[index] # a place
        await one.set(20, data={"A": "x", "B": "y" * config_versions.MOST_BYTES})
        assert not kept
        await one.set(21, data={"A": "x"})
        assert [version for [version] in kept.values()]
        (await one.news(kind=CONFIG_MAPS)).tell(
            "DELETED", {"kind": "PartialObjectMetadata", "metadata": one.map["metadata"]}
        )
        [part] = [own for own in one.watch.parts if own.kind is CONFIG_MAPS]
        await until(lambda: not part.objects)
        await one.names()
        assert not kept
