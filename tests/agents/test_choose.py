"""A model beside the planner: it picks among what code worked out, and changes nothing."""

from typing import Any

import pytest

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.diagnose import diagnose
from aiops_agent.agents.plan import PickAnswer, choose, plan
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import IncidentId, Status
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.domain.reasoning import NoCandidate, PlanPick
from aiops_agent.domain.remediation import Plan
from tests.agents.test_diagnose import API, overload
from tests.agents.thinking import Thinker, menu, silent
from tests.reasoning.world import BEGAN


async def picked(script: Any, **more: Any) -> tuple[PlanPick | None, Thinker, Plan]:
    briefing = overload().briefing(**more)
    made = await plan(briefing, await diagnose(briefing))
    thinker = Thinker({"plan": script})
    return (await choose(Desk(thinker), briefing, made)).value, thinker, made


def picks(action: str, target: str = "api", **more: Any) -> Any:
    return lambda _question: {"action": action, "target": target, **more}


async def test_the_same_pick_is_no_dissent() -> None:
    pick, thinker, made = await picked(picks("scale_pods"))
    assert pick is not None
    assert (pick.dissent, pick.words) == ("", "would do the same: scale_pods of api")
    assert set(menu(thinker.asked[0], "action")) >= {"scale_pods", "none of these"}
    assert made.actions[0].text in thinker.asked[0].material


async def test_another_action_is_dissent_of_the_action_only() -> None:
    pick, _, _ = await picked(picks("restart_service"))
    assert pick is not None
    assert (pick.same_action, pick.same_target) == (False, True)
    assert pick.dissent == "would do restart_service of api: another action"


async def test_none_of_these_needs_a_reason_from_the_menu() -> None:
    pick, _, _ = await picked(picks("none of these", why="cause_stays"))
    assert pick is not None
    assert pick.why_none is NoCandidate.CAUSE_STAYS
    assert pick.dissent == "would do none of the candidates: none removes the cause"
    without, thinker, _ = await picked(picks("none of these"))
    assert without is not None
    assert "say in `why`" in thinker.sent_back[0][0]


@pytest.mark.parametrize("action", ["delete_namespace", "scale_pods"])
async def test_what_is_no_candidate_is_never_picked(action: str) -> None:
    def beyond(question: Any) -> Any:
        return PickAnswer(action=action, target="kube-system")

    pick, _, made = await picked(beyond)
    assert pick is None  # not of its menus: counts as no answer
    assert [one.target.name for one in made.actions] == [API]


async def test_a_silent_model_picks_nothing() -> None:
    pick, _, _ = await picked(silent)
    assert pick is None


async def test_a_person_s_reason_for_a_no_reaches_the_next_plan_marked_as_an_opinion() -> None:
    incident = overload().incident()
    past = PastIncident(
        id=IncidentId("INC-0003"),
        environment=incident.environment,
        title="",
        service=API,
        alert_names=incident.alert_names,
        signal=None,
        cause=CauseKind.CAPACITY,
        cause_service=API,
        status=Status.ESCALATED,
        summary="rejected by alex because: never scale before noon",
        ended_at=BEGAN,
    )
    _, thinker, _ = await picked(picks("scale_pods"), past=(past,))
    material = thinker.asked[0].material
    said = material.index("never scale before noon")
    assert "opinions" in material[material.rindex("<<<untrusted", 0, said) : said]
    assert incident.severity is Severity.SEV3
