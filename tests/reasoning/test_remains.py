"""What an action ends is kept as it was: state, use, last lines."""

from datetime import timedelta

import pytest

from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import LogLine, ServiceName, Workload
from aiops_agent.reasoning.remains import LONGEST, MOST_LINES, findings, read_remains
from tests.reasoning.world import BEGAN, World

PAY = ServiceName("pay")


def full() -> World:
    """Return a world with one instance that is nearly out of memory, and one that crashes."""
    lines = [
        LogLine(
            at=BEGAN + timedelta(seconds=n), service=PAY, level="info", text=text, instance=name
        )
        for n, (name, text) in enumerate(
            [("pay-2", "panic"), *[("pay-1", f"{n} {'x' * 999}") for n in range(30)]]
        )
    ]
    hog = Workload(
        service=PAY,
        name="pay-1",
        state="running",
        started_at=BEGAN,
        cpu_used=0.98,
        cpu_limit=1.0,
        memory_used=100 * 2**20,
        memory_limit=160 * 2**20,
    )
    crash = Workload(service=PAY, name="pay-2", state="restarting", exit_code=2, restarts=4)
    return World(instances=(hog, crash), log=tuple(lines))


async def test_each_instance_is_kept_with_its_own_last_lines() -> None:
    hog, crash = await read_remains(full().environment(), [PAY])

    assert len(hog.lines) == MOST_LINES
    assert hog.lines[-1].text.startswith("29 ")
    assert max(len(line.text) for line in hog.lines) == LONGEST
    assert [line.text for line in crash.lines] == ["panic"]


async def test_they_are_findings_in_words() -> None:
    hog, crash = findings(await read_remains(full().environment(), [PAY]), 7)

    assert (hog.id, hog.what) == ("E7", "before the action: pay-1")
    assert hog.now == "running, 0.98 of 1.00 cores, 100 MB of 160 MB memory"
    assert crash.now == "restarting, exit code 2, restarted 4 times"
    assert crash.query == "panic"


async def test_without_logs_the_state_is_kept() -> None:
    made = full()
    made.broken = {"logs"}

    assert [one.lines for one in await read_remains(made.environment(), [PAY])] == [(), ()]


async def test_without_a_platform_that_answers_nothing_is_made_up() -> None:
    made = full()
    made.broken = {"workloads"}

    with pytest.raises(SourceError, match="are away"):
        await read_remains(made.environment(), [PAY])
