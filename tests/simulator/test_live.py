"""The shop on the wall clock: a page that a Prometheus reads, and a fault that shows in it."""

import json
import re
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from aiops_agent.domain.errors import BusyError, UsageError
from aiops_agent.simulator.exposed import LiveShop, live_shop
from aiops_agent.simulator.serving import ShopServer, prometheus_snippet, settings_snippet

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SAMPLE = re.compile(r'([a-z_]+)\{([a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*)\} ([0-9.e+-]+)')


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


def shop(clock: Clock, **given: object) -> LiveShop:
    return live_shop(clock, seed=1, **given)  # type: ignore[arg-type] # as a test gives them


def counted(page: str) -> dict[tuple[str, str], float]:
    found = {}
    for line in page.splitlines():
        if not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, line
            found[match[1], match[2]] = float(match[3])
    return found


def p95(before: dict[tuple[str, str], float], after: dict[tuple[str, str], float]) -> float:
    """Return the upper bound of the bucket in which the 95th percentile of payments-api lies."""
    name, label = "http_request_duration_seconds", 'service="payments-api"'
    whole = after[f"{name}_count", label] - before[f"{name}_count", label]
    for (metric, labels), value in after.items():
        mine = metric == f"{name}_bucket" and label in labels and "Inf" not in labels
        if mine and value - before[metric, labels] >= 0.95 * whole:
            return float(labels.rpartition('le="')[2].rstrip('"'))
    return 99.0


def test_every_family_has_its_help_and_type_and_counters_only_rise() -> None:
    clock = Clock()
    live = shop(clock)
    clock.at += timedelta(minutes=1)
    page = live.metrics()
    for name in {name for name, _ in counted(page)}:
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        assert f"# HELP {family} " in page
        assert f"# TYPE {family} " in page
    clock.at += timedelta(minutes=1)
    later = counted(live.metrics())
    counters = [key for key in later if key[0].endswith(("_total", "_bucket", "_count"))]
    assert counters
    assert all(later[key] >= value for key, value in counted(page).items() if key in counters)


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_rates_are_the_shops_whatever_its_speed(speed: float) -> None:
    clock = Clock()
    live = shop(clock, speed=speed)
    clock.at += timedelta(minutes=2)
    found = counted(live.metrics())
    ok = found["http_requests_total", 'service="web",code="200"'] / 120
    assert 250 < ok < 450


def test_a_fault_shows_after_its_time_and_not_before() -> None:
    clock = Clock()
    live = shop(clock, scenario="traffic-surge", after=60.0)
    pages = [counted(live.metrics())]
    for _ in range(4):
        clock.at += timedelta(minutes=1)
        pages.append(counted(live.metrics()))
    assert p95(pages[0], pages[1]) < 0.4 < p95(pages[3], pages[4])
    assert live.lines(START)
    assert live.lines(clock.at + timedelta(minutes=1)) == []


def test_a_release_that_breaks_it_is_among_the_changes() -> None:
    clock = Clock()
    live = shop(clock, scenario="pool-cut", after=30.0)
    clock.at += timedelta(minutes=1)
    (change,) = live.changes()
    assert (change["kind"], change["at"]) == (
        "release",
        (START + timedelta(seconds=30)).isoformat(),
    )


def test_pages_are_served_and_what_is_not_there_says_what_is() -> None:
    clock = Clock()
    with ShopServer(shop(clock)) as server:
        clock.at += timedelta(seconds=30)
        assert "# TYPE http_requests_total counter" in read(server, "/metrics")
        assert json.loads(read(server, "/changes")) == []
        assert all(map(json.loads, read(server, "/logs").splitlines()))
        with pytest.raises(urllib.error.HTTPError, match="400"):
            read(server, "/logs?since=yesterday")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(server, "/")
        with (
            pytest.raises(BusyError, match="choose another port"),
            ShopServer(shop(clock), port=server.port),
        ):
            pass


def read(server: ShopServer, path: str) -> str:
    with urllib.request.urlopen(f"http://{server.address}{path}", timeout=5) as answer:
        body: bytes = answer.read()
        return body.decode()


def test_what_is_printed_and_served_to_configure_is_yaml_that_names_each_promise() -> None:
    scrape = yaml.safe_load(prometheus_snippet("127.0.0.1:9120"))
    assert scrape["scrape_configs"][0]["static_configs"][0]["targets"] == ["127.0.0.1:9120"]
    settings = yaml.safe_load(settings_snippet())
    assert settings["watch"] == {"signals": "open"}
    assert set(settings["services"]) == {"web", "catalogue", "cart", "orders", "payments-api"}


def test_a_scenario_that_is_not_known_names_those_that_are() -> None:
    with pytest.raises(UsageError, match="traffic-surge"):
        shop(Clock(), scenario="trafic-surge")
