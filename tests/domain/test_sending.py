"""Limits read as written; a breaker closes after two failures in a row."""

from datetime import UTC, datetime, timedelta

import pytest

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.sending import ActionLimit, Limits, ServiceBreaker, limit
from aiops_agent.domain.telemetry import ServiceName

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 27, 21, 0, tzinfo=UTC)
WRITTEN = {
    "3/h": ActionLimit(3, HOUR),
    "3 / h": ActionLimit(3, HOUR),
    "10/1h": ActionLimit(10, HOUR),
    "0/d": ActionLimit(0, 24 * HOUR),
    "1/10m": ActionLimit(1, timedelta(minutes=10)),
    "2/1h30m": ActionLimit(2, 1.5 * HOUR),
    "1000/90s": ActionLimit(1000, timedelta(seconds=90)),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_limit_is_a_number_and_a_time_and_is_spelled_as_it_is_read(text: str) -> None:
    assert limit(text) == WRITTEN[text]
    assert limit(str(WRITTEN[text])) == WRITTEN[text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "h",
        "/h",
        "3/",
        "3/0h",
        "-1/h",
        "1.5/h",
        "3/hour",
        "3/h/h",
        "1001/h",
        "٣/h",
        "3 per h",
    ],
)
def test_anything_else_is_no_limit(text: str) -> None:
    with pytest.raises(ValueError, match="a limit"):
        limit(text)


@pytest.mark.parametrize("given", [3, 3.5, None, True, ["3/h"], {"most": 3}])
def test_a_limit_is_written_as_text(given: object) -> None:
    with pytest.raises(ValueError, match="such as 3/h"):
        Limits.of({"per_service": given})


def test_limits_are_kept_as_they_are_written() -> None:
    given = {"per_service": "2/30m", "per_environment": "7/d"}
    assert Limits.of(given).document() == given
    assert Limits().document() == {"per_service": "3/h", "per_environment": "10/h"}


def test_two_incidents_that_fail_in_a_row_close_a_service_for_an_hour() -> None:
    breaker = ServiceBreaker(environment=EnvironmentRef.parse("shop:a"), service=ServiceName("web"))
    once = breaker.failing("INC-0001", NOW)
    twice = once.failing("INC-0002", NOW)

    assert not once.closed(NOW)
    assert once.failing("INC-0001", NOW) == once  # the same incident told again
    assert not once.mended().failing("INC-0003", NOW).closed(NOW)  # not in a row
    assert twice.closed(NOW)
    assert twice.closed(NOW + HOUR - timedelta(seconds=1))
    assert not twice.closed(NOW + HOUR)
    assert twice.closed(NOW - HOUR)  # a clock that was set back opens nothing
    assert twice.failing("INC-0003", NOW + HOUR).closed(NOW + HOUR)
    assert not twice.mended().closed(NOW)
