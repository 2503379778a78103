"""Memory puts fitting actions in order by what came of them, and can do no more than that."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.postmortem import (
    CaseSource,
    Pattern,
    PatternOutcome,
    PersonRating,
    TriedAction,
)
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    EffectState,
    Offer,
    Recovery,
)
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.memory.advise import cited, recurrence
from aiops_agent.memory.odds import TrackRecord, standing, weight
from aiops_agent.ports.memory import Hit, RecallQuery
from tests import seams
from tests.contracts.samples import a_case, an_incident
from tests.targets import at

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SCALE = ActionKind("scale_pods")
MENU = (Offer(kind=SCALE, noun="scaling"),)
WEB = ServiceName("web")
INCIDENT = an_incident(
    opened_at=NOW, started_at=NOW, environment=a_case().environment, subject=at("web")
)
QUERY = RecallQuery(incident=INCIDENT, cause=CauseKind.CAPACITY, service=WEB)


def hit(days: float, recovery: Recovery = Recovery.RECOVERED, **other: Any) -> Hit:
    """Return an incident of web that ended so many days ago."""
    state = other.pop("state", EffectState.APPLIED)
    action = Action(kind=other.pop("kind", SCALE), target=at("web"))
    tried = (TriedAction(action=action, recovery=recovery, state=state),)
    ended = NOW - timedelta(days=days)
    given = {"service": WEB, "cause_service": WEB, "tried": tried, "ended_at": ended, **other}
    case = a_case(id=f"INC-{days}", started_at=ended, **given)
    return Hit(case=case, points=1.0, reasons=("same service",))


def says(*hits: Hit, release: str = "") -> float:
    return standing({SCALE}, cited(hits, MENU, QUERY, release))


def test_what_helped_stands_above_the_unknown_and_what_failed_below() -> None:
    assert says(hit(1)) > says() == 0.0 > says(hit(1, Recovery.WORSE))
    assert says(hit(1), hit(2)) > says(hit(1))


def test_what_is_old_counts_less_and_what_came_back_soon_too() -> None:
    assert says(hit(1)) > says(hit(300)) > 0
    assert weight(NOW, NOW, timedelta(days=1)) < weight(NOW, NOW, timedelta(days=30)) == 1.0


def test_a_success_counts_only_above_the_rate_at_which_the_like_heals() -> None:
    healed = [hit(n, tried=(), ending=Ending.HEALED) for n in range(3, 9)]
    assert says(hit(1), *healed) == 0.0
    assert says(hit(1, Recovery.WORSE), *healed) < 0


def test_two_failures_in_a_row_at_the_same_service_and_release_outweigh_many_successes() -> None:
    old = [hit(10 + n, release="1") for n in range(20)]
    now = [hit(n, Recovery.NOT_RECOVERED, release="2") for n in (1, 2)]

    assert says(now[0], *old, release="2") > 0
    assert says(*now, *old, release="2") == -1.0
    assert says(*now, *old, release="3") > 0  # elsewhere the interval decides


def test_a_right_remedy_that_was_refused_is_not_buried() -> None:
    refused = hit(1, Recovery.NOT_RECOVERED, state=EffectState.REFUSED)
    assert says(refused, refused) == 0.0


def test_where_a_person_says_that_we_were_wrong_success_is_none() -> None:
    said = PersonRating(by="pat", at=NOW, right=False)
    assert says(hit(1, ratings=(said,))) == 0.0


def test_the_interval_narrows_with_what_is_known() -> None:
    few, many = TrackRecord(3, 0).interval, TrackRecord(30, 0).interval
    assert few[0] < many[0]
    assert 0.45 < few[0] < 0.5  # Beta(4, 1): the 5 % point is 0.05 ** (1 / 4)
    assert TrackRecord().interval == pytest.approx((0.05, 0.95), abs=0.001)


def test_what_comes_back_is_named_with_how_long_the_fix_held() -> None:
    hits = [hit(3), hit(5).model_copy(update={"held": timedelta(days=2)})]
    known = cited(hits, MENU, QUERY)
    other = RecallQuery(incident=INCIDENT, cause=CauseKind.LEAK, service=WEB)

    assert recurrence(hits, QUERY, known) == (
        "third time in two weeks; scaling holds for about 3 days"
    )
    assert recurrence(hits, other, known) == ""
    assert recurrence([hit(30)], QUERY, known) == ""


def test_a_case_that_stands_for_others_counts_as_often_as_they_do() -> None:
    one = hit(30)
    action = one.case.tried[0].action
    told = [
        PatternOutcome(action=action, recovery=recovery, times=times, last=one.case.ended_at)
        for recovery, times in ((Recovery.RECOVERED, 5), (Recovery.NOT_RECOVERED, 2))
    ]
    pattern = Pattern(members=(), since=one.case.began, outcomes=tuple(told), idle=9, healed=8)
    case = one.case.model_copy(update={"pattern": pattern})
    known = cited([one.model_copy(update={"case": case})], MENU, QUERY)
    assert [(each.helped, each.tries, each.times) for each in known] == [
        (6, 8, 1),
        (6, 8, 5),
        (6, 8, 2),
    ]
    assert known[1].weight == pytest.approx(5 * known[0].weight)
    assert {each.heals for each in known} == {8 / 10}


PLANTED = ActionKind("delete_everything")


def test_a_planted_case_adds_no_action_and_imported_words_count_for_nothing() -> None:
    planted = hit(1, kind=PLANTED)
    told = hit(1, source=CaseSource.IMPORTED)

    assert cited([planted, told], MENU, QUERY) == ()


def test_a_memory_that_adds_actions_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: what memory praises is cited whatever the menu says."""
    seams.MENU.plant(monkeypatch, lambda *_: True)

    assert [one.action.kind for one in cited([hit(1, kind=PLANTED)], MENU, QUERY)] == [PLANTED]
