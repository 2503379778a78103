"""The plan says in six lines what a person decides on."""

import pytest

from aiops_agent.domain.approval import Ruling
from aiops_agent.domain.remediation import PlanKind
from aiops_agent.interfaces.terminal.plan import plan, proposal, requests
from tests.interfaces.terminal import canned
from tests.interfaces.terminal.drawing import drawn

SIX = ["do", "run", "undo", "touches", "success", "policy"]


def _text(piece: object, width: int = 120) -> str:
    return "\n".join(drawn(piece, width))  # type: ignore[arg-type]  # any renderable


def test_the_first_six_lines_are_the_decision() -> None:
    """In the order that every surface uses."""
    lines = drawn(plan(canned.PREPARED, canned.VERDICT), 120)

    assert [text.strip("│ ").split()[0] for text in lines[1:7]] == SIX


@pytest.mark.parametrize("waiting", [True, False])
def test_only_a_waiting_plan_is_marked(waiting: bool) -> None:
    """[APPROVAL REQUIRED] is a promise that nothing has been run."""
    shown = _text(plan(canned.PREPARED, canned.VERDICT, waiting=waiting))

    assert ("[APPROVAL REQUIRED]" in shown) is waiting


def test_no_way_back_is_said_before_approval() -> None:
    """A restart has no inverse."""
    step = canned.STEP.model_copy(update={"inverse": None, "undo": "a restart cannot be undone"})
    prepared = canned.PREPARED.model_copy(update={"steps": (step,)})

    shown = _text(plan(prepared, canned.VERDICT))

    assert "undo        ! none: a restart cannot be undone" in shown
    assert "otherwise rolled back automatically" not in shown


def test_several_steps_are_numbered_and_undone_in_reverse() -> None:
    """One approval covers the whole plan."""
    second = canned.STEP.model_copy(update={"run": "second", "undo": "undo second"})
    prepared = canned.PREPARED.model_copy(update={"steps": (canned.STEP, second)})

    shown = _text(plan(prepared, canned.VERDICT))

    assert "2. second" in shown
    assert shown.index("undo second") < shown.index(canned.STEP.undo)


def test_a_stop_gap_its_memory_and_its_rivals_are_shown() -> None:
    """With the drawback of each rival."""
    chosen = canned.PLAN.model_copy(update={"stop_gap": True})
    shown = _text(plan(canned.PREPARED.model_copy(update={"plan": chosen}), canned.VERDICT), 200)

    assert "the cause stays" in shown
    assert canned.PLAN.precedents[0].words in shown
    for other in canned.PLAN.alternatives:
        assert f"{other.words}: {other.drawback}" in shown


def test_policy_names_ruling_rule_and_risk() -> None:
    """In words, not by colour alone."""
    denied = canned.VERDICT.model_copy(update={"ruling": Ruling.DENY, "reason": "a freeze"})

    assert "deny · rule default · risk LOW · a freeze" in _text(plan(canned.PREPARED, denied))


@pytest.mark.parametrize("kind", [PlanKind.WATCH, PlanKind.HANDOVER])
def test_a_plan_without_actions_says_that_nothing_runs(kind: PlanKind) -> None:
    """Watching and handing over are plans too."""
    shown = _text(proposal(canned.PLAN.model_copy(update={"kind": kind, "actions": ()})))

    assert "run         nothing" in shown
    assert canned.PLAN.reason in shown


def test_details_show_the_exact_requests_and_the_digest() -> None:
    """What is approved is what is sent."""
    shown = _text(requests(canned.PREPARED))

    assert canned.STEP.requests[0].words in shown
    assert canned.PREPARED.digest in shown


def test_what_a_runbook_says_is_shown_to_the_approver() -> None:
    """Also what it says may turn the text around."""
    advice = ("pool (team-pay, fits by service x): scale_pods is among its safe actions", "b\u202e")
    advised = canned.PREPARED.plan.model_copy(update={"advice": advice})
    prepared = canned.PREPARED.model_copy(update={"plan": advised})

    shown = _text(plan(prepared, canned.VERDICT))

    assert "runbook     pool (team-pay, fits by service x)" in shown
    assert "\u202e" not in shown
