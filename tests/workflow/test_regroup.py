"""People split and merge incidents: what was planned for other alerts is void."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.domain.alert import Severity
from aiops_agent.domain.approval import ApprovalState, Ruling, Verdict
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import ApprovalError, NotPermitted, UsageError
from aiops_agent.domain.incident import Ending, Incident, Status
from aiops_agent.domain.payload import EventType, IncidentRegrouped
from aiops_agent.domain.point import Point
from aiops_agent.safety import approve
from aiops_agent.workflow.again import Interruption, Meanwhile
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.receive import Receive
from aiops_agent.workflow.recorder import IncidentRecorder
from aiops_agent.workflow.regroup import Regroup
from tests import seams
from tests.safety.plans import a_decision, a_plan
from tests.workflow.place import HERE, START, Place, an_alert
from tests.workflow.running import Run

PLAN = a_plan(1)
ASK = Verdict(ruling=Ruling.ASK, reason="a person decides")
BY, WHY = "by a person", ": not the same"
SLOW, FULL = "HighLatency", "QueueFull"


async def arrives(place: Place, *alerts: tuple[str, str]) -> None:
    """Let alerts, each a name and its service, arrive in one body."""
    bodies = (an_alert(labels={"alertname": n, "service": s}) for n, s in alerts)
    place.keep(*bodies)
    await Receive(place.deps).handle(HERE)


@pytest.fixture
async def two(place: Place) -> Place:
    """One incident with an alert of a service and one of its caller."""
    await arrives(place, (SLOW, "payments-api"), (FULL, "web"))
    assert len(place.incidents()) == 1
    return place


@pytest.fixture
async def apart(place: Place) -> Place:
    """Two incidents that have nothing to do with each other."""
    await arrives(place, (SLOW, "payments-api"), (FULL, "mail"))
    assert len(place.incidents()) == 2
    return place


def asked(place: Place, *, then: bool | None = None, incident: str = "INC-0001") -> None:
    """Put the question of a plan, and answer it."""
    IncidentRecorder(place.deps).moved(incident, Status.DIAGNOSING, "seen")
    gate = Gate(place.deps)
    plan = PLAN.model_copy(update={"incident": incident, "environment": HERE})
    name = gate.ask(plan, ASK)
    if then is not None:
        gate.answer(name, a_decision(plan, at=place.clock.at, approve=then))


def split(place: Place, *alerts: str) -> Incident:
    return Regroup(place.deps).split("INC-0001", alerts, "alex", "not the same")


def merge(place: Place) -> Incident:
    return Regroup(place.deps).merge("INC-0002", "INC-0001", "alex", "one cause")


def regrouped(place: Place) -> list[tuple[str, str, str, str]]:
    events = place.events(EventType.INCIDENT_REGROUPED)
    said = [(e.incident, e.payload, e.message) for e in events]
    return [
        (name, p.what, p.by, words) for name, p, words in said if isinstance(p, IncidentRegrouped)
    ]


async def test_a_split_moves_alerts_into_an_incident_of_their_own(two: Place) -> None:
    made = split(two, FULL)
    old, new = two.incidents()
    assert new == made
    assert [(one.alert_names, str(one.service)) for one in (old, new)] == [
        ((SLOW,), "payments-api"),
        ((FULL,), "web"),
    ]
    assert (new.split_from, new.status, old.status) == (old.id, Status.OPEN, Status.OPEN)
    assert [[a.name for a in two.alerts(one)] for one in (old, new)] == [[SLOW], [FULL]]
    assert regrouped(two) == [
        ("INC-0002", "split_from", "alex", f"split off from INC-0001 {BY}, with 1 alert{WHY}"),
        ("INC-0001", "split_off", "alex", f"1 alert split off into INC-0002 {BY}{WHY}"),
    ]
    assert [e.incident for e in two.events(EventType.INCIDENT_OPENED)] == ["INC-0001", "INC-0002"]


async def test_what_was_split_off_stays_so_when_its_alert_repeats(two: Place) -> None:
    split(two, FULL)
    two.clock.go(minutes=1)
    await arrives(two, (SLOW, "payments-api"), (FULL, "web"))
    assert [[a.name for a in two.alerts(one)] for one in two.incidents()] == [[SLOW], [FULL]]


async def test_who_keeps_alerts_of_others_only_is_about_them(two: Place) -> None:
    subject = two.incidents()[0].service
    mine = next(one for one in two.alerts(two.incidents()[0]) if one.service == subject)
    split(two, mine.key[:8])
    assert {str(one.service) for one in two.incidents()} == {"payments-api", "web"}
    assert all(two.alerts(one)[0].service == one.service for one in two.incidents())


async def test_a_merge_moves_all_alerts_and_ends_the_first_incident(apart: Place) -> None:
    merge(apart)
    kept, gone = apart.incidents()
    assert (gone.merged_into, kept.alert_names) == (kept.id, (SLOW, FULL))
    assert [len(apart.alerts(one)) for one in (kept, gone)] == [2, 0]
    record = IncidentRecorder(apart.deps)
    assert Meanwhile(apart.deps).interrupted(gone.id) == Interruption(ending=Ending.MERGED)
    record.ended(gone.id, Ending.HANDED_OVER, "whatever its story found in the same moment")
    gone = apart.incidents()[1]
    assert (gone.status, gone.ending) == (Status.DISMISSED, Ending.MERGED)
    assert gone.note == "merged into INC-0001 by a person"
    assert [(name, what, by) for name, what, by, _ in regrouped(apart)] == [
        ("INC-0002", "merged_into", "alex"),
        ("INC-0001", "merged_from", "alex"),
    ]


async def test_nothing_joins_what_is_being_merged(apart: Place) -> None:
    merge(apart)
    await arrives(apart, ("MailSlow", "mail"))
    assert [one.alert_names for one in apart.incidents()] == [(SLOW, FULL), (FULL,), ("MailSlow",)]


@pytest.mark.parametrize("answer", [None, True])
@pytest.mark.parametrize(
    "change", [lambda place: split(place, FULL), merge], ids=["split", "merge"]
)
async def test_no_permission_outlives_a_change_of_its_alerts(
    place: Place, answer: bool | None, change: Callable[[Place], Incident]
) -> None:
    await arrives(place, (SLOW, "payments-api"), (FULL, "web" if change is not merge else "mail"))
    asked(place, then=answer)
    change(place)
    gate = Gate(place.deps)
    found = gate.get("INC-0001.1")
    assert (found.state, found.note) == (
        ApprovalState.WITHDRAWN,
        "the alerts of INC-0001 were changed",
    )
    with pytest.raises(ApprovalError, match="not waiting any more"):
        gate.answer(found.id, a_decision(found.prepared, at=place.clock.at))
    with place.store.begin() as work, pytest.raises(ApprovalError):
        approve.arm(work, found.id, found.prepared, place.clock.at)
    assert gate.ask(found.prepared.model_copy(update={"asked": 2}), ASK) == "", "asked meanwhile"
    record = IncidentRecorder(place.deps)
    assert Meanwhile(place.deps).interrupted("INC-0001") == Interruption(anew=True)
    assert record.ended("INC-0001", Ending.HEALED, "it healed") is Status.AWAITING_APPROVAL
    for _ in range(2):  # a step may run again
        assert Meanwhile(place.deps).anew("INC-0001") == 1
    begun = place.incidents()[0]
    assert (begun.status, begun.regrouped, begun.groupings) == (Status.OPEN, False, 1)


async def test_a_yes_of_the_store_s_past_arms_nothing_for_other_alerts(two: Place) -> None:
    """As when the question was not withdrawn, whyever: the airlock itself looks."""
    asked(two, then=True)
    (found,) = two.incidents()
    two.put(found.model_copy(update={"regrouped": True}))
    request = Gate(two.deps).get("INC-0001.1")
    with two.store.begin() as work, pytest.raises(NotPermitted, match="made for other alerts"):
        approve.arm(work, request.id, request.prepared, two.clock.at)


async def test_an_airlock_that_does_not_look_is_caught(
    two: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.PERMITTED.plant(monkeypatch, lambda *_: None)
    with pytest.raises(pytest.fail.Exception):
        await test_a_yes_of_the_store_s_past_arms_nothing_for_other_alerts(two)


async def test_a_split_that_leaves_the_yes_standing_is_caught(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.VOID.plant(monkeypatch, lambda *_: None)
    with pytest.raises(AssertionError):
        await test_no_permission_outlives_a_change_of_its_alerts(place, True, merge)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "ended": ({"status": Status.RESOLVED}, r"has ended \(resolved\): `aiops incident reopen"),
    "acts": ({"status": Status.REMEDIATING}, "is running or being verified: wait"),
    "taken": ({"takeover": True}, "was taken over by a person"),
    "merged": ({"merged_into": "INC-0009"}, "was merged into INC-0009: go on there"),
}


@pytest.mark.parametrize(("given", "why"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_changed_is_refused_with_a_sentence(
    apart: Place, given: dict[str, Any], why: str
) -> None:
    for place in range(2):
        before = apart.incidents()
        apart.put(before[place].model_copy(update=given))
        changed = apart.incidents()
        with pytest.raises(UsageError, match=why):
            merge(apart)
        if not place:
            with pytest.raises(UsageError, match=why):
                split(apart, SLOW)
        assert apart.incidents() == changed
        apart.put(before[place])
    assert regrouped(apart) == []


@pytest.mark.parametrize(
    ("alerts", "why"),
    [
        (["Nothing"], "'Nothing' names no alert of INC-0001; name one by .*HighLatency"),
        (["0"], "'0' names no alert"),
        ([SLOW, FULL], "would be left without an alert"),
    ],
)
async def test_a_split_says_what_it_cannot_do(two: Place, alerts: list[str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        split(two, *alerts)
    assert len(two.incidents()) == 1


async def test_two_alerts_of_one_name_are_told_apart_by_their_keys(place: Place) -> None:
    await arrives(place, (SLOW, "payments-api"), (SLOW, "web"))
    with pytest.raises(UsageError, match=r"names 2 alerts.*by the digits of its key"):
        split(place, SLOW)
    split(place, place.alerts(place.incidents()[0])[1].key[:8])
    assert len(place.incidents()) == 2


async def test_an_incident_is_merged_into_another_one_of_its_environment(apart: Place) -> None:
    with pytest.raises(UsageError, match="into itself"):
        Regroup(apart.deps).merge("INC-0001", "INC-0001", "alex", "")


async def test_incidents_of_two_environments_are_not_merged(apart: Place) -> None:
    second = apart.incidents()[1]
    apart.put(second.model_copy(update={"environment": EnvironmentRef.parse("docker:other")}))
    with pytest.raises(UsageError, match="are of two environments"):
        merge(apart)


@pytest.mark.parametrize("worse", [0, 1])
async def test_merged_incidents_are_as_bad_as_the_worse_and_as_old_as_the_older(
    apart: Place, worse: int
) -> None:
    bad, old = apart.incidents()[worse], apart.incidents()[1 - worse]
    before = old.started_at - timedelta(hours=1)
    apart.put(bad.model_copy(update={"severity": Severity.SEV1}))
    apart.put(old.model_copy(update={"started_at": before}))
    both = merge(apart)
    assert (both.severity, both.started_at) == (Severity.SEV1, before)


async def test_what_is_split_off_is_as_bad_and_as_old_as_its_own_alerts(place: Place) -> None:
    severities = {"A": "info", "B": "warning", "C": "critical"}
    for hour, (name, severity) in enumerate(severities.items()):
        labels = {"alertname": name, "service": "web", "severity": severity}
        place.keep(an_alert(labels=labels, starts_at=START - timedelta(hours=3 - hour)))
    await Receive(place.deps).handle(HERE)
    held = {one.name: one for one in place.alerts(place.incidents()[0])}

    made = split(place, "A", "B")

    assert made.severity == held["B"].claimed != held["C"].claimed
    assert made.started_at == held["A"].since != held["B"].since


@pytest.mark.parametrize(("count", "more"), [(10, r"\)\.$"), (12, r"\) and 2 more\.$")])
async def test_an_error_lists_ten_alerts_and_counts_the_others(
    place: Place, count: int, more: str
) -> None:
    await arrives(place, *((f"A{number:02}", "web") for number in range(count)))
    with pytest.raises(UsageError, match=rf"\(A09{more}"):
        split(place, "Nothing")


def is_split(run: Run) -> None:
    """Let its newest alert go."""
    with run.house.store.read() as view:
        *_, last = view.alerts.of_incident(run.name).shown
    run.house.commands.split(run.name, [last.key], "alex", "apart")


def is_merged(run: Run) -> None:
    """Merge it into an incident that another one of its alerts opened."""
    is_split(run)
    run.house.commands.merge(run.name, "INC-0002", "alex", "after all")


@pytest.mark.slow
@pytest.mark.parametrize("point", [Point.TRIAGED, Point.PLANNED, Point.ASKED, Point.DECIDED])
def test_a_split_incident_is_triaged_and_planned_anew_and_its_old_yes_sends_nothing(
    tmp_path: Path, point: Point
) -> None:
    run = Run(tmp_path, at={point: is_split})
    answers = 0

    def answer(_: Run) -> None:
        nonlocal answers
        answers += 1
        run.when[EventType.APPROVAL_PENDING] = answer  # each question is answered
        with suppress(ApprovalError):
            run.answer()

    run.when[EventType.APPROVAL_PENDING] = answer
    end = run.go()
    assert (end.status, end.ending, end.groupings) == (Status.RESOLVED, Ending.FIXED, 1)
    assert len(run.told(EventType.TRIAGE_DONE)) == 2
    late = point in (Point.ASKED, Point.DECIDED)
    assert answers == 1 + late
    assert len(run.told(EventType.APPROVAL_ENDED)) == late
    assert len(run.effects) == 1, "done once, under the second plan"
    assert run.request.id != "INC-0001.1" or not late


@pytest.mark.slow
@pytest.mark.parametrize("point", [Point.TRIAGED, Point.ASKED, Point.RECHECKED])
def test_a_merged_incident_ends_and_nothing_of_it_is_run(tmp_path: Path, point: Point) -> None:
    run = Run(tmp_path, at={point: is_merged}, when={EventType.APPROVAL_PENDING: Run.answer})
    if point is Point.ASKED:
        del run.when[EventType.APPROVAL_PENDING]
    end = run.go()
    assert (end.status, end.ending) == (Status.DISMISSED, Ending.MERGED)
    assert end.note == "merged into INC-0002 by a person"
    assert "Ended: merged into INC-0002 by a person." in run.report.markdown
    assert run.effects == ()
