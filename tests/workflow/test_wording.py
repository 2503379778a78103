"""A notice holds what it takes to decide: the worst that is in it comes first, nothing is cut."""

from typing import Any

import pytest

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Attempt, Status
from aiops_agent.domain.notice import Link, Notice, Occasion
from aiops_agent.domain.outbox import OutboxEntry
from aiops_agent.domain.remediation import Outcome, PreparedPlan, Risk, Target, TargetKind
from aiops_agent.domain.telemetry import NAMELESS
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.receive import Receive
from aiops_agent.workflow.wording import notice_of
from tests.safety.plans import a_plan, an_incident
from tests.workflow.place import HERE, START, Place, an_alert
from tests.workflow.test_gate import ASK

THERE = EnvironmentRef.parse("docker:other")


def an_entry(incident: str = "INC-0001", **other: Any) -> OutboxEntry:
    given: dict[str, Any] = {
        "receiver": "phone",
        "key": f"{incident}:end",
        "occasion": Occasion.RESOLVED,
        "incident": incident,
        "environment": HERE,
        "severity": Severity.SEV2,
        "what": "it is over",
        "born_at": START,
        "at": START,
    }
    return OutboxEntry(**{**given, **other})


def risky(*risks: Risk) -> PreparedPlan:
    """Return a plan with a step of each risk."""
    plan = a_plan(5, len(risks)).model_copy(update={"environment": HERE})
    steps = zip(plan.steps, risks, strict=True)
    told = tuple(step.model_copy(update={"risk": risk}) for step, risk in steps)
    return plan.model_copy(update={"steps": told})


def asked(place: Place, plan: PreparedPlan) -> Notice:
    """Return the notice of a question about a plan."""
    place.put(an_incident(environment=HERE, status=Status.DIAGNOSING))
    request = Gate(place.deps).ask(plan, ASK)
    return notice_of(place.store, (an_entry(request=request),))


@pytest.mark.parametrize(
    ("risks", "worst"),
    [
        ((Risk.LOW, Risk.HIGH, Risk.MEDIUM), Risk.HIGH),
        ((Risk.MEDIUM, Risk.LOW), Risk.MEDIUM),
        ((Risk.LOW,), Risk.LOW),
    ],
)
def test_the_risk_of_a_plan_is_that_of_its_riskiest_step(
    place: Place, risks: tuple[Risk, ...], worst: Risk
) -> None:
    plan = risky(*risks)
    notice = asked(place, plan)
    assert notice.risk is worst
    assert notice.action == "; ".join(step.run for step in plan.steps)
    assert notice.undo == "; ".join(step.undo for step in plan.steps)


def test_the_end_of_an_incident_tells_what_was_done_and_asks_nothing(place: Place) -> None:
    plan = risky(Risk.LOW)
    outcome = Outcome(effects=(), started=START, finished=START)
    done = Attempt(number=1, prepared=plan, outcome=outcome)
    place.put(an_incident(environment=HERE, attempts=(done,)))
    notice = notice_of(place.store, (an_entry(),))
    assert notice.action == plan.steps[0].run
    assert notice.services == tuple(
        dict.fromkeys(("payments-api", plan.steps[0].action.target.service))
    )
    assert (notice.plan, notice.approve, notice.reject) == ("", "", "")
    assert notice.expires_at is None
    assert notice.show == "aiops incident show INC-0001"
    assert (notice.key, notice.at, notice.links) == ("INC-0001:end", START, ())


def test_a_plan_that_was_not_run_is_not_told_as_done(place: Place) -> None:
    planned = Attempt(number=1, prepared=risky(Risk.HIGH))
    place.put(an_incident(environment=HERE, attempts=(planned,)))
    notice = notice_of(place.store, (an_entry(),))
    assert (notice.action, notice.risk, notice.services) == ("", None, ("payments-api",))


def test_trouble_of_no_service_names_none(place: Place) -> None:
    subject = Target(environment=HERE, kind=TargetKind.CLUSTER, name=NAMELESS)
    place.put(an_incident(environment=HERE, subject=subject))
    assert notice_of(place.store, (an_entry(),)).services == ()


async def test_a_link_that_an_alert_did_not_bring_is_not_told(place: Place) -> None:
    place.keep(an_alert(runbook="https://wiki.test/slow"))
    await Receive(place.deps).handle(HERE)
    (incident,) = place.incidents()
    notice = notice_of(place.store, (an_entry(incident.id),))
    assert notice.links == (Link(name="runbook", url="https://wiki.test/slow"),)


def gathered(place: Place, *entries: OutboxEntry) -> Notice:
    """Return the digest of these, each of an incident that is there."""
    for one in entries:
        place.put(an_incident(id=one.incident, environment=one.environment))
    return notice_of(place.store, entries)


def test_a_digest_is_as_bad_as_the_worst_in_it_and_counts_what_it_holds(place: Place) -> None:
    digest = gathered(
        place,
        an_entry("INC-0001", severity=Severity.SEV3, message="digest:1"),
        an_entry("INC-0002", severity=Severity.SEV1, occasion=Occasion.ESCALATED),
        an_entry("INC-0002", severity=Severity.SEV4, key="INC-0002:again"),
    )
    assert digest.severity is Severity.SEV1
    assert digest.title == "3 notices of 2 incidents"
    assert digest.what == "2 resolved, 1 escalated"
    assert (digest.key, digest.left_out, digest.incident) == ("digest:1", 0, "")
    assert digest.show == "aiops incident list"
    assert [line.incident for line in digest.digest] == ["INC-0001", "INC-0002", "INC-0002"]


def test_a_digest_of_several_environments_says_so(place: Place) -> None:
    there = an_entry("INC-0002", environment=THERE)
    digest = gathered(place, an_entry("INC-0001"), there)
    assert digest.what == "2 resolved in 2 environments"


def test_in_a_digest_questions_come_first_and_can_be_answered(place: Place) -> None:
    plan = a_plan().model_copy(update={"environment": HERE})
    asked(place, plan)
    place.put(an_incident(id="INC-0002", environment=HERE))
    question = an_entry(request="INC-0001.1", occasion=Occasion.APPROVAL_NEEDED)
    digest = notice_of(place.store, (an_entry("INC-0002"), question))
    first, second = digest.digest
    assert (first.incident, first.plan) == ("INC-0001", plan.digest)
    assert first.approve == f"aiops approve INC-0001 --plan {plan.digest[:12]}"
    assert first.expires_at == START + place.terms.expires
    assert (second.plan, second.approve, second.expires_at) == ("", "", None)
    assert digest.show == "aiops approval list --pending"
