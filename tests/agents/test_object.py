"""A model as critic: it quotes a page of policy, and code looks whether the quote holds."""

from datetime import UTC, datetime
from typing import Any

import pytest

from aiops_agent.agents.asking import Desk, packaged_policies
from aiops_agent.agents.crew import with_models
from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.reasoning.objections import Objection, Scope, judged, unfounded
from aiops_agent.reasoning.sentences import PolicyText
from tests import seams
from tests.agents.test_critique import prepared
from tests.agents.test_diagnose import API, overload
from tests.agents.thinking import Thinker, silent
from tests.reasoning.world import MENU

RESTART, SCALE = ActionKind("restart_service"), ActionKind("scale_pods")
FRIDAY = datetime(2026, 11, 27, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
PAGES = (
    *packaged_policies(),
    PolicyText(
        name="rules.md",
        text="Databases are changed by people.\n\nThe api never runs on more than 3 replicas.\n"
        "Nobody rolls back the store on Fridays. Restarts of api need the owner.\n"
        "Changes on Fridays need two people.",
    ),
)
NAMES = frozenset({API, ServiceName("front"), ServiceName("store")})


def scope(kind: ActionKind, now: datetime = FRIDAY) -> Scope:
    return Scope(prepared(kind).plan.actions, now, MENU, NAMES)


def objection(page: str, quote: str, about: str, ruling: str = "deny") -> dict[str, Any]:
    return {"page": page, "quote": quote, "about": about, "ruling": ruling}


FREEZE = objection("change-freeze.md", "No restarts on Fridays.", "action")
TABLE: list[tuple[str, dict[str, Any], ActionKind, datetime, str]] = [
    ("the freeze, on a Friday", FREEZE, RESTART, FRIDAY, "deny"),
    ("the freeze, about the day", {**FREEZE, "about": "day"}, RESTART, FRIDAY, "deny"),
    ("the freeze, on a Monday", FREEZE, RESTART, MONDAY, ""),
    ("the freeze, for a scaling", FREEZE, SCALE, FRIDAY, ""),
    ("not on the page", {**FREEZE, "quote": "No restarts at all, ever."}, RESTART, FRIDAY, ""),
    ("of no page", {**FREEZE, "page": "other.md"}, RESTART, FRIDAY, ""),
    ("too short", {**FREEZE, "quote": "No"}, RESTART, FRIDAY, ""),
    ("the number", objection("rules.md", "The api never runs on more than 3 replicas.", "number"),
     SCALE, MONDAY, "deny"),
    ("the owner", objection("rules.md", "Restarts of api need the owner.", "target", "ask"),
     RESTART, MONDAY, "ask"),
    ("another service", objection("rules.md", "Nobody rolls back the store on Fridays.", "day"),
     RESTART, FRIDAY, ""),
    ("names nothing", objection("rules.md", "Databases are changed by people.", "target"),
     RESTART, FRIDAY, ""),
    ("names the day only", objection("rules.md", "Changes on Fridays need two people.", "day"),
     RESTART, FRIDAY, "ask"),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_an_objection_holds_only_if_its_quote_stands_there_and_speaks_of_this_plan(
    row: tuple[str, dict[str, Any], ActionKind, datetime, str],
) -> None:
    _, said, kind, now, expected = row
    opinion = judged([Objection.of(said)], PAGES, scope(kind, now), "model x")
    assert opinion is not None
    assert (opinion.ruling.value if opinion.reason else "") == expected
    assert bool(opinion.said) is (expected == ""), "what is dropped is said"


def test_a_check_that_believes_every_quote_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.UNFOUNDED.plant(monkeypatch, lambda *_: "")
    said = Objection.of({**FREEZE, "quote": "No restarts at all, ever."})
    opinion = judged([said], PAGES, scope(RESTART), "model x")
    assert opinion is not None
    assert opinion.ruling is Ruling.DENY, "the planted defect must show"


async def said_by(script: Any, kind: ActionKind) -> tuple[Opinion | None, Thinker]:
    thinker = Thinker({"critique": script})
    crew = with_models(Desk(thinker, policies=PAGES))
    answer = await crew.critique(overload().briefing(), prepared(kind))
    return answer.value, thinker


def says(*objections: dict[str, Any]) -> Any:
    return lambda _question: {"objections": list(objections)}


async def test_a_model_s_objection_joins_that_of_telemetry() -> None:
    owner = objection("rules.md", "Restarts of api need the owner.", "target", "deny")
    opinion, _ = await said_by(says(owner), RESTART)
    assert opinion is not None
    assert opinion.ruling is Ruling.DENY
    assert "takes capacity away" in opinion.reason
    assert 'rules.md: "Restarts of api need the owner." (names action, target)' in opinion.reason


async def test_a_false_quote_goes_back_once_and_is_then_dropped_and_said_so() -> None:
    opinion, thinker = await said_by(says({**FREEZE, "quote": "Never scale anything."}), SCALE)
    assert opinion is not None
    assert (opinion.ruling, opinion.reason) == (Ruling.ALLOW, "")
    assert opinion.said == (
        "an objection of model scripted was dropped: the quote does not stand in change-freeze.md",
    )
    assert len(thinker.asked) == 2


async def test_a_silent_critic_leaves_the_opinion_of_telemetry() -> None:
    opinion, _ = await said_by(silent, RESTART)
    assert opinion is not None
    assert opinion.ruling is Ruling.ASK
    nothing, _ = await said_by(silent, SCALE)
    assert nothing is None


def test_a_quote_may_be_broken_over_lines() -> None:
    page = PolicyText(name="p.md", text="No restarts\n  on Fridays.")
    said = Objection.of({**FREEZE, "page": "p.md"})
    assert unfounded(said, [page], scope(RESTART)) == ""
