"""What may be asked and told: names are found however they are written, and a no has a reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState, Decision, Surface
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.domain.facts import PersonNote
from aiops_agent.domain.incident import Incident, Status
from aiops_agent.domain.point import Point
from aiops_agent.domain.routing import Routes
from aiops_agent.domain.token import CONFIGURED
from aiops_agent.workflow.commands import Commands
from aiops_agent.workflow.intake import Intake
from aiops_agent.workflow.queries import Queries
from aiops_agent.workflow.regroup import Regroup
from tests import seams
from tests.contracts.samples import a_case, a_delivery, a_report
from tests.safety.plans import NOW, a_plan, a_request, an_incident, stored
from tests.workflow.place import Place

PLAN = a_plan(1)
LATER = NOW + timedelta(minutes=3)


@dataclass
class Desk:
    """A store with one incident and its question, and who was told what."""

    store: SqlStore
    answers: list[tuple[str, Decision]] = field(default_factory=list)
    stopped: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def queries(self) -> Queries:
        return Queries(self.store)

    @property
    def commands(self) -> Commands:
        stop = self._stop
        regroup = Regroup(Place(self.store).deps)
        return Commands(
            self.store,
            lambda: LATER,
            self._answer,
            stop,
            self._note,
            stop,
            regroup.split,
            regroup.merge,
        )

    def _answer(self, request: str, decision: Decision) -> ApprovalRequest:
        self.answers.append((request, decision))
        return a_request(PLAN)

    def _stop(self, incident: str, by: str, why: str) -> Incident:
        self.stopped.append((incident, by, why))
        return an_incident()

    def _note(self, incident: str, by: str, text: str) -> Incident:
        self.stopped.append((incident, by, text))
        return an_incident()


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    stored(store, a_request(PLAN))
    return Desk(store)


def test_names_are_found_in_any_case_and_an_approval_by_its_incident_too(desk: Desk) -> None:
    assert desk.queries.incident("inc-0001").id == "INC-0001"
    assert desk.queries.approval("inc-0001.1").id == "INC-0001.1"
    assert desk.queries.approval("inc-0001").id == "INC-0001.1"


def test_a_name_that_nothing_has_is_told_with_the_nearest_and_the_list(desk: Desk) -> None:
    with pytest.raises(UsageError) as caught:
        desk.queries.incident("INC-0010")
    said = "There is no incident 'INC-0010'. Did you mean INC-0001? See: aiops incident list."
    assert str(caught.value) == said

    with pytest.raises(UsageError) as caught:
        desk.queries.approval("nonsense")
    assert str(caught.value) == "There is no approval 'nonsense'. See: aiops approval list."


def test_a_report_is_there_when_it_was_written_and_not_before(desk: Desk) -> None:
    with pytest.raises(UsageError, match="INC-0001 is open: its report is written at the end"):
        desk.queries.report("INC-0001")
    with desk.store.begin() as work:
        work.archive.add(a_case(), a_report())

    assert desk.queries.report("inc-0001").incident == "INC-0001"


def test_what_waits_is_counted_and_listed_by_its_state(desk: Desk) -> None:
    unended, waiting = desk.queries.standing()
    assert (dict(unended), waiting) == ({Status.OPEN: 1}, 1)
    assert [one.id for one in desk.queries.approvals()] == ["INC-0001.1"]
    assert desk.queries.approvals([ApprovalState.USED]) == ()
    assert [one.id for one in desk.queries.incidents(open_only=True)] == ["INC-0001"]
    assert desk.queries.incidents(before="inc-0001") == ()
    assert desk.queries.newest_event() == 0


def says(desk: Desk, plan: str, *, approve: bool = True) -> str:
    """Answer the newest request of INC-0001, and return the digest that the gate was given."""
    desk.commands.decide(
        "inc-0001", approve=approve, by="pat", surface=Surface.FILE, plan=plan, reason="so"
    )
    return desk.answers[-1][1].digest


@pytest.mark.parametrize("length", [12, 13, 40, 63, 64])
def test_an_answer_is_for_the_plan_whose_digest_begins_as_given(desk: Desk, length: int) -> None:
    for given in (PLAN.digest[:length], PLAN.digest[:length].upper()):
        for approve in (True, False):
            assert says(desk, given, approve=approve) == PLAN.digest
    request, decision = desk.answers[-1]
    assert (request, decision.approve, decision.by) == ("INC-0001.1", False, "pat")
    assert (decision.at, decision.reason, decision.surface) == (LATER, "so", Surface.FILE)


def test_the_name_of_another_plan_goes_to_the_gate_as_it_is_and_is_refused_there(
    desk: Desk,
) -> None:
    near = PLAN.digest[:11] + ("0" if PLAN.digest[11] != "0" else "1")
    for other in ("f" * 12, "f" * 64, near, PLAN.digest[1:]):
        assert says(desk, other) == other


NO_NAMES = {
    "nothing": "",
    "eight digits": PLAN.digest[:8],
    "eleven digits": PLAN.digest[:11],
    "too many": PLAN.digest + "0",
    "not hexadecimal": "g" * 12,
    "a blank": f" {PLAN.digest[:12]}",
    "a line": f"{PLAN.digest[:12]}\n",
    "digits of another script": "\u0661" * 12,
    "wide letters": "\uff41" * 12,
    "a pattern": PLAN.digest[:11] + "%",
    "the request": "INC-0001.1",
}


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_names_no_plan_is_refused_before_it_reaches_the_gate(desk: Desk, name: str) -> None:
    with pytest.raises(UsageError, match="12 to 64 of its hexadecimal digits"):
        says(desk, NO_NAMES[name])
    assert desk.answers == []


def beside(desk: Desk, digest: str, state: ApprovalState = ApprovalState.PENDING) -> None:
    """Let a second incident's plan, with that digest, be there too."""
    other = a_request(PLAN).model_copy(
        update={"id": "INC-0002.1", "incident": "INC-0002", "digest": digest, "state": state}
    )
    with desk.store.begin() as work:
        work.approvals.ask(other)


