"""The shop answers through the ports as any vendor would."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.telemetry import ChangeKind, ServiceKind, ServiceName, Signal, Window
from aiops_agent.ports.telemetry import Environment
from aiops_agent.simulator.plug import OpenShop, create_shop, imagined_shop, open_shop
from tests.simulator.conftest import Found
from tests.simulator.lab import trial

HOUR = timedelta(hours=1)


def past(environment: Environment, length: timedelta = HOUR) -> Window:
    """The window of that length that ends now."""
    now = environment.clock.now()
    return Window(start=now - length, end=now)


async def test_the_shop_has_nine_services_and_one_that_others_run(shop: OpenShop) -> None:
    graph = await shop.environment.topology.graph()

    kinds = [service.kind for service in graph.services]
    assert len(kinds) >= 9
    assert kinds.count(ServiceKind.DATABASE) == 2
    assert kinds.count(ServiceKind.EXTERNAL) == 1
    assert "payments-db" in graph.downstream("web")
    assert all(caller in graph.names and callee in graph.names for caller, callee in graph.calls)


async def test_a_window_is_answered_each_fifteen_seconds_and_not_beyond_now(shop: OpenShop) -> None:
    now = shop.environment.clock.now()
    window = Window(start=now - HOUR, end=now + HOUR)

    (series,) = await shop.environment.metrics.read(
        [ServiceName("payments-api")], [Signal.LATENCY], window
    )

    assert len(series.times) == 241
    assert series.times[-1] <= now
    assert {b - a for a, b in zip(series.times, series.times[1:], strict=False)} == {
        timedelta(seconds=15)
    }
    assert (series.source, series.query) == ("shop", 'latency_p95{service="payments-api"}')


_POOL = (Signal.POOL, Signal.POOL_WAIT)
_ELSEWHERE = (Signal.RESTARTS, Signal.TAIL)  # what the shop does not tell


@pytest.mark.parametrize(
    ("service", "signals"),
    [
        ("payments-api", set(Signal) - {Signal.QUEUE, Signal.CACHE_HITS, *_ELSEWHERE}),
        ("cache", set(Signal) - {Signal.QUEUE, *_ELSEWHERE, *_POOL}),
        ("mail-queue", set(Signal) - {Signal.CACHE_HITS, *_ELSEWHERE, *_POOL}),
        ("paygate", {Signal.LATENCY, Signal.TRAFFIC, Signal.ERRORS}),
        ("nobody", set()),
    ],
)
async def test_only_signals_that_exist_are_answered(
    service: str, signals: set[Signal], shop: OpenShop
) -> None:
    window = past(shop.environment)
    found = await shop.environment.metrics.read([ServiceName(service)], list(Signal), window)

    assert {series.signal for series in found} == signals


def test_a_service_that_answers_nobody_has_gaps_and_no_zero_latency() -> None:
    case = trial("slow-query", 1).restart("payments-db")

    latency = case.history.tracks["payments-db", Signal.LATENCY][-16:]
    assert None in latency
    assert all(value > 0.001 for value in latency if value is not None)
    assert max(case.recent("payments-db", Signal.ERRORS, 4)) > 0.9


def test_shop_time_stands_still_until_somebody_waits(shop: OpenShop) -> None:
    assert shop.environment.clock.now() == shop.environment.clock.now()


async def test_waiting_lets_time_go_on_and_never_back(shop: OpenShop) -> None:
    clock = shop.environment.clock
    began = clock.now()

    await clock.wait_until(began + timedelta(seconds=61))
    await clock.wait_until(began)

    assert clock.now() == began + timedelta(seconds=65)


def test_trouble_comes_on_a_thursday_after_three(shop: OpenShop) -> None:
    assert shop.environment.clock.now() > datetime(2026, 11, 19, 3, tzinfo=UTC)
    assert shop.environment.clock.now() < datetime(2026, 11, 19, 3, 10, tzinfo=UTC)


async def test_another_opening_of_the_folder_sees_the_same_world(
    shop: OpenShop, tmp_path: Path
) -> None:
    await shop.environment.clock.wait_until(shop.environment.clock.now() + HOUR / 6)

    again = open_shop(tmp_path / "shop-0")

    window = past(shop.environment)
    names = (await again.environment.topology.graph()).names
    assert str(again.environment.ref) == "shop:shop-0"
    assert again.alerts == shop.alerts
    for one in (shop, again):
        assert past(one.environment) == window
    first = await shop.environment.metrics.read(names, list(Signal), window)
    assert await again.environment.metrics.read(names, list(Signal), window) == first
    lines = await shop.environment.logs.lines(names, window)
    assert await again.environment.logs.lines(names, window) == lines


async def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        shop = create_shop(tmp_path / name, "pool-cut", 3)
        window = past(shop.environment, 2 * HOUR)
        names = (await shop.environment.topology.graph()).names
        series = await shop.environment.metrics.read(names, list(Signal), window)
        lines = await shop.environment.logs.lines(names, window)
        changes = await shop.environment.changes.changes(window)
        texts.append(repr([series, lines, changes, shop.alerts]))

    journals = [(tmp_path / name / "journal.jsonl").read_bytes() for name in ("a", "b")]
    assert journals[0] == journals[1]
    assert texts[0] == texts[1]


def test_another_seed_gives_another_world(found: Found) -> None:
    assert found(seed=1).environment.clock.now() != found(seed=2).environment.clock.now()


async def test_the_change_that_cut_a_pool_names_the_setting(found: Found) -> None:
    shop = found("pool-cut", 1)
    truth = shop.scenario.fault_of(1).service

    changes = await shop.environment.changes.changes(past(shop.environment, HOUR / 6))

    (change,) = [change for change in changes if change.service == truth]
    assert change.kind is ChangeKind.RELEASE
    assert change.settings["DB_POOL_SIZE"][0] == "8"
    assert int(change.settings["DB_POOL_SIZE"][1]) < 8


def test_the_default_alert_is_the_missions(shop: OpenShop) -> None:
    first, *storm = shop.alerts

    assert first.summary == "payments-api experiencing latency spikes"
    assert first.labels["service"] == "payments-api"
    assert {alert.labels["service"] for alert in storm} >= {"orders", "web"}
    assert len({alert.identity(()) for alert in shop.alerts}) == len(shop.alerts)


def test_an_unknown_scenario_is_answered_with_the_nearest_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="hung-process"):
        create_shop(tmp_path / "a", "hang-process", 1)


@pytest.mark.parametrize("names", [{"nobody": "x"}, {"web": "orders"}])
def test_names_that_do_not_fit_are_refused(names: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="its own name"):
        create_shop(tmp_path / "a", "traffic-surge", 1, names)


async def test_a_shop_of_which_nothing_is_written_lives_as_one_that_is(
    shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.open", lambda *_: pytest.fail("a file was opened"))
    imagined = imagined_shop(shop.scenario.name, shop.seed)

    assert imagined.alerts == shop.alerts
    service, window = ServiceName("payments-api"), past(imagined.environment)
    [series] = await imagined.environment.metrics.read((service,), (Signal.LATENCY,), window)
    assert (series,) == await shop.environment.metrics.read((service,), (Signal.LATENCY,), window)
