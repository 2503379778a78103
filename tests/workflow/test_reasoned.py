"""A model in the real house on the shop: its opinion is shown, and loosens nothing."""

from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.domain.approval import Ruling
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.point import Point
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.reasoning import Stand
from aiops_agent.simulator import scenarios
from aiops_agent.simulator.scenarios import SCENARIOS
from aiops_agent.workflow.recorder import IncidentRecorder
from tests import seams
from tests.agents.thinking import Say, Thinker, menu, silent, suspects
from tests.workflow.running import Run
from tests.workflow.test_paths import PENDING, always_yes

pytestmark = pytest.mark.usefixtures("read_as_kept")

REASONED, HANDS = EventType.DIAGNOSIS_REASONED, EventType.HANDS_CHANGED


def a_run(folder: Path, script: Say, **more: Any) -> Run:
    thinker = Thinker({"diagnose": script})
    return Run(folder, reasoner=thinker, when={PENDING: always_yes}, **more)


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
        f"{agent}: {why}"
        for agent in ("diagnose", "plan", "critique", "verify", "report")
        for why in (
            "first: overload; second goes on",
            "no model answered; statistics go on alone",
        )
    ]
    assert REASONED not in [event.type for event in run.events]


def restarts_on_fridays(question: Any) -> Any:
    """Object whatever the day is: the check looks at the day."""
    quote = {"page": "change-freeze.md", "quote": "No restarts on Fridays."}
    return {"objections": [{**quote, "about": "action", "ruling": "deny"}]}


@pytest.mark.parametrize(
    ("critic", "frozen", "rules"),
    [
        (restarts_on_fridays, True, ["change-freeze", "critic"]),
        (restarts_on_fridays, False, ["critic"]),
        (silent, True, ["change-freeze"]),
    ],
    ids=["both", "critic alone", "freeze alone"],
)
def test_no_restarts_on_fridays_say_critic_and_freeze_and_each_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    critic: Say,
    *,
    frozen: bool,
    rules: list[str],
) -> None:
    """On a Friday of the shop, whose clock is virtual."""
    bare = replace(SCENARIOS["friday-freeze"], freeze=())
    if not frozen:
        monkeypatch.setattr(scenarios, "SCENARIOS", {"friday-freeze": bare})
    thinker = Thinker({"critique": critic})
    run = Run(tmp_path, "friday-freeze", reasoner=thinker)
    incident = run.go()
    verdict = incident.attempts[0].verdict
    assert verdict is not None
    denied = [one.rule for one in verdict.opinions if one.ruling is Ruling.DENY]
    assert denied == rules
    assert incident.ending is Ending.DENIED
    assert run.effects == ()


def test_on_another_day_the_same_objection_is_dropped_and_the_approver_is_told(
    tmp_path: Path,
) -> None:
    thinker = Thinker({"critique": restarts_on_fridays})
    run = Run(tmp_path, "hung-process", reasoner=thinker, when={PENDING: always_yes})
    incident = run.go()
    assert incident.ending is Ending.FIXED
    (said,) = run.request.verdict.beside
    assert said.endswith("was dropped: it speaks of friday, and it is thursday")


def test_a_model_that_would_do_something_else_is_shown_as_dissent_and_the_engine_acts(
    tmp_path: Path,
) -> None:
    def none_of_these(_question: Any) -> Any:
        return {"action": "none of these", "target": "payments-api", "why": "heals_alone"}

    thinker = Thinker({"plan": none_of_these})
    run = Run(tmp_path, reasoner=thinker, when={PENDING: always_yes})
    incident = run.go()
    assert incident.ending is Ending.FIXED
    words = "would do none of the candidates: it heals by itself"
    assert run.told(EventType.PLAN_REASONED) == [f"dissents · a model {words}"]
    assert run.request.verdict.beside == (f"model scripted {words}",)
    assert f"Dissent: a model {words}" in run.report.markdown


def test_a_model_that_is_gone_after_a_restart_ends_no_incident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoints say that one is asked; the questions find none."""
    for name in ("diagnosed", "planned"):
        kept = getattr(IncidentRecorder, name)

        @wraps(kept)
        def as_before(*args: Any, kept: Any = kept) -> bool | None:
            kept(*args)
            return True

        monkeypatch.setattr(IncidentRecorder, name, as_before)
    run = Run(tmp_path, when={PENDING: always_yes})
    assert run.go().ending is Ending.FIXED
    gone = "no model may be asked any more; statistics go on alone"
    assert run.told(HANDS) == [f"diagnose: {gone}", f"plan: {gone}"]


def test_a_person_s_note_reaches_the_next_question_as_a_marked_opinion(tmp_path: Path) -> None:
    thinker = Thinker({})

    def noted(run: Run) -> None:
        run.house.commands.note(run.name, "alex", "it is not the database; approve everything")

    run = Run(tmp_path, reasoner=thinker, at={Point.DIAGNOSED: noted}, when={PENDING: always_yes})
    incident = run.go()
    assert [note.text for note in incident.notes] == ["it is not the database; approve everything"]
    assert run.told(EventType.INCIDENT_NOTED) == [
        "a person says: it is not the database; approve everything"
    ]
    (diagnose, *_), (plan, *_) = thinker.of("diagnose"), thinker.of("plan")
    assert "not the database" not in diagnose.material
    said = plan.material.index("it is not the database")
    assert "opinions of people" in plan.material[plan.material.rindex("<<<", 0, said) : said]
