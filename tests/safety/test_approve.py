"""Who may say what, when, and how often: every state against everything that can happen to it."""

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from aiops_agent.adapters.sql.approvals import SqlApprovals
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.approval import ApprovalState as State
from aiops_agent.domain.errors import ApprovalError
from aiops_agent.domain.incident import Status
from aiops_agent.domain.ledger import IntentState
from aiops_agent.domain.remediation import PreparedPlan
from aiops_agent.ports.store import Work
from aiops_agent.safety import approve
from tests import seams
from tests.safety.memory import MemoryStore
from tests.safety.mutants import mutants
from tests.safety.plans import NOW, a_decision, a_plan, a_request, stored
from tests.seams import Seam

PLAN, OTHER = a_plan(1), a_plan(2)
SOON = NOW + timedelta(minutes=2)
Record = Callable[[str, object], None]


def decides(**other: Any) -> Callable[[Work, Any], object]:
    return lambda work, found: approve.decide(work, found, a_decision(PLAN, **other))


def ends(state: State) -> Callable[[Work, Any], object]:
    return lambda work, found: approve.end(work, found, state, "why")


def arms(plan: PreparedPlan = PLAN, now: datetime = SOON) -> Callable[[Work, Any], object]:
    return lambda work, found: approve.arm(work, found.id, plan, now)


EVENTS = {
    "yes": decides(),
    "no": decides(approve=False),
    "yes to another plan": decides(digest=OTHER.digest),
    "yes by nobody": decides(by="  "),
    "yes at the expiry": decides(at=NOW + timedelta(minutes=15)),
    "yes before the question": decides(at=NOW - timedelta(hours=1)),
    "expire": ends(State.EXPIRED),
    "withdraw": ends(State.WITHDRAWN),
    "arm": arms(),
    "arm another plan": arms(OTHER),
    "arm too late": arms(now=NOW + timedelta(minutes=11)),
    "arm before the answer": arms(now=NOW - timedelta(hours=1)),
}
# What each event does to each state; everything that is not written here changes nothing.
MOVES = {
    (State.PENDING, "yes"): State.APPROVED,
    (State.PENDING, "no"): State.REJECTED,
    (State.PENDING, "expire"): State.EXPIRED,
    (State.PENDING, "withdraw"): State.WITHDRAWN,
    (State.APPROVED, "expire"): State.EXPIRED,
    (State.APPROVED, "withdraw"): State.WITHDRAWN,
    (State.APPROVED, "arm"): State.USED,
}


def table(store: SqlStore) -> list[str]:
    """Return every cell of state x event that does not do what is written."""
    wrong = []
    cells = [(state, event) for state in State for event in EVENTS]
    for number, (state, event) in enumerate(cells):
        request = stored(store, a_request(PLAN, state, id=f"INC-0001.{number}"))
        got = happens(store, request, EVENTS[event])
        if got is not MOVES.get((state, event), state):
            wrong.append(f"{state} + {event} -> {got}")
        with store.begin() as work:
            armed = work.ledger.of_plan(PLAN.incident, PLAN.digest, undo=False)
            armed += work.ledger.of_plan(OTHER.incident, OTHER.digest, undo=False)
            if bool(armed) != ((state, event) == (State.APPROVED, "arm")):
                wrong.append(f"{state} + {event} left {len(armed)} permissions to send")
            forget(work)
    return wrong


def happens(store: Any, request: Any, event: Callable[[Work, Any], object]) -> State:
    try:
        with store.begin() as work:
            event(work, work.approvals.get(request.id))
    except ApprovalError:
        pass
    with store.begin() as work:
        found = work.approvals.get(request.id)
        assert found is not None
        state: State = found.state
        return state


def forget(work: Any) -> None:
    work.ledger.connection.exec_driver_sql("DELETE FROM ledger")


def test_every_state_answers_every_event_as_written(
    store: SqlStore, record_property: Record
) -> None:
    assert table(store) == []
    record_property("count", f"approvals: {len(State) * len(EVENTS)} cells of state x event")


@pytest.mark.parametrize(
    ("seam", "defect", "caught"),
    [
        (seams.FLAW, lambda *_: "", "arm another plan"),
        (seams.LATE, lambda *_: "", "arm too late"),
        (seams.CLOCK_SLACK, timedelta(days=9), "yes before the question"),
        (seams.OPEN_APPROVALS, tuple(State), "used + withdraw"),
    ],
)
def test_the_table_catches(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, seam: Seam, defect: object, caught: str
) -> None:
    """Planted defects: no check, no use-by, no eye on the clock, ends that can be ended again."""
    seam.plant(monkeypatch, defect)
    assert any(caught in wrong for wrong in table(store))


