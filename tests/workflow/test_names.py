"""Names that waiting incidents are found by: changing one strands them."""

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
