"""Time is put under the phase that it was spent for."""

from datetime import timedelta

from aiops_agent.domain.timing import by_agent, by_phase, waited_for_people
from tests.interfaces.terminal.canned import EVENTS


def test_phases_sum_to_the_whole_time_of_both_clocks() -> None:
    """No second is lost, none counted twice."""
    spent = by_phase(EVENTS)

    assert sum((s.environment for s in spent), timedelta()) == EVENTS[-1].at - EVENTS[0].at
    whole = EVENTS[-1].written_at - EVENTS[0].written_at
    assert sum((s.wall for s in spent), timedelta()) == whole


def test_waiting_for_a_person_costs_no_shop_time() -> None:
    """The shop stands still while a person is asked."""
    approve = next(s for s in by_phase(EVENTS) if s.name == "approve")

    assert approve.environment == timedelta()
    assert waited_for_people(EVENTS) == timedelta(seconds=22)


def test_work_is_what_was_measured_per_agent() -> None:
    """`took` adds up; nothing measured is nothing."""
    work = {s.name: s.work for s in by_agent(EVENTS)}

    assert work["diagnose"] == timedelta(seconds=0.3)
    assert work["intake"] == timedelta()


def test_no_events_no_time() -> None:
    """An empty timeline is fine."""
    assert by_phase(()) == ()
    assert waited_for_people(()) == timedelta()
