"""Names that waiting incidents are found by: changing one strands them."""

import ast
from pathlib import Path

from dbos._dbos import _get_or_create_dbos_registry

from aiops_agent.bootstrap.application import STORY
from aiops_agent.domain.point import Point
from aiops_agent.workflow import durable

WORKFLOWS = {"incident.v1", "question.v1"}


def test_the_names_of_the_workflows_are_for_ever() -> None:
    known = _get_or_create_dbos_registry().workflow_info_map
    assert set(known) >= WORKFLOWS, "an old name may get a v2 beside it, never vanish"


def test_the_names_of_the_story_and_the_application_are_for_ever() -> None:
    assert (STORY, durable.VERSION, durable.APPLICATION) == ("aiops", "aiops", "aiops-{role}")


def test_the_classes_that_hold_the_workflows_keep_their_names() -> None:
    known = _get_or_create_dbos_registry().class_info_map
    assert {"ResolveIncident", "Questions"} <= set(known)


def test_there_are_enough_named_points_and_no_two_alike() -> None:
    assert len({point.value for point in Point}) == len(Point) >= 15


STEPS = {
    *("triaged", "looked", "unsure", "diagnosed", "reasoned", "planned", "chosen", "once"),
    *("prepare", "review", "reviewed", "ask", "look", "answer", "withdraw", "held"),
    *("unchanged", "remains", "kept", "started", "execute", "executed", "sampled", "verified"),
    *("undo", "undone", "undo-verified", "moved", "wait", "taken", "regrouped", "again"),
    *("ended", "archived"),
}


def test_the_names_of_steps_are_for_ever() -> None:
    """DBOS gives a story that goes on under another name of a step an error, not its checkpoint."""
    calls = (
        node
        for file in Path(durable.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in ("step", "checkpoint", "unheld", "released")
    )
    literals = (one for call in calls for one in call.args if isinstance(one, ast.Constant))
    assert {one.value for one in literals} == STEPS