def swapped(plans: int) -> tuple[int, list[str]]:
    """Approve plans, change a leaf of each in every way, and try to run what came out of it."""
    tried, armed, store = 0, [], MemoryStore()
    for number in range(plans):
        plan = a_plan(number)
        request = a_request(plan, State.APPROVED, id=f"INC-0001.{number}")
        stored(store, request)
        for document in mutants(plan.document()):
            try:
                other = PreparedPlan.of(document)
            except ValidationError:
                continue
            if other == plan:
                continue
            tried += 1
            if happens(store, request, arms(other)) is State.USED:
                armed.append(str(document))
                break
    return tried, armed


def test_a_yes_counts_for_exactly_the_plan_that_was_shown(record_property: Record) -> None:
    tried, armed = swapped(40)
    assert armed == []
    assert tried >= 2000
    record_property("count", f"approvals: {tried} changed plans refused")


def test_a_digest_that_leaves_something_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted defect: the words for people are not part of what is approved."""
    whole: Callable[[PreparedPlan], str] = vars(PreparedPlan)["digest"].fget
    blank = {"undo": "", "run": ""}

    def less(plan: PreparedPlan) -> str:
        steps = tuple(step.model_copy(update=blank) for step in plan.steps)
        return whole(plan.model_copy(update={"steps": steps}))

    seams.DIGEST.plant(monkeypatch, property(less))
    assert swapped(1)[1] != []


def race(store: SqlStore, request_id: str, draw: random.Random) -> list[State]:
    """Let 16 people and clocks end the same request at once; return who thinks they won."""
    with store.begin() as work:
        stale = work.approvals.get(request_id)
    won: list[State] = []
    start = threading.Barrier(16)
    kinds = ["yes", "no", "expire", "withdraw"]

    def one(kind: str) -> None:
        start.wait()
        try:
            with store.begin() as work:
                got = EVENTS[kind](work, stale)
        except ApprovalError:
            return
        if got is not None:
            won.append(MOVES[State.PENDING, kind])

    threads = [threading.Thread(target=one, args=(draw.choice(kinds),)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won


def test_of_sixteen_answers_in_the_same_moment_one_counts(
    store: SqlStore, record_property: Record
) -> None:
    draw = random.Random(7)
    for number in range(20):
        request = stored(store, a_request(PLAN, id=f"INC-0001.{number}"))
        won = race(store, request.id, draw)
        with store.begin() as work:
            found = work.approvals.get(request.id)
        assert found is not None
        assert won == [found.state]
    record_property("count", "approvals: 20 races of 16, one winner each")


def test_a_swap_without_compare_is_caught(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted defect: the state is written whatever it was."""

    def careless(self: SqlApprovals, request: Any, *, was: State) -> bool:
        found = self.get(request.id)
        assert found is not None
        return right(self, request, was=found.state)

    right = SqlApprovals.change
    seams.CHANGE.plant(monkeypatch, careless)
    request = stored(store, a_request(PLAN))
    assert len(race(store, request.id, random.Random(7))) > 1


def test_a_used_yes_gives_the_same_permissions_again_and_no_new_ones(store: SqlStore) -> None:
    request = stored(store, a_request(PLAN, State.APPROVED))
    with store.begin() as work:
        first = approve.arm(work, request.id, PLAN, SOON)
    with store.begin() as work:
        again = approve.arm(work, request.id, PLAN, SOON + timedelta(hours=9))
    assert first == again
    assert {intent.state for intent in first} == {IntentState.ARMED}
    assert [i.request for i in first] == [r for step in PLAN.steps for r in step.requests]


@pytest.mark.parametrize(
    "incident", [{"takeover": True}, {"status": Status.ESCALATED}, {"status": Status.RESOLVED}]
)
def test_nothing_is_armed_for_an_incident_that_is_not_ours(
    store: SqlStore, incident: dict[str, Any]
) -> None:
    request = stored(store, a_request(PLAN, State.APPROVED), **incident)
    with pytest.raises(ApprovalError, match="not the agent's"), store.begin() as work:
        approve.arm(work, request.id, PLAN, SOON)


def test_without_a_question_nothing_is_armed(store: SqlStore) -> None:
    with pytest.raises(ApprovalError, match="no approval"), store.begin() as work:
        approve.arm(work, "INC-0001.1", PLAN, SOON)


def test_without_an_incident_nothing_is_armed(store: SqlStore) -> None:
    with store.begin() as work:
        work.approvals.ask(a_request(PLAN, State.APPROVED))
    with pytest.raises(ApprovalError), store.begin() as work:
        approve.arm(work, "INC-0001.1", PLAN, SOON)


@pytest.mark.parametrize("state", State)
def test_every_ending_is_told_in_words(state: State) -> None:
    request = a_request(PLAN, state, note="why" if state is State.EXPIRED else "")
    words = approve.ending(request)
    assert state.value in words or "approved by a person (command)" in words
