"""What is prepared is exactly what is sent, and a look tells whether it landed."""

from datetime import timedelta

import httpx2
import pytest

from aiops_agent.actions.platform import Landing
from aiops_agent.domain.errors import (
    OutcomeUnknown,
    PlatformError,
    RequestRefused,
    TargetMissing,
)
from aiops_agent.domain.remediation import Action, ActionKind, Draft, Prepared, Request
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.registry import CATALOGUE
from tests import seams
from tests.targets import at

from .fake_engine import NOW, FakeEngine

PAY = ServiceName("pay")
TARGET = at(PAY, "docker:local")
RESTART = Action(kind=ActionKind("restart_service"), target=TARGET)
OPERATION = "INC-0001.1.1"


def scale(replicas: int) -> Action:
    return Action(kind=ActionKind("scale_pods"), target=TARGET, wished={"replicas": replicas})


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine()
    made.add("pay", 1)
    made.add("pay", 2)
    made.add("cart", 1)
    return made


async def prepared(engine: FakeEngine, action: Action) -> Prepared:
    found = await engine.platform.prepare(action, OPERATION)
    return CATALOGUE.prepared(Draft.of(found.document()))  # as it comes back from the store


async def sent(engine: FakeEngine, action: Action) -> Prepared:
    found = await prepared(engine, action)
    for request in found.requests:
        await engine.platform.send(request)
    return found


async def landings(engine: FakeEngine, requests: tuple[Request, ...]) -> list[Landing]:
    return [(await engine.platform.look(one, NOW)).landing for one in requests]


async def test_preparing_changes_nothing(engine: FakeEngine) -> None:
    for action in (RESTART, scale(4), scale(1)):
        await prepared(engine, action)

    assert engine.changed == []


async def test_scaling_up_clones_labels_networks_aliases_and_limits(engine: FakeEngine) -> None:
    await sent(engine, scale(4))

    new = engine.running("pay")[-1]
    assert len(engine.running("pay")) == 4
    assert new["Config"]["Env"] == ["PASSWORD=secret"]
    assert new["Config"]["Labels"]["com.docker.compose.container-number"] == "4"
    assert new["Config"]["Labels"]["aiops-agent/operation"] == OPERATION
    assert new["Config"]["Labels"]["aiops-agent/incident"] == "INC-0001"
    assert new["HostConfig"]["Memory"] == 2**27
    assert new["NetworkSettings"]["Networks"]["shop_default"]["Aliases"] == ["pay"]


async def test_secrets_are_not_in_what_is_stored(engine: FakeEngine) -> None:
    assert "secret" not in str((await prepared(engine, scale(3))).document())


async def test_a_clone_is_not_made_when_the_variables_changed_since(engine: FakeEngine) -> None:
    found = await prepared(engine, scale(3))
    engine.running("pay")[0]["Config"]["Env"] = ["PASSWORD=other"]

    with pytest.raises(RequestRefused):
        await engine.platform.send(found.requests[0])


async def test_further_networks_are_connected_before_the_start(engine: FakeEngine) -> None:
    for one in engine.running("pay"):
        one["NetworkSettings"]["Networks"]["back"] = {"Aliases": ["pay-back"]}

    await sent(engine, scale(3))

    verbs = [path.rsplit("/", 1)[1] for path in engine.changed]
    assert verbs == ["create", "connect", "start"]
    assert engine.running("pay")[-1]["NetworkSettings"]["Networks"]["back"] == {
        "Aliases": ["pay-back"]
    }


async def test_every_request_of_scaling_is_seen_before_and_after(engine: FakeEngine) -> None:
    for one in engine.running("pay"):
        one["NetworkSettings"]["Networks"]["back"] = {}
    for action in (scale(3), scale(1)):
        found = await prepared(engine, action)
        for request in found.requests:
            before = await landings(engine, (request,))
            await engine.platform.send(request)
            assert before != await landings(engine, (request,)) == [Landing.LANDED]


async def test_sending_all_of_scaling_twice_has_one_effect(engine: FakeEngine) -> None:
    found = await sent(engine, scale(4))

    for request in found.requests:
        with pytest.raises(RequestRefused):
            await engine.platform.send(request)

    assert len(engine.running("pay")) == 4
    assert await landings(engine, found.requests) == [Landing.LANDED] * 4


async def test_a_service_that_is_as_wished_needs_no_request(engine: FakeEngine) -> None:
    assert (await prepared(engine, scale(2))).requests == ()


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ({"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}, "publishes port 8080"),
        ({"PortBindings": {"80/tcp": [{"HostPort": "8080-8080"}]}}, "publishes port 8080-8080"),
        ({"NetworkMode": "host"}, "no network of its own"),
    ],
)
async def test_what_cannot_run_twice_on_a_host_is_not_cloned(
    host: dict[str, object], says: str
) -> None:
    engine = FakeEngine()
    engine.add("pay", 1, HostConfig={"NetworkMode": "shop_default", **host})

    with pytest.raises(PlatformError, match=says):
        await prepared(engine, scale(2))


async def test_a_range_of_ports_is_room_for_as_many_containers() -> None:
    engine = FakeEngine()
    bound = {"PortBindings": {"80/tcp": [{"HostPort": "8080-8082"}]}}
    engine.add("pay", 1, HostConfig={"NetworkMode": "shop_default", **bound})

    assert (await prepared(engine, scale(3))).requests
    with pytest.raises(PlatformError, match="room for 3 containers and not for 4"):
        await prepared(engine, scale(4))


