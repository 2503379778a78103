"""What fires again after an end: a new look, a linked incident, or nothing but a repetition."""

from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.domain.alert import Alert, AlertState, Severity
from aiops_agent.domain.diagnosis import TriageVerdict
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.incident import Ending, Incident, Status
from aiops_agent.domain.notice import Occasion
from aiops_agent.domain.payload import EventType, IncidentOpened
from aiops_agent.workflow.again import SecondLook
from aiops_agent.workflow.dispatch import Dispatch
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.receive import Receive
from aiops_agent.workflow.recorder import IncidentRecorder
from tests import seams
from tests.interfaces.terminal import canned
from tests.workflow.place import HERE, START, Place, an_alert

LATER = timedelta(seconds=67)
ENDS = (Ending.FIXED, Ending.DISMISSED, Ending.HANDED_OVER)


async def fires(place: Place, **given: Any) -> None:
    """Let the alert arrive, in a body that says when it began."""
    alert: Alert = an_alert(**given)
    place.keep(alert, digest=f"{alert.starts_at}{alert.state}{place.clock.at}")
    await Receive(place.deps).handle(HERE)


def ends(place: Place, ending: Ending, *, incident: int = -1, closed: bool = True) -> Incident:
    """End an incident as the story does."""
    found = place.incidents()[incident]
    way = (Status.DIAGNOSING, Status.VERIFYING) if ending.status is Status.RESOLVED else ()
    for status in way:
        found = found.move(status, "", at=place.clock.at)
    place.put(found)
    record = IncidentRecorder(place.deps)
    record.ended(found.id, ending, "why")
    if closed:
        record.archived(found.id, None, "none", None)
    return place.incidents()[incident]


@pytest.mark.parametrize("ending", ENDS)
async def test_a_new_firing_after_the_end_is_a_linked_incident(
    place: Place, ending: Ending
) -> None:
    await fires(place)
    first = ends(place, ending)
    place.clock.go(seconds=67)
    await fires(place, starts_at=place.clock.at)
    before, again = place.incidents()
    assert before == first
    assert (again.after, again.firings, again.status) == (first.id, 2, Status.OPEN)
    opened = place.events(EventType.INCIDENT_OPENED)[-1]
    assert f"fires again after {first.id}" in opened.message


async def test_what_its_sender_called_resolved_fires_anew_whatever_beginning_it_says(
    place: Place,
) -> None:
    await fires(place)
    ends(place, Ending.DISMISSED)
    await fires(place, state=AlertState.RESOLVED)
    place.clock.go(seconds=67)
    await fires(place)
    assert [one.after for one in place.incidents()] == ["", "INC-0001"]


async def test_a_new_incident_counts_from_its_own_firing(place: Place) -> None:
    await fires(place)
    ends(place, Ending.FIXED)
    place.clock.go(minutes=11)
    began = place.clock.at
    await fires(place, starts_at=began)
    place.clock.go(minutes=1)
    await fires(place, starts_at=began)

    before, again = place.incidents()
    assert [[one.since for one in place.alerts(i)] for i in (before, again)] == [[START], [began]]


async def test_a_beginning_that_is_known_is_kept_and_of_two_the_later_until_it_ended(
    place: Place,
) -> None:
    later, known = START + timedelta(minutes=5), list[object]()
    for given in (
        {"starts_at": None},
        {"starts_at": later},
        {"starts_at": START},  # another replica of its sender
        {"starts_at": None},
        {"starts_at": later, "state": AlertState.RESOLVED},
        {"starts_at": START},
    ):
        place.clock.go(seconds=1)
        await fires(place, **given)
        [incident] = place.incidents()
        known += [one.starts_at for one in place.alerts(incident)]
    assert known == [None, later, later, None, later, START]


async def flaps_thrice(place: Place, ending: Ending) -> tuple[Incident, ...]:
    await fires(place)
    ends(place, ending)
    for _ in range(3):
        place.clock.go(seconds=13)
        await fires(place, state=AlertState.RESOLVED)
        await fires(place, starts_at=place.clock.at)
    return tuple(place.incidents())


@pytest.mark.parametrize("ending", [Ending.DISMISSED, Ending.HANDED_OVER])
async def test_what_flaps_right_behind_its_end_stays_one_incident(
    place: Place, ending: Ending
) -> None:
    (only,) = await flaps_thrice(place, ending)
    assert only.looking == (ending is Ending.DISMISSED)  # again, and reopened when it is true


