"""The ways of an incident on which something goes wrong, each to its end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.actions.platform import Accepted, Begin, Landing, Platform, Sight, at_once
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.crew import Crew, without_llm
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.answer import Answer, Author, AuthorKind, Effort
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.diagnosis import Confidence, Diagnosis, Triage, TriageVerdict
from aiops_agent.domain.errors import OutcomeUnknown, PlatformError, RequestRefused
from aiops_agent.domain.incident import Ending, Incident, Status
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.payload import EventType, VerificationSample
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    Draft,
    EffectState,
    Plan,
    PlanKind,
    Recovery,
    Request,
    Target,
    Verification,
)
from aiops_agent.safety.execute import Executor
from tests import timeline
from tests.workflow.running import Run

pytestmark = pytest.mark.usefixtures("read_as_kept")

PENDING, UNDONE = EventType.APPROVAL_PENDING, EventType.UNDO_FINISHED
STEPS_TO_A_SECOND_PLAN = {
    *("question.v1", "triaged", "taken", "diagnosed", "planned", "prepare", "review", "reviewed"),
    *(
        "ask",
        "look",
        "answer",
        "unchanged",
        "remains",
        "started",
        "execute",
        "executed",
        "moved",
        "wait",
    ),
    *("sampled", "verified", "undo", "undone", "undo-verified", "ended", "archived"),
}
SENDING = (Point.BEFORE_SEND, Point.SENDING, Point.AFTER_SEND, Point.RECORDED)
SENT = (Point.ARMED, *SENDING, Point.EXECUTED, Point.SETTLED, Point.VERIFIED)
TAKEN_BACK = (Point.UNDO_ARMED, *SENDING, Point.UNDONE)
FROM_A_DIAGNOSIS = (
    *(Point.DIAGNOSED, Point.PLANNED, Point.PREPARED, Point.REVIEWED),
    *(Point.ASKED, Point.DECIDED, Point.RECHECKED),
)
TO_THE_FIRST_SEND = (
    *(Point.DELIVERY_KEPT, Point.INCIDENT_OPENED, Point.STORY_STARTED, Point.TRIAGED),
    *FROM_A_DIAGNOSIS,
)
CLOSED = (Point.REPORTED, Point.ARCHIVED, Point.CLOSED)
_TO_AN_OUTCOME = [
    ("evidence.added", "diagnose", False),
    ("diagnosis.ready", "diagnose", True),
    ("plan.proposed", "plan", True),
    ("policy.decided", "policy", True),
    ("approval.pending", "gate", False),
    ("approval.decided", "gate", True),
    ("action.started", "executor", False),
    ("action.finished", "executor", True),
    ("verification.sample", "verify", True),
    ("verification.done", "verify", False),
]
TOLD = [
    ("incident.opened", "intake", False),
    ("alert.received", "intake", False),
    ("triage.done", "triage", True),
    *_TO_AN_OUTCOME,
    ("undo.finished", "executor", False),
    ("verification.sample", "verify", True),
    *_TO_AN_OUTCOME,
    ("incident.resolved", "story", False),
    ("report.written", "report", True),
]
EFFORT = Effort(by=Author(kind=AuthorKind.STATISTICS), took=0.0)

slow = partial(pytest.param, marks=pytest.mark.slow)


def always_yes(run: Run) -> None:
    """Approve this question and each that follows."""
    run.when[PENDING] = always_yes
    run.answer()


def yes_once(run: Run) -> None:
    """Approve this question and say no to each that follows."""
    run.when[PENDING] = lambda run: run.answer(approve=False)
    run.answer()


@dataclass
class Stubborn:
    """A platform as it is, but for what the test says of an operation."""

    right: Platform
    on_prepare: Callable[[str, Draft], Draft] = lambda _operation, draft: draft
    on_take_back: Callable[[str], None] = lambda _operation: None
    on_unchanged: Callable[[bool], bool] = lambda unchanged: unchanged
    on_send: Callable[[Request], None] = lambda _request: None
    on_look: Callable[[Sight], Sight] = lambda sight: sight

    @property
    def kinds(self) -> Sequence[ActionKind]:
        return self.right.kinds

    async def prepare(self, action: Action, operation: str) -> Draft:
        return self.on_prepare(operation, await self.right.prepare(action, operation))

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        return self.on_unchanged(await self.right.unchanged(prepared, applied))

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        async def told() -> None:
            await begin()
            self.on_send(request)

        return await self.right.send(request, told)

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        self.on_take_back(operation)
        return await self.right.take_back(step, applied, operation)

    async def look(self, request: Request, armed_at: datetime) -> Sight:
        return self.on_look(await self.right.look(request, armed_at))


def with_platform(**trouble: Any) -> Callable[[Executor], Executor]:
    """Return what puts a stubborn platform into the executor's hands."""

    def change(right: Executor) -> Executor:
        return replace(right, platforms=lambda ref: Stubborn(right.platforms(ref), **trouble))

    return change


