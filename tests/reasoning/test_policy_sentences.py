"""What a sentence of policy means for a plan: by kinds of words, each with its counterpart."""

from datetime import UTC, datetime

import pytest

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.remediation import Action, ActionKind, Target
from aiops_agent.domain.telemetry import ServiceKind, ServiceName
from aiops_agent.reasoning.objections import Objection, Scope, unfounded
from aiops_agent.reasoning.sentences import PolicyText, sentences, standing
from tests.reasoning.world import MENU

TIERS = {
    ServiceName("web"): ServiceKind.APPLICATION,
    ServiceName("ledger"): ServiceKind.DATABASE,
    ServiceName("hot"): ServiceKind.CACHE,
}
FRIDAY, MONDAY = datetime(2026, 11, 27, 12, tzinfo=UTC), datetime(2026, 11, 23, 12, tzinfo=UTC)
ENV = EnvironmentRef.parse("docker:production")
PLANS: dict[str, tuple[str, dict[str, str | int]]] = {
    "restart": ("restart_service", {}),
    "rollback": ("rollback_release", {"release": "r1"}),
    "scale 4": ("scale_pods", {"replicas": 4}),
    "pool 80": ("set_config", {"name": "pool_size", "value": "80"}),
}
# sentence, what it is about, plan, target, moment, whether it holds
TABLE = [
    ("Restarts happen only on Tuesdays.", "day", "restart", "web", FRIDAY, True),
    ("Restarts happen only on Fridays.", "day", "restart", "web", FRIDAY, False),
    ("No restarts except on Fridays.", "day", "restart", "web", FRIDAY, False),
    ("No restarts except on Fridays.", "day", "restart", "web", MONDAY, True),
    ("Restarts are fine except on Fridays.", "day", "restart", "web", FRIDAY, True),
    ("Restarts are fine on Fridays.", "day", "restart", "web", FRIDAY, False),
    ("No restarts from Thursday to Saturday.", "day", "restart", "web", FRIDAY, True),
    ("No restarts from Thursday to Saturday.", "day", "restart", "web", MONDAY, False),
    ("Nothing changes from Friday 10:00 to Monday 08:00.", "hour", "restart", "web", FRIDAY, True),
    ("Nothing changes from Friday 10:00 to Monday 08:00.", "hour", "restart", "web", MONDAY, False),
    ("Nothing changes after 11:30.", "hour", "restart", "web", FRIDAY, True),
    ("Nothing changes after 1 pm.", "hour", "restart", "web", FRIDAY, False),
    ("Nothing changes between 12:30 and 14:00 Europe/Berlin.", "hour", "restart", "web", FRIDAY,
     True),
    ("No changes outside 09:00-17:00.", "hour", "restart", "web", FRIDAY, False),
    ("No changes outside 13:00-17:00.", "hour", "restart", "web", FRIDAY, True),
    ("Web is frozen until 30 November 2026.", "date", "restart", "web", FRIDAY, True),
    ("Web is frozen from 1 December to 3 January.", "date", "restart", "web", FRIDAY, False),
    ("Web is frozen in November.", "date", "restart", "web", FRIDAY, True),
    ("Databases are never rolled back.", "action", "rollback", "ledger", FRIDAY, True),
    ("Databases are never rolled back.", "action", "rollback", "web", FRIDAY, False),
    ("Nothing but web is touched: no database, ever.", "target", "restart", "ledger", FRIDAY, True),
    ("Never restart a cache while ledger is down.", "action", "restart", "hot", FRIDAY, True),
    ("Never restart a cache while ledger is down.", "action", "restart", "ledger", FRIDAY, False),
    ("Nobody restarts anything except hot.", "action", "restart", "hot", FRIDAY, False),
    ("At most 3 replicas of web.", "number", "scale 4", "web", FRIDAY, True),
    ("At most 4 replicas of web.", "number", "scale 4", "web", FRIDAY, False),
    ("At most 3 replicas of web.", "target", "restart", "web", FRIDAY, False),
    ("Web runs with no fewer than five instances.", "number", "scale 4", "web", FRIDAY, True),
    ("A pool above 60 starves the others.", "number", "pool 80", "web", FRIDAY, True),
    ("A pool above 90 starves the others.", "number", "pool 80", "web", FRIDAY, False),
    ("Restarting web takes more than 5 minutes.", "target", "restart", "web", FRIDAY, True),
    ("In production nobody restarts web.", "place", "restart", "web", FRIDAY, True),
    ("In staging nobody restarts web.", "target", "restart", "web", FRIDAY, False),
    ("In act mode nobody restarts web.", "target", "restart", "web", FRIDAY, False),
    ("In propose mode nobody restarts web.", "place", "restart", "web", FRIDAY, True),
]  # fmt: skip


def flaw(text: str, quote: str, about: str, plan: str, target: str, now: datetime) -> str:
    kind, wished = PLANS[plan]
    action = Action(
        kind=ActionKind(kind), target=Target(environment=ENV, name=target), wished=wished
    )
    scope = Scope(
        (action,),
        now,
        MENU,
        frozenset(TIERS),
        tiers=TIERS,
        environment=ENV,
        mode=Mode.PROPOSE,
    )
    page = PolicyText(name="p.md", text=text)
    said = Objection.of({"page": "p.md", "quote": quote, "about": about, "ruling": "deny"})
    return unfounded(said, [page], scope)


@pytest.mark.parametrize("row", TABLE, ids=[f"{row[0]} {row[3]} {row[4]:%a}" for row in TABLE])
def test_a_sentence_is_about_a_plan_or_about_another(
    row: tuple[str, str, str, str, datetime, bool],
) -> None:
    text, about, plan, target, now, holds = row
    why = flaw(text, text, about, plan, target, now)
    assert (why == "") is holds, why


def test_half_a_sentence_means_what_all_of_it_means() -> None:
    text = "No restarts and no rollbacks on Fridays."
    assert flaw(text, "No restarts and no rollbacks", "action", "restart", "web", FRIDAY) == ""
    assert "it speaks of friday" in flaw(
        text, "No restarts and no rollbacks", "action", "restart", "web", MONDAY
    )


def test_marks_capitals_and_breaks_do_not_matter_but_every_word_does() -> None:
    page = PolicyText(name="p.md", text="> **No** restarts of `web`\n> on Fridays’ eve.")
    assert standing("no restarts of web", page)
    assert not standing("no restart", page)
    assert not standing("No restarts on Fridays", page)
    assert not standing("", page)


def test_an_item_is_read_with_the_line_that_leads_its_list() -> None:
    page = PolicyText(name="p.md", text="# Web\n\nOn Fridays:\n\n- no restarts\n- no rollbacks\n")
    item = sentences(page)[2]
    assert (item.whole, item.heading) == ("On Fridays: no restarts", "Web")


def test_a_heading_says_whom_its_sentences_are_about() -> None:
    text = "# Hot\n\nThis one is never restarted.\n"
    quote = "This one is never restarted."
    assert flaw(text, quote, "action", "restart", "hot", FRIDAY) == ""
    assert "it speaks of hot" in flaw(text, quote, "action", "restart", "web", FRIDAY)


def test_an_unknown_zone_decides_nothing() -> None:
    text = "No restarts of web between 01:00 and 02:00 PST."
    assert flaw(text, text, "action", "restart", "web", FRIDAY) == ""
