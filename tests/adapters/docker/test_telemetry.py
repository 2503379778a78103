"""What Docker tells of services: topology, logs, changes."""

from datetime import UTC, datetime, timedelta

import pytest

from aiops_agent.adapters.docker.changes import DockerChanges
from aiops_agent.adapters.docker.containers import Containers, moment
from aiops_agent.adapters.docker.logs import DockerLogs, texts
from aiops_agent.adapters.docker.topology import DockerTopology
from aiops_agent.domain.images import kind_of
from aiops_agent.domain.log_levels import level_of
from aiops_agent.domain.telemetry import ChangeKind, ServiceKind, ServiceName, Window

from .fake_engine import NOW, FakeEngine, frame

PAY = ServiceName("pay")
COMPOSE = {"com.docker.compose.project": "shop", "com.docker.compose.service": "pay"}
WINDOW = Window(start=NOW - timedelta(minutes=30), end=NOW + timedelta(minutes=30))


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine()
    made.add("pay", 1)
    made.add("pay", 2)
    return made


async def test_a_service_has_its_running_containers(engine: FakeEngine) -> None:
    engine.running("pay")[0]["State"] |= {"Status": "exited", "Running": False}

    (pay,) = (await DockerTopology(engine.all).graph()).services

    assert (pay.name, pay.replicas, pay.release) == ("pay", 1, "pay:1")


async def test_calls_come_from_labels_of_services_that_run(engine: FakeEngine) -> None:
    web = engine.add("web", 1)
    needs = "pay:service_started:false,gone:service_healthy:false"
    web["Config"]["Labels"]["com.docker.compose.depends_on"] = needs

    assert (await DockerTopology(engine.all).graph()).calls == (("web", "pay"),)


async def test_a_service_is_known_by_names_ids_and_addresses(engine: FakeEngine) -> None:
    (pay,) = await DockerTopology(engine.all).instances()

    assert {"shop-pay-1", "shop-pay-2", "172.18.0.3"} <= set(pay.aliases)


async def test_containers_of_other_projects_and_one_off_runs_are_not_ours(
    engine: FakeEngine,
) -> None:
    engine.add("other", 1)["Config"]["Labels"]["com.docker.compose.project"] = "else"
    engine.add("task", 1)["Config"]["Labels"]["com.docker.compose.oneoff"] = "True"

    assert {one.service for one in await engine.all.listed()} == {"pay"}
    assert "other" in {one.service for one in await Containers(engine.client).listed()}


async def test_our_own_label_names_a_service_without_compose(engine: FakeEngine) -> None:
    labels = {"com.docker.compose.project": "shop", "aiops.service": "ledger"}
    engine.add("x", 1)["Config"]["Labels"] = labels

    assert "ledger" in {one.service for one in await engine.all.listed()}


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ("postgres:15", ServiceKind.DATABASE),
        ("registry.test:5000/bitnami/redis:7@sha256:1", ServiceKind.CACHE),
        ("rabbitmq", ServiceKind.QUEUE),
        ("shop/pay:1", ServiceKind.APPLICATION),
        ("postgres-exporter", ServiceKind.APPLICATION),
    ],
)
def test_an_image_tells_the_kind_of_service(image: str, kind: ServiceKind) -> None:
    assert kind_of(image) is kind


async def test_log_lines_have_times_levels_and_their_service(engine: FakeEngine) -> None:
    first, second = (one["Id"] for one in engine.running("pay"))
    engine.logs[first] = frame("2026-03-01T12:00:02.5Z ERROR pool\x1b[31m empty\n", 2)
    engine.logs[second] = b"2026-03-01T12:00:01.123456789Z hello\n2020-01-01T00:00:00Z old\n"

    hello, error = await DockerLogs(engine.all).lines([PAY], WINDOW)

    assert (hello.level, hello.text, hello.service) == ("info", "hello", "pay")
    assert (error.level, error.text) == ("error", "ERROR pool\x1b[31m empty")
    assert hello.at < error.at