def hasty() -> Crew:
    """Return a crew whose first plan touches a service that has nothing to do with it."""
    sober = without_llm()

    async def plan(briefing: Briefing, diagnosis: Diagnosis) -> Answer[Plan]:
        found = await sober.plan(briefing, diagnosis)
        if found.value is None or any(one.outcome for one in briefing.incident.attempts):
            return found
        helpless = Action(
            kind=ActionKind("scale_pods"),
            target=Target(environment=briefing.incident.environment, name="mail-worker"),
            wished={"replicas": 5},
        )
        chosen = {"actions": (helpless,), "hypothesis": ""}
        return found.model_copy(update={"value": found.value.model_copy(update=chosen)})

    return replace(sober, plan=plan)


def raises(error: Exception, *, of: str = "") -> Callable[..., Any]:
    """Return what raises for an operation or a request of that part."""

    def trouble(given: Any, *rest: Any) -> Any:
        operation = given.operation if isinstance(given, Request) else str(given)
        if of in operation:
            raise error
        return rest[0] if rest else None

    return trouble


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Incident]:
    """An incident whose first plan does not help and whose second one does, lived once."""
    run = Run(tmp_path_factory.mktemp("lived"), crew=hasty(), when={PENDING: always_yes})
    return run, run.go()


def test_what_does_not_help_is_taken_back_and_the_next_plan_is_tried(
    lived: tuple[Run, Incident],
) -> None:
    run, incident = lived

    assert (incident.status, incident.ending) == (Status.RESOLVED, Ending.FIXED)
    assert incident.recovery is Recovery.RECOVERED
    assert "resolved" in run.result
    assert incident.ended_at is not None
    first, second = incident.attempts
    assert first.undo is not None
    assert first.undo.state is EffectState.APPLIED
    assert second.undo is None
    (told,) = run.told(UNDONE)
    assert told.startswith("taken back: shop scale mail-worker --replicas 3: applied")
    ids = [one.id for one in run.effects]
    assert [one.removeprefix(f"{run.name}.") for one in ids] == ["1.1.1", "1.undo.1.1", "2.1.1"]
    after = [e for e in run.events if "after taking back" in e.message]
    assert [event.type for event in after] == [EventType.VERIFICATION_SAMPLE]
    assert second.diagnosis is not None
    assert incident.note == second.diagnosis.summary


def test_taking_back_reads_as_it_did(lived: tuple[Run, Incident]) -> None:
    run, incident = lived

    timeline.check("taken-back", timeline.written(incident, run.events, run.steps, run.passed))


