"""An incident of the past is answered as it would have been then: by what was known, no more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.crew import without_llm
from aiops_agent.backtest.pinned import pinned
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.backtest import Band, Healed, PastAnswer, WouldHave
from aiops_agent.domain.diagnosis import CauseKind, Diagnosis, TriageVerdict
from aiops_agent.domain.errors import LookAhead, SourceError
from aiops_agent.domain.policy import Freeze
from aiops_agent.domain.telemetry import (
    AlertRule,
    Change,
    ChangeKind,
    LogLine,
    ServiceName,
    Signal,
    Window,
)
from aiops_agent.ports.past import PastClock
from tests import seams
from tests.backtest.past import API, DAY, FIRED, PastWorld, episode, surge
from tests.reasoning.world import BEGAN, step


async def test_an_overload_is_named_and_the_action_is_told() -> None:
    found = await PastWorld().answer()

    assert found.verdict is TriageVerdict.CONFIRMED
    assert found.cause is not None
    assert (found.cause.kind, found.cause.service) == (CauseKind.CAPACITY, API)
    assert found.would is WouldHave.ASKED
    assert [one.kind for one in found.actions] == ["scale_pods"]
    assert found.decided_at >= FIRED
    assert found.notice


async def test_nothing_is_read_behind_the_moment_but_for_the_verdict_on_healing() -> None:
    past = PastWorld()
    found = await past.answer()

    assert all(end <= clock for clock, end in past.asked)
    before = [end for clock, end in past.asked if clock <= found.decided_at]
    assert before
    assert max(before) <= found.decided_at
    assert max(end for _, end in past.asked) == found.decided_at + timedelta(minutes=10)


async def test_what_came_later_changes_no_word_of_the_answer() -> None:
    """Two worlds that are the same until the answer, and then part."""
    stays, goes = PastWorld(), PastWorld(world=surge(ends=600.0))
    first, second = await stays.answer(), await goes.answer()

    assert first.decided_at < BEGAN + timedelta(seconds=600)
    assert (first.healed, second.healed) == (Healed.NO, Healed.YES)
    after = {"healed": None, "healed_words": ""}
    assert first.model_copy(update=after) == second.model_copy(update=after)


async def test_a_diagnosis_that_looks_ahead_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    async def curious(briefing: Briefing) -> Answer[Diagnosis]:
        window = Window(start=briefing.now, end=briefing.now + timedelta(minutes=5))
        await briefing.environment.metrics.read((API,), (Signal.LATENCY,), window)
        raise AssertionError("the future was read")

    past = PastWorld(crew=replace(without_llm(), diagnose=curious))
    with pytest.raises(LookAhead, match=r"At .* what is of"):
        await past.run()

    # The planted defect: without the watch the same question is answered.
    seams.PAST_ASKED.plant(monkeypatch, lambda _self, _until: None)
    seams.PAST_ANSWERED.plant(monkeypatch, lambda _self, _times: None)
    with pytest.raises(AssertionError, match="the future was read"):
        await past.run()


async def test_a_replay_whose_clock_runs_ahead_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the replay begins an hour late, so that it knows how it ended."""
    right = await PastWorld(world=surge(ends=1800.0)).answer()

    seams.REPLAY_CLOCK.plant(monkeypatch, lambda at: PastClock(at + timedelta(hours=1)))
    wrong = await PastWorld(world=surge(ends=1800.0)).answer()

    assert (right.would, wrong.would) == (WouldHave.ASKED, WouldHave.DISMISSED)