async def test_a_database_is_not_cloned() -> None:
    engine = FakeEngine(images={"postgres:15": "sha256:2"})
    engine.add("pay", 1, Image="postgres:15")

    with pytest.raises(PlatformError, match="is a database"):
        await prepared(engine, scale(2))


async def test_a_tag_that_moved_on_is_replaced_by_the_image_that_runs(engine: FakeEngine) -> None:
    running = engine.running("pay")[0]["Image"]
    engine.images["pay:1"] = "sha256:other"

    found = await prepared(engine, scale(3))

    assert found.requests[0].payload["body"]["Image"] == running


async def test_a_restart_is_sent_once_per_container_and_seen_by_its_start(
    engine: FakeEngine,
) -> None:
    armed = engine.now
    found = await sent(engine, RESTART)

    assert len(engine.changed) == 2
    assert [one.repeatable for one in found.requests] == [False, False]
    assert found.inverse is None
    for request in found.requests:
        assert (await engine.platform.look(request, armed)).landing is Landing.LANDED


async def test_a_restart_that_does_not_show_is_unknown(engine: FakeEngine) -> None:
    found = await prepared(engine, RESTART)

    later = engine.now + timedelta(seconds=1)
    sight = await engine.platform.look(found.requests[0], later)

    assert sight.landing is Landing.UNKNOWN


async def test_a_container_of_another_operation_is_no_landing(engine: FakeEngine) -> None:
    found = await sent(engine, scale(3))
    engine.running("pay")[-1]["Config"]["Labels"]["aiops-agent/operation"] = "INC-0009.1.1"

    assert (await landings(engine, found.requests))[0] is Landing.DIVERGED


async def test_a_target_is_unchanged_until_a_container_restarts_or_joins(
    engine: FakeEngine,
) -> None:
    found = await prepared(engine, scale(4))
    assert await engine.platform.unchanged(found)

    engine.running("pay")[0]["State"]["StartedAt"] = "2026-03-01T12:30:00Z"
    assert not await engine.platform.unchanged(found)


async def test_a_new_container_changes_the_target(engine: FakeEngine) -> None:
    found = await prepared(engine, RESTART)
    engine.add("pay", 3)

    assert not await engine.platform.unchanged(found)


@pytest.mark.parametrize("action", [RESTART, scale(1)])
async def test_nothing_is_sent_to_a_container_that_was_started_since(
    engine: FakeEngine, action: Action
) -> None:
    """The look that preceded the approval is repeated directly before the send."""
    found = await prepared(engine, action)
    engine.running("pay")[-1]["State"]["StartedAt"] = "2026-03-01T12:30:00Z"

    with pytest.raises(RequestRefused, match="was started since"):
        await engine.platform.send(found.requests[-1])
    assert engine.changed == []


async def test_hands_that_do_not_look_again_are_caught(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def trusting(_platform: object, _payload: object) -> None:
        return None

    found = await prepared(engine, RESTART)
    engine.running("pay")[-1]["State"]["StartedAt"] = "2026-03-01T12:30:00Z"
    seams.SAME.plant(monkeypatch, trusting)

    await engine.platform.send(found.requests[-1])
    assert len(engine.changed) == 1  # the right answer is: nothing was sent


async def test_nothing_is_sent_to_a_container_that_is_gone(engine: FakeEngine) -> None:
    found = await prepared(engine, RESTART)
    engine.containers.clear()

    with pytest.raises(RequestRefused, match="is gone"):
        await engine.platform.send(found.requests[0])
    assert engine.changed == []


async def test_a_container_that_took_the_name_of_ours_is_not_started(engine: FakeEngine) -> None:
    found = await prepared(engine, scale(3))
    await engine.platform.send(found.requests[0])
    engine.containers.popitem()
    theirs = engine.add("pay", 3)
    theirs["Name"] = f"/{found.requests[0].payload['container']}"

    with pytest.raises(RequestRefused, match="not the container that was made"):
        await engine.platform.send(found.requests[1])


async def test_an_unknown_service_is_missing(engine: FakeEngine) -> None:
    with pytest.raises(TargetMissing):
        await engine.platform.prepare(
            Action(kind=ActionKind("restart_service"), target=at("nope", "docker:local")), OPERATION
        )


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (httpx2.ConnectError("no socket"), PlatformError),
        (httpx2.ReadTimeout("slow"), OutcomeUnknown),
        (httpx2.RemoteProtocolError("cut"), OutcomeUnknown),
        (httpx2.Response(500, json={"message": "driver failed"}), OutcomeUnknown),
        (httpx2.Response(404, json={"message": "gone"}), RequestRefused),
        (httpx2.Response(409, json={"message": "conflict"}), RequestRefused),
    ],
)
async def test_every_failure_to_send_has_its_kind(
    engine: FakeEngine, broken: httpx2.Response | Exception, kind: type[PlatformError]
) -> None:
    found = await prepared(engine, RESTART)
    engine.broken = broken

    with pytest.raises(PlatformError) as caught:
        await engine.platform.send(found.requests[0])

    assert type(caught.value) is kind


async def test_an_engine_that_is_away_is_a_platform_error(engine: FakeEngine) -> None:
    found = await prepared(engine, scale(3))
    engine.broken = httpx2.ConnectError("no socket")

    for asking in (
        engine.platform.prepare(RESTART, OPERATION),
        engine.platform.unchanged(found),
        engine.platform.look(found.requests[0], NOW),
        engine.platform.send(found.requests[0]),
    ):
        with pytest.raises(PlatformError):
            await asking
