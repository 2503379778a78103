"""What ports told becomes the arrays that blame reads: nothing of it may be lost on the way."""

from datetime import timedelta

import numpy as np
import pytest

from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.reasoning.blame import blame
from aiops_agent.reasoning.gather import read_scene
from aiops_agent.reasoning.measure import Track
from aiops_agent.reasoning.observations import MetricKind
from aiops_agent.reasoning.observe import observations
from aiops_agent.reasoning.suspect import study
from tests.reasoning.scenes import BEGAN, Story, jump
from tests.reasoning.test_join import world

CHAIN = (("front", "api"), ("front", "side"), ("api", "store"))


def test_a_tail_that_moves_while_the_p95_does_not_names_the_service() -> None:
    """One request in fifty waits: the 95th percentile knows nothing of it."""
    told = Story(CHAIN, "front")
    for name in ("front", "api", "side", "store"):
        moved = {"api": 2.4, "front": 2.5}.get(name, 0.2)
        told.courses[ServiceName(name), Signal.TAIL] = jump(0.2, moved)

    assert told.case.blame.blamed[0].service == "api"


def test_errors_are_what_is_not_answered_so_that_half_a_per_cent_counts_alike() -> None:
    """A thousandth of failures where nothing failed before is no reason to blame anybody."""
    told = Story(CHAIN, "front").move("side", errors=(0.0, 0.0008))
    told.move("api", errors=(0.0, 0.05)).move("front", errors=(0.0, 0.05))
    seen = observations(told.scene)

    answered = seen.table.values[seen.table.kind == MetricKind.AVAILABILITY]
    assert float(np.nanmin(answered)) == pytest.approx(0.95, abs=0.02)
    assert blame(seen).blamed[0].service == "api"
    assert "side" not in {one.service for one in blame(seen).blamed if one.score > 0}


def test_days_without_a_sample_are_a_gap_and_no_rows() -> None:
    at = np.concatenate((np.arange(0.0, 6000.0, 60.0), 90_000.0 + np.arange(0.0, 600.0, 60.0)))
    told = Story(CHAIN, "front").scene
    tracks = {
        key: Track(one.service, one.signal, at, np.ones(len(at)), "test", "")
        for key, one in told.tracks.items()
    }
    table = observations(type(told)(**{**vars(told), "tracks": tracks})).table

    assert len(table.at) == len(at)
    assert table.since_gap(len(at)) == 100


async def test_where_samples_are_rare_more_of_the_time_before_is_read() -> None:
    """Nine samples of five minutes are too few to say what is usual."""
    rare = world(a={Signal.LATENCY: (0.1, 0.9)})
    rare.resolution, rare.history = 300.0, 86_400.0
    rare.now = BEGAN + timedelta(minutes=16)
    asked = rare.briefing()
    scene = await read_scene(asked.environment, asked.incident, asked.pace.baseline, asked.now)

    before = scene.tracks["a", Signal.LATENCY].between(-np.inf, BEGAN.timestamp())
    assert len(before) >= 16  # from so many on another start can be told apart
    assert study(scene).blame.blamed[0].service == "a"
