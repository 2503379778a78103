"""Prometheus of the past: nothing later than the moment is asked for; alerts are found again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest

from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.adapters.prometheus.episodes import PAUSE, STEP, PrometheusFirings
from aiops_agent.adapters.prometheus.past import PastClient, PastRules
from aiops_agent.adapters.prometheus.query import Select
from aiops_agent.domain.backtest import AlertPast
from aiops_agent.domain.errors import LimitReached, LookAhead, SourceError
from aiops_agent.domain.telemetry import AlertRule, RuleState, Window
from aiops_agent.ports.past import Meter, PastClock
from tests.adapters.prometheus.fake_prometheus import NOW, FakePrometheus, data, track

UP = Select("up")
DAY = Window(start=NOW - timedelta(days=2), end=NOW)


def client(fake: FakePrometheus, meter: Meter | None = None) -> PastClient:
    return PastClient.of(fake.client, PastClock(NOW), meter or Meter())


async def test_what_lies_behind_the_moment_is_not_asked_for() -> None:
    fake = FakePrometheus()
    past, later = client(fake), NOW + timedelta(seconds=1)
    with pytest.raises(LookAhead):
        await past.instant(UP, later)
    with pytest.raises(LookAhead):
        await past.range(UP, NOW - timedelta(hours=1), later, STEP)
    with pytest.raises(LookAhead):
        await past.metrics(NOW - timedelta(hours=1), later)
    assert fake.asked == []


async def test_a_question_without_a_time_is_one_of_the_moment() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        form = parse_qs(request.content.decode())
        seen.append(form["time"][0])
        return data({"resultType": "vector", "result": []})

    server = PrometheusClient("http://p", transport=httpx2.MockTransport(answer))
    await PastClient.of(server, PastClock(NOW), Meter()).instant(UP)
    assert seen == [f"{NOW.timestamp():.3f}"]


async def test_the_present_state_is_no_past_state() -> None:
    past = client(FakePrometheus())
    with pytest.raises(SourceError, match="now"):
        await past.targets()


async def test_a_rule_that_may_read_another_time_is_not_evaluated() -> None:
    listed = [
        {"name": "a", "query": text, "state": "firing"}
        for text in ("up offset -1h == 0", "up @ end() == 0", "up == 0")
    ]

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/rules"):
            return data({"groups": [{"name": "g", "rules": listed}]})
        return data({"resultType": "vector", "result": []})

    server = PrometheusClient("http://p", transport=httpx2.MockTransport(answer))
    rules = PastRules(PastClient.of(server, PastClock(NOW), Meter()))
    one, other, plain = await rules.rules()
    assert {rule.state for rule in (one, other, plain)} == {RuleState.UNKNOWN}
    for rule in (one, other):
        with pytest.raises(SourceError, match="later"):
            await rules.evaluate(rule)
    assert await rules.evaluate(plain) == ()
    assert isinstance(plain, AlertRule)


async def test_queries_and_bytes_are_counted_and_bounded() -> None:
    meter = Meter(most_queries=1)
    past = client(FakePrometheus(series=[{"__name__": "up"}]), meter)
    await past.metrics(NOW - timedelta(hours=1), NOW)
    assert meter.queries == 1
    assert meter.read > 10
    with pytest.raises(LimitReached):
        await past.metrics(NOW - timedelta(hours=1), NOW)


@dataclass
class Alerting:
    """Answers which alerts fired, in minutes before NOW; a portion above `most` is refused."""

    minutes: dict[str, Sequence[int]]
    most: timedelta = timedelta(days=2)
    down: bool = False
    asked: list[timedelta] = field(default_factory=list)

    async def fired(self, window: Window = DAY) -> AlertPast:
        server = PrometheusClient("http://p", transport=httpx2.MockTransport(self._answer))
        return await PrometheusFirings(PastClient.of(server, None, Meter())).fired(window)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        form = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
        start, end = (datetime.fromtimestamp(float(form[k]), UTC) for k in ("start", "end"))
        if self.down:
            return httpx2.Response(503, text="no")
        if "count" in form["query"]:
            return data({"resultType": "matrix", "result": [track(start, STEP, *"1" * 12)]})
        self.asked.append(end - start)
        if end - start > self.most:
            return httpx2.Response(422, json={"status": "error", "error": "too many samples"})
        found: list[Any] = []
        for name, minutes in self.minutes.items():
            at = [NOW - timedelta(minutes=one) for one in sorted(minutes, reverse=True)]
            inside = [[one.timestamp(), "1"] for one in at if start <= one <= end]
            labels = {"__name__": "ALERTS", "alertstate": "firing", "alertname": name, "job": "x"}
            found += [{"metric": labels, "values": inside}] if inside else []
        return data({"resultType": "matrix", "result": found})


async def test_stretches_of_an_alert_are_found_over_the_borders_of_questions() -> None:
    over_midnight = range(1430, 1452)  # the border between two questions lies at 1440
    found = await Alerting({"Slow": [*over_midnight, 30, 31]}).fired()
    began = [NOW - timedelta(minutes=1451), NOW - timedelta(minutes=31)]
    assert [one.began for one in found.episodes] == began
    assert found.episodes[0].ended == NOW - timedelta(minutes=1429)
    assert found.episodes[0].labels == {"alertname": "Slow", "job": "x"}


async def test_a_short_pause_is_none_and_what_fires_still_has_no_end() -> None:
    pause = int(PAUSE / STEP)
    found = await Alerting({"Slow": [60, 60 - pause], "Now": [2, 1, 0]}).fired()
    assert [(one.labels["alertname"], one.ended is None) for one in found.episodes] == [
        ("Slow", False),
        ("Now", True),
    ]


async def test_what_fired_before_the_beginning_is_told_and_left_out() -> None:
    found = await Alerting({"Old": range(2 * 1440 - 5, 2 * 1440 + 1)}).fired()
    assert found.episodes == ()
    assert found.unread == ("1 alerts that fired already at the start",)


async def test_a_day_that_is_too_much_is_read_in_parts_and_what_is_lost_is_named() -> None:
    six_hours = Alerting({"Slow": [30]}, most=timedelta(hours=6))
    assert len((await six_hours.fired()).episodes) == 1
    nothing = Alerting({"Slow": [30]}, most=timedelta(hours=1))
    with pytest.raises(SourceError, match="which alerts fired"):
        await nothing.fired()


async def test_a_server_that_is_down_is_an_error_and_not_a_quiet_month() -> None:
    with pytest.raises(SourceError):
        await Alerting({}, down=True).fired()
