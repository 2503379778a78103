"""Endings are judged against the row of the fault."""

from datetime import UTC, datetime

import pytest

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Attempt, Incident, IncidentId, Status
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    Effect,
    EffectState,
    Outcome,
    Plan,
    PlanKind,
    Recovery,
    Target,
    Verification,
)
from aiops_agent.evaluation.outcomes import EvaluationCase, accepted, case
from aiops_agent.simulator.scenarios import SCENARIOS
from tests.targets import at

NOW = datetime(2026, 11, 19, 3, 10, tzinfo=UTC)


def incident(status: Status, *attempts: Attempt, recovery: Recovery | None = None) -> Incident:
    return Incident(
        id=IncidentId("INC-0001"),
        environment=EnvironmentRef.parse("shop:a"),
        title="t",
        subject=Target(environment=EnvironmentRef.parse("shop:a"), name="payments-api"),
        alert_names=(),
        summary="",
        severity=Severity.SEV2,
        status=status,
        started_at=NOW,
        opened_at=NOW,
        recovery=recovery,
        attempts=attempts,
    )


def attempt(
    kind: PlanKind = PlanKind.ACT,
    *actions: Action,
    recovery: Recovery = Recovery.RECOVERED,
    stop_gap: bool = False,
    ran: bool = True,
) -> Attempt:
    effect = Effect(operation="o", words="w", state=EffectState.APPLIED, at=NOW)
    return Attempt(
        number=1,
        plan=Plan(kind=kind, actions=actions, reason="r", stop_gap=stop_gap),
        outcome=Outcome(effects=(effect,), started=NOW, finished=NOW) if ran and actions else None,
        verification=Verification(recovery=recovery, checks=(), reason="", at=NOW),
    )


def cure(told: EvaluationCase, kind: ActionKind, **wished: str | int) -> Action:
    return Action(kind=kind, target=at(told.truth), wished=wished)


def test_a_verified_scaling_of_the_truth_ends_a_surge() -> None:
    told = case("traffic-surge", 1)
    ended = attempt(PlanKind.ACT, cure(told, ActionKind("scale_pods"), replicas=8))

    assert accepted(told, incident(Status.RESOLVED, ended)) == (True, "scaled")


def test_the_wrong_service_the_wrong_kind_and_no_verification_are_not_accepted() -> None:
    told = case("traffic-surge", 1)
    scale = cure(told, ActionKind("scale_pods"), replicas=8)
    wrong = [
        attempt(PlanKind.ACT, scale.model_copy(update={"target": at("orders")})),
        attempt(PlanKind.ACT, cure(told, ActionKind("restart_service"))),
        attempt(PlanKind.ACT, scale, recovery=Recovery.INCONCLUSIVE),
    ]

    assert not any(accepted(told, incident(Status.RESOLVED, one))[0] for one in wrong)
    assert not accepted(told, incident(Status.VERIFYING, wrong[0]))[0]


def test_a_restart_of_a_leak_must_be_said_to_be_a_stop_gap() -> None:
    told = case("memory-leak", 1)
    restart = cure(told, ActionKind("restart_service"))

    for said in (True, False):
        ended = incident(Status.RESOLVED, attempt(PlanKind.ACT, restart, stop_gap=said))
        assert accepted(told, ended)[0] is said


def test_a_pool_is_put_back_by_a_rollback_or_by_the_setting() -> None:
    told = case("pool-cut", 1)
    for action in (
        cure(told, ActionKind("rollback_release"), release=told.fault.release),
        cure(told, ActionKind("set_config"), name="DB_POOL_SIZE", value="8"),
    ):
        assert accepted(told, incident(Status.RESOLVED, attempt(PlanKind.ACT, action)))[0]
    wrong = cure(told, ActionKind("set_config"), name="DB_POOL_SIZE", value="3")
    assert not accepted(told, incident(Status.RESOLVED, attempt(PlanKind.ACT, wrong)))[0]


def test_a_cold_cache_is_watched_and_nothing_is_run() -> None:
    told = case("cache-flush", 1)
    watched = attempt(PlanKind.WATCH)

    assert accepted(told, incident(Status.RESOLVED, watched))[0]
    assert not accepted(told, incident(Status.ESCALATED, watched))[0]
    assert not accepted(told, incident(Status.DISMISSED))[0]


@pytest.mark.parametrize(
    ("scenario", "status"),
    [("third-party-outage", Status.ESCALATED), ("false-alarm", Status.DISMISSED)],
)
def test_where_nothing_helps_nothing_may_be_run(scenario: str, status: Status) -> None:
    told = case(scenario, 1)
    busy = attempt(PlanKind.ACT, cure(told, ActionKind("restart_service")))

    assert accepted(told, incident(status))[0]
    assert not accepted(told, incident(status, busy))[0]


def test_on_a_friday_a_planned_restart_is_denied_and_not_run() -> None:
    told = case("friday-freeze", 1)
    restart = cure(told, ActionKind("restart_service"))

    assert accepted(
        told, incident(Status.ESCALATED, attempt(PlanKind.ACT, restart, ran=False))
    ) == (True, "denied by the calendar, handed over, nothing run")
    assert not accepted(told, incident(Status.ESCALATED))[0]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seed", range(1, 11))
def test_every_case_has_an_ending_that_counts(scenario: str, seed: int) -> None:
    told = case(scenario, seed, {"payments-api": "zahlung"})

    assert told.endings
    assert told.truth != "payments-api"
