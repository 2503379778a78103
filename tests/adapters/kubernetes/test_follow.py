"""A cluster that is followed is as its server says, or said to be unknown; never as it was."""

# limit: each way in which a watch goes wrong, over one fake

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import orjson
import pytest

from aiops_agent.adapters.kubernetes import fields, kept, kinds
from aiops_agent.adapters.kubernetes.client import ObjectList
from aiops_agent.adapters.kubernetes.follow import AGAIN, HOLDS, LASTS, LATE, ClusterWatch
from aiops_agent.adapters.kubernetes.kept import KeptKind, together
from aiops_agent.adapters.kubernetes.kinds import CONFIG_MAPS, NODES, PODS
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.trim import Trimmer
from aiops_agent.domain.errors import SourceError
from tests import seams
from tests.adapters.kubernetes.fake_cluster import FakeCluster, News, Raw
from tests.adapters.kubernetes.test_ports import shop
from tests.workflow.place import HandClock


@dataclass
class Followed:
    """A fake cluster, the watch over it, and its time; pauses end at once and are counted."""

    fake: FakeCluster
    seconds: float = 0.0
    pauses: list[float] = field(default_factory=list)
    clock: HandClock = field(default_factory=HandClock)
    late: float = LATE
    lasts: float = LASTS

    def __post_init__(self) -> None:
        self.watch = ClusterWatch(
            self.fake.client, (), lambda: self.seconds, self._pause, self.lasts, self.late
        )
        self.cluster = Cluster(self.watch.client, self.clock, (), self.watch)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    def lists(self, kind: kinds.Kind = PODS) -> int:
        return self.fake.asked.count(kind.path())

    async def names(self) -> set[str]:
        self.clock.go(seconds=6)  # beyond what a look is kept for
        return {one.name for one in (await self.cluster.state()).all(PODS)}

    async def news(self, number: int = 1, kind: kinds.Kind = PODS) -> News:
        await until(lambda: len(self.fake.watches.get(kind.plural, ())) >= number)
        return self.fake.watches[kind.plural][number - 1]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Followed"]:
        await self.watch.client.get("/version")  # opened, in a thread of its own
        task = asyncio.create_task(self.watch.keep(lambda: None))
        await until(lambda: self.watch.parts and all(part.tried for part in self.watch.parts))
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(holds: Callable[[], object]) -> None:
    """Let others go on until something holds."""
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never held")


def pod(name: str, version: int = 9, **status: Any) -> Raw:
    meta = {"name": name, "namespace": "shop", "resourceVersion": str(version)}
    return {"metadata": meta, "status": status}


async def test_after_one_list_news_alone_tell_how_it_stands() -> None:
    async with Followed(shop()).running() as one:
        assert await one.names() == {"cart-1-1", "db-1-1"}
        news = await one.news()
        assert news.query["resourceVersion"] == "7"
        assert news.query["allowWatchBookmarks"] == "true"
        news.tell("ADDED", pod("cart-1-2"))
        news.tell("MODIFIED", pod("db-1-1", phase="Failed"))
        news.tell("DELETED", pod("cart-1-1"))
        await until(lambda: one.watch.parts[0].version == "9" and news.coming.empty())
        assert await one.names() == {"cart-1-2", "db-1-1"}
        assert one.lists() == 1


async def test_a_watch_that_ends_in_time_goes_on_where_it_was_without_a_list() -> None:
    async with Followed(shop()).running() as one:
        news = await one.news()
        news.tell("BOOKMARK", {"metadata": {"resourceVersion": "50"}})
        await until(lambda: one.watch.parts[0].version == "50")
        one.seconds += LASTS
        news.coming.put_nowait(None)
        assert (await one.news(2)).query["resourceVersion"] == "50"
        assert one.lists() == 1
        assert await one.names() == {"cart-1-1", "db-1-1"}


ODD: list[list[bytes | Exception | None]] = [
    [b'{"type":"ERROR","object":{"code":410,"message":"too old resource version"}}\n'],
    [b'{"type":"ERROR","object":{}}\n'],
    [b'{"type":"ADDED","object":{"kind":"Secret","metadata":{"name":"a"}}}\n'],
    [b'{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a"}}}\n'],
    [b'{"type":"ADDED","object":{"kind":"Pod","metadata":{"resourceVersion":"9"}}}\n'],
    [b'{"type":"EXPLODED","object":{"kind":"Pod"}}\n'],
    [b"[]\n"],
    [b"\n"],
    [b"\xff\xfe\n"],
    [b'{"type":"ADDED","obj', httpx2.RemoteProtocolError("cut off")],
    [b'{"type":"ADDED","obj', None],
    [None],
    [httpx2.ReadError("")],
    [b"[" * 100_000 + b"\n"],
]


