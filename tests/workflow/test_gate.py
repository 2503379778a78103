"""The pause for a person: asked durably, reminded once, expired into no."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.adapters.sql.tables import CLOCKS, METADATA, REFUSED
from aiops_agent.domain.approval import (
    ApprovalState,
    Decision,
    RefusedAnswer,
    Ruling,
    Surface,
    Verdict,
)
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import ApprovalError, UsageError
from aiops_agent.domain.incident import Attempt, Status
from aiops_agent.domain.payload import ApprovalRefused
from aiops_agent.ports.telemetry import Environment
from aiops_agent.safety import approve
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.queries import Queries
from tests import seams
from tests.contracts.payloads import carried
from tests.interfaces.terminal import canned
from tests.safety.plans import a_decision, a_plan, an_incident
from tests.workflow.place import START, Place

PLAN = a_plan()
ASK = Verdict(ruling=Ruling.ASK, reason="a person decides")
ALLOW = Verdict(ruling=Ruling.ALLOW, reason="low risk")
ID = "INC-0001.1"


@pytest.fixture
def gate(place: Place) -> Gate:
    """A gate at which one plan waits."""
    place.put(an_incident(status=Status.DIAGNOSING))
    made = Gate(place.deps)
    assert made.ask(PLAN, ASK) == ID
    return made


def told(place: Place) -> list[str]:
    return [event.type.value.removeprefix("approval.") for event in place.events()]


def yes(place: Place, **other: object) -> Decision:
    return a_decision(PLAN, **{"at": place.clock.at, **other})


def test_the_question_is_stored_with_all_that_was_shown(place: Place, gate: Gate) -> None:
    request = gate.get(ID)
    assert request.prepared == PLAN
    assert (request.digest, request.state) == (PLAN.digest, ApprovalState.PENDING)
    assert request.expires_at == START + timedelta(minutes=15)
    assert place.incidents()[0].status is Status.AWAITING_APPROVAL


def test_asking_again_after_a_crash_asks_once_and_keeps_the_first_expiry(
    place: Place, gate: Gate
) -> None:
    before = gate.get(ID)
    place.clock.go(minutes=3)
    gate.ask(PLAN, ASK)
    assert gate.get(ID) == before
    assert told(place) == ["pending"]


def test_a_plan_that_is_asked_anew_is_kept_under_its_new_digest(place: Place, gate: Gate) -> None:
    asked = place.incidents()[0].amend(Attempt(number=1, diagnosis=canned.DIAGNOSIS))
    place.put(asked)
    again = PLAN.model_copy(update={"asked": 2})

    assert gate.ask(again, ASK) == again.approval != ID

    assert place.incidents()[0].attempts[0].prepared == again


def test_what_was_never_asked_is_not_waited_for(place: Place, gate: Gate) -> None:
    assert gate.look("INC-0001", "INC-0001.9") == 0


def test_there_is_one_reminder_at_half_time(place: Place, gate: Gate) -> None:
    assert gate.look("INC-0001", ID) == 450
    place.clock.go(minutes=7, seconds=29)
    assert gate.look("INC-0001", ID) == 1
    assert told(place) == ["pending"]
    place.clock.go(seconds=1)
    assert gate.look("INC-0001", ID) == 450
    place.clock.go(minutes=2)
    assert gate.look("INC-0001", ID) == 330
    assert told(place) == ["pending", "reminder"]


def test_nobody_answers_so_the_answer_is_no(place: Place, gate: Gate) -> None:
    place.clock.go(minutes=15)
    assert gate.look("INC-0001", ID) == 0
    assert gate.get(ID).state is ApprovalState.EXPIRED
    assert told(place) == ["pending", "ended"]
    with pytest.raises(ApprovalError, match="not waiting"):
        gate.answer(ID, yes(place))


def test_an_answer_after_the_expiry_does_not_count_even_when_nobody_looked(
    place: Place, gate: Gate
) -> None:
    place.clock.go(minutes=15)
    with pytest.raises(ApprovalError, match="expired"):
        gate.answer(ID, yes(place))
    assert told(place) == ["pending"]


def test_a_clock_that_jumps_back_ends_the_question(place: Place, gate: Gate) -> None:
    place.clock.go(hours=-1)
    assert gate.look("INC-0001", ID) == 0
    assert gate.get(ID).state is ApprovalState.WITHDRAWN
    assert "clock" in gate.get(ID).note
    assert told(place) == ["pending", "ended"]


def test_a_small_correction_of_the_clock_changes_nothing(place: Place, gate: Gate) -> None:
    place.clock.go(seconds=-3)
    assert gate.look("INC-0001", ID) == 450  # the largest time counts
    assert gate.answer(ID, yes(place)).state is ApprovalState.APPROVED


def test_a_clock_may_go_back_by_five_seconds_and_no_more(place: Place, gate: Gate) -> None:
    place.clock.go(seconds=-5)
    assert gate.look("INC-0001", ID) == 450
    place.clock.go(microseconds=-1)
    with pytest.raises(ApprovalError, match="clock was set back"):
        gate.answer(ID, yes(place))


def test_an_answer_ends_the_waiting_and_is_told_with_its_name(place: Place, gate: Gate) -> None:
    gate.answer(ID, yes(place, by="alex", surface=Surface.TERMINAL))
    assert gate.look("INC-0001", ID) == 0
    assert "approved by a person (terminal)" in place.events()[-1].message


@pytest.mark.parametrize("other", [{"digest": "0" * 64}, {"by": " "}])
def test_an_answer_that_does_not_count_is_recorded_and_the_question_stays(
    place: Place, gate: Gate, other: dict[str, str]
) -> None:
    with pytest.raises(ApprovalError):
        gate.answer(ID, yes(place, **other))
    assert told(place) == ["pending", "refused"]
    assert gate.look("INC-0001", ID) > 0
    assert [answer.why for answer in audit(place)] == [
        carried(place.events()[-1], ApprovalRefused).why
    ]
    place.put(an_incident(id="INC-0002"))
    of = Queries(place.store).refused
    assert (of("inc-0001"), of("INC-0002")) == (audit(place), ())


def test_an_answer_to_nothing_leaves_no_trace(place: Place, gate: Gate) -> None:
    with pytest.raises(ApprovalError, match="no approval"):
        gate.answer("INC-0001.9", yes(place))
    gate.refuse("INC-0001.9", "why")
    assert told(place) == ["pending"]
    assert audit(place) == ()


def settle(place: Place, gate: Gate, state: ApprovalState) -> None:
    """Bring the question to that end; PENDING is one that nobody ended with its incident."""
    if state in (ApprovalState.APPROVED, ApprovalState.REJECTED, ApprovalState.USED):
        gate.answer(ID, yes(place, approve=state is not ApprovalState.REJECTED))
    elif state is not ApprovalState.PENDING:
        request = gate.get(ID)
        with place.store.begin() as work:
            assert approve.end(work, request, state, "over")
    if state is ApprovalState.USED:
        used = gate.get(ID).model_copy(update={"state": state})
        with place.store.begin() as work:
            assert work.approvals.change(used, was=ApprovalState.APPROVED)


LATE = ("yes", "no", "another plan", "nobody", "unreadable file")


@pytest.mark.parametrize("over", [{"status": Status.ESCALATED}, {"takeover": True}, {}], ids=str)
@pytest.mark.parametrize("state", ApprovalState)
def test_a_late_answer_changes_nothing_but_the_audit(
    place: Place, gate: Gate, state: ApprovalState, over: dict[str, object]
) -> None:
    if state is ApprovalState.PENDING and not over:
        place.clock.go(minutes=15)  # nobody looked yet: it is over all the same
    settle(place, gate, state)
    place.put(place.incidents()[0].model_copy(update=over))
    before = everything(place)

    for given in LATE:
        late(place, gate, given)
        assert everything(place) == before
    kept = audit(place)
    assert [one.approve for one in kept] == [None, True, True, False, True]  # newest first
    for one in kept:
        assert (one.request, one.incident, one.at) == (ID, "INC-0001", place.clock.at)
        assert one.why


def late(place: Place, gate: Gate, given: str) -> None:
    """Answer too late, in one of five ways; the person is told no."""
    if given == "unreadable file":
        gate.refuse(ID, "The approval file must hold one line.")
        return
    changed: dict[str, dict[str, object]] = {
        "no": {"approve": False},
        "another plan": {"digest": "0" * 64},
        "nobody": {"by": " "},
    }
    with pytest.raises(ApprovalError):
        gate.answer(ID, yes(place, **changed.get(given, {})))


def everything(place: Place) -> dict[str, list[Any]]:
    """Every row of every table but the audit's, and the largest time seen."""
    assert isinstance(place.store, SqlStore)
    with place.store._engine.connect() as connection:
        left_out = (REFUSED.name, CLOCKS.name)
        tables = [table for table in METADATA.sorted_tables if table.name not in left_out]
        return {table.name: list(connection.execute(select(table))) for table in tables}


