"""What has to hold at each first send, not once at the beginning."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.adapters.sql.tables import LEDGER
from aiops_agent.domain.approval import ApprovalState, Opinion, Ruling, Verdict
from aiops_agent.domain.errors import ApprovalError, NotPermitted, OnHold, PlatformError, Tampered
from aiops_agent.domain.incident import Status
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import EffectState, Outcome, Request
from aiops_agent.safety import approve, permit, send
from tests import seams
from tests.safety.deaths import YES_USED, Died, Life, Then, lived_through, parted
from tests.safety.memory import inline
from tests.safety.plans import NOW, a_decision, a_plan, a_request, an_incident, stored
from tests.safety.scripted import Scripted
from tests.seams import Seam

Record = Callable[[str, object], None]
DENY = Verdict(
    ruling=Ruling.DENY,
    reason="no changes on Fridays",
    opinions=(Opinion(rule="change-freeze", ruling=Ruling.DENY, reason="no changes on Fridays"),),
)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(asyncio, "to_thread", inline)


def test_after_a_death_nothing_begins_that_may_not_begin_by_then(record_property: Record) -> None:
    found = lived_through([1])

    record_property("count", f"deaths in memory: {found.deaths} x what happened then, 0 wrong")
    assert found.wrong == []
    assert found.deaths > 130


async def nothing(*_: Any) -> None:
    """Ask nothing."""


@pytest.mark.parametrize(
    ("seam", "defect", "then", "caught"),
    [
        (seams.PERMITTED, lambda *_: None, Then.TAKEN, "was sent"),
        (seams.PERMITTED, lambda *_: None, Then.ENDED, "was sent"),
        (seams.LATE, lambda *_: "", Then.LATE, "was sent"),
        (seams.GREW_STRICTER, lambda *_: None, Then.FROZEN, "was sent"),
        (seams.STOPPED, lambda _view: "", Then.STOPPED, "was sent"),
        (seams.FRESH, nothing, Then.CHANGED, "was sent"),
        (seams.GENUINE, lambda view, name, _: view.approvals.get(name), Then.EDITED, "approved"),
    ],
)
def test_the_deaths_catch(
    monkeypatch: pytest.MonkeyPatch, seam: Seam, defect: object, then: Then, caught: str
) -> None:
    """Planted defects: one check left out each."""
    seam.plant(monkeypatch, defect)
    assert any(caught in wrong for wrong in lived_through([1], [then]).wrong)


async def test_what_was_begun_is_finished_and_the_rest_said_part_by_part() -> None:
    life = Life(parted(a_plan(1, 2)))
    assert await life.goes_on(die_at=6) is None  # two marks before the second request
    life.happens(Then.TAKEN)

    end = await life.goes_on()

    assert isinstance(end, Outcome)
    states = [effect.state for effect in end.effects]
    assert states == [EffectState.APPLIED] * 2 + [EffectState.SKIPPED] * 2
    assert "taken over" in end.halted
    assert all("taken over" in effect.note for effect in end.effects[2:])
    assert end.begun
    assert not end.torn


async def test_a_part_that_cannot_be_finished_is_torn() -> None:
    life = Life(parted(a_plan(1, 2)))
    assert await life.goes_on(die_at=6) is None
    life.happens(Then.CHANGED)

    end = await life.goes_on()

    assert isinstance(end, Outcome)
    assert [e.state for e in end.effects] == [EffectState.APPLIED] + [EffectState.SKIPPED] * 3
    assert end.torn


async def test_a_yes_of_which_nothing_was_begun_is_withdrawn_with_its_reason() -> None:
    life = Life(parted(a_plan(1, 2)))
    assert await life.goes_on(die_at=1) is None  # armed
    life.happens(Then.CHANGED)
    end = await life.goes_on()
    assert isinstance(end, Outcome)
    assert (end.begun, life.platform.left) == (False, [])

    with life.store.begin() as work:
        used = work.approvals.get(life.request.id)
        assert used is not None
        assert used.state is ApprovalState.USED
        ended = approve.end(work, used, ApprovalState.WITHDRAWN, end.halted)
    assert ended is not None
    assert ended.note == "the target changed since the plan was made"


async def test_a_yes_of_which_something_was_sent_is_not_withdrawn() -> None:
    life = Life(parted(a_plan(1, 2)))
    await life.goes_on()
    with life.store.begin() as work:
        used = work.approvals.get(life.request.id)
        assert approve.end(work, used, ApprovalState.WITHDRAWN, "too late") is None


@pytest.mark.parametrize("then", [Then.CHANGED, Then.FROZEN, Then.TAKEN, Then.ENDED])
async def test_what_may_not_begin_is_not_even_armed(then: Then) -> None:
    life = Life(a_plan(1, 2))
    life.happens(then)

    end = await life.goes_on()

    assert isinstance(end, NotPermitted)
    assert (life.rows, life.platform.left) == ((), [])
    assert life.store.approvals.rows[life.request.id].state is ApprovalState.APPROVED


@pytest.mark.parametrize(
    ("seam", "then"), [(seams.AS_PLANNED, Then.CHANGED), (seams.GREW_STRICTER, Then.FROZEN)]
)
async def test_arming_without_a_check_is_caught(
    monkeypatch: pytest.MonkeyPatch, seam: Seam, then: Then
) -> None:
    """Planted defects: the target and policy are not looked at again when arming."""
    life = Life(a_plan(1, 2))
    seam.plant(monkeypatch, nothing if seam is seams.AS_PLANNED else lambda *_: None)
    life.happens(then)
    await life.goes_on()
    assert life.rows != ()


@pytest.mark.parametrize(
    ("was", "now", "armed"),
    [
        (Ruling.ASK, Ruling.ALLOW, True),
        (Ruling.ASK, Ruling.ASK, True),
        (Ruling.ASK, Ruling.DENY, False),
        (Ruling.ALLOW, Ruling.ALLOW, True),
        (Ruling.ALLOW, Ruling.ASK, False),  # a rule said yes; by now a person has to
        (Ruling.ALLOW, Ruling.DENY, False),
    ],
)
def test_policy_that_grew_stricter_ends_a_yes(was: Ruling, now: Ruling, armed: bool) -> None:
    asked = a_request(a_plan(1), ApprovalState.APPROVED)
    asked = asked.model_copy(update={"verdict": Verdict(ruling=was, reason="as it was")})
    verdict = DENY if now is Ruling.DENY else Verdict(ruling=now, reason="no rule allows it")
    if armed:
        permit.stricter(asked, verdict)
        return
    with pytest.raises(NotPermitted, match=r"rule (change-freeze|default): no "):
        permit.stricter(asked, verdict)


async def test_of_what_is_not_repeatable_only_a_death_at_the_socket_is_unknown() -> None:
    """What is recorded as begun, and provably never left, would end with a person for nothing."""
    unknown: list[Point] = []
    for die_at in range(1, 100):
        life = Life(a_plan(3, 2, repeatable=False))
        if await life.goes_on(die_at) is not None:
            break
        end = await life.goes_on()
        assert isinstance(end, Outcome)
        if end.state is EffectState.UNKNOWN:
            unknown.append(life.passed[die_at - 1])
    assert set(unknown) == {Point.SENDING}


async def test_what_did_not_leave_is_a_first_send_again_with_every_check() -> None:
    class Away(Scripted):
        async def send(self, request: Request, begin: Any = None) -> Any:
            await begin()
            with life.store.begin() as work:
                incident = work.incidents.get("INC-0001")
                work.incidents.put(incident.model_copy(update={"takeover": True}))
            raise PlatformError("It does not answer.")

    life = Life(a_plan(1, 1), platform=Away())
    end = await life.goes_on()
    assert isinstance(end, Outcome)
    assert {effect.state for effect in end.effects} == {EffectState.SKIPPED}
    assert "taken over" in end.halted
    assert life.rows[0].sends == 1


@pytest.mark.parametrize(("die_at", "left"), [(3, 0), (4, 1)])
async def test_a_row_that_is_being_sent_and_was_edited_is_never_sent_nor_believed(
    die_at: int, left: int
) -> None:
    life = Life(parted(a_plan(1, 1)))
    assert await life.goes_on(die_at) is None  # sending: before and after it left
    row = life.rows[0]
    other = row.request.model_copy(update={"words": "rm -rf /"})
    life.store.ledger.rows[row.operation] = row.model_copy(update={"request": other})
    end = await life.goes_on()
    assert isinstance(end, Outcome)
    assert end.state is EffectState.UNKNOWN
    assert len(life.platform.left) == left


ATTACKS: dict[str, Callable[[Intent], dict[str, Any]]] = {
    "payload": lambda row: {
        "request": row.request.model_copy(update={"payload": {"uid": "another"}})
    },
    "words": lambda row: {"request": row.request.model_copy(update={"words": "harmless"})},
    "repeatable": lambda row: {
        "request": row.request.model_copy(update={"repeatable": not row.request.repeatable})
    },
    "part": lambda row: {"request": row.request.model_copy(update={"part": "begun"})},
    "ordinal": lambda row: {"ordinal": row.ordinal + 1},
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_row_that_was_edited_anywhere_is_not_sent(attack: str) -> None:
    life = Life(parted(a_plan(1, 1)))
    assert await life.goes_on(die_at=1) is None  # armed
    row = life.rows[0]
    life.store.ledger.rows[row.operation] = row.model_copy(update=ATTACKS[attack](row))
    try:
        await life.goes_on()
    except Tampered:
        pass
    assert row.operation not in life.platform.left


@pytest.mark.parametrize("gone", [0, 1])
async def test_rows_that_were_taken_away_or_added_send_nothing(gone: int) -> None:
    life = Life(parted(a_plan(1, 1)))
    assert await life.goes_on(die_at=1) is None
    row = life.rows[gone]
    if gone:
        del life.store.ledger.rows[row.operation]
    else:
        added = row.model_copy(update={"operation": "INC-0001.1.9.9", "ordinal": 9})
        life.store.ledger.rows[added.operation] = added
    with pytest.raises(Tampered):
        await life.goes_on()
    assert life.platform.left == []


@pytest.mark.parametrize("field", ["prepared", "digest", "decision", "state"])
async def test_an_approval_that_was_edited_after_arming_sends_nothing(field: str) -> None:
    life = Life(parted(a_plan(1, 1)))
    assert await life.goes_on(die_at=1) is None
    used = life.store.approvals.rows[life.request.id]
    other = a_plan(7, 1)
    changes: dict[str, Any] = {
        "prepared": other,
        "digest": other.digest,
        "decision": a_decision(other),
        "state": ApprovalState.APPROVED,
    }
    life.store.approvals.rows[used.id] = used.model_copy(update={field: changes[field]})
    await life.goes_on()
    assert life.platform.left == []


async def test_a_way_back_that_was_edited_is_not_sent() -> None:
    life = Life(a_plan(1, 1))
    await life.goes_on()
    left = len(life.platform.left)
    hands = life.executor(die_at=1)
    with pytest.raises(Died):
        await hands.undo(life.plan)
    row = next(one for one in life.rows if one.undo)
    other = row.request.model_copy(update={"payload": {"n": 99}})
    life.store.ledger.rows[row.operation] = row.model_copy(update={"request": other})

    undone = await life.executor().undo(life.plan)

    assert undone.state is EffectState.SKIPPED
    assert len(life.platform.left) == left


async def test_an_undo_is_held_by_a_stop_and_by_nothing_else() -> None:
    life = Life(a_plan(1, 1))
    await life.goes_on()
    for then in (Then.LATE, Then.TAKEN, Then.FROZEN, Then.STOPPED):
        life.happens(then)
    with pytest.raises(OnHold, match="sending is stopped by alex"):
        await life.executor().undo(life.plan)
    life.switch(stopped=False)
    assert (await life.executor().undo(life.plan)).state is EffectState.APPLIED


@pytest.mark.parametrize(
    ("is_now", "why"),
    [
        ({"status": Status.ESCALATED}, "INC-0001 has ended"),
        ({"takeover": True}, "INC-0001 was taken over"),
        ({"regrouped": True}, "INC-0001 was split or merged"),
        ({"merged_into": "INC-0002"}, "INC-0001 was split or merged"),
    ],
)
def test_nothing_begins_of_an_incident_that_people_have_or_changed(
    store: SqlStore, is_now: dict[str, Any], why: str
) -> None:
    request = stored(store, a_request(a_plan(1), ApprovalState.APPROVED))
    with store.begin() as work:
        permit.permitted(work, request, YES_USED, permit.USE_WITHIN)
        work.incidents.put(an_incident(**is_now))
        with pytest.raises(NotPermitted, match=why):
            permit.permitted(work, request, YES_USED, permit.USE_WITHIN)


def second(store: Any, plan: Any) -> Any:
    """Store another incident with the same plan as its own, approved."""
    other = plan.model_copy(update={"incident": "INC-0002"})
    asked = a_request(other, ApprovalState.APPROVED, id="INC-0002.1", incident="INC-0002")
    with store.begin() as work:
        work.incidents.put(an_incident(id="INC-0002"))
        return work.approvals.ask(asked)


def armed(store: Any, request: Any) -> str:
    """Arm a request; return why it cannot be, or ""."""
    try:
        with store.begin() as work:
            approve.arm(work, request.id, request.prepared, YES_USED)
    except OnHold as error:
        return str(error)
    return ""


def test_two_incidents_never_act_on_one_service_at_once(store: SqlStore) -> None:
    plan = a_plan(1, 1)
    first = stored(store, a_request(plan, ApprovalState.APPROVED))
    later = second(store, plan)
    assert armed(store, first) == ""
    assert armed(store, later).startswith("INC-0001 is acting on ")
    with store.read() as view:
        assert view.ledger.of_plan("INC-0002", later.digest, undo=False) == ()
        kept = view.approvals.get(later.id)
        assert kept is not None
        assert kept.state is ApprovalState.APPROVED


@pytest.mark.parametrize("how", ["ended", "taken back"])
def test_a_claim_ends_with_its_incident_or_when_all_is_taken_back(
    store: SqlStore, how: str
) -> None:
    plan = a_plan(1, 1)
    first, later = stored(store, a_request(plan, ApprovalState.APPROVED)), second(store, plan)
    assert armed(store, first) == ""
    with store.begin() as work:
        if how == "ended":
            work.incidents.put(an_incident(status=Status.RESOLVED))
        else:
            work.ledger.release("INC-0001")
    assert armed(store, later) == ""


def test_two_incidents_without_claims_are_caught(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted defect: nobody asks who acts there."""
    seams.CLAIMED_BY.plant(monkeypatch, lambda *_: ())
    plan = a_plan(1, 1)
    first, later = stored(store, a_request(plan, ApprovalState.APPROVED)), second(store, plan)
    assert (armed(store, first), armed(store, later)) == ("", "")