@pytest.mark.parametrize("chunks", ODD)
async def test_what_is_not_understood_is_no_news_and_the_kind_is_listed_again(
    chunks: list[bytes | Exception | None],
) -> None:
    async with Followed(shop()).running() as one:
        news = await one.news()
        one.fake.pod("db", 2)  # that nobody told of
        for chunk in chunks:
            news.coming.put_nowait(chunk)
        await one.news(2)
        assert await one.names() == {"cart-1-1", "db-1-1", "db-1-2"}
        assert one.lists() == 2
        assert one.lists(NODES) == 1, "the other kinds go on"


async def test_a_line_of_ten_megabytes_is_read_and_one_without_an_end_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aiops_agent.adapters.kubernetes.client._MOST_BYTES", 2**20)
    async with Followed(shop()).running() as one:
        news = await one.news()
        news.tell("MODIFIED", pod("large", note="x" * 900_000))
        await until(lambda: len(one.watch.parts[0].objects) == 3)
        for _ in range(20):
            news.coming.put_nowait(b"y" * 100_000)
        await one.news(2)
        assert one.lists() == 2


async def test_a_server_that_hangs_is_given_up() -> None:
    followed = Followed(shop(), lasts=0.0, late=0.001)  # real seconds, of a deadline that passes
    async with followed.running() as one:
        await one.news(3)
        assert "did not end in time" in one.watch.parts[0].broken


async def test_an_old_version_is_refused_with_410_and_listed_again() -> None:
    fake = shop()
    gone = httpx2.Response(410, json={"message": "too old", "code": 410})
    async with Followed(fake).running() as one:
        news = await one.news()
        answer, fake.broken = fake.broken, gone
        news.coming.put_nowait(None)
        one.seconds += LASTS
        await until(lambda: one.watch.parts[0].flaw)
        with pytest.raises(SourceError, match="410: too old"):
            await one.names()
        fake.broken = answer
        await one.news(2)
        assert await one.names() == {"cart-1-1", "db-1-1"}


async def test_a_kind_that_we_may_not_read_is_named_and_tried_now_and_then() -> None:
    fake = shop()
    fake.forbidden = {"nodes"}
    async with Followed(fake).running() as one:
        state = await one.cluster.state()
        assert "forbids us" in state.unreadable[NODES]
        assert not state.knows(NODES)
        assert state.all(PODS)
        assert AGAIN in one.pauses


async def test_a_kind_that_may_be_listed_and_not_watched_is_listed() -> None:
    fake = shop()
    fake.unwatched = {"pods"}
    async with Followed(fake).running() as one:
        await until(lambda: one.lists() > 2)
        fake.pod("db", 2)
        before = one.lists()
        await until(lambda: one.lists() > before + 1)
        assert "db-1-2" in await one.names()


def cut_off(one: Followed, news: News) -> None:
    """Let the server go away, in the middle of a watch."""
    one.fake.broken = httpx2.ConnectError("refused")
    news.coming.put_nowait(httpx2.ReadError("cut off"))


async def test_a_server_that_is_gone_leaves_nothing_known() -> None:
    async with Followed(shop()).running() as one:
        assert await one.names()
        cut_off(one, await one.news())
        await until(lambda: one.watch.parts[0].flaw)
        with pytest.raises(SourceError, match="cannot be reached"):
            await one.names()
        assert max(one.pauses) <= 60.0


async def test_what_was_not_heard_of_is_not_taken_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Followed(shop()).running() as one:
        assert await one.names()
        one.seconds += LASTS * 1.25 + LATE + 1.0
        with pytest.raises(SourceError, match="pods are not followed"):
            await one.names()
        seams.FOLLOWED.plant(monkeypatch, lambda _part, _now: "")
        assert await one.names(), "a planted defect: nobody asks how old it is"


async def test_between_two_tries_what_is_known_counts_for_some_seconds() -> None:
    part = KeptKind(PODS, "", Trimmer(), until=HOLDS, broken="Cut off.")
    assert part.unknown(HOLDS) == ""
    said = "Kubernetes' pods are not followed at the moment: Cut off."
    assert part.unknown(HOLDS + 0.1) == said


