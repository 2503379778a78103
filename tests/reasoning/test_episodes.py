"""Much trouble just before does not hide that of now, nor make it usual."""

import numpy as np

from aiops_agent.domain.telemetry import Objective, ServiceName, Signal
from aiops_agent.reasoning.episodes import last_split
from aiops_agent.reasoning.measure import Track
from aiops_agent.reasoning.read_alert import State, TimeFrame, read


def course(*levels: tuple[int, float]) -> Track:
    """Return an error share: so many samples, one a second, of each level."""
    values = np.concatenate([np.full(count, level) for count, level in levels])
    at = np.arange(len(values), dtype=np.float64)
    return Track(ServiceName("api"), Signal.ERRORS, at, values, "fake", "errors of api")


def test_a_beginning_is_found_behind_an_incident_that_took_a_third_of_the_time() -> None:
    seen = course((40, 0.0), (60, 0.4), (60, 0.0), (30, 0.33))

    assert last_split(seen, 200.0) == 160.0


def test_an_earlier_incident_makes_the_next_one_not_usual() -> None:
    seen = course((100, 0.0), (60, 0.4), (60, 0.0), (30, 0.33))

    found = read(seen, Objective(), TimeFrame(220.0, 249.0, 120.0))

    assert found.state is State.BAD
