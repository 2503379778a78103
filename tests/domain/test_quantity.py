"""Numbers read as people write them."""

from datetime import timedelta

import pytest

from aiops_agent.domain.quantity import amount, roughly, span, target
from aiops_agent.domain.sparkline import BARS, sparkline
from aiops_agent.domain.telemetry import Signal
from tests.interfaces.terminal.canned import CRITERION


@pytest.mark.parametrize(
    ("signal", "value", "text"),
    [
        (Signal.LATENCY, 0.12, "120 ms"),
        (Signal.LATENCY, 0.0042, "4.2 ms"),
        (Signal.LATENCY, 2.9, "2.9 s"),
        (Signal.LATENCY, 0.9999, "1 s"),
        (Signal.ERRORS, 0.118, "11.8%"),
        (Signal.ERRORS, 0.0, "0%"),
        (Signal.SATURATION, 1.18, "118%"),
        (Signal.TRAFFIC, 41.2, "41/s"),
        (Signal.REPLICAS, 4.0, "4"),
        (Signal.LATENCY, None, "no data"),
        (Signal.LATENCY, float("nan"), "no data"),
        (Signal.LATENCY, float("inf"), "no data"),
    ],
)
def test_an_amount_has_its_unit(signal: Signal, value: float | None, text: str) -> None:
    """Seconds, shares, rates and counts; a gap is no number."""
    assert amount(signal, value) == text


def test_a_target_says_which_side_is_good() -> None:
    """Below for latency."""
    assert target(CRITERION) == "< 300 ms"


@pytest.mark.parametrize(
    ("seconds", "clock", "words"),
    [(4, "0:04", "4 s"), (130, "2:10", "2 min"), (3723, "1:02:03", "62 min"), (-5, "0:00", "0 s")],
)
def test_lengths_of_time_read_as_a_clock_or_in_words(seconds: int, clock: str, words: str) -> None:
    """Never negative."""
    assert span(timedelta(seconds=seconds)) == clock
    assert roughly(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize("cells", [0, 1, 12, 20, 24, 40])
def test_a_sparkline_has_exactly_its_cells(cells: int) -> None:
    """Whatever the number of values; a gap is a blank."""
    for values in ((), (1.0,), (1.0, float("nan"), 3.0), tuple(float(i) for i in range(24))):
        line = sparkline(values, cells)
        assert len(line) == cells
        assert set(line) <= {*BARS, " "}


def test_a_calm_signal_stays_low_and_a_changed_one_uses_the_height() -> None:
    """Noise of an unchanged signal must not shout."""
    calm = sparkline((40.0, 43.0, 41.0, 44.0), 4, changed=False)

    assert max(calm) <= BARS[2]
    assert sparkline((1.0, 9.0), 2) == BARS[0] + BARS[-1]
