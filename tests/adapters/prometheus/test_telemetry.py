"""Signals over time: one question for many services, gaps where nothing was seen."""

from datetime import timedelta

import pytest

from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.telemetry import PrometheusMetrics
from aiops_agent.domain.telemetry import Series, ServiceName, Signal, Window

from .fake_prometheus import NOW, FakePrometheus, FixedClock, track

PAY, CART = ServiceName("pay"), ServiceName("cart")
WINDOW = Window(start=NOW - timedelta(seconds=20), end=NOW)
STEP = timedelta(seconds=5)
SERIES = [
    {"__name__": "http_request_duration_seconds_bucket", "service": name, "job": "shop"}
    for name in (PAY, CART)
]


def metrics(fake: FakePrometheus) -> PrometheusMetrics:
    return PrometheusMetrics(fake.client, Discovery(fake.client, FixedClock()))


async def read(fake: FakePrometheus) -> tuple[Series, ...]:
    return await metrics(fake).read([PAY, CART], [Signal.LATENCY], WINDOW)


async def test_services_that_are_alike_are_read_by_one_question() -> None:
    answers = [
        track(WINDOW.start, STEP, "0.1", "0.2", "0.3", "0.4", service="pay"),
        track(WINDOW.start, STEP, "1", "2", "3", "4", service="cart"),
    ]
    fake = FakePrometheus(series=SERIES, answers=answers)

    pay, cart = await read(fake)

    assert (pay.values, cart.values) == ((0.1, 0.2, 0.3, 0.4), (1, 2, 3, 4))
    assert len(fake.asked) == 2  # one to discover, one to read
    assert pay.times[0] == WINDOW.start
    assert pay.times[-1] < WINDOW.end


async def test_the_query_of_a_series_is_its_own() -> None:
    answers = [track(WINDOW.start, STEP, "0.1", service="pay")]

    (pay,) = await read(FakePrometheus(series=SERIES, answers=answers))

    assert pay.query == (
        "histogram_quantile(0.95, sum by (le) "
        '(rate(http_request_duration_seconds_bucket{service="pay"}[20000ms])))'
    )


async def test_the_tail_is_a_higher_quantile_of_the_same_histogram() -> None:
    answers = [track(WINDOW.start, STEP, "0.9", service="pay")]
    fake = FakePrometheus(series=SERIES, answers=answers)

    pay, *_ = await metrics(fake).read([PAY], [Signal.TAIL], WINDOW)

    assert pay.signal is Signal.TAIL
    assert pay.query.startswith("histogram_quantile(0.99, sum by (le) ")


async def test_missing_points_and_numbers_that_are_none_are_gaps() -> None:
    points = track(WINDOW.start + STEP, STEP, "NaN", "0.3", service="pay")

    (pay,) = await read(FakePrometheus(series=SERIES, answers=[points]))

    assert pay.values == (None, None, 0.3, None)


async def test_a_pair_without_any_number_is_left_out() -> None:
    answers = [track(WINDOW.start, STEP, "NaN", "NaN", service="pay")]

    assert await read(FakePrometheus(series=SERIES, answers=answers)) == ()


async def test_what_nobody_measures_is_not_asked_for() -> None:
    found = await metrics(FakePrometheus(series=SERIES)).read([PAY], [Signal.QUEUE], WINDOW)

    assert found == ()


@pytest.mark.parametrize(
    ("age", "questions"), [(timedelta(seconds=5), 1), (timedelta(seconds=60), 2)]
)
async def test_what_was_discovered_is_kept_for_a_while(age: timedelta, questions: int) -> None:
    fake = FakePrometheus(series=SERIES)
    first = Discovery(fake.client, FixedClock())
    await first.signals()

    later = Discovery(fake.client, FixedClock(NOW + age), _kept=first._kept)
    await later.signals()

    assert len(fake.asked) == questions
