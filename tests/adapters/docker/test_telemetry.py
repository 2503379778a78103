"""What Docker tells of services: topology, logs, changes."""

from datetime import UTC, datetime, timedelta

import pytest

from aiops_agent.adapters.docker.changes import DockerChanges
from aiops_agent.adapters.docker.containers import Containers, moment
from aiops_agent.adapters.docker.logs import DockerLogs, texts
from aiops_agent.adapters.docker.topology import DockerTopology, kind_of
from aiops_agent.domain.telemetry import ChangeKind, ServiceKind, ServiceName, Window

from .fake_engine import NOW, FakeEngine, frame

PAY = ServiceName("pay")
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
    labels = {"com.docker.compose.service": "pay", "image": "pay:0"}
    engine.events.append({"Action": "destroy", "Actor": {"ID": "x", "Attributes": labels}})

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


async def test_replicas_created_together_are_one_change(engine: FakeEngine) -> None:
    assert len(await DockerChanges(engine.all).changes(WINDOW)) == 1
