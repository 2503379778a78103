"""Remedies fit the cause; memory decides between those that fit, never against telemetry."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from aiops_agent.actions.cordon_node import CORDON_NODE, CordonBounds
from aiops_agent.agents.diagnose import diagnose
from aiops_agent.agents.plan import plan
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Attempt, IncidentId, Status
from aiops_agent.domain.postmortem import PastIncident, TriedAction
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    Effect,
    EffectState,
    Offer,
    Outcome,
    Plan,
    PlanKind,
    Recovery,
)
from aiops_agent.domain.telemetry import ServiceName, Signal, Workload
from aiops_agent.domain.trouble import PlatformTrouble, TroubleKind
from aiops_agent.registry import CATALOGUE
from tests.agents.test_diagnose import API, overload
from tests.reasoning.world import BEGAN, World, step
from tests.targets import at


def past(
    kind: ActionKind, recovery: Recovery, cause: CauseKind = CauseKind.CAPACITY
) -> PastIncident:
    wished: dict[str, str | int] = {"replicas": 6} if "scale" in kind else {}
    action = Action(kind=kind, target=at(API, "fake:one"), wished=wished)
    return PastIncident(
        id=IncidentId(f"INC-{kind}"),
        environment=EnvironmentRef.parse("fake:before"),
        title="api is slow",
        service=API,
        alert_names=("HighLatency",),
        signal=Signal.LATENCY,
        cause=cause,
        cause_service=API,
        tried=(TriedAction(action=action, recovery=recovery),),
        status=Status.RESOLVED,
        summary="",
        ended_at=datetime(2026, 1, 14, tzinfo=UTC),
    )


async def planned(made: World, **more: Any) -> Plan:
    briefing = made.briefing(**more)
    return await plan(briefing, await diagnose(briefing))


async def test_an_overload_is_scaled_to_what_the_demand_needs() -> None:
    proposed = await planned(overload())
    assert [action.text for action in proposed.actions] == ["scale_pods api replicas=4"]
    assert proposed.hypothesis == "capacity:api"


async def test_what_counts_as_recovered_is_registered_with_the_plan() -> None:
    first, second = (await planned(overload())).criteria
    assert (first.service, first.signal) == (API, Signal.LATENCY)
    assert second.signal is Signal.ERRORS
    assert 0.05 < first.level < 0.5
    assert first.worse is not None
    assert first.worse > 1.0
    assert first.words == "api latency p95 < 125 ms for 60 s within 5 min"


async def test_the_bound_is_never_passed() -> None:
    menu = (Offer(kind=ActionKind("scale_pods"), bounds={"max_replicas": 3}),)
    assert (await planned(overload(), menu=menu)).actions[0].wished == {"replicas": 3}


async def test_at_the_bound_a_person_must_look() -> None:
    menu = (Offer(kind=ActionKind("scale_pods"), bounds={"max_replicas": 2}),)
    proposed = await planned(overload(), menu=menu)
    assert proposed.kind is PlanKind.HANDOVER
    assert "already has 2 replicas (2 is the configured maximum)" in proposed.reason


async def test_what_is_not_on_the_menu_is_not_proposed() -> None:
    assert (await planned(overload(), menu=())).kind is PlanKind.HANDOVER


async def test_memory_of_what_fixed_and_what_did_not_is_cited() -> None:
    known = (
        past(ActionKind("scale_pods"), Recovery.RECOVERED),
        past(ActionKind("restart_service"), Recovery.NOT_RECOVERED),
    )
    proposed = await planned(overload(), past=known)
    why = "same service, same alert HighLatency"
    assert [one.words for one in proposed.precedents] == [
        f"{why}: scaling fixed it, INC-scale_pods (January)",
        f"{why}: a restart did not help in INC-restart_service (January)",
    ]


@pytest.mark.parametrize("cause", [CauseKind.CAPACITY, CauseKind.HANG])
async def test_a_memory_that_telemetry_contradicts_loses(cause: CauseKind) -> None:
    known = (past(ActionKind("restart_service"), Recovery.RECOVERED, cause),)
    proposed = await planned(overload(), past=known)
    assert proposed.actions[0].kind is ActionKind("scale_pods")
    told = next(a for a in proposed.alternatives if a.words.startswith("restart_service"))
    assert "telemetry contradicts" in told.drawback


async def test_an_empty_memory_finds_the_same_plan() -> None:
    known = (past(ActionKind("scale_pods"), Recovery.RECOVERED),)
    with_memory = await planned(overload(), past=known)
    assert with_memory.actions == (await planned(overload())).actions


async def test_a_remedy_that_failed_in_this_incident_is_not_tried_again() -> None:
    made = overload()
    first = await planned(made)
    effect = Effect(operation="1", words="", state=EffectState.APPLIED, at=BEGAN)
    done = Outcome(effects=(effect,), started=BEGAN, finished=BEGAN)
    tried = made.incident().amend(Attempt(number=1, plan=first, outcome=done))
    assert (await planned(made, incident=tried)).kind is PlanKind.HANDOVER


async def test_a_weak_suspicion_changes_nothing() -> None:
    made = World(
        courses={
            (API, Signal.LATENCY): step(0.05, 0.12),
            (API, Signal.TRAFFIC): step(40, 44),
            (API, Signal.SATURATION): step(0.4, 0.93),
        },
        alerting="api",
    )
    assert (await planned(made)).kind is PlanKind.HANDOVER


async def test_nobody_is_asked_for_an_action_that_nothing_could_verify() -> None:
    briefing = overload().briefing()
    found = await diagnose(briefing)
    blind = overload()
    blind.courses = {(ServiceName("other"), Signal.LATENCY): step(0.1, 0.1)}
    assert (await plan(blind.briefing(), found)).kind is PlanKind.HANDOVER


@dataclass(frozen=True)
class SickNode:
    """A platform that says one of its machines fails."""

    async def troubles(self) -> tuple[PlatformTrouble, ...]:
        step = "see its kubelet"
        node = PlatformTrouble(
            kind=TroubleKind.NODE,
            service=ServiceName(""),
            what="Node",
            name="node-7",
            words="not ready",
            step=step,
        )
        return (node, node.model_copy(update={"name": "node-8", "harm": False}))

    async def unreadable(self) -> tuple[str, ...]:
        return ()


@pytest.mark.parametrize(("node", "cordoned"), [("node-7", True), ("node-8", False)])
async def test_what_is_ill_on_a_machine_that_fails_is_moved_and_then_measured(
    node: str, cordoned: bool
) -> None:
    made = overload()
    made.instances = (
        Workload(service=API, name="api-1", state="running", health="unhealthy", node=node),
        Workload(service=API, name="api-2", state="running", health="healthy", node="node-1"),
    )
    bounds = {CORDON_NODE.kind: CordonBounds(allowed=True)}
    menu = CATALOGUE.offers("kubernetes", CATALOGUE.kinds, bounds)
    briefing = made.briefing(menu=menu)
    briefing = replace(briefing, environment=replace(briefing.environment, troubles=SickNode()))

    proposed = await plan(briefing, await diagnose(briefing))

    kinds = [str(action.kind) for action in proposed.actions]
    assert (kinds == ["cordon_node", "delete_pod"]) is cordoned
    assert {one.service for one in proposed.criteria} == {API}
