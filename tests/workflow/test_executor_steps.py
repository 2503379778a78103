"""The bodies of the steps that prepare and send: what they ask, and what they say beforehand."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from aiops_agent.domain.approval import ApprovalState, Ruling
from aiops_agent.domain.errors import ApprovalError, OnHold, SourceError
from aiops_agent.domain.incident import Attempt
from aiops_agent.domain.ledger import TargetClaim
from aiops_agent.domain.sending import Switch
from aiops_agent.domain.telemetry import Workload
from aiops_agent.safety import limits, permit
from aiops_agent.safety.assess import Case
from aiops_agent.workflow import executor_steps
from aiops_agent.workflow.executor_steps import Busy, ExecutorSteps
from tests.safety.plans import a_plan, a_request, an_incident, stored
from tests.workflow.place import Company, Place

PLAN = a_plan(1, 1)


class Hands:
    """An executor that says what it is told to say, and notes what it is asked."""

    use_within = permit.USE_WITHIN

    def __init__(self, *, armed: bool = False, unchanged: bool = True) -> None:
        self.says, self.looked, self.undone = (armed, unchanged), 0, 0

    def armed(self, _prepared: Any) -> bool:
        return self.says[0]

    async def unchanged(self, _prepared: Any) -> bool:
        self.looked += 1
        return self.says[1]

    async def undo(self, _prepared: Any) -> None:
        self.undone += 1


def steps(place: Place, hands: Hands | None = None) -> ExecutorSteps:
    executor: Any = hands or Hands()
    return ExecutorSteps(replace(place.deps, executor=executor))


@pytest.mark.parametrize("unchanged", [True, False])
async def test_a_target_is_looked_at_until_its_plan_is_armed(place: Place, unchanged: bool) -> None:
    request = stored(place.store, a_request(PLAN, ApprovalState.APPROVED)).id
    hands = Hands(armed=False, unchanged=unchanged)

    assert await steps(place, hands).unchanged(request) is unchanged
    assert hands.looked == 1
    assert await steps(place, armed := Hands(armed=True, unchanged=False)).unchanged(request)
    assert armed.looked == 0, "what was armed was looked at before; the ledger says how it went on"


async def test_a_target_on_which_another_incident_acts_is_not_looked_at_yet(place: Place) -> None:
    request = stored(place.store, a_request(PLAN, ApprovalState.APPROVED))
    place.put(an_incident(id="INC-0002"))
    claim = TargetClaim(target=PLAN.targets[0].key, incident="INC-0002", at=place.clock.at)
    with place.store.begin() as work:
        work.ledger.claim(claim)
    hands = Hands(unchanged=False)
    place.clock.go(minutes=2)
    with pytest.raises(OnHold, match="INC-0002 is acting on"):
        await steps(place, hands).unchanged(request.id)
    assert hands.looked == 0
    assert await steps(place, Hands(armed=True)).unchanged(request.id)


async def test_what_was_never_asked_is_neither_sent_nor_taken_back(place: Place) -> None:
    hands = Hands()
    for step in (steps(place, hands).unchanged, steps(place, hands).undo):
        with pytest.raises(ApprovalError, match=r"There is no approval INC-9\.1"):
            await step("INC-9.1")
    assert (hands.looked, hands.undone) == (0, 0)


async def test_while_something_is_sent_the_process_is_busy(place: Place) -> None:
    busy = Busy()
    assert busy.idle.is_set()
    with busy.busy():
        with busy.busy():
            assert not busy.idle.is_set()
        assert not busy.idle.is_set(), "one of two is still in flight"
    assert busy.idle.is_set()

    request = stored(place.store, a_request(PLAN, ApprovalState.APPROVED)).id
    seen: list[bool] = []

    class Watched(Hands):
        async def undo(self, _prepared: Any) -> None:
            seen.append(busy.idle.is_set())

    await ExecutorSteps(steps(place, Watched()).deps, busy).undo(request)
    assert (seen, busy.idle.is_set()) == ([False], True)


async def case_of(place: Place, monkeypatch: pytest.MonkeyPatch) -> Case:
    """Return what policy is shown of the plan."""
    shown: list[Case] = []

    def assessed(case: Case, *_: Any) -> Any:
        shown.append(case)
        return SimpleNamespace(ruling=Ruling.ASK)

    monkeypatch.setattr(executor_steps, "assess", assessed)
    await steps(place).review(PLAN, None)
    return shown[0]


async def test_what_stands_in_the_way_is_said_before_anybody_is_asked(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(place.store, a_request(PLAN))
    assert (await case_of(place, monkeypatch)).dissent == ()

    place.put(an_incident(id="INC-0002"))
    target = PLAN.targets[0]
    with place.store.begin() as work:
        claim = TargetClaim(target=target.key, incident="INC-0002", at=place.clock.at)
        work.ledger.claim(claim)
        work.sending.switch(Switch(stopped=True, by="alex", at=place.clock.at, reason=""))
    monkeypatch.setattr(limits, "held", lambda *_: "it is closed for an hour")

    waits, held, stopped = (await case_of(place, monkeypatch)).dissent

    assert waits == f"INC-0002 is acting on {target.text}: this plan waits until it is done"
    assert held == "a yes given now could not be used: it is closed for an hour"
    assert stopped.startswith("sending is stopped by alex")
    assert stopped.endswith("a yes waits, and is void after a while")


@pytest.mark.parametrize(
    ("other", "said"), [("take web down", ("m take web down",)), ("", ()), (None, ())]
)
async def test_what_a_model_would_do_instead_is_shown_beside_the_plan(
    place: Place, monkeypatch: pytest.MonkeyPatch, other: str | None, said: tuple[str, ...]
) -> None:
    stored(place.store, a_request(PLAN))
    pick = None if other is None else SimpleNamespace(by="m", dissent=other)
    attempt = Attempt(number=1).model_copy(update={"pick": pick})
    monkeypatch.setattr(executor_steps, "attempt_of", lambda *_: attempt)
    assert (await case_of(place, monkeypatch)).dissent == said


async def test_policy_is_shown_how_many_services_there_are_where_that_is_known(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(place.store, a_request(PLAN))
    assert (await case_of(place, monkeypatch)).services == 4
    place.clock.at += timedelta(minutes=1)
    away = replace(place, topology=Company(away=True))
    shown = await case_of(away, monkeypatch)
    assert (shown.services, shown.now) == (0, place.clock.at)


class Watched:
    """A platform's knowledge of one instance, unless it is away."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away

    async def workloads(self, services: Any) -> tuple[Workload, ...]:
        if self.away:
            raise SourceError("Docker is away.")
        return tuple(Workload(service=one, name=f"{one}-1", state="paused") for one in services)


async def test_what_an_interrupting_plan_ends_is_kept_and_a_failure_holds_up_nothing(
    place: Place,
) -> None:
    (first, *_) = PLAN.steps
    cuts = first.model_copy(update={"blast": first.blast.model_copy(update={"interrupts": True})})
    plan = PLAN.model_copy(update={"steps": (cuts,)})
    request = stored(place.store, a_request(plan, ApprovalState.APPROVED)).id

    def kept(source: Any) -> Any:
        one = replace(place.deps.environments(PLAN.environment), workloads=source)
        deps = replace(place.deps, environments=lambda _ref: one)
        return ExecutorSteps(deps).remains(request)

    (one,) = (await kept(Watched())).remains
    assert one.workload.service == plan.steps[0].action.target.name
    assert one.workload.state == "paused"
    assert (await kept(Watched(away=True))).missing == "Docker is away."
    assert await steps(place).remains(request) == executor_steps.Kept()
