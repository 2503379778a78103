"""Durations read as written."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_agent.domain.duration import duration, spelled

WRITTEN = {
    "500ms": timedelta(milliseconds=500),
    "90s": timedelta(seconds=90),
    "1.5s": timedelta(seconds=1.5),
    "15m": timedelta(minutes=15),
    "1h30m": timedelta(minutes=90),
    "2d": timedelta(days=2),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_duration_has_a_number_and_a_unit(text: str) -> None:
    assert duration(text) == WRITTEN[text]
    assert duration(spelled(WRITTEN[text])) == WRITTEN[text]


@pytest.mark.parametrize("text", ["", "15", "m", "15 minutes", "-5s", "5s!", "1h 30m", "١٥"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="a number with a unit"):
        duration(text)


def test_nothing_is_spelled_too() -> None:
    assert spelled(timedelta()) == "0s"


@given(st.integers(0, 10**12))
def test_what_is_spelled_reads_back_to_the_millisecond(milliseconds: int) -> None:
    length = timedelta(milliseconds=milliseconds)

    assert duration(spelled(length)) == length


@given(st.text("0159.msdh x", max_size=12))
def test_a_text_is_a_length_of_time_or_a_value_error(text: str) -> None:
    try:
        length = duration(text)
    except ValueError:
        return
    assert length >= timedelta()
