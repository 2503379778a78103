"""A release that crashes gives its place to the image that was seen to run well, and back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.actions.platform import Landing
from aiops_agent.adapters.docker.platform import DockerPlatform
from aiops_agent.domain.errors import NotOurs, PlatformError, RequestRefused
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.remediation import Action, ActionKind, Draft, Prepared, Request, Risk
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.registry import CATALOGUE
from tests import seams
from tests.targets import at

from .fake_engine import NOW, FakeEngine, Known

PAY = ServiceName("pay")
GOOD, BAD = "sha256:" + "1" * 64, "sha256:" + "2" * 64
BACK = Action(
    kind=ActionKind("rollback_release"),
    target=at(PAY, "docker:local"),
    wished={"release": "pay:1", "image": GOOD},
)
OPERATION = "INC-0001.1.1"


@pytest.fixture
def engine() -> FakeEngine:
    """Two containers of a bad release crash and are started again and again."""
    made = FakeEngine()
    made.images["pay:2"] = BAD
    for number in (1, 2):
        one = made.add("pay", number, Image="pay:2", Cmd=["serve", "--new"])
        one["State"] |= {"Status": "restarting", "Running": True}
    made.add("cart", 1)
    return made


def platform(engine: FakeEngine, *known: str) -> DockerPlatform:
    seen = [GoodRelease(service=PAY, image_id=one, image="pay:1", seen=NOW) for one in known]
    return replace(engine.platform, releases=Known(seen))


def crashes_once_more(engine: FakeEngine) -> None:
    engine.now += timedelta(seconds=7)
    for one in engine.containers.values():
        if one["State"]["Status"] == "restarting":
            one["State"]["StartedAt"] = engine.now.isoformat().replace("+00:00", "Z")


async def prepared(engine: FakeEngine, *known: str) -> Prepared:
    found = await platform(engine, *(known or (GOOD,))).prepare(BACK, OPERATION)
    return CATALOGUE.prepared(Draft.of(found.document()))


async def applied(engine: FakeEngine, found: Prepared, most: int = 99) -> list[Intent]:
    """Send the requests while the release goes on crashing; return what the ledger keeps."""
    hands, done = platform(engine, GOOD), list[Intent]()
    for ordinal, request in enumerate(found.requests[:most], start=1):
        crashes_once_more(engine)
        assert await hands.unchanged(found, done), request.words
        assert (await hands.look(request, NOW)).landing is Landing.NOT_LANDED
        made = (await hands.send(request)).made
        assert (await hands.look(request, NOW)).landing is Landing.LANDED
        done.append(_intent(request, ordinal, made))
    return done


def _intent(request: Request, ordinal: int, made: str) -> Intent:
    return Intent(
        operation=request.operation,
        incident="INC-0001",
        plan="p",
        ordinal=ordinal,
        undo=False,
        request=request,
        state=IntentState.APPLIED,
        armed_at=NOW,
        made=made,
    )


def running(engine: FakeEngine) -> list[tuple[str, str]]:
    return sorted((one["Image"], one["State"]["Status"]) for one in engine.running("pay"))


async def test_every_crashing_container_gives_its_place_to_a_copy_on_the_good_image(
    engine: FakeEngine,
) -> None:
    found = await prepared(engine)
    assert engine.changed == []
    await applied(engine, found)
    assert running(engine) == [(GOOD, "running")] * 2
    copy = engine.running("pay")[0]
    assert copy["Config"]["Env"] == ["PASSWORD=secret"]
    assert copy["NetworkSettings"]["Networks"]["shop_default"]["Aliases"] == ["pay"]
    assert copy["Config"]["Labels"]["aiops-agent/operation"] == OPERATION
    assert found.risk is Risk.MEDIUM
    assert "secret" not in str(found.document())
    assert "2 containers on pay:2 stopped" in found.blast.words
    parts = [one.part for one in found.requests]
    assert parts == [p for p in dict.fromkeys(parts) for _ in range(3)], "whole only together"


async def test_the_old_image_has_its_own_defaults(engine: FakeEngine) -> None:
    """What the new image brought by itself is not forced upon the old one."""
    engine.brings[BAD] = {"Cmd": ["serve", "--new"], "Env": ["VERSION=2"], "Labels": {"v": "2"}}
    for one in engine.running("pay"):
        one["Config"]["Env"].append("VERSION=2")
        one["Config"]["Labels"]["v"] = "2"
        one["Config"]["WorkingDir"] = "/own"
    await applied(engine, await prepared(engine))
    for copy in engine.running("pay"):
        assert copy["Config"]["Env"] == ["PASSWORD=secret"]
        assert "Cmd" not in copy["Config"]
        assert "v" not in copy["Config"]["Labels"]
        assert copy["Config"]["WorkingDir"] == "/own"


@pytest.mark.parametrize("sent", range(1, 7))
async def test_the_way_back_starts_what_was_stopped_on_the_image_it_came_from(
    engine: FakeEngine, sent: int
) -> None:
    found = await prepared(engine)
    ledger = await applied(engine, found, sent)
    back = await platform(engine, GOOD).take_back(found, ledger, "INC-0001.1.undo.1")
    for request in back:
        await platform(engine, GOOD).send(request)
    assert [image for image, _ in running(engine)] == [BAD] * 2
    ours = [one for one in engine.containers.values() if "aiops" in one["Name"]]
    assert ours == []


async def test_what_others_removed_since_is_not_left_without_a_container(
    engine: FakeEngine,
) -> None:
    found = await prepared(engine)
    ledger = await applied(engine, found)
    old = next(one for one in engine.containers.values() if one["Image"] == BAD)
    del engine.containers[old["Id"]]
    with pytest.raises(NotOurs, match="a person must decide"):
        await platform(engine, GOOD).take_back(found, ledger, "INC-0001.1.undo.1")
    assert running(engine) == [(GOOD, "running")] * 2


async def test_another_image_is_another_target_and_crashes_are_not(engine: FakeEngine) -> None:
    found, hands = await prepared(engine), platform(engine, GOOD)
    crashes_once_more(engine)
    assert await hands.unchanged(found)
    for one in engine.running("pay"):
        one["Image"] = "sha256:" + "3" * 64
    assert not await hands.unchanged(found)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "never seen well": ({"known": ()}, "pay:1 of pay was never seen to run well"),
    "another one was": ({"known": (BAD,)}, "was never seen to run well"),
    "runs already": ({"runs": GOOD}, "runs no release that pay:1 .* could replace"),
    "gone": ({"gone": True}, r"is gone from this engine; pull it, then aiops incident reopen INC-"),
    "removes itself": ({"host": {"AutoRemove": True}}, "there would be no way back"),
    "a database": ({"image": "postgres:15"}, "is a database: an older release may not read"),
    "not alike": ({"odd": True}, "do not agree|are not alike"),
}


@pytest.mark.parametrize(("given", "says"), REFUSED.values(), ids=REFUSED)
async def test_what_has_no_safe_way_is_refused_with_a_sentence(
    engine: FakeEngine, given: dict[str, Any], says: str
) -> None:
    for one in engine.running("pay"):
        one["Image"] = given.get("runs", one["Image"])
        one["HostConfig"] |= given.get("host", {})
        one["Config"]["Image"] = given.get("image", one["Config"]["Image"])
    if given.get("gone"):
        engine.images = {"pay:2": BAD}
    if given.get("odd"):
        engine.running("pay")[0]["HostConfig"]["Privileged"] = True
    with pytest.raises(PlatformError, match=says):
        await platform(engine, *given.get("known", (GOOD,))).prepare(BACK, OPERATION)
    assert engine.changed == []


async def test_an_image_that_is_gone_when_it_is_sent_changes_nothing(engine: FakeEngine) -> None:
    found = await prepared(engine)
    engine.images = {"pay:2": BAD}
    with pytest.raises(RequestRefused, match="is gone: nothing was sent"):
        await platform(engine, GOOD).send(found.requests[0])
    assert running(engine) == [(BAD, "restarting")] * 2


async def test_a_service_that_ended_for_good_is_rolled_back_too(engine: FakeEngine) -> None:
    for one in engine.running("pay"):
        one["State"] |= {"Status": "exited", "Running": False}
    found = await prepared(engine)
    assert not [one for one in found.requests if one.words.partition("?")[0].endswith("/stop")]
    await applied(engine, found)
    assert running(engine) == [(GOOD, "running")] * 2


async def test_without_a_memory_of_images_no_rollback_is_offered(engine: FakeEngine) -> None:
    assert BACK.kind not in engine.platform.kinds
    assert BACK.kind in platform(engine).kinds


async def test_a_rollback_that_compares_starts_is_caught(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.SAME_IMAGE.plant(monkeypatch, lambda *_: False)
    with pytest.raises(AssertionError):
        await test_another_image_is_another_target_and_crashes_are_not(engine)


async def test_a_rollback_to_any_image_is_caught(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    believed = GoodRelease(service=PAY, image_id=GOOD, image="pay:1", seen=NOW)
    seams.GOOD_ONLY.plant(monkeypatch, lambda *_: believed)
    with pytest.raises(pytest.fail.Exception):
        await test_what_has_no_safe_way_is_refused_with_a_sentence(
            engine, *REFUSED["never seen well"]
        )
