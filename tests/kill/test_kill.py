"""`kill -9` at every boundary of the story, and at a second one while it recovers."""

import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import sqlalchemy as sa

from aiops_agent.domain.point import Point
from tests.kill.checker import told
from tests.kill.job import COMMIT, HELPS, TAKEN_BACK, Job
from tests.kill.run import Ended, run_all
from tests.kill.then import Then, plot_of

Record = Callable[[str, object], None]
SEED = 20261124
SAMPLE = (Point.AFTER_SEND,)  # `make test-real` dies at every one
STOPS = (
    Point.INCIDENT_OPENED,
    Point.PLANNED,
    Point.WAITING,
    Point.ARMED,
    Point.BEFORE_SEND,
    Point.AFTER_SEND,
    Point.SETTLED,
    Point.UNDO_ARMED,
    Point.ARCHIVED,
)
ONLY_TAKEN_BACK = (Point.UNDO_ARMED, Point.UNDONE)
# Not passed again once the process died at or behind them: what they stand before is done by then.
ONCE = (Point.INCIDENT_OPENED, Point.BEFORE_SEND, Point.AFTER_SEND, Point.RECORDED)
APART = (
    Point.ARMED,
    Point.BEFORE_SEND,
    Point.SENDING,
    Point.AFTER_SEND,
    Point.RECORDED,
    Point.UNDO_ARMED,
)
SEND_AGAIN = (Point.ARMED, Point.BEFORE_SEND, Point.UNDO_ARMED)


def plot(point: Point) -> str:
    return TAKEN_BACK if point in ONLY_TAKEN_BACK else HELPS


def later(point: Point) -> list[Point]:
    """Return the points that a process passes which goes on after a death at `point`."""
    order = list(Point)
    found = order[order.index(point) + 1 :]
    if point in ONLY_TAKEN_BACK:  # the second plan passes these once more
        found += [Point.ASKED, Point.DECIDED, Point.BEFORE_SEND, Point.AFTER_SEND, Point.SETTLED]
    else:
        found = [one for one in found if one not in ONLY_TAKEN_BACK]
    behind_the_send = point in (Point.AFTER_SEND, Point.RECORDED)
    passed = [one for one in ONCE if behind_the_send or one is Point.INCIDENT_OPENED]
    return [one for one in found if one not in passed] or [point]


def singles(folder: Path, points: Iterable[Point], store: str = "") -> list[Job]:
    return [
        Job(str(folder / f"once-{point}"), plot(point), [point.value], store=store)
        for point in points
    ]


def pairs(folder: Path) -> list[Job]:
    draw = random.Random(SEED)
    return [
        Job(str(folder / f"twice-{point}"), plot(point), [point.value, draw.choice(later(point))])
        for point in Point
    ]


def judged(ended: Iterable[Ended]) -> list[str]:
    """Return one line per run that broke a promise or did not die as it should."""
    return [
        f"{one.job.kills} ({one.job.plot}), died at {one.died}: {one.wrong or 'not exercised'}"
        for one in ended
        if one.wrong or one.died != one.job.kills
    ]


def counted(ended: list[Ended]) -> str:
    points = {one.died[0] for one in ended if one.died}
    kills = sum(len(one.died) for one in ended)
    doubled = [one for one in ended if any("more than once" in text for text in one.wrong)]
    lost = [one for one in ended if one.wrong and one not in doubled]
    return (
        f"kill points: {len(points)} of {len(Point)} exercised, {len(ended)} runs, {kills} kills, "
        f"{len(lost)} lost or wrong, {len(doubled)} doubled"
    )


def test_a_killed_process_loses_and_doubles_nothing(
    tmp_path: Path, record_property: Record
) -> None:
    ended = run_all(singles(tmp_path, SAMPLE))
    record_property("count", counted(ended))
    assert judged(ended) == []


@pytest.mark.long
@pytest.mark.timeout(900)
def test_an_executor_of_its_own_and_its_story_die_at_any_point(
    tmp_path: Path, record_property: Record
) -> None:
    """Points of both processes; with two executors the other one takes over."""
    drawn = [
        *((plot(point), (point,), 1) for point in APART),
        (HELPS, (Point.PREPARED, Point.AFTER_SEND), 2),
        (TAKEN_BACK, (Point.AFTER_SEND, Point.UNDO_ARMED), 2),
    ]
    jobs = [
        Job(str(tmp_path / str(number)), kind, [*map(str, kills)], executors=count)
        for number, (kind, kills, count) in enumerate(drawn)
    ]
    ended = run_all(jobs)
    record_property("count", f"executor of its own: {counted(ended)}")
    assert judged(ended) == []


