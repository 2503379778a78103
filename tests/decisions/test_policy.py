"""Every row of policy.yaml: the strictest opinion wins, and no opinion means: ask."""

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from aiops_agent.domain.approval import STRICTNESS, Opinion, Ruling
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.policy import Freeze, Mode
from aiops_agent.domain.reasoning import SecondOpinion, Stand, Suspect
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    BlastRadius,
    Plan,
    PlanKind,
    Prepared,
    PreparedPlan,
    Risk,
)
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.registry import RULES
from aiops_agent.safety import assess as module
from aiops_agent.safety.assess import Case, Rule, assess
from tests import seams
from tests.targets import at

ROWS = yaml.safe_load((Path(__file__).parent / "policy.yaml").read_text("utf-8"))


def case(row: dict[str, Any]) -> Case:
    steps = tuple(step(given) for given in row["steps"])
    plan = Plan(kind=PlanKind.ACT, actions=tuple(s.action for s in steps), reason="r")
    prepared = PreparedPlan(
        incident="I", environment=EnvironmentRef.parse("fake:e"), attempt=1, plan=plan, steps=steps
    )
    return Case(
        prepared=prepared,
        mode=Mode(row["mode"]),
        now=row.get("now", datetime(2026, 11, 18, 10)).replace(tzinfo=UTC),  # noqa: DTZ001 -- YAML's
        services=row.get("services", 10),
        freezes=tuple(Freeze.of(freeze) for freeze in row.get("freezes", [])),
        reasoned=model(row["model"]) if "model" in row else None,
        unalerted=row.get("unalerted", False),
    )


def model(given: dict[str, str]) -> SecondOpinion:
    def suspect(name: str) -> Suspect | None:
        kind, service = given[name].split() if name in given else ("", "")
        return Suspect(kind=CauseKind(kind), service=ServiceName(service)) if kind else None

    first, adopted = suspect("first"), suspect("adopted")
    stand = Stand(given["stand"])
    return SecondOpinion(by="m", first=first, after=first, stand=stand, adopted=adopted, engine="e")


def step(given: dict[str, Any]) -> Prepared:
    kind, target = given["do"].split()
    action = Action(kind=ActionKind(kind), target=at(target, "fake:one"))
    blast = BlastRadius(
        services=tuple(given.get("reach", [target])), replicas=1, interrupts=False, words="w"
    )
    return Prepared(
        action=action,
        requests=(),
        precondition={},
        inverse=action if given.get("back", True) else None,
        blast=blast,
        do="do",
        risk=Risk(given.get("risk", "low")),
        hazard="hazard",
        run="run",
        undo="undo",
    )


def critic(row: dict[str, Any]) -> Opinion | None:
    said = row.get("critic")
    return Opinion(rule="critic", ruling=Ruling(said), reason="why") if said else None


def flaws() -> list[str]:
    """Return the rows that policy does not answer as written, with the rules in every order."""
    wrong = []
    for row in ROWS:
        ruling = Ruling(row["expect"][0])
        for rules in itertools.permutations(RULES):
            verdict = module.assess(case(row), rules, critic(row))
            if verdict.ruling is not ruling:
                wrong.append(f"{row['case']}: {verdict.ruling} by {verdict.rule}")
    return wrong


@pytest.mark.parametrize("row", ROWS, ids=[row["case"] for row in ROWS])
def test_policy_says_what_is_written(row: dict[str, Any]) -> None:
    verdict = assess(case(row), RULES, critic(row))
    assert [verdict.ruling, verdict.rule] == row["expect"], verdict.reason
    assert verdict.reason


@pytest.mark.slow
def test_the_order_of_the_rules_does_not_matter() -> None:
    assert flaws() == []


def test_without_any_rule_a_person_is_asked() -> None:
    assert assess(case(ROWS[3]), ()).ruling is Ruling.ASK


@pytest.mark.slow
def test_taking_the_first_opinion_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted defect: first match instead of the strictest."""
    seams.STRICTNESS.plant(monkeypatch, dict.fromkeys(Ruling, 0))
    assert flaws() != []


@pytest.mark.parametrize("left_out", RULES, ids=[rule.__name__ for rule in RULES])
def test_a_rule_that_is_left_out_is_missed(left_out: Rule) -> None:
    """A planted defect per rule: each is needed by some row."""
    rules = [rule for rule in RULES if rule is not left_out]
    rulings = [assess(case(row), rules, critic(row)).ruling.value for row in ROWS]
    assert rulings != [row["expect"][0] for row in ROWS]


def test_a_stricter_opinion_never_makes_a_milder_verdict() -> None:
    for row in ROWS:
        without = assess(case(row), RULES).ruling
        for ruling in Ruling:
            said = Opinion(rule="critic", ruling=ruling, reason="why")
            assert STRICTNESS[assess(case(row), RULES, said).ruling] >= STRICTNESS[without]