def test_an_attempt_keeps_all_that_was_said_and_done(lived: tuple[Run, Incident]) -> None:
    run, incident = lived
    first, second = incident.attempts

    assert (first.number, second.number) == (1, 2)
    empty = {name for name, value in vars(first).items() if value is None}
    assert empty == {"reasoned", "pick"}  # no model
    assert {name for name, value in vars(second).items() if value is None} == {
        "reasoned",
        "pick",
        "undo",
        "undo_verification",
    }
    assert first.approval == f"{run.name}.1"
    assert first.prepared is not None
    assert first.plan is not None
    assert first.prepared.plan == first.plan
    assert first.verification is not None
    assert first.verification.recovery is Recovery.NOT_RECOVERED
    assert second.verification is not None
    assert second.verification.recovery is Recovery.RECOVERED


def test_everything_is_told_once_in_order_by_whom_it_was_and_at_what_cost(
    lived: tuple[Run, Incident],
) -> None:
    run, _ = lived

    told = [(e.type.value, e.agent, e.effort is not None) for e in run.events]
    assert [one for one, _ in groupby(told)] == TOLD
    assert len({event.key for event in run.events}) == len(run.events)
    assert [event.id for event in run.events] == sorted({event.id for event in run.events})
    assert {event.incident for event in run.events} == {run.name}
    assert all(event.message for event in run.events)


def test_the_steps_and_points_of_an_incident_keep_their_names_and_order(
    lived: tuple[Run, Incident],
) -> None:
    run, _ = lived

    steps = {name for name in run.steps if not name.startswith("DBOS.")}
    assert steps == STEPS_TO_A_SECOND_PLAN, "waiting incidents are found by these names"
    passed = [point for point in run.passed if point is not Point.WAITING]  # a matter of haste
    assert passed == [*TO_THE_FIRST_SEND, *SENT, *TAKEN_BACK, *FROM_A_DIAGNOSIS, *SENT, *CLOSED]


def test_what_cannot_be_taken_back_is_tried_again_and_then_a_persons(tmp_path: Path) -> None:
    tried: list[str] = []

    def away(operation: str) -> None:
        tried.append(operation)
        raise PlatformError("The platform is away.")

    run = Run(tmp_path, crew=hasty(), when={PENDING: always_yes})
    run.executor = with_platform(on_take_back=away)
    incident = run.go()

    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.FAILED)
    assert "taking it back FAILED" in incident.note
    assert run.told(UNDONE) == ["NOT taken back: The platform is away."]
    assert len(tried) > 1
    assert len(incident.attempts) == 1


def test_taking_back_that_is_refused_is_a_persons(tmp_path: Path) -> None:
    run = Run(tmp_path, crew=hasty(), when={PENDING: always_yes})
    run.executor = with_platform(on_send=raises(RequestRefused("Not now."), of="undo"))
    incident = run.go()

    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.FAILED)
    assert "taking it back FAILED" in incident.note
    assert "Not now." in run.told(UNDONE)[0]


def test_an_effect_that_nobody_can_tell_ends_with_a_person_at_once(tmp_path: Path) -> None:
    blind = Sight(landing=Landing.UNKNOWN, note="cannot tell")
    run = Run(tmp_path, when={PENDING: always_yes})
    run.executor = with_platform(
        on_send=raises(OutcomeUnknown("The line was cut.")), on_look=lambda _sight: blind
    )
    incident = run.go()

    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.UNKNOWN)
    assert "nobody can tell" in incident.note
    assert run.effects == ()
    assert run.told(UNDONE) == []


def test_refusals_are_no_attempts_that_helped_and_three_of_them_are_enough(tmp_path: Path) -> None:
    run = Run(tmp_path, when={PENDING: always_yes})
    run.executor = with_platform(on_send=raises(RequestRefused("Not now.")))
    incident = run.go()

    assert incident.status is Status.ESCALATED
    assert run.effects == ()
    outcomes = [attempt.outcome for attempt in incident.attempts if attempt.outcome]
    assert [one.state for one in outcomes] == [EffectState.REFUSED] * len(outcomes)
    assert outcomes
    assert run.told(UNDONE) == ["nothing to take back"] * len(outcomes)


