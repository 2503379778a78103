"""A model in the real house on the shop: its opinion is shown, and loosens nothing."""

from pathlib import Path
from typing import Any

import pytest

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.crew import with_models
from aiops_agent.domain.approval import Ruling
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.reasoning import Stand
from tests import seams
from tests.agents.thinking import Say, Thinker, menu, silent, suspects
from tests.workflow.running import Run
from tests.workflow.test_paths import PENDING, always_yes

REASONED, HANDS = EventType.DIAGNOSIS_REASONED, EventType.HANDS_CHANGED


def a_run(folder: Path, script: Say, **more: Any) -> Run:
    crew = with_models(Desk(Thinker({"diagnose": script})))
    return Run(folder, crew=crew, when={PENDING: always_yes}, **more)


def agreeing(question: Any) -> Any:
    worst = [line for line in question.material.splitlines() if "latency p95" in line]
    assert worst, question.material
    name = next(n for n in menu(question, "service") if n == "payments-api")
    return suspects("capacity", name)(question)


def test_the_statistical_answer_is_told_first_and_a_wrong_model_needs_a_person(
    tmp_path: Path,
) -> None:
    run = a_run(tmp_path, suspects("leak", "payments-db"), mode=Mode.ACT)
    incident = run.go()
    order = [e.type for e in run.events if e.type in (EventType.DIAGNOSIS_READY, REASONED)]
    assert order[:2] == [EventType.DIAGNOSIS_READY, REASONED]
    attempt = incident.attempts[0]
    assert attempt.reasoned is not None
    assert attempt.verdict is not None
    assert attempt.diagnosis is not None
    assert attempt.reasoned.stand is Stand.DISAGREES
    assert (attempt.verdict.ruling, attempt.verdict.rule) == (Ruling.ASK, "disagreement-asks")
    assert "one step lower" in attempt.diagnosis.why_confidence
    assert incident.ending is Ending.FIXED  # the engine's answer acts
    assert PENDING in [event.type for event in run.events]
    report = run.report.markdown
    assert "leak of payments\\-db" in report or "leak of payments-db" in report


def test_a_disagreement_that_policy_does_not_see_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rule, mode act would run the plan with nobody asked."""
    seams.NEEDS_PERSON.plant(monkeypatch, property(lambda _self: ""))
    run = a_run(tmp_path, suspects("leak", "payments-db"), mode=Mode.ACT)
    run.go()
    assert PENDING not in [event.type for event in run.events], "the planted defect must show"


def test_an_agreeing_model_changes_nothing_in_mode_act(tmp_path: Path) -> None:
    run = a_run(tmp_path, agreeing, mode=Mode.ACT)
    incident = run.go()
    assert incident.attempts[0].reasoned is not None
    assert incident.attempts[0].reasoned.stand is Stand.AGREES
    assert PENDING not in [event.type for event in run.events]
    assert incident.ending is Ending.FIXED


def test_a_silent_model_is_told_with_its_reason_and_the_engine_goes_on(tmp_path: Path) -> None:
    run = a_run(tmp_path, silent)
    incident = run.go()
    assert incident.ending is Ending.FIXED
    assert incident.attempts[0].reasoned is None
    assert run.told(HANDS) == [
        "diagnose: first: overload; second goes on",
        "diagnose: no model answered; statistics go on alone",
    ]
    assert REASONED not in [event.type for event in run.events]