async def test_an_answer_that_tells_of_a_later_time_is_caught() -> None:
    world = surge()
    late = LogLine(at=FIRED + timedelta(minutes=1), service=API, level="error", text="boom")
    world.log = (late,)
    clock = PastClock(FIRED)

    class Careless:
        async def lines(self, *_asked: object) -> tuple[LogLine, ...]:
            return (late,)

        async def changes(self, _window: Window) -> tuple[Change, ...]:
            return (
                Change(at=late.at, service=API, kind=ChangeKind.RELEASE, title="2", source="x"),
            )

    place = replace(world.environment(), logs=Careless(), changes=Careless())
    kept, _ = pinned(place, clock)
    window = Window(start=BEGAN, end=FIRED)
    with pytest.raises(LookAhead):
        await kept.logs.lines((API,), window)
    with pytest.raises(LookAhead):
        await kept.changes.changes(window)
    with pytest.raises(LookAhead):
        await kept.rules.evaluate(AlertRule(name="a", expression="b"), late.at)
    with pytest.raises(LookAhead):
        await kept.spans.spans((API,), Window(start=BEGAN, end=late.at))


async def test_an_alert_that_telemetry_contradicts_is_dismissed_after_its_watch() -> None:
    calm = surge()
    calm.courses[API, Signal.LATENCY] = step(0.1, 0.1)
    calm.courses[API, Signal.TRAFFIC] = step(40.0, 40.0)
    calm.courses[API, Signal.SATURATION] = step(0.4, 0.4)
    found = await PastWorld(world=calm).answer()

    assert (found.would, found.band, found.healed) == (WouldHave.DISMISSED, Band.DISMISSED, None)
    assert found.decided_at == FIRED + timedelta(minutes=5)
    assert not found.notice


async def test_what_the_moment_does_not_show_is_said() -> None:
    past = PastWorld()
    past.world.broken |= {"logs", "changes"}
    found = await past.answer()

    assert any("logs could not be read" in one for one in found.unknown)
    assert any("changes could not be read" in one for one in found.unknown)


async def test_a_freeze_of_that_day_denies_the_action() -> None:
    past = PastWorld()
    place = past.open

    def frozen(clock: object) -> object:
        return replace(place(clock), freezes=(Freeze(reason="year's end"),))  # type: ignore[arg-type]  # a test's

    past.open = frozen  # type: ignore[method-assign,assignment]  # a test's short hand
    found = await past.answer()
    assert (found.would, found.objection) == (WouldHave.DENIED, "scale_pods: year's end")


async def test_an_alert_of_nothing_that_is_seen_is_handed_over_undiagnosed() -> None:
    past = PastWorld(episodes=(episode("DiskFull", "backup-7"),))
    found = await past.answer()
    assert (found.would, found.band) == (WouldHave.HANDED_OVER, Band.NOT_DIAGNOSED)
    assert found.healed is Healed.UNSEEN


async def test_the_end_of_the_time_is_too_soon_for_a_verdict_and_looked_at_later() -> None:
    past = PastWorld(now=FIRED + timedelta(minutes=4))
    found = await past.answer()
    assert found.healed is Healed.TOO_SOON

    past.now = DAY.end
    again = await past.answer()
    assert (again.id, again.healed) == (found.id, Healed.NO)


async def test_metrics_that_fail_are_no_answer() -> None:
    past = PastWorld()
    past.world.broken.add("metrics")
    run = await past.run()
    assert past.answers() == {}
    assert (len(run.unread), run.stopped) == (1, "")

    past.world.broken.clear()
    assert (await past.answer()).would is WouldHave.ASKED


async def test_after_three_in_a_row_it_is_given_up() -> None:
    hours = [FIRED + timedelta(hours=hour) for hour in range(4)]
    past = PastWorld(episodes=tuple(episode(began=at) for at in hours))
    past.world.broken.add("metrics")
    with pytest.raises(SourceError, match="metrics are away"):
        await past.run()


def bands(answers: dict[str, PastAnswer]) -> list[Band]:
    return [one.band for one in answers.values()]


async def test_a_service_that_is_not_seen_is_never_dismissed() -> None:
    past = PastWorld(episodes=(episode(service="api"),))
    past.world.courses.clear()
    found = await past.answer()
    assert found.would is WouldHave.HANDED_OVER
    assert found.service == ServiceName("api")
    assert bands(past.answers()) == [found.band]