def test_a_claim_is_of_a_service_whatever_kind_of_thing_it_is_called() -> None:
    target = a_plan(1, 1).targets[0]
    names = [
        target.model_copy(update={"kind": "deployment"}),
        target.model_copy(update={"name": target.name.upper()}),
    ]
    assert {one.key for one in names} == {target.key}
    elsewhere = target.model_copy(update={"namespace": "other"})
    assert elsewhere.key != target.key


@pytest.mark.parametrize("column", ["state", "operation", "ordinal", "plan", "undo"])
def test_a_row_whose_columns_and_document_disagree_is_not_read(
    store: SqlStore, column: str
) -> None:
    request = stored(store, a_request(a_plan(1, 1), ApprovalState.APPROVED))
    assert armed(store, request) == ""
    with store.begin() as work:
        row = work.ledger.of_plan(request.incident, request.digest, undo=False)[0]
        changes: dict[str, Any] = {
            "state": IntentState.APPLIED,
            "operation": "x",
            "ordinal": 9,
            "plan": "f" * 64,
            "undo": True,
        }
        edited = row.model_copy(update={column: changes[column]}).document()
        table = work.ledger.connection  # type: ignore[attr-defined]  # the store under attack
        table.execute(
            LEDGER.update().where(LEDGER.c.operation == row.operation).values(document=edited)
        )
    with pytest.raises(Tampered), store.read() as view:
        view.ledger.of_plan(request.incident, request.digest, undo=False)


def test_how_long_a_yes_may_begin_anything_is_a_setting(store: SqlStore) -> None:
    request = stored(store, a_request(a_plan(1, 1), ApprovalState.APPROVED))
    late = NOW + timedelta(minutes=2)
    with pytest.raises(ApprovalError, match="not used in time"), store.begin() as work:
        approve.arm(work, request.id, request.prepared, late, timedelta(seconds=30))