@pytest.mark.parametrize("body", [b"", b"\x01\0\0\0\0", b"\x01\0\0\0\0\0\0\xffcut", b"\xff\xfe"])
def test_cut_or_strange_log_bodies_are_read_as_far_as_they_go(body: bytes) -> None:
    assert len(texts(body)) <= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T12:00:00.123456789Z", datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)),
        ("2026-03-01T13:00:00+01:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("not a time", None),
    ],
)
def test_the_engines_times_are_read(text: str, expected: datetime | None) -> None:
    assert moment(text) == expected


async def test_a_container_with_another_image_is_a_release(engine: FakeEngine) -> None:
    engine.now += timedelta(minutes=5)
    engine.images["pay:2"] = "sha256:" + "2" * 64
    engine.add("pay", 3, Image="pay:2")

    changes = await DockerChanges(engine.all).changes(WINDOW)

    assert changes[-1].kind is ChangeKind.RELEASE
    assert (changes[-1].before, changes[-1].after) == ("pay:1", "pay:2")


async def test_a_removed_container_tells_what_ran_before(engine: FakeEngine) -> None:
    engine.tell("destroy", "x", **COMPOSE, image="pay:0")

    (change,) = await DockerChanges(engine.all).changes(WINDOW)

    assert change.title == "pay runs pay:1 instead of pay:0"


async def test_one_more_container_and_a_restart_are_changes(engine: FakeEngine) -> None:
    engine.now += timedelta(minutes=5)
    engine.add("pay", 3)
    engine._start(engine.running("pay")[0])

    changes = await DockerChanges(engine.all).changes(WINDOW)

    assert {change.kind for change in changes} == {
        ChangeKind.OTHER,
        ChangeKind.SCALE,
        ChangeKind.RESTART,
    }


async def test_one_name_for_another_image_is_a_release(engine: FakeEngine) -> None:
    was, now = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    engine.now += timedelta(minutes=5)
    engine.images["pay:1"] = now
    engine.tell("destroy", "x", **COMPOSE, image="pay:1", **{"com.docker.compose.image": was})
    engine.containers.clear()
    engine.add("pay", 1)

    (change,) = await DockerChanges(engine.all).changes(WINDOW)

    assert change.kind is ChangeKind.RELEASE
    assert change.title == "pay runs pay:1 (222222222222) instead of pay:1 (111111111111)"


@pytest.mark.parametrize(
    ("made_before", "built_before", "kind"),
    [
        (9, 0, ChangeKind.RELEASE),  # minutes before the name was given
        (-2, 0, ChangeKind.OTHER),  # the old one was made of it already
        (9, 600, ChangeKind.OTHER),  # a build that found everything done
    ],
)
async def test_without_ids_a_new_build_of_one_name_tells(
    made_before: int, built_before: int, kind: ChangeKind
) -> None:
    engine = FakeEngine()
    image = engine.images["pay:1"]
    tagged = engine.now
    engine.now = tagged - timedelta(minutes=made_before)
    engine.tell("create", "x", **COMPOSE, image="pay:1")
    engine.now = tagged
    engine.tell("tag", image, "image", name="pay:1")
    engine.built[image] = tagged - timedelta(minutes=built_before)
    engine.now += timedelta(minutes=4)
    engine.add("pay", 1)
    engine.now += timedelta(seconds=10)
    engine.tell("destroy", "x", **COMPOSE, image="pay:1")

    (change,) = await DockerChanges(engine.all).changes(WINDOW)

    assert change.kind is kind


async def test_a_container_made_anew_of_the_same_image_is_no_release(engine: FakeEngine) -> None:
    image = engine.images["pay:1"]
    engine.tell("destroy", "x", **COMPOSE, image="pay:0")
    engine.now += timedelta(minutes=9)
    engine.tell("destroy", "y", **COMPOSE, image="pay:1", **{"com.docker.compose.image": image})
    engine.containers.clear()
    engine.add("pay", 1)

    (change,) = await DockerChanges(engine.all).changes(WINDOW)

    assert change.kind is ChangeKind.OTHER


async def test_what_was_removed_in_another_project_is_not_ours(engine: FakeEngine) -> None:
    other = {**COMPOSE, "com.docker.compose.project": "else"}
    engine.tell("destroy", "x", **other, image="pay:0")

    (change,) = await DockerChanges(engine.all).changes(WINDOW)

    assert change.title == "pay was created with pay:1"


