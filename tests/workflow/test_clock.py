"""A clock that is set, back or forward: no expired question lives again, none is lost for good."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.approval import ApprovalState, Ruling, Verdict
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import ApprovalError
from aiops_agent.domain.incident import Status
from aiops_agent.domain.remediation import PreparedPlan
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.safety import times
from aiops_agent.safety.times import CLOCK_SLACK
from aiops_agent.workflow.commands import Commands
from aiops_agent.workflow.deps import note_time
from aiops_agent.workflow.gate import Gate
from tests import seams
from tests.safety.plans import a_decision, a_plan, an_incident
from tests.workflow.place import HERE, START, HandClock, Place

ASK = Verdict(ruling=Ruling.ASK, reason="a person decides")
PLAN, OTHER = a_plan(1), a_plan(2).model_copy(update={"incident": "INC-0002"})


@pytest.fixture
def gate(place: Place) -> Gate:
    """A gate at which a plan waits, and a second incident beside."""
    for number in (1, 2):
        place.put(an_incident(id=f"INC-{number:04}", status=Status.DIAGNOSING))
    made = Gate(place.deps)
    made.ask(PLAN, ASK)
    return made


def answered(place: Place, gate: Gate, plan: PreparedPlan = PLAN) -> bool:
    """Say yes to a plan; return whether it counts."""
    request = f"{plan.incident}.{plan.attempt}"
    try:
        gate.answer(request, a_decision(plan, at=place.clock.at))
    except ApprovalError:
        return False
    return True


def state(gate: Gate, plan: PreparedPlan = PLAN) -> ApprovalState:
    return gate.get(f"{plan.incident}.{plan.attempt}").state


def glanced(place: Place) -> None:
    """Let some process do something elsewhere, which notes the time."""
    Gate(place.deps).note("INC-0002", "kim", "still slow")


def test_an_expired_question_is_not_revived_by_a_clock_set_back_inside_its_window(
    place: Place, gate: Gate
) -> None:
    place.clock.go(minutes=16)
    glanced(place)
    place.clock.go(minutes=-6)
    assert not answered(place, gate)
    assert state(gate) is ApprovalState.WITHDRAWN
    assert not answered(place, gate)


def test_a_refused_answer_is_enough_to_note_the_time(place: Place, gate: Gate) -> None:
    place.clock.go(minutes=16)
    assert not answered(place, gate)
    place.clock.go(minutes=-15)
    assert not answered(place, gate)


def test_an_expired_question_is_not_revived_within_the_slack_either(
    place: Place, gate: Gate
) -> None:
    place.clock.go(minutes=15, seconds=1)
    glanced(place)
    place.clock.go(seconds=-4)
    assert not answered(place, gate)


def test_small_steps_back_add_up(place: Place, gate: Gate) -> None:
    for _ in range(2):
        place.clock.go(seconds=-4)
        glanced(place)
    assert not answered(place, gate)
    assert state(gate) is ApprovalState.WITHDRAWN


def test_every_open_question_is_withdrawn_told_and_its_story_woken(place: Place) -> None:
    woken: list[tuple[str, str]] = []
    assert isinstance(place.store, SqlStore)
    place.store = SqlStore(
        place.store._engine,
        lambda _connection, incident, key: woken.append((incident, key)),
    )
    gate = Gate(place.deps)
    for plan in (PLAN, OTHER):
        place.put(an_incident(id=plan.incident, status=Status.DIAGNOSING))
        gate.ask(plan, ASK)
    assert answered(place, gate, OTHER)  # said and not used yet: it does not count any more either
    place.clock.go(minutes=-5)
    assert gate.look("INC-0001", "INC-0001.1") == 0

    assert {state(gate), state(gate, OTHER)} == {ApprovalState.WITHDRAWN}
    ended = [event for event in place.events() if event.type == "approval.ended"]
    assert {event.incident for event in ended} == {"INC-0001", "INC-0002"}
    assert all("the clock was set back" in event.message for event in ended)
    clocks = [incident for incident, key in woken if key.endswith(":clock")]
    assert sorted(clocks) == ["INC-0001", "INC-0002"]


def test_forward_simply_expires(place: Place, gate: Gate) -> None:
    place.clock.go(days=400)
    assert gate.look("INC-0001", "INC-0001.1") == 0
    assert state(gate) is ApprovalState.EXPIRED


def test_after_a_poisoned_time_questions_are_asked_and_answered_again(
    place: Place, gate: Gate
) -> None:
    place.clock.go(days=20_000)
    glanced(place)
    place.clock.go(days=-20_000)
    gate.ask(OTHER, ASK)
    assert state(gate) is ApprovalState.WITHDRAWN
    place.clock.go(minutes=1)
    assert answered(place, gate, OTHER)


def test_while_a_question_waits_the_time_is_noted_and_a_jump_seen(place: Place, gate: Gate) -> None:
    note_time(place.deps)
    with place.store.read() as view:
        assert view.clock.latest() == place.clock.at
    place.clock.go(minutes=-1)
    note_time(place.deps)
    assert state(gate) is ApprovalState.WITHDRAWN
    place.clock.go(days=1)
    note_time(place.deps)  # nothing waits: nothing is written
    with place.store.read() as view:
        assert view.clock.latest() == place.clock.at - timedelta(days=1)


def test_another_process_is_judged_by_the_same_time(place: Place, gate: Gate) -> None:
    late = replace(place, clock=HandClock(place.clock.at + timedelta(minutes=14)))
    glanced(late)
    assert not answered(place, gate)


def test_a_repair_takes_back_what_a_poisoned_time_left_behind(place: Place, gate: Gate) -> None:
    web, here = ServiceName("web"), EnvironmentRef.parse("docker:local")
    shop = EnvironmentRef.parse("shop:a")
    commands = Commands(place.store, place.clock.now, *[_nobody] * 6)
    now, poison = place.clock.at, place.clock.at + timedelta(days=20_000)
    assert commands.mend_clock([here]).words == ()
    place.clock.at = poison
    with place.store.begin() as work:
        work.clock.put(poison)
        for one in (here, shop):
            work.sending.count(one, (web, web, web), poison)
            breaker = work.sending.breaker(one, web).failing("INC-0001", poison)
            work.sending.put(breaker.failing("INC-0002", poison))
    place.clock.at = now

    looked = commands.mend_clock([here, shop])
    assert (looked.latest, looked.questions, looked.actions) == (poison, 1, 3)
    assert looked.closed == ("web in docker:local",)
    assert len(looked.words) == 3
    assert state(gate) is ApprovalState.PENDING  # looked at only
    assert commands.mend_clock([here, shop], repair=True) == looked

    assert state(gate) is ApprovalState.WITHDRAWN
    assert commands.mend_clock([here, shop]).words == ()
    hour = timedelta(hours=1)
    with place.store.read() as view:
        assert view.sending.breaker(here, web).closed(now + hour - timedelta(seconds=1))
        assert not view.sending.breaker(here, web).closed(now + hour)
        assert view.sending.armed(here, now - hour, web) == 3  # they count for an hour
        assert view.sending.armed(here, now, web) == 0
        assert view.sending.armed(shop, now, web) == 3  # its time is its own
    assert not answered(place, gate)
    gate.ask(OTHER, ASK)
    assert answered(place, gate, OTHER)


@pytest.mark.parametrize(("late", "closed"), [(CLOCK_SLACK, ()), (CLOCK_SLACK * 2, (HERE,))])
def test_a_repair_leaves_what_may_be_so(
    place: Place, late: timedelta, closed: tuple[EnvironmentRef, ...]
) -> None:
    """A service that failed once is open, and one closed just now is so for its hour."""
    with place.store.begin() as work:
        once = work.sending.breaker(HERE, ServiceName("mail")).failing("INC-0001", START)
        twice = work.sending.breaker(HERE, ServiceName("web")).failing("INC-0001", START + late)
        for one in (once, twice.failing("INC-0002", START + late)):
            work.sending.put(one)
        found = times.mend(work, START, [HERE])

    assert found.closed == tuple(f"web in {one}" for one in closed)


def _nobody(*_given: object) -> Any:
    raise AssertionError


def revived(place: Place, gate: Gate) -> bool:
    place.clock.go(minutes=16)
    glanced(place)
    place.clock.go(minutes=-6)
    return answered(place, gate)


def test_a_clock_that_is_not_compared_is_caught(
    place: Place, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.JUMPED.plant(monkeypatch, lambda _view, _now: "")
    seams.NOTED.plant(monkeypatch, lambda _work, now: now)
    assert revived(place, gate)
