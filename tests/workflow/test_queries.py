"""Reads that many surfaces share: whose history, since when, and which of several."""

from datetime import timedelta

from aiops_agent.domain.event import Event
from aiops_agent.workflow.queries import Queries
from tests.contracts.samples import an_event
from tests.safety.plans import an_incident
from tests.workflow.place import START, Place


def opened(place: Place, number: int, minutes: int, events: int = 2) -> str:
    """Put an incident whose events were written that many minutes after the start."""
    name = f"INC-{number:04}"
    place.put(an_incident(id=name, opened_at=START + timedelta(minutes=minutes)))
    with place.store.begin() as work:
        for one in range(events):
            at = START + timedelta(minutes=minutes + one)
            changed = {"incident": name, "written_at": at}
            work.events.append(an_event(f"{name}-{one}").model_copy(update=changed))
    return name


def names(found: tuple[Event, ...]) -> set[str]:
    return {event.incident for event in found}


def test_histories_are_told_from_the_newest_back_to_a_moment(place: Place) -> None:
    old, middle, new = (opened(place, n, 10 * n) for n in (1, 2, 3))
    queries = Queries(place.store)

    def since(minutes: int | None) -> list[set[str]]:
        moment = None if minutes is None else START + timedelta(minutes=minutes)
        return [names(events) for events, _calls in queries.histories(moment)]

    assert since(None) == [{new}, {middle}, {old}]
    assert since(20) == [{new}, {middle}]  # it began at that very moment
    assert since(21) == [{new}]  # also where a later event of it lies behind
    assert since(31) == []


def test_an_incident_of_which_nothing_was_said_hides_none_before_it(place: Place) -> None:
    old = opened(place, 1, 10)
    opened(place, 2, 20, events=0)

    found = [names(events) for events, _calls in Queries(place.store).histories(START)]

    assert found == [set(), {old}]


def test_a_history_is_of_one_incident_however_its_name_is_written(place: Place) -> None:
    name = opened(place, 1, 0, events=7)
    opened(place, 2, 1, events=3)
    queries = Queries(place.store)

    whole = queries.history(name.lower())

    assert [event.key for event in whole] == [f"{name}-{n}" for n in range(7)]
    assert queries.newest_event() == 10