def audit(place: Place) -> tuple[RefusedAnswer, ...]:
    return Queries(place.store).refused()


def test_a_gate_that_tells_of_late_answers_is_caught(
    place: Place, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: every refused answer goes into the incident's timeline."""
    settle(place, gate, ApprovalState.REJECTED)
    seams.STANDS.plant(monkeypatch, lambda *_: True)
    before = everything(place)
    late(place, gate, "yes")
    assert everything(place) != before


def test_what_a_person_does_after_the_end_changes_nothing(place: Place, gate: Gate) -> None:
    """The end may come between their look and their word."""
    place.put(an_incident(status=Status.ESCALATED))
    before = everything(place)
    for late_word in (gate.take_over, gate.note):
        with pytest.raises(UsageError, match="INC-0001 has ended already"):
            late_word("INC-0001", "alex", "mine")
    assert everything(place) == before


def test_an_incident_whose_environment_is_gone_can_still_be_taken_over(place: Place) -> None:
    def gone(environment: EnvironmentRef) -> Environment:
        raise UsageError(f"There is no environment {environment}.")

    place.put(an_incident())
    Gate(replace(place.deps, environments=gone)).take_over("INC-0001", "alex", "mine")
    assert place.incidents()[0].takeover
    assert [event.at for event in place.events()] == [place.clock.at]


def test_of_what_was_merged_people_go_on_at_the_other_one(place: Place, gate: Gate) -> None:
    place.put(an_incident(merged_into="INC-0002"))
    for late_word in (gate.take_over, gate.note):
        with pytest.raises(UsageError, match="merged into INC-0002: go on there"):
            late_word("INC-0001", "alex", "mine")


@pytest.mark.parametrize("is_so", [{"closed": False}, {"looking": True}, {"status": Status.OPEN}])
def test_only_what_has_ended_and_rests_is_reopened(place: Place, is_so: dict[str, Any]) -> None:
    """Else two stories would write one incident."""
    place.put(an_incident(**({"status": Status.DISMISSED, "closed": True} | is_so)))
    with pytest.raises(UsageError, match="goes on already"):
        Gate(place.deps).reopen("INC-0001", "alex", "")


def test_a_person_who_takes_over_withdraws_the_question(place: Place, gate: Gate) -> None:
    place.put(place.incidents()[0].model_copy(update={"takeover": True}))
    assert gate.look("INC-0001", ID) == 0
    assert gate.get(ID).state is ApprovalState.WITHDRAWN


@pytest.mark.parametrize("answered", [True, False])
def test_what_the_world_has_overtaken_is_withdrawn_once(
    place: Place, gate: Gate, answered: bool
) -> None:
    if answered:
        gate.answer(ID, yes(place))
    for _ in range(2):
        gate.withdraw("INC-0001", ID, "it recovered by itself")
    assert gate.get(ID).state is ApprovalState.WITHDRAWN
    assert told(place).count("ended") == 1


def test_a_no_stays_a_no(place: Place, gate: Gate) -> None:
    gate.answer(ID, yes(place, approve=False, reason="not now"))
    gate.withdraw("INC-0001", ID, "it recovered by itself")
    assert gate.get(ID).state is ApprovalState.REJECTED
    assert told(place) == ["pending", "decided"]


def test_policy_answers_what_it_allows_and_nobody_is_asked(place: Place) -> None:
    place.put(an_incident(status=Status.DIAGNOSING))
    gate = Gate(place.deps)
    gate.ask(PLAN, ALLOW)
    decision = gate.get(ID).decision
    assert gate.ask(PLAN, ALLOW) == ID, "after a crash it is asked again, and was answered"
    assert gate.get(ID).decision == decision
    assert decision is not None
    assert (decision.surface, decision.approve) == (Surface.POLICY, True)
    assert told(place) == ["decided"]
