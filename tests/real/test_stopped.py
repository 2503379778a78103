"""The leader is stopped at a point of its story, another one takes over, and then it wakes.

Two processes on one PostgreSQL, on a shop whose journal tells what was really done. The lease is
short, so that a test is.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aiops_agent.domain.point import Point
from aiops_agent.simulator.journal import effects
from tests.kill.checker import told, violations
from tests.kill.job import Job
from tests.kill.lives import Nursery
from tests.kill.person import Person

from .processes import until

# Before a send is recorded, between that and the socket, and behind it.
POINTS = (Point.BEFORE_SEND, Point.SENDING, Point.AFTER_SEND)


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("point", POINTS)
def test_who_wakes_behind_its_time_does_and_writes_nothing(
    store_url: str, tmp_path: Path, point: Point, record_property: Callable[[str, object], None]
) -> None:
    job = Job(folder=str(tmp_path / "run"), kills=[point.value], stopped=True, store=store_url)
    Path(job.folder).mkdir()
    with Nursery() as first, Nursery() as second, ThreadPoolExecutor(1) as pool, Person(job):
        leader = pool.submit(first.run, job)
        until(lambda: job.died, 40, f"the leader to stop at {point}")
        code = second.run(job)
        assert code == 0, said(job)
        done, before = effects(next((Path(job.folder) / "shops").iterdir())), told(job)
        os.kill(job.process, signal.SIGCONT)
        ended = leader.result(40)

    assert ended == 1, said(job)
    assert "by now" in said(job), "the one that woke says why it ends"
    assert effects(next((Path(job.folder) / "shops").iterdir())) == done
    assert told(job) == before
    assert violations(job) == []
    count = f"stopped at {point}, taken over, woken: {len(done)} effect, 0 more, 0 events more"
    record_property("count", count)


def said(job: Job) -> str:
    return (Path(job.folder) / "stderr.txt").read_text()[-3000:]