async def test_what_could_not_be_looked_at_again_yet_is_a_new_incident(place: Place) -> None:
    await fires(place)
    ends(place, Ending.DISMISSED, closed=False)
    place.clock.go(seconds=3)
    await fires(place, starts_at=place.clock.at)
    assert [one.after for one in place.incidents()] == ["", "INC-0001"]


@pytest.mark.parametrize("ending", [Ending.DISMISSED, Ending.HANDED_OVER])
async def test_what_flaps_and_makes_another_incident_is_caught(
    place: Place, ending: Ending, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.FLAPS.plant(monkeypatch, lambda _holder, _at: False)
    assert len(await flaps_thrice(place, ending)) > 1


@pytest.mark.parametrize(("minutes", "after"), [(59, "INC-0001"), (60, ""), (200, "")])
async def test_only_within_the_flap_window_does_it_fire_again(
    place: Place, minutes: int, after: str
) -> None:
    await fires(place)
    ends(place, Ending.FIXED)
    place.clock.go(minutes=minutes)
    await fires(place, starts_at=place.clock.at)
    assert [one.after for one in place.incidents()] == ["", after]


@pytest.mark.parametrize("ending", [Ending.HANDED_OVER, Ending.REJECTED, Ending.TAKEN_OVER])
async def test_a_repetition_of_what_people_have_opens_nothing_ever(
    place: Place, ending: Ending
) -> None:
    await fires(place)
    ended = ends(place, ending)
    for _ in range(20):
        place.clock.go(hours=4)
        await fires(place)
    assert place.incidents() == [ended]


async def test_a_repetition_of_what_was_dismissed_is_looked_at_under_its_own_incident(
    place: Place,
) -> None:
    await fires(place)
    ends(place, Ending.DISMISSED)
    place.clock.go(hours=4)
    await fires(place)
    await fires(place)
    (found,) = place.incidents()
    assert (found.status, found.looking, found.story) == (Status.DISMISSED, True, "INC-0001~1")
    with place.store.read() as view:
        assert view.incidents.active_ids(HERE) == (found.id,)
        assert view.incidents.listed(open_only=True) == ()


async def test_what_is_not_reported_yet_is_not_looked_at_by_two(place: Place) -> None:
    await fires(place)
    ends(place, Ending.DISMISSED, closed=False)
    await fires(place)
    assert [one.looking for one in place.incidents()] == [False]


@pytest.mark.parametrize(("minutes", "incidents"), [(9, 1), (10, 2)])
async def test_what_recovered_and_still_fires_is_looked_at_when_its_echo_is_over(
    place: Place, minutes: int, incidents: int
) -> None:
    await fires(place)
    ends(place, Ending.FIXED)
    place.clock.go(minutes=minutes)
    await fires(place)
    assert len(place.incidents()) == incidents


async def test_two_replicas_with_two_beginnings_are_one_firing(place: Place) -> None:
    replicas = [
        an_alert(
            labels={"alertname": "A", "service": "web", "replica": name},
            starts_at=START + timedelta(seconds=seconds),
        )
        for name, seconds in (("a", 7), ("b", 0))
    ]
    place.keep(*replicas, digest="1")
    await Receive(place.deps).handle(HERE)
    ends(place, Ending.HANDED_OVER)
    for number in range(3):
        place.clock.go(hours=1)
        place.keep(*replicas[:: 1 if number % 2 else -1], digest=f"again {number}")
        await Receive(place.deps).handle(HERE)
    assert len(place.incidents()) == 1


async def test_a_repetition_that_opens_an_incident_is_caught(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.FIRES_ANEW.plant(monkeypatch, lambda *_: True)
    with pytest.raises(AssertionError):
        await test_a_repetition_of_what_people_have_opens_nothing_ever(place, Ending.HANDED_OVER)


async def test_a_new_firing_that_is_swallowed_is_caught(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.FIRES_ANEW.plant(monkeypatch, lambda holder, *_: False)
    with pytest.raises((AssertionError, ValueError)):
        await test_a_new_firing_after_the_end_is_a_linked_incident(place, Ending.FIXED)


def occasions(place: Place) -> list[tuple[Occasion, str]]:
    """Return what a receiver is told, of which incident."""
    told = Dispatch(place.deps, "pager", frozenset({HERE}))
    if events := place.events():
        told.take(tuple(events))
    with place.store.read() as view:
        waiting = view.outbox.waiting("pager")
    return [(one.occasion, one.incident) for one in waiting]


async def flaps(place: Place, ending: Ending, times: int, *, minutes: int = 5) -> None:
    for _ in range(times):
        place.clock.go(minutes=minutes)
        await fires(place, starts_at=place.clock.at)
        place.clock.go(minutes=1)
        ends(place, ending)


async def test_of_an_alert_that_flaps_people_hear_once_in_a_window(place: Place) -> None:
    await fires(place)
    ends(place, Ending.FIXED)
    await flaps(place, Ending.FIXED, 5)
    assert [one.firings for one in place.incidents()] == [1, 2, 3, 4, 5, 6]
    heard = [kind for kind, _ in occasions(place)]
    assert heard == [Occasion.RESOLVED, Occasion.FIRES_AGAIN]
    await flaps(place, Ending.FIXED, 1, minutes=40)
    assert occasions(place)[-1] == (Occasion.FIRES_AGAIN, "INC-0007")


async def test_people_hear_of_a_flap_that_is_worse_or_left_to_them_first(place: Place) -> None:
    await fires(place)
    ends(place, Ending.FIXED)
    await flaps(place, Ending.HANDED_OVER, 2)
    heard = [(Occasion.RESOLVED, "INC-0001"), (Occasion.ESCALATED, "INC-0002")]
    assert [one for one in occasions(place) if one[0] is not Occasion.FIRES_AGAIN] == heard
    place.clock.go(minutes=5)
    await fires(place, starts_at=place.clock.at)
    worse = place.incidents()[-1].model_copy(update={"severity": Severity.SEV1})
    place.put(worse)
    ends(place, Ending.HANDED_OVER)
    assert occasions(place)[-1] == (Occasion.ESCALATED, "INC-0004")


@pytest.mark.parametrize(
    ("label", "heard"), [("critical", [Occasion.DISMISSED]), ("warning", []), ("", [])]
)
async def test_somebody_hears_when_a_critical_alert_is_dismissed(
    place: Place, label: str, heard: list[Occasion]
) -> None:
    await fires(place, labels={"alertname": "Down", "service": "web", "severity": label})
    ends(place, Ending.DISMISSED)
    assert [kind for kind, _ in occasions(place)] == heard


@pytest.mark.parametrize("verdict", TriageVerdict)
async def test_a_second_look_reopens_what_is_not_contradicted(
    place: Place, verdict: TriageVerdict
) -> None:
    await fires(place)
    ends(place, Ending.DISMISSED)
    await fires(place)
    look = SecondLook(place.deps)
    seen = canned.TRIAGE.model_copy(update={"verdict": verdict})
    real = verdict is not TriageVerdict.CONTRADICTED
    for _ in range(2):  # a step may run again
        assert look.looked("INC-0001", seen) is real
    (found,) = place.incidents()
    assert (found.status is Status.OPEN, found.looking, found.round) == (real, False, 1)
    assert len(place.events(EventType.INCIDENT_REOPENED)) == real
    heard = [kind for kind, _ in occasions(place)]
    assert heard == ([Occasion.FIRES_AGAIN] if real else [])


async def test_a_look_that_breaks_ends_with_a_person(place: Place) -> None:
    await fires(place)
    ends(place, Ending.DISMISSED)
    await fires(place)
    ended = ends(place, Ending.HANDED_OVER)
    assert (ended.status, ended.looking) == (Status.ESCALATED, False)


@pytest.mark.parametrize("ending", ENDS)
async def test_a_person_reopens_what_has_ended(place: Place, ending: Ending) -> None:
    await fires(place)
    ends(place, ending)
    found = Gate(place.deps).reopen("INC-0001", "alex", "it is not over")
    assert (found.status, found.ending, found.ended_at) == (Status.OPEN, None, None)
    assert found.story == "INC-0001~1"
    (event,) = place.events(EventType.INCIDENT_REOPENED)
    assert event.message == "reopened by a person: it is not over"
    with pytest.raises(UsageError, match="goes on already"):
        Gate(place.deps).reopen("INC-0001", "alex", "")


async def test_an_incident_counts_its_firings_in_its_event(place: Place) -> None:
    await fires(place)
    ends(place, Ending.FIXED)
    await flaps(place, Ending.FIXED, 1)
    said = [e.payload for e in place.events(EventType.INCIDENT_OPENED)]
    told = [(p.after, p.firings, p.quiet) for p in said if isinstance(p, IncidentOpened)]
    assert told == [("", 1, False), ("INC-0001", 2, False)]