@pytest.mark.slow
def test_hands_that_record_after_acting_are_caught(tmp_path: Path) -> None:
    """A planted defect: what the checker is for."""
    job = Job(str(tmp_path / "a"), kills=[Point.AFTER_SEND], executor="records after acting")
    (ended,) = run_all([job])
    assert ended.died == [Point.AFTER_SEND]
    assert any("done more than once" in wrong for wrong in ended.wrong), ended.wrong


def after(folder: Path, point: Point, then: Then, executor: str = "ours") -> Job:
    name = f"{point} {then} {executor}".replace(" ", "-")
    return Job(
        str(folder / name), plot_of(point), [point.value], then=then.value, executor=executor
    )


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_process_that_goes_on_sends_nothing_that_may_not_begin_any_more(
    tmp_path: Path, record_property: Record
) -> None:
    """A sample of every point x everything that may happen: `make prove STAGE=airlock`."""
    ended = run_all(
        [
            after(tmp_path, Point.ARMED, Then.TAKEN),
            after(tmp_path, Point.BEFORE_SEND, Then.STOPPED),
            after(tmp_path, Point.ARMED, Then.TAKEN, executor="permits all"),
        ]
    )
    *right, defect = ended
    record_property("count", f"kills and what happened then: {len(right)} runs, 0 wrong sends")
    assert judged(right) == []
    assert any("was sent though taken over" in flaw for flaw in defect.wrong), "planted"


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_point_once_and_with_a_second_death_while_recovering(
    tmp_path: Path, record_property: Record
) -> None:
    calm = [Job(str(tmp_path / f"calm-{name[0]}"), name) for name in (HELPS, TAKEN_BACK)]
    ended = run_all([*calm, *singles(tmp_path, Point), *pairs(tmp_path)])
    killed = ended[len(calm) :]
    record_property("count", counted(killed))
    assert judged(ended) == []
    undisturbed = {one.plot: told(one) for one in calm}
    assert {told(one.job) == undisturbed[one.job.plot] for one in killed} == {True}
    assert len({one.died[0] for one in killed}) == len(Point) >= 15


@pytest.mark.slow
def test_a_point_that_is_not_exercised_fails_the_run(tmp_path: Path) -> None:
    """The judge's own test: this plot never takes anything back."""
    (ended,) = run_all([Job(str(tmp_path / "a"), HELPS, [Point.UNDONE])])
    assert ended.wrong == []
    assert "not exercised" in judged([ended])[0]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_between_a_commit_and_its_checkpoint_nothing_is_lost_or_doubled(
    tmp_path: Path, record_property: Record
) -> None:
    """Deaths right after a transaction: the step ran, and the engine does not know it yet."""
    draw = random.Random(SEED)
    calm = run_all([Job(str(tmp_path / f"calm-{name[0]}"), name) for name in (HELPS, TAKEN_BACK)])
    helps, taken_back = (one.job.commits for one in calm)
    drawn = [(HELPS, n) for n in draw.sample(range(1, helps), 14)]
    drawn += [(TAKEN_BACK, n) for n in draw.sample(range(helps, taken_back), 6)]
    ended = run_all(
        [Job(str(tmp_path / f"{name[0]}{n}"), name, [f"{COMMIT}{n}"]) for name, n in drawn]
    )
    deaths = sum(len(one.died) for one in ended)
    record_property("count", f"commits: {len(ended)} runs, {deaths} deaths right after one")
    assert judged(ended) == []


@pytest.mark.real
@pytest.mark.timeout(600)
def test_a_process_that_is_asked_to_stop_leaves_its_story_to_the_next(
    tmp_path: Path, record_property: Record
) -> None:
    jobs = [Job(str(tmp_path / p), plot(p), [p.value], politely=True) for p in STOPS]
    ended = run_all(jobs)
    record_property("count", f"asked to stop: {counted(ended)}")
    assert judged(ended) == []


@pytest.mark.real
@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", [Point.INCIDENT_OPENED, Point.WAITING, Point.BEFORE_SEND])
def test_the_same_holds_on_every_database(point: Point, tmp_path: Path, store_url: str) -> None:
    ended = run_all(singles(tmp_path, [point], store_url))
    assert sa.make_url(store_url).get_backend_name() in ("sqlite", "postgresql")
    assert judged(ended) == []


@pytest.mark.real
@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", [Point.SENDING, Point.AFTER_SEND])
def test_of_two_executors_one_sends_on_every_database(
    point: Point, tmp_path: Path, store_url: str
) -> None:
    jobs = [Job(str(tmp_path / "a"), HELPS, [point.value], executors=2, store=store_url)]
    assert judged(run_all(jobs)) == []