def test_a_name_that_fits_two_open_plans_is_refused(desk: Desk) -> None:
    beside(desk, PLAN.digest[:20] + "0" * 44)
    for length in (12, 20):
        with pytest.raises(UsageError, match="fits 2 plans that are open; give more digits"):
            says(desk, PLAN.digest[:length])
    assert desk.answers == []
    assert says(desk, PLAN.digest[:24]) == says(desk, PLAN.digest) == PLAN.digest


def test_a_plan_that_has_ended_makes_no_name_ambiguous(desk: Desk) -> None:
    beside(desk, PLAN.digest[:20] + "0" * 44, ApprovalState.EXPIRED)
    assert says(desk, PLAN.digest[:12]) == PLAN.digest


def test_a_desk_that_sees_no_other_plans_is_caught(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: the first plan that fits is taken."""
    beside(desk, PLAN.digest[:20] + "0" * 44)
    seams.NAMED.plant(monkeypatch, lambda _self, _prefix: ())
    assert says(desk, PLAN.digest[:12]) == PLAN.digest  # what the test above refuses


def test_an_incident_is_taken_over_until_it_has_ended(desk: Desk) -> None:
    desk.commands.take_over("inc-0001", "pat", "mine")
    assert desk.stopped == [("INC-0001", "pat", "mine")]

    with desk.store.begin() as work:
        work.incidents.put(an_incident(status=Status.ESCALATED, ended_at=NOW))
    with pytest.raises(UsageError, match="INC-0001 has ended already: escalated"):
        desk.commands.take_over("INC-0001", "pat")
    assert len(desk.stopped) == 1


def test_a_token_counts_from_its_making_to_its_end_and_its_secret_is_not_kept(desk: Desk) -> None:
    shop = EnvironmentRef(kind="shop", name="a")
    assert not desk.queries.guarded()
    secret = desk.commands.create_token("robot", [shop])
    other = desk.commands.create_token("other")

    found = desk.queries.token(secret)
    assert found is not None
    assert (found.name, found.environments, found.created_at) == ("robot", (shop,), LATER)
    assert secret not in found.secret
    assert secret.startswith("aiops_")
    assert len({secret, other}) == 2
    assert desk.queries.token(f"{secret}x") is None
    assert desk.queries.guarded()

    desk.commands.revoke_token("robot")
    assert desk.queries.token(secret) is None
    assert desk.queries.token(other) is not None
    assert desk.queries.guarded()
    desk.commands.revoke_token("other")
    assert desk.queries.guarded()  # who made one once wants nobody let in without
    assert desk.queries.token(other) is None
    assert {one.revoked_at for one in desk.queries.tokens()} == {LATER}


BAD_NAMES = (
    "",
    "  ",
    "a b",
    "-a",
    ".a",
    "a/b",
    "a\n",
    "a\x1b[2J",
    "ü",
    "a\u202e",
    "x" * 64,
    "a'b",
    "*",
)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_token_whose_name_is_none_is_not_made(desk: Desk, name: str) -> None:
    with pytest.raises(UsageError, match="A token's name has 1 to 63 letters"):
        desk.commands.create_token(name)
    assert desk.queries.tokens() == ()


@pytest.mark.parametrize("name", ["a", "7", "Alert-Manager_2.eu", "x" * 63])
def test_a_token_is_called_by_letters_digits_and_three_signs(desk: Desk, name: str) -> None:
    desk.commands.create_token(name)

    assert [one.name for one in desk.queries.tokens()] == [name]


def test_a_name_that_nobody_looks_at_is_seen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seams.TOKEN_NAME.plant(monkeypatch, lambda _name: True)

    for name in BAD_NAMES:
        desk.commands.create_token(name)
    assert len(desk.queries.tokens()) == len(BAD_NAMES)


@dataclass(frozen=True)
class Away:
    """A store that cannot be opened."""

    @contextmanager
    def begin(self) -> Iterator[Any]:
        raise StoreError("The disk is full.")
        yield


def test_a_delivery_is_on_the_disk_before_anybody_is_woken(desk: Desk) -> None:
    order: list[object] = []
    kept: list[int] = []

    def heard() -> None:
        with desk.store.read() as view:
            kept.append(len(view.inbox.waiting(10)))
        order.append("heard")

    intake = Intake(desk.store, Routes(()), {}, lambda: NOW, heard, mark=order.append)
    (delivery,) = intake.keep(a_delivery())

    assert delivery.id == 1
    assert (order, kept) == ([Point.DELIVERY_KEPT, "heard"], [1])


def test_a_note_is_one_line_of_an_incident_that_goes_on(desk: Desk) -> None:
    desk.commands.note("inc-0001", "alex", " it is not\n the database ")
    assert desk.stopped == [("INC-0001", "alex", "it is not the database")]
    for text in ("", " \n", "x" * 501):
        with pytest.raises(UsageError, match="1 to 500 characters"):
            desk.commands.note("INC-0001", "alex", text)


def test_a_note_on_what_has_ended_or_is_full_of_them_is_refused(desk: Desk) -> None:
    full = PersonNote(by="alex", at=NOW, text="x")
    with desk.store.begin() as work:
        work.incidents.put(an_incident(notes=(full,) * 20))
    with pytest.raises(UsageError, match="has 20 notes already"):
        desk.commands.note("INC-0001", "alex", "x")
    with desk.store.begin() as work:
        work.incidents.put(an_incident(status=Status.ESCALATED))
    with pytest.raises(UsageError, match="has ended"):
        desk.commands.note("INC-0001", "alex", "x")


def test_the_longest_note_and_the_longest_reason_are_taken(desk: Desk) -> None:
    desk.commands.note("INC-0001", "alex", "x" * 500)
    desk.commands.reopen("INC-0001", "alex", "x" * 200)
    assert [len(said) for _, _, said in desk.stopped] == [500, 200]


def test_a_split_is_asked_for_with_a_short_reason(desk: Desk) -> None:
    with pytest.raises(UsageError, match="There is no incident"):
        desk.commands.split("INC-9", ["A"], "alex")
    with desk.store.begin() as work:
        work.incidents.put(an_incident())
    with pytest.raises(UsageError, match="at most 200 characters"):
        desk.commands.split("INC-0001", ["A"], "alex", "x" * 201)
    with pytest.raises(UsageError, match="into itself"):
        desk.commands.merge("INC-0001", "inc-0001", "alex")


def test_the_token_of_the_configuration_is_not_made_or_revoked_here(desk: Desk) -> None:
    with pytest.raises(UsageError, match="choose another name"):
        desk.commands.create_token(CONFIGURED)
    with pytest.raises(UsageError, match="change it there"):
        desk.commands.revoke_token(CONFIGURED)
