"""Every move of an incident, allowed or not, and where each ending leads."""

from itertools import product

import pytest

from aiops_agent.domain.errors import TransitionError
from aiops_agent.domain.incident import ENDED, TRANSITIONS, Ending, Status
from tests.safety.plans import NOW, an_incident

# People split or merge it while nothing of it acts: it is triaged anew, or ends in another one.
CHANGEABLE = ("diagnosing", "awaiting_approval", "remediating", "verifying")
ALLOWED = {
    ("open", "diagnosing"),
    ("open", "dismissed"),
    ("open", "escalated"),
    ("diagnosing", "awaiting_approval"),
    ("diagnosing", "remediating"),
    ("diagnosing", "verifying"),
    ("diagnosing", "escalated"),
    *((status, "open") for status in CHANGEABLE),
    *((status, "dismissed") for status in CHANGEABLE),
    ("awaiting_approval", "remediating"),
    ("awaiting_approval", "verifying"),
    ("awaiting_approval", "diagnosing"),
    ("awaiting_approval", "escalated"),
    ("remediating", "verifying"),
    ("remediating", "diagnosing"),
    ("remediating", "escalated"),
    ("verifying", "resolved"),
    ("verifying", "diagnosing"),
    ("verifying", "escalated"),
}


@pytest.mark.parametrize(("here", "there"), list(product(Status, Status)))
def test_an_incident_moves_along_the_table_and_nowhere_else(here: Status, there: Status) -> None:
    incident = an_incident(status=here, note="before")

    if here is there:
        assert incident.move(there, "after", at=NOW) is incident, "a repeat changes nothing"
    elif (here, there) in ALLOWED:
        moved = incident.move(there, "after", at=NOW)
        assert (moved.status, moved.note) == (there, "after")
        assert moved.ended_at == (NOW if there in ENDED else None)
    else:
        with pytest.raises(TransitionError, match=f"from {here} to {there}"):
            incident.move(there, "after", at=NOW)


def test_the_table_has_a_row_for_every_status_and_no_way_out_of_an_end() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert {status for status, ways in TRANSITIONS.items() if not ways} == set(ENDED)


@pytest.mark.parametrize("status", [status for status in Status if status not in ENDED])
def test_a_person_can_be_given_an_incident_in_every_status(status: Status) -> None:
    assert Status.ESCALATED in TRANSITIONS[status]


@pytest.mark.parametrize("ending", Ending)
def test_every_ending_leads_to_a_status_that_is_an_end(ending: Ending) -> None:
    led = {Ending.FIXED: "resolved", Ending.HEALED: "resolved"}
    led |= dict.fromkeys((Ending.DISMISSED, Ending.MERGED), "dismissed")

    assert ending.status == led.get(ending, "escalated")