async def test_ends_pauses_and_failing_checks_are_changes(engine: FakeEngine) -> None:
    first, second = engine.running("pay")
    ended = "2026-03-01T12:05:00Z"
    over = {"Running": False, "Status": "exited", "FinishedAt": ended}
    first["State"] |= over | {"ExitCode": 137, "OOMKilled": True}
    second["State"] |= over | {"ExitCode": 0}
    engine.now += timedelta(minutes=5)
    engine.tell("stop", second["Id"], **COMPOSE)
    engine.tell("pause", first["Id"], **COMPOSE)
    engine.tell("health_status: unhealthy", first["Id"], **COMPOSE)

    told = {change.title for change in await DockerChanges(engine.all).changes(WINDOW)}

    assert told >= {
        "shop-pay-1 ended with exit code 137, killed for want of memory",
        "shop-pay-2 was stopped",
        "shop-pay-1 was paused",
        "shop-pay-1 became unhealthy: its health check fails",
    }


async def test_replicas_created_together_are_one_change(engine: FakeEngine) -> None:
    assert len(await DockerChanges(engine.all).changes(WINDOW)) == 1


@pytest.mark.parametrize("state", ["restarting", "paused", "exited", "created", "dead"])
async def test_only_what_runs_is_a_replica(engine: FakeEngine, state: str) -> None:
    engine.running("pay")[0]["State"] |= {"Status": state}

    (pay,) = (await DockerTopology(engine.all).graph()).services

    assert pay.replicas == 1


async def test_one_name_in_two_projects_is_two_services(engine: FakeEngine) -> None:
    for service in ("pay", "web"):
        raw = engine.add(service, 3, Name="/else-1")
        raw["Config"]["Labels"]["com.docker.compose.project"] = "else"
        raw["Config"]["Labels"]["com.docker.compose.depends_on"] = "pay:service_started:false"

    all_of_them = Containers(engine.client)
    graph = await DockerTopology(all_of_them).graph()

    assert set(graph.names) == {"shop-pay", "else-pay", "web"}
    assert ("web", "else-pay") in graph.calls
    assert len(await all_of_them.of("shop-pay")) == 2
    assert await all_of_them.of("pay") == ()
    assert [one.service for one in await engine.all.listed()] == ["pay", "pay"]


async def test_a_name_made_of_project_and_service_that_is_taken_is_not_given_twice(
    engine: FakeEngine,
) -> None:
    engine.add("pay", 3)["Config"]["Labels"]["com.docker.compose.project"] = "else"
    engine.add("shop-pay", 1)["Config"]["Labels"]["com.docker.compose.project"] = "third"

    names = {one.service for one in await Containers(engine.client).listed()}

    assert names == {"shop.pay", "else-pay", "shop-pay"}


async def test_a_linked_container_has_its_own_name(engine: FakeEngine) -> None:
    engine.links["shop-pay-1"] = ("/shop-web-1/db", "/shop-web-1/shop-pay-1")

    assert {one.name for one in await engine.all.listed()} == {"shop-pay-1", "shop-pay-2"}


def test_only_a_newline_ends_a_line() -> None:
    body = "1Z a\u2028b\x0cc\u0085d\r\n2Z 10 %\r50 %\r100 %\r\n\n3Z e"

    assert texts(body.encode()) == ["1Z a\u2028b\x0cc\u0085d", "2Z 100 %", "3Z e"]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('{"level":50,"time":1,"msg":"x"}', "error"),
        ('{"level":30,"msg":"an error of others"}', "info"),
        ('{"version":"1.1","short_message":"x","level":4}', "warn"),
        ('{"msg":"water","level":4}', "info"),
        ("<11>1 2026-03-01T12:00:00Z host pay", "error"),
        ('ts=1 level=warn msg="error is gone"', "warn"),
        ('{"severity":"CRITICAL","message":"info"}', "critical"),
        ("E0301 12:00:00.000000       1 main.go:1] x", "error"),
        ("1:M 01 Mar 2026 12:00:00.000 # Out of sockets", "warn"),
        ("2026-03-01 12:00:00 UTC [1] FATAL:  password", "fatal"),
        ("plain words", "info"),
    ],
)
def test_a_line_says_how_serious_it_is(line: str, level: str) -> None:
    assert level_of(line) == level
