"""A new action is one spec, one line in the registry, and what a platform does for it."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import Field

from aiops_agent.actions.catalogue import ActionSpec, Catalogue, Parameters
from aiops_agent.domain.approval import ApprovalState, Ruling
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.policy import Freeze, Mode
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    EffectState,
    Plan,
    PlanKind,
    PreparedPlan,
    Risk,
    Target,
)
from aiops_agent.domain.value import Value
from aiops_agent.registry import ACTIONS, RULES
from aiops_agent.safety.assess import Case, assess
from aiops_agent.safety.execute import Executor
from aiops_agent.simulator.journal import effects
from aiops_agent.simulator.node import Node
from aiops_agent.simulator.operate import OPERATIONS
from aiops_agent.simulator.physics import World
from aiops_agent.simulator.platform import MOVES, Move
from aiops_agent.simulator.plug import OpenShop, create_shop
from tests.safety.memory import MemoryStore
from tests.safety.plans import NOW, a_request, an_incident, asks, stored


class ThrottleParameters(Parameters):
    """The most requests per second that are let in."""

    limit: int


class ThrottleBounds(Value):
    """The least that must be let in."""

    least: int = Field(default=10, ge=1)


def _flaw(wished: ThrottleParameters, bounds: ThrottleBounds) -> str:
    return "" if wished.limit >= bounds.least else f"at least {bounds.least} must be let in."


THROTTLE = ActionSpec(
    kind=ActionKind("throttle"),
    parameters=ThrottleParameters,
    noun="throttling",
    do="let {limit} requests a second into {target}",
    undo="let {limit} requests a second into {target} again",
    risk=Risk.MEDIUM,
    hazard="requests above the limit are refused",
    platforms=frozenset({"shop"}),
    bounds=ThrottleBounds,
    flaw=_flaw,
)


def move(node: Node, _: Action) -> Move:
    """What the shop says of it: read, nothing changed."""
    return Move(
        command="throttle {target} --limit {limit}",
        back={"limit": int(node.settings.get("LIMIT", "1000"))},
        touched=node.wanted,
        interrupts=False,
        words="requests above the limit are refused",
    )


def operate(_world: World, node: Node, wished: Mapping[str, str | int]) -> None:
    """What it does to the shop."""
    node.overrides["LIMIT"] = str(wished["limit"])
    node.configure()
    node.generation += 1


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> OpenShop:
    """A broken shop that knows the new action."""
    monkeypatch.setitem(MOVES, THROTTLE.kind, move)
    monkeypatch.setitem(OPERATIONS, THROTTLE.kind, operate)
    return create_shop(tmp_path / "shop", "traffic-surge", 1)


def executor(shop: OpenShop, store: MemoryStore) -> Executor:
    """Return the airlock, to which one line was added."""
    return Executor(
        platforms=lambda _: shop.platform,
        store=store,
        catalogue=Catalogue((*ACTIONS, THROTTLE)),
        bounds=lambda _: {},
        now=lambda: NOW + timedelta(minutes=2),
    )


def throttling(shop: OpenShop, limit: int = 100) -> Plan:
    target = Target(environment=shop.environment.ref, name="payments-api")
    action = Action(kind=THROTTLE.kind, target=target, wished={"limit": limit})
    return Plan(kind=PlanKind.ACT, actions=(action,), reason="too many requests")


async def prepared(shop: OpenShop, hands: Executor) -> PreparedPlan:
    incident = an_incident(environment=shop.environment.ref)
    return await hands.prepare(incident, 1, throttling(shop))


async def test_a_plugged_in_action_goes_through_the_airlock_and_back(shop: OpenShop) -> None:
    store = MemoryStore()
    hands = executor(shop, store)
    plan = await prepared(shop, hands)
    request = stored(
        store, a_request(plan, ApprovalState.APPROVED), environment=shop.environment.ref
    )

    done = await hands.execute(request, asks)
    back = await hands.undo(plan)

    assert [one.state for one in (*done.effects, *back.effects)] == [EffectState.APPLIED] * 2
    journal = effects(Path(shop.platform.shop.journal.path).parent)
    assert [line.wished for line in journal] == [{"limit": 100}, {"limit": 1000}]


async def test_its_words_and_risk_are_its_own(shop: OpenShop) -> None:
    (step,) = (await prepared(shop, executor(shop, MemoryStore()))).steps

    assert step.do == "let 100 requests a second into payments-api"
    assert step.undo == "shop throttle payments-api --limit 1000"
    assert (step.risk, step.hazard) == (Risk.MEDIUM, "requests above the limit are refused")


async def test_policy_and_freezes_know_it(shop: OpenShop) -> None:
    plan = await prepared(shop, executor(shop, MemoryStore()))
    case = Case(prepared=plan, mode=Mode.ACT, now=NOW, services=20)
    frozen = Case(
        prepared=plan,
        mode=Mode.ACT,
        now=NOW,
        services=20,
        freezes=(Freeze(reason="sale", actions=(THROTTLE.kind,)),),
    )

    assert assess(case, RULES).ruling is Ruling.ASK
    assert assess(frozen, RULES).ruling is Ruling.DENY


async def test_its_bounds_and_platforms_bind(shop: OpenShop) -> None:
    hands = executor(shop, MemoryStore())
    incident = an_incident(environment=shop.environment.ref)

    with pytest.raises(PlatformError, match="at least 10 must be let in"):
        await hands.prepare(incident, 1, throttling(shop, limit=9))
    elsewhere = hands.menu(EnvironmentRef.parse("docker:local"))
    assert THROTTLE.kind not in {offer.kind for offer in elsewhere}
