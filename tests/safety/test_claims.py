"""Claims on targets: taken all at once or not at all, so that no two plans wait for each other."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState
from aiops_agent.domain.errors import OnHold
from aiops_agent.domain.incident import Status
from aiops_agent.domain.ledger import TargetClaim
from aiops_agent.domain.remediation import PreparedPlan
from aiops_agent.ports.store import Work
from aiops_agent.safety import approve, permit
from tests import seams
from tests.safety.plans import NOW, a_plan, a_request, an_incident
from tests.targets import at

SOON = NOW + timedelta(minutes=2)
Record = Callable[[str, object], None]


def approved(store: SqlStore, incident: str, *services: str) -> ApprovalRequest:
    """Put an incident with an approved plan of an action on each service, in this order."""
    model = a_plan(1, 1).steps[0]
    steps = []
    for number, service in enumerate(services, start=1):
        action = model.action.model_copy(update={"target": at(service)})
        operation = {"operation": f"{incident}.1.{number}.1"}
        request = model.requests[0].model_copy(update=operation)
        changed = {"action": action, "requests": (request,), "inverse": action}
        steps.append(model.model_copy(update=changed))
    plan = a_plan(1, 1).model_copy(update={"incident": incident, "steps": tuple(steps)})
    name = f"{incident}.1"
    asked = a_request(plan, ApprovalState.APPROVED, id=name, incident=incident)
    with store.begin() as work:
        work.incidents.put(an_incident(id=incident))
        return work.approvals.ask(asked)


def armed(store: SqlStore, request: ApprovalRequest) -> bool:
    """Arm a plan, or be held."""
    try:
        with store.begin() as work:
            approve.arm(work, request.id, request.prepared, SOON)
    except OnHold:
        return False
    return True


def ended(store: SqlStore, incident: str) -> None:
    with store.begin() as work:
        work.incidents.put(an_incident(id=incident, status=Status.RESOLVED))


def holds(store: SqlStore, incident: str, *services: str) -> list[str]:
    with store.read() as view:
        known = {one: view.ledger.claimed(at(one).key) for one in services}
    return [one for one, claim in known.items() if claim and claim.incident == incident]


def stuck(store: SqlStore) -> bool:
    """Let two plans want the same two services in opposite order when a third frees the last."""
    third = approved(store, "INC-0003", "orders")
    first = approved(store, "INC-0001", "web", "orders")
    second = approved(store, "INC-0002", "orders", "web")
    assert armed(store, third)
    assert not armed(store, first)  # it would get web, and not orders
    ended(store, "INC-0003")
    going = [one for one in (second, first, second, first) if armed(store, one)]
    return not going


def test_a_plan_that_waits_holds_nothing(store: SqlStore) -> None:
    assert not stuck(store)
    assert holds(store, "INC-0001", "web", "orders") == []
    assert holds(store, "INC-0002", "web", "orders") == ["web", "orders"]


def test_claims_that_are_taken_one_by_one_are_caught(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: each target is claimed by itself, and kept while the next one is waited for."""

    def greedy(work: Work, prepared: PreparedPlan, now: datetime) -> None:
        for target in prepared.targets:
            known = work.ledger.claimed(target.key)
            holder = work.incidents.get(known.incident) if known else None
            if holder and holder.id != prepared.incident and not holder.ended:
                raise OnHold("taken")
            work.ledger.claim(TargetClaim(target=target.key, incident=prepared.incident, at=now))

    right = SqlStore.begin

    @contextmanager
    def keeping(self: SqlStore) -> Iterator[Work]:
        """Commit what was done until the block was held."""
        held: OnHold | None = None
        with right(self) as work:
            try:
                yield work
            except OnHold as error:
                held = error
        if held:
            raise held

    seams.CLAIM.plant(monkeypatch, greedy)
    seams.BEGIN.plant(monkeypatch, keeping)
    assert stuck(store)


@pytest.mark.slow
def test_of_two_who_want_two_services_in_opposite_order_one_goes_first_and_both_go(
    store: SqlStore, record_property: Record
) -> None:
    draw = random.Random(8)
    for number in range(1, 41, 2):
        names = (f"INC-{number:04}", f"INC-{number + 1:04}")
        orders = [["web", "orders"], ["orders", "web"]]
        draw.shuffle(orders)
        plans = [approved(store, name, *order) for name, order in zip(names, orders, strict=True)]
        won: list[ApprovalRequest] = []
        meeting = threading.Barrier(2)

        def act(plan: ApprovalRequest, won: list[ApprovalRequest] = won) -> None:
            meeting.wait(20)  # noqa: B023 -- joined below
            if armed(store, plan):
                won.append(plan)

        actors = [threading.Thread(target=act, args=(plan,)) for plan in plans]
        for actor in actors:
            actor.start()
        for actor in actors:
            actor.join()
        (first,) = won
        later = next(plan for plan in plans if plan is not first)
        assert holds(store, later.incident, "web", "orders") == []
        ended(store, first.incident)
        assert armed(store, later)
        ended(store, later.incident)
    record_property("count", "claims: 20 pairs of plans in opposite order, one first, then both")


def waits(store: SqlStore, request: ApprovalRequest, after: timedelta) -> bool:
    """Whether an approved plan waits for INC-0001 before its target is looked at."""
    with store.read() as view:
        try:
            permit.free(view, request, NOW + after, permit.USE_WITHIN)
        except OnHold as error:
            return "INC-0001 is acting on web" in str(error)
    return False


def test_a_yes_waits_for_another_incident_as_long_as_it_can_be_used(store: SqlStore) -> None:
    first, later = approved(store, "INC-0001", "web"), approved(store, "INC-0002", "web")
    assert not waits(store, later, timedelta(minutes=2))
    assert armed(store, first)
    assert waits(store, later, timedelta(minutes=2))
    assert not waits(store, first, timedelta(minutes=2)), "its own claim holds it up by nothing"
    assert not waits(store, later, timedelta(minutes=11)), "its yes is void by now"
    unknown = later.model_copy(update={"incident": "INC-0009"})
    assert not waits(store, unknown, timedelta(minutes=2)), "there is nobody to wait for it"
    with store.begin() as work:
        work.incidents.put(an_incident(id="INC-0002", takeover=True))
    assert not waits(store, later, timedelta(minutes=2)), "a person took it"
    with store.begin() as work:
        work.incidents.put(an_incident(id="INC-0002"))
    ended(store, "INC-0001")
    assert not waits(store, later, timedelta(minutes=2))
