"""A run goes on where it was, keeps to its bounds, and adds up what people make of it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aiops_agent.adapters.backtest_file import BacktestFile
from aiops_agent.backtest.tally import report, wilson
from aiops_agent.domain.backtest import (
    BacktestReport,
    Band,
    Healed,
    PastAnswer,
    PersonMark,
    Rightness,
    WouldHave,
)
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import BusyError, LimitReached, SourceError
from aiops_agent.interfaces.terminal.backtest import page, screen
from aiops_agent.interfaces.terminal.screen import screen as console
from aiops_agent.ports.past import Meter
from tests.backtest.past import DAY, FIRED, PastWorld, episode, often

HOUR = timedelta(hours=1)


async def reported(past: PastWorld) -> BacktestReport:
    run = await past.run()
    return report(past.world.environment().ref, run, past.answers().values(), past.marks())


async def test_what_is_done_is_not_done_again() -> None:
    past = often(2)
    await past.run()
    asked = len(past.asked)
    assert len(past.answers()) == 2

    run = await past.run()
    assert (len(past.asked), run.left) == (asked, 0)
    assert (await past.run(again=True)).queries > run.queries


async def test_a_bound_stops_it_and_the_next_run_goes_on() -> None:
    past = often(5)
    past.meter = Meter(most_queries=35)
    run = await past.run()
    assert 1 < len(past.answers()) < len(past.episodes)
    assert run.left == len(past.episodes)  # of its portion some are done already
    assert "--max-queries" in run.stopped

    past.meter = Meter()
    run = await past.run()
    assert (len(past.answers()), run.left, run.stopped) == (5, 0, "")


async def test_what_joins_an_answered_incident_later_is_kept_with_it() -> None:
    past = PastWorld(episodes=(episode(length=3 * HOUR),))
    found = await past.answer()
    again = episode(began=FIRED + HOUR, replica="b")
    past.episodes += (again,)
    run = past.backtest()
    terms = replace(run.terms, replica_labels=frozenset({"replica"}))
    await replace(run, terms=terms).run(DAY)
    [grown] = past.answers().values()
    assert [one.began for one in grown.alerts] == [FIRED, FIRED + HOUR]
    assert grown.decided_at == found.decided_at


async def test_a_run_that_is_broken_off_is_kept_with_its_reason() -> None:
    past = PastWorld(episodes=tuple(episode(began=FIRED + n * HOUR) for n in range(4)))
    past.world.broken.add("metrics")
    with pytest.raises(SourceError):
        await past.run()
    run = past.last_run()
    assert run is not None
    assert "metrics are away" in run.stopped


def test_bytes_are_bounded_too() -> None:
    meter = Meter(most_bytes=10)
    meter.ask()
    meter.took(11)
    with pytest.raises(LimitReached, match="--max-mb"):
        meter.ask()


async def test_notices_are_counted_per_day_of_telemetry() -> None:
    made = await reported(often(2))
    assert made.outcomes[WouldHave.ASKED] == 2
    assert (made.notices, made.notices_per_day) == (2, 2.0)
    assert made.healed[Healed.NO] == 2


async def test_marks_become_the_reliability_table() -> None:
    past = often(2)
    await past.run()
    for name, word in zip(past.answers(), (Rightness.RIGHT, Rightness.WRONG), strict=True):
        past.keep(PersonMark(id=name, rightness=word, by="ann", at=FIRED))
    made = await reported(past)
    band = next(iter(past.answers().values())).band
    [row] = [one for one in made.reliability if one.band is band]
    assert (row.answers, row.right, row.wrong) == (2, 1, 1)
    assert [(one.kind, one.right, one.wrong) for one in made.actions] == [("scale_pods", 1, 1)]
    others = [one for one in made.reliability if one.band is not band]
    assert all(one.low is None for one in others)


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),  # Wilson's interval, from published tables
    [(0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (5, 10, 0.237, 0.763), (81, 263, 0.255, 0.366)],
)
def test_the_interval_is_wilsons(right: int, of: int, low: float, high: float) -> None:
    assert wilson(right, of) == pytest.approx((low, high), abs=0.001)


async def test_the_file_keeps_everything_and_survives_a_torn_line(tmp_path: Path) -> None:
    past, file = often(2), BacktestFile.of(tmp_path / "new", EnvironmentRef.parse("docker:shop"))
    run = await past.run()
    answers = list(past.answers().values())
    file.keep(answers[0])
    with file.path.open("a") as torn:
        torn.write('{"v":1,"answer":{"id"')
    file.keep(answers[1])
    file.keep(PersonMark(id=answers[0].id, rightness=Rightness.WRONG, by="ann", at=FIRED))
    file.keep(PersonMark(id=answers[0].id, rightness=Rightness.RIGHT, by="ann", at=FIRED))
    file.keep(run)

    assert list(file.answers().values()) == answers
    assert file.marks() == {answers[0].id: Rightness.RIGHT}
    assert file.last_run() == run
    assert file.path.stat().st_mode & 0o077 == 0
    with file.alone(), pytest.raises(BusyError), file.alone():
        pass


def a_name(one: PastAnswer) -> str:
    return one.id


async def test_the_report_reads_on_a_screen_and_as_markdown() -> None:
    past = often(2)
    await past.run()
    first = next(iter(past.answers()))
    past.keep(PersonMark(id=first, rightness=Rightness.RIGHT, by="ann", at=FIRED))
    made = await reported(past)
    for width in (80, 140):
        out = console(width=width)
        with out.capture() as captured:
            out.print(screen(made, width))
        drawn = captured.get()
        assert all(a_name(one) in drawn for one in made.answers)
        assert "Notices per day: 2.00 (2 in 1.0 days)." in drawn
        assert "scale_pods" in drawn
    text = page(made)
    assert f"### {first}" in text
    assert "| medium |" in text or "| high |" in text or "| low |" in text
    assert "healed anyway: no; 10m later" in text
    assert Band.HIGH in {row.band for row in made.reliability}
    assert made.run.since == DAY.start
