"""Only what runs counts; who does not run is told with why, and with its last words."""

from datetime import timedelta

import pytest

from aiops_agent.domain.telemetry import LogLine, ServiceName, Workload
from aiops_agent.reasoning.instances import Headcount, findings, read_standings, standing
from tests.reasoning.world import BEGAN, World

PAY = ServiceName("pay")
NOW = BEGAN + timedelta(minutes=3)


def one(name: str = "pay-1", **other: object) -> Workload:
    given = {"service": PAY, "name": name, "state": "running", "image": "pay:2", **other}
    return Workload(**given)  # type: ignore[arg-type]  # a test's short hand


def crashed(name: str, **other: object) -> Workload:
    given = {"state": "restarting", "exit_code": 1, "restarts": 5, "ended_at": BEGAN, **other}
    return one(name, **given)


def stands(*instances: Workload) -> Headcount:
    found = standing(PAY, instances, NOW)
    assert found is not None
    return found


def test_two_that_crash_again_and_again_are_0_of_2() -> None:
    found = stands(crashed("pay-1"), crashed("pay-2"))
    assert found.sentence == "0 of 2 running: exit code 1 (×2), restarted 5 times (×2)"


@pytest.mark.parametrize("state", ["restarting", "paused", "dead", "exited", "Failed"])
def test_nothing_but_running_counts(state: str) -> None:
    lost = one("pay-2", state=state, exit_code=3)
    assert (stands(one(), lost).running, stands(one(), lost).lost) == (1, (lost,))


@pytest.mark.parametrize("restarts", [1, 7])
def test_between_two_crashes_it_does_not_count_as_running(restarts: int) -> None:
    moment = one(restarts=restarts, started_at=NOW - timedelta(seconds=3))
    assert stands(moment).count == "0 of 1 running"
    steady = one(restarts=7, started_at=NOW - timedelta(hours=3))
    assert not stands(steady).troubled


def test_who_ran_out_of_memory_is_told_with_the_limit() -> None:
    starved = crashed("pay-1", reason="OOMKilled", exit_code=137, memory_limit=160 * 2**20)
    assert "OOM-killed, limit 160 MB, exit code 137 (killed)" in stands(starved).why
    again = one(reason="OOMKilled", memory_limit=160 * 2**20, restarts=1)
    assert (stands(again).running, stands(again).troubled) == (1, True)


def test_one_that_fails_its_health_check_runs_and_is_ill() -> None:
    found = stands(one(health="unhealthy", probe="connection refused\n"), one("pay-2"))
    assert found.sentence == "2 of 2 running: health check fails: connection refused\\n (pay-1)"


def test_memory_that_is_nearly_used_up_is_told() -> None:
    full = one(memory_used=155 * 2**20, memory_limit=160 * 2**20)
    assert stands(full).why == "155 MB of 160 MB memory used"
    assert not stands(one(memory_used=80 * 2**20, memory_limit=160 * 2**20)).troubled
    assert not stands(one(memory_used=80 * 2**20)).troubled


def test_work_that_is_done_is_not_lost() -> None:
    done = one(state="exited", exit_code=0, wanted=False, ended_at=BEGAN)
    assert not stands(done).troubled
    assert stands(done, one("pay-2")).count == "1 of 1 running"


def test_who_was_stopped_is_missed_only_when_nobody_is_left() -> None:
    stopped = one(
        state="exited", reason="stopped on request", wanted=False, exit_code=0, ended_at=BEGAN
    )
    assert not stands(stopped, one("pay-2")).troubled
    assert stands(stopped).sentence == "0 of 1 running: stopped on request, exit code 0"


def test_an_end_of_last_week_is_no_part_of_this_trouble() -> None:
    old = one(state="exited", exit_code=1, ended_at=NOW - timedelta(days=7))
    assert not stands(old, one("pay-2")).troubled


def test_a_platform_that_knows_of_no_instance_says_nothing() -> None:
    assert standing(PAY, (), NOW) is None


async def test_the_last_words_are_those_of_the_one_that_was_lost() -> None:
    def line(seconds: int, instance: str, text: str) -> LogLine:
        at = BEGAN + timedelta(seconds=seconds)
        return LogLine(at=at, service=PAY, level="info", text=text, instance=instance)

    said = (line(-9, "pay-1", "boom"), line(-3, "pay-2", "fine"), line(60, "pay-1", "later"))
    made = World(instances=(crashed("pay-1"), one("pay-2")), log=said, now=NOW)

    (found,) = await read_standings(made.environment(), [PAY], NOW)
    count, words = findings((found,))

    assert (count.before, count.now) == ("2 wanted", "1 of 2 running")
    assert count.what == "instances: exit code 1 (pay-1), restarted 5 times (pay-1)"
    assert words.what == "last log line of pay-1: boom"
    assert (words.before, words.now) == ("02:59:51", "exit code 1")


async def test_a_source_that_does_not_answer_says_nothing() -> None:
    lost = (crashed("pay-1"),)
    away = World(instances=lost, broken={"workloads"})
    assert await read_standings(away.environment(), [PAY], NOW) == ()
    silent = World(instances=lost, broken={"logs"})
    (found,) = await read_standings(silent.environment(), [PAY], NOW)
    assert found.last is None