def test_a_target_that_cannot_be_read_before_the_send_withdraws_the_yes(tmp_path: Path) -> None:
    def away(_unchanged: bool) -> bool:
        raise PlatformError("The platform is away.")

    run = Run(tmp_path, when={PENDING: always_yes})
    run.executor = with_platform(on_unchanged=away)
    incident = run.go()

    assert incident.status is Status.ESCALATED
    assert run.effects == ()
    assert run.request.state is ApprovalState.WITHDRAWN
    withdrawn = run.told(EventType.APPROVAL_ENDED)
    assert len(withdrawn) == len(incident.attempts) == 3
    assert run.steps.count("withdraw") == 3
    assert all("The platform is away." in said for said in withdrawn)
    assert incident.note == "3 attempts did not help; everything known is in the report"
    assert incident.cut_short == "all 3 attempts"
    assert "This report is partial: all 3 attempts were used up." in run.report.markdown
    assert run.report.data["partial"] is True


@pytest.mark.parametrize(
    ("trouble", "note"),
    [
        (raises(PlatformError("It is away.")), "no safe action: It is away."),
        (
            lambda _operation, draft: draft.model_copy(update={"requests": ()}),
            "everything is already as the plan wishes it",
        ),
    ],
)
def test_a_plan_that_cannot_be_prepared_is_handed_over(
    tmp_path: Path, trouble: Callable[[str, Draft], Draft], note: str
) -> None:
    run = Run(tmp_path, executor=with_platform(on_prepare=trouble))
    incident = run.go()

    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.HANDED_OVER)
    assert incident.note == note
    assert run.told(PENDING) == []


def looks(run: Run, length: timedelta) -> int:
    """Return how often it is looked within a length of time, at both ends too."""
    return length // run.house._deps.terms.pace.look + 1


@pytest.mark.parametrize(
    ("verdict", "status"),
    [(TriageVerdict.CONTRADICTED, Status.DISMISSED), (TriageVerdict.UNSEEN, Status.ESCALATED)],
)
def test_an_alert_that_telemetry_does_not_confirm_is_watched_first(
    tmp_path: Path, verdict: TriageVerdict, status: Status
) -> None:
    asked: list[datetime] = []

    async def triage(briefing: Briefing) -> Answer[Triage]:
        asked.append(briefing.now)
        seen = Triage(
            verdict=verdict,
            severity=Severity.SEV3,
            service=briefing.incident.service,
            signal=None,
            impact="none that is seen",
            reason="I see nothing",
        )
        return Answer(value=seen, effort=EFFORT)

    run = Run(tmp_path, crew=replace(without_llm(), triage=triage))
    run.when[PENDING] = lambda run: run.answer(approve=False)
    incident = run.go()

    pace = run.house._deps.terms.pace
    unseen = verdict is TriageVerdict.UNSEEN
    assert incident.status is status
    assert len(asked) == (6 if unseen else looks(run, pace.within))
    between = {later - earlier for earlier, later in pairwise(asked)}
    assert between == {pace.look}


@pytest.mark.parametrize(
    ("recovery", "patient"), [(Recovery.WORSE, 0), slow(Recovery.NOT_RECOVERED, 1), slow(None, 2)]
)
def test_a_fix_is_given_its_time_unless_it_makes_things_worse(
    tmp_path: Path, recovery: Recovery | None, patient: int
) -> None:
    """And blindness gets more of it."""

    async def verify(briefing: Briefing, *_: Any) -> Answer[Verification]:
        if recovery is None:
            return await _inconclusive(briefing)
        seen = Verification(recovery=recovery, checks=(), reason="so", at=briefing.now)
        return Answer(value=seen, effort=EFFORT)

    run = Run(tmp_path, crew=replace(without_llm(), verify=verify), when={PENDING: yes_once})
    run.go()

    terms = run.house._deps.terms
    lengths = [timedelta(), terms.pace.within, terms.pace.within + terms.blind]
    samples = [
        e
        for e in run.events
        if isinstance(e.payload, VerificationSample)
        and e.payload.attempt == 1
        and not e.payload.after_undo
    ]
    wanted = 1 if patient == 0 else looks(run, lengths[patient])
    assert len(samples) == wanted
    assert (run.told(UNDONE) == []) is (recovery is None)


