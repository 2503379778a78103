"""Prepared plans drawn at random, requests for them, and incidents that hold them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.approval import (
    ApprovalRequest,
    ApprovalState,
    Decision,
    Ruling,
    Surface,
    Verdict,
)
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    BlastRadius,
    Comparison,
    Criterion,
    Plan,
    PlanKind,
    Prepared,
    PreparedPlan,
    Request,
    Risk,
    Target,
)
from aiops_agent.domain.telemetry import ServiceName, Signal
from tests.targets import at

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SERVICES = tuple(ServiceName(name) for name in ("payments-api", "orders", "cart", "web"))


def an_incident(**other: Any) -> Incident:
    given: dict[str, Any] = {
        "id": "INC-0001",
        "environment": EnvironmentRef.parse("shop:a"),
        "title": "payments-api is slow",
        "subject": Target(environment=EnvironmentRef.parse("shop:a"), name="payments-api"),
        "alert_names": ("HighLatency",),
        "summary": "p95 above 500 ms",
        "severity": Severity.SEV2,
        "started_at": NOW,
        "opened_at": NOW,
    }
    return Incident(**{**given, **other})


def a_step(draw: random.Random, ordinal: int, *, repeatable: bool = True) -> Prepared:
    replicas, target = draw.randint(2, 9), draw.choice(SERVICES)
    action = Action(kind=ActionKind("scale_pods"), target=at(target), wished={"replicas": replicas})
    requests = tuple(
        Request(
            operation=f"INC-0001.1.{ordinal}.{part}",
            words=f"scale {target} to {replicas}",
            payload={"uid": f"u{draw.randint(1, 99)}", "generation": draw.randint(1, 9)},
            repeatable=repeatable,
        )
        for part in range(1, draw.randint(1, 2) + 1)
    )
    return Prepared(
        action=action,
        requests=requests,
        precondition={"replicas": 1, "uid": f"u{ordinal}"},
        inverse=action.model_copy(update={"wished": {"replicas": 1}}),
        blast=BlastRadius(
            services=(target, SERVICES[-1]), replicas=1, interrupts=False, words="1 new"
        ),
        do=f"scale {target} to {replicas} replicas",
        risk=Risk.LOW,
        hazard="the number of replicas changes",
        run=f"scale {target} {replicas}",
        undo=f"scale {target} 1",
    )


def a_plan(seed: int = 1, steps: int | None = None, *, repeatable: bool = True) -> PreparedPlan:
    draw = random.Random(seed)
    count = steps or draw.randint(1, 3)
    made = tuple(a_step(draw, n, repeatable=repeatable) for n in range(1, count + 1))
    criterion = Criterion(
        service=made[0].action.target.service,
        signal=Signal.LATENCY,
        comparison=Comparison.BELOW,
        level=0.5,
        hold=timedelta(seconds=60),
        within=timedelta(minutes=5),
        worse=2.0,
        at_alert=1.2,
    )
    plan = Plan(
        kind=PlanKind.ACT,
        actions=tuple(step.action for step in made),
        reason="too few replicas",
        expected="latency below 500 ms",
        hypothesis="capacity:payments-api",
        criteria=(criterion,),
    )
    return PreparedPlan(
        incident="INC-0001",
        environment=EnvironmentRef.parse("shop:a"),
        attempt=1,
        plan=plan,
        steps=made,
    )


def a_decision(plan: PreparedPlan, **other: Any) -> Decision:
    given: dict[str, Any] = {
        "digest": plan.digest,
        "approve": True,
        "by": "alex",
        "surface": Surface.COMMAND,
        "at": NOW + timedelta(minutes=1),
    }
    return Decision(**{**given, **other})


def a_request(
    plan: PreparedPlan, state: ApprovalState = ApprovalState.PENDING, **other: Any
) -> ApprovalRequest:
    answered = state in (ApprovalState.APPROVED, ApprovalState.REJECTED, ApprovalState.USED)
    yes = a_decision(plan, approve=state is not ApprovalState.REJECTED)
    given: dict[str, Any] = {
        "id": "INC-0001.1",
        "incident": "INC-0001",
        "digest": plan.digest,
        "prepared": plan,
        "verdict": Verdict(ruling=Ruling.ASK, reason="no rule allows it"),
        "state": state,
        "asked_at": NOW,
        "expires_at": NOW + timedelta(minutes=15),
        "remind_at": NOW + timedelta(minutes=7.5),
        "decision": yes if answered else None,
    }
    return ApprovalRequest(**{**given, **other})


def asks() -> Verdict:
    """Judge as policy did when the question was asked."""
    return Verdict(ruling=Ruling.ASK, reason="no rule allows it")


def stored(store: Any, request: ApprovalRequest, **incident: Any) -> ApprovalRequest:
    """Put a request into a store, with its incident, and return it."""
    with store.begin() as work:
        work.incidents.put(an_incident(**incident))
        kept: ApprovalRequest = work.approvals.ask(request)
        return kept