async def test_while_nothing_follows_the_cluster_is_listed() -> None:
    one = Followed(shop())
    assert await one.names() == {"cart-1-1", "db-1-1"}
    async with one.running():
        await one.names()
    before = one.lists()
    await one.names()
    assert one.lists() == before + 1


def news_of(kind: str, one: Raw) -> bytes:
    return orjson.dumps({"type": kind, "object": {"kind": "Pod", **one}})


def test_a_storm_of_news_ends_as_the_server_has_it_and_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 40)
    draw = random.Random(18)
    part, truth = KeptKind(PODS, "", Trimmer()), dict[str, int]()
    part.listed(ObjectList((), "0", more=False))
    for version in range(1, 3000):
        name = f"p{draw.randrange(30)}"
        gone = name in truth and draw.random() < 0.4
        part.take(news_of("DELETED" if gone else "MODIFIED", pod(name, version, n=version)))
        truth = {k: v for k, v in truth.items() if k != name} | ({} if gone else {name: version})
    told = {name: fields.number(one, "status", "n") for (_, name), one in part.objects.items()}
    assert told == truth
    for number in range(60):
        part.take(news_of("ADDED", pod(f"q{number}")))
    assert len(part.objects) == 40
    known, refused = together([part], -1.0)
    assert len(known[PODS]) == 40
    assert "more than 40 pods" in refused[PODS]


def test_only_names_of_config_maps_are_news_and_only_of_the_own_namespace() -> None:
    part = KeptKind(CONFIG_MAPS, "shop", Trimmer())
    one = {"kind": "PartialObjectMetadata", **pod("settings")}
    assert part.take(orjson.dumps({"type": "ADDED", "object": one}))
    for flaw in ({"kind": "ConfigMap"}, {"metadata": one["metadata"] | {"namespace": "other"}}):
        with pytest.raises(SourceError, match="watch of configmaps brought an object of another"):
            part.take(orjson.dumps({"type": "ADDED", "object": one | flaw}))
    assert len(part.objects) == 1


def test_what_is_told_anew_and_is_as_it_was_changes_nothing() -> None:
    part = KeptKind(PODS, "", Trimmer())
    part.listed(ObjectList((pod("a", 1, phase="Running"),), "1", more=False))
    before = dict(part.objects)
    assert part.take(news_of("MODIFIED", pod("a", 2, phase="Running"))) is False
    assert part.version == "2"
    assert part.objects["shop", "a"] is before["shop", "a"]
    assert part.take(news_of("MODIFIED", pod("a", 3, phase="Failed")))


async def test_what_is_worked_out_of_an_object_stays_until_the_object_changes() -> None:
    async with Followed(shop()).running() as one:
        before = {pod.name: pod for pod in (await one.cluster.state()).all(PODS)}
        news = await one.news()
        news.tell("MODIFIED", pod("db-1-1", phase="Failed"))
        await until(lambda: one.watch.parts[0].version == "9")
        one.clock.go(seconds=6)
        after = {pod.name: pod for pod in (await one.cluster.state()).all(PODS)}
        assert after["cart-1-1"] is before["cart-1-1"]
        assert after["db-1-1"] is not before["db-1-1"]


def test_the_same_objects_later_are_not_worked_out_again() -> None:
    state = shop().state
    pods = state.pods
    later = state.later(state.at + timedelta(hours=1))
    assert later.at - state.at == timedelta(hours=1)
    assert later.pods is pods


def test_what_nobody_reads_of_an_object_is_not_kept_and_equal_parts_are_one() -> None:
    trimmer, fake = Trimmer(), shop()
    for one in (fake.pod("cart", 2), fake.pod("cart", 3)):
        one["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
        one["spec"]["volumes"] = [{"name": "token"}, {"persistentVolumeClaim": {"claimName": "d"}}]
        one["spec"]["containers"][0]["volumeMounts"] = [{"name": "token"}]
    first, second = (trimmer.trimmed(PODS, one) for one in fake.objects["pods"][-2:])
    own = [fields.field(one, "spec", "containers") for one in (first, second)]
    assert own[0] is own[1]
    text = orjson.dumps(first).decode()
    assert "token" not in text
    assert "last-applied" not in text
    assert "claimName" in text
