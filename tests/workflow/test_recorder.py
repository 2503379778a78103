"""What each phase leaves behind: the incident as it is then, and what is told of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.domain.answer import STATISTICS, Answer, Effort
from aiops_agent.domain.diagnosis import Confidence, TriageVerdict
from aiops_agent.domain.incident import Ending, Incident, Status
from aiops_agent.domain.model import ModelCall, ModelRef
from aiops_agent.domain.payload import (
    ActionFinished,
    ActionStarted,
    EvidenceAdded,
    IncidentEnd,
)
from aiops_agent.domain.remediation import EffectState, PlanKind, Recovery, Verification
from aiops_agent.domain.watch import SEEN_BY_WATCH
from aiops_agent.workflow.recorder import IncidentEnded, IncidentRecorder
from tests.interfaces.terminal import canned
from tests.workflow.place import HERE, START, Place

BY = Effort(by=STATISTICS)
ID = canned.OPEN.id


def begun(place: Place, **facts: object) -> IncidentRecorder:
    """Return the recorder of an incident whose attempt has all that was prepared."""
    attempt = canned.ATTEMPT.model_copy(update={"outcome": None, "verification": None})
    given = {"environment": HERE, "status": Status.DIAGNOSING, "attempts": (attempt,), **facts}
    place.put(canned.OPEN.model_copy(update=given))
    return IncidentRecorder(place.deps)


def kept(place: Place) -> Incident:
    [incident] = place.incidents()
    return incident


@pytest.mark.parametrize("sooner", [timedelta(minutes=3), timedelta(minutes=-3)])
def test_trouble_began_when_the_earlier_of_two_says(place: Place, sooner: timedelta) -> None:
    known = canned.OPEN.started_at
    found = canned.DIAGNOSIS.model_copy(update={"began": known - sooner})

    begun(place, status=Status.OPEN).diagnosed(ID, 1, found, BY)

    assert kept(place).started_at == min(known, known - sooner)


@pytest.mark.parametrize("sooner", [timedelta(minutes=3), timedelta(minutes=-3), None])
def test_triage_dates_trouble_back_and_never_forward(
    place: Place, sooner: timedelta | None
) -> None:
    known = canned.OPEN.started_at
    began = None if sooner is None else known - sooner
    seen = canned.TRIAGE.model_copy(update={"began": began})

    begun(place, status=Status.OPEN).triaged(ID, 0, Answer(value=seen, effort=BY))

    assert kept(place).started_at == min(known, began or known)


SLOW = "web is slow"


@pytest.mark.parametrize(
    ("verdict", "impact", "watched", "title"),
    [
        (TriageVerdict.CONFIRMED, SLOW, False, SLOW),
        (TriageVerdict.CONFIRMED, SLOW, True, f"{SLOW} · {SEEN_BY_WATCH}"),
        (TriageVerdict.CONFIRMED, "", True, "as it was called"),
        (TriageVerdict.UNSEEN, SLOW, True, "as it was called"),
    ],
)
def test_an_incident_is_called_after_what_telemetry_confirms(
    place: Place, verdict: TriageVerdict, impact: str, watched: bool, title: str
) -> None:
    record = begun(place, status=Status.OPEN, title="as it was called", watched=watched)
    seen = canned.TRIAGE.model_copy(update={"verdict": verdict, "impact": impact})

    record.triaged(ID, 0, Answer(value=seen, effort=BY))

    assert kept(place).title == title
    assert place.events()[-1].message.endswith(impact or seen.reason)


@pytest.mark.parametrize(
    ("model", "kind", "asked"),
    [(True, PlanKind.ACT, True), (True, PlanKind.WATCH, False), (False, PlanKind.ACT, False)],
)
def test_a_model_is_asked_what_it_would_do_where_there_is_a_choice(
    place: Place, model: bool, kind: PlanKind, asked: bool
) -> None:
    record = begun(place)
    choose: Any = object() if model else None  # it is not called
    record._deps = replace(place.deps, crew=replace(place.deps.crew, choose=choose))
    plan = canned.PLAN.model_copy(update={"kind": kind})

    assert record.planned(ID, 1, plan, BY) is asked


@pytest.mark.parametrize(
    ("states", "tried"),
    [
        ((EffectState.APPLIED, EffectState.SKIPPED), True),
        ((EffectState.SKIPPED,), False),  # it may be planned again
        ((), True),  # everything was as the plan wished it
    ],
)
def test_what_was_never_begun_was_not_tried(
    place: Place, states: tuple[EffectState, ...], tried: bool
) -> None:
    one = canned.OUTCOME.effects[0]
    effects = tuple(one.model_copy(update={"state": state}) for state in states)
    done = canned.OUTCOME.model_copy(update={"effects": effects})

    begun(place, status=Status.REMEDIATING).executed(ID, 1, done)

    assert kept(place).attempts[0].outcome == (done if tried else None)


@pytest.mark.parametrize(
    ("facts", "ending", "ends"),
    [
        ({"regrouped": True}, Ending.HANDED_OVER, Status.VERIFYING),  # it begins anew first
        ({"regrouped": True}, None, Status.ESCALATED),  # the agent broke: a person must look
        ({"regrouped": True, "takeover": True}, Ending.TAKEN_OVER, Status.ESCALATED),
        ({"regrouped": True, "merged_into": "INC-2"}, Ending.HANDED_OVER, Ending.MERGED.status),
    ],
)
def test_what_people_changed_in_the_same_moment_does_not_end_yet(
    place: Place, facts: dict[str, object], ending: Ending | None, ends: Status
) -> None:
    record = begun(place, status=Status.VERIFYING, **facts)
    assert record.ended(ID, ending, "so it ended") is ends
    assert kept(place).status is ends
    merged = kept(place).ending is Ending.MERGED
    assert merged is ("merged_into" in facts)
    if merged:
        told = place.events()[-1].payload
        assert isinstance(told, IncidentEnd)
        assert told.quiet, "whoever did it knows"


def test_an_end_that_is_repeated_after_a_crash_closes_no_service_again(place: Place) -> None:
    record = begun(place, status=Status.VERIFYING, attempts=(canned.ATTEMPT,))
    record.ended(ID, Ending.FAILED, "it did not help")
    with place.store.begin() as work:
        known = work.sending.breaker(HERE, canned.OPEN.service)
        assert known.failed == (ID,)
        work.sending.put(known.opened("alex", place.clock.at))

    record.ended(ID, Ending.FAILED, "it did not help")

    with place.store.read() as view:
        assert view.sending.breaker(HERE, canned.OPEN.service).failed == ()


def test_only_findings_that_changed_are_told(place: Place) -> None:
    begun(place, status=Status.OPEN).diagnosed(ID, 1, canned.DIAGNOSIS, BY)

    told = [e.payload.finding for e in place.events() if isinstance(e.payload, EvidenceAdded)]
    assert told == [one for one in canned.FINDINGS if one.changed]
    assert 0 < len(told) < len(canned.FINDINGS)


def test_a_diagnosis_without_a_cause_cites_nothing(place: Place) -> None:
    nothing = canned.DIAGNOSIS.model_copy(update={"hypotheses": (), "confidence": Confidence.LOW})

    begun(place, status=Status.OPEN).diagnosed(ID, 1, nothing, BY)

    assert place.events()[-1].refs == ()


def test_each_prepared_step_is_told_when_it_begins_and_all_when_done(place: Place) -> None:
    record = begun(place)

    record.started(ID, 1, "REQ-1")
    at = record.executed(ID, 1, canned.OUTCOME)

    starts = [e.payload for e in place.events() if isinstance(e.payload, ActionStarted)]
    [done] = [e.payload for e in place.events() if isinstance(e.payload, ActionFinished)]
    assert [one.action for one in starts] == [one.action for one in canned.PREPARED.steps]
    assert (done.action, done.risk) == (canned.STEP.action, canned.STEP.risk)
    assert kept(place).attempts[0].outcome == canned.OUTCOME
    assert kept(place).attempts[0].approval == "REQ-1"
    assert at == place.clock.at


def test_a_look_that_sees_nothing_is_kept_as_one_that_cannot_tell(place: Place) -> None:
    blind: Answer[Verification] = Answer(missing="Prometheus is away.", effort=BY)

    recovery, _ = begun(place, status=Status.VERIFYING).sampled(ID, 1, 0, blind)

    seen = kept(place).attempts[0].verification
    assert recovery is Recovery.INCONCLUSIVE
    assert seen is not None
    assert "Prometheus is away." in seen.reason


def test_an_end_says_in_a_log_why_it_came() -> None:
    assert str(IncidentEnded(Ending.DENIED, "no restarts on Fridays")) == "no restarts on Fridays"


@pytest.mark.parametrize("recovery", list(Recovery))
def test_only_what_did_not_help_refutes_its_cause(place: Place, recovery: Recovery) -> None:
    record = begun(place, status=Status.VERIFYING)

    cause = record.verified(ID, 1, recovery)

    helpless = recovery in (Recovery.NOT_RECOVERED, Recovery.WORSE)
    assert kept(place).attempts[0].refuted == (canned.PLAN.hypothesis if helpless else "")
    assert kept(place).recovery is recovery
    assert cause == canned.DIAGNOSIS.summary


@pytest.mark.parametrize("ending", list(Ending))
def test_the_end_is_kept_told_and_returned(place: Place, ending: Ending) -> None:
    before = {Status.DISMISSED: Status.OPEN}.get(ending.status, Status.VERIFYING)

    status = begun(place, status=before).ended(ID, ending, "so it ended")

    ended = kept(place)
    assert (status, ended.status, ended.ending) == (ending.status, ending.status, ending)
    assert place.events()[-1].type.value == f"incident.{ending.status}"


@pytest.mark.parametrize("acted", [True, False])
def test_giving_up_is_a_failure_only_where_something_was_sent(place: Place, acted: bool) -> None:
    outcome = canned.OUTCOME if acted else None
    attempt = canned.ATTEMPT.model_copy(update={"outcome": outcome})

    begun(place, attempts=(attempt,)).ended(ID, None, "no more attempts")

    assert kept(place).ending is (Ending.FAILED if acted else Ending.HANDED_OVER)


@pytest.mark.parametrize(("took", "said"), [(9.9, ""), (10.0, "all 10 seconds for models")])
def test_an_incident_whose_seconds_are_gone_is_cut_short(
    place: Place, took: float, said: str
) -> None:
    record = begun(place)
    terms = replace(place.deps.terms, model_seconds=10.0)
    record._deps = replace(place.deps, terms=terms)
    with place.store.begin() as work:
        for model in ("one", "two"):
            work.calls.keep(call(model, took / 2))
        work.calls.keep(call("one", 99.0).model_copy(update={"incident": "INC-9"}))

    record.ended(ID, Ending.HANDED_OVER, "nothing fits")

    assert kept(place).cut_short == said


def call(model: str, took: float) -> ModelCall:
    return ModelCall(
        incident=ID,
        environment=HERE,
        agent="plan",
        ordinal=1,
        model=ModelRef(provider="openai", name=model),
        place="http://127.0.0.1:80",
        sent={},
        started_at=START,
        took=took,
    )