async def _silent(*_: Any) -> Answer[Any]:
    return Answer(missing="It is away.", effort=EFFORT)


async def _inconclusive(briefing: Briefing, *_: Any) -> Answer[Verification]:
    seen = Verification(
        recovery=Recovery.INCONCLUSIVE, checks=(), reason="no data", at=briefing.now
    )
    return Answer(value=seen, effort=EFFORT)


def test_a_fix_of_which_telemetry_says_nothing_stays(tmp_path: Path) -> None:
    crew = replace(without_llm(), verify=_inconclusive)
    run = Run(tmp_path, crew=crew, when={PENDING: always_yes})
    incident = run.go()

    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.FAILED)
    assert incident.note == "acted, but telemetry cannot say whether it helped; not taken back"
    assert len(run.effects) == 1
    assert run.told(UNDONE) == []


def test_without_any_sight_the_incident_is_handed_over_after_six_looks(tmp_path: Path) -> None:
    run = Run(tmp_path, crew=replace(without_llm(), diagnose=_silent))
    incident = run.go()

    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.HANDED_OVER)
    assert incident.note == "telemetry could not be read: It is away."
    unsure = [e.message for e in run.events if e.type is EventType.EVIDENCE_ADDED]
    assert unsure.count("cannot see, trying again: It is away.") == 6


def test_what_is_watched_and_does_not_heal_is_planned_for_anew(tmp_path: Path) -> None:
    sober = without_llm()

    async def plan(briefing: Briefing, diagnosis: Diagnosis) -> Answer[Plan]:
        found = await sober.plan(briefing, diagnosis)
        if found.value is None or len(briefing.incident.attempts) > 1:
            return found
        watched = {"kind": PlanKind.WATCH, "actions": (), "hypothesis": ""}
        return found.model_copy(update={"value": found.value.model_copy(update=watched)})

    run = Run(tmp_path, crew=replace(sober, plan=plan), when={PENDING: always_yes})
    incident = run.go()

    assert (incident.status, incident.ending) == (Status.RESOLVED, Ending.FIXED)
    first, second = incident.attempts
    assert (first.prepared, first.outcome) == (None, None)
    assert second.outcome is not None
    assert len(run.effects) == 1


def test_an_unsure_diagnosis_is_looked_at_twice_again_and_then_taken(tmp_path: Path) -> None:
    sober, asked = without_llm(), list[datetime]()

    async def unsure(briefing: Briefing) -> Answer[Diagnosis]:
        asked.append(briefing.now)
        found = await sober.diagnose(briefing)
        assert found.value is not None
        low = found.value.model_copy(update={"confidence": Confidence.LOW})
        return found.model_copy(update={"value": low})

    run = Run(tmp_path, crew=replace(sober, diagnose=unsure))
    run.when[PENDING] = lambda run: run.answer(approve=False)
    run.go()

    assert len(asked) == 3
    assert asked == sorted(set(asked))
    assert run.steps.count("unsure") == 2
    looked = [e.message for e in run.events if e.message.startswith("not sure yet")]
    assert len(looked) == 2


def test_without_a_plan_the_incident_is_handed_over_with_the_reason(tmp_path: Path) -> None:
    run = Run(tmp_path, crew=replace(without_llm(), plan=_silent))
    incident = run.go()

    assert (incident.status, incident.ending) == (Status.ESCALATED, Ending.HANDED_OVER)
    assert incident.note == "no plan could be made: It is away."
