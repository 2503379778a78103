"""Recovered only when everything that was registered is seen to be good for long enough."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aiops_agent.agents.verify import verify
from aiops_agent.domain.diagnosis import CauseKind, Confidence, Diagnosis, Finding, Hypothesis
from aiops_agent.domain.incident import Attempt
from aiops_agent.domain.remediation import Comparison, Criterion, Recovery, Verification
from aiops_agent.domain.telemetry import ServiceName, Signal, Workload
from aiops_agent.reasoning.instances import STANDINGS
from tests import seams
from tests.reasoning.world import BEGAN, Course, World, step

API, STORE = ServiceName("api"), ServiceName("store")
ACTED = BEGAN + timedelta(seconds=300)


def criterion(service: ServiceName = API, **more: object) -> Criterion:
    given = {
        "service": service,
        "signal": Signal.LATENCY,
        "comparison": Comparison.BELOW,
        "level": 0.3,
        "hold": timedelta(seconds=60),
        "within": timedelta(minutes=5),
        "worse": 2.0,
        **more,
    }
    return Criterion(**given)  # type: ignore[arg-type]  # a test's short hand


def world(latency: Course, *, after: int, traffic: Course | None = None) -> World:
    courses: dict[tuple[str, Signal], Course] = {(API, Signal.LATENCY): latency}
    if traffic is not None:
        courses[API, Signal.TRAFFIC] = traffic
    return World(courses=courses, alerting="api", now=ACTED + timedelta(seconds=after))


def healing(at: float) -> Course:
    """Return a latency that is bad from BEGAN and good again `at` seconds after ACTED."""
    return lambda t: 0.1 if t < 0 or t >= 300 + at else 1.0


async def told(made: World, *criteria: Criterion) -> Recovery:
    return (await verify(made.briefing(), criteria or (criterion(),), ACTED)).recovery


async def test_good_for_the_whole_hold_is_recovered() -> None:
    assert await told(world(healing(30), after=120)) is Recovery.RECOVERED


@pytest.mark.parametrize(("healed", "after"), [(30, 120), (90, 120), (9000, 240)])
async def test_it_says_since_when_all_is_in_the_target(healed: int, after: int) -> None:
    seen = await verify(world(healing(healed), after=after).briefing(), (criterion(),), ACTED)

    inside = ACTED + timedelta(seconds=healed) if healed < after else None
    assert seen.checks[0].inside == inside


async def test_good_for_too_short_a_time_is_not_recovered() -> None:
    assert await told(world(healing(90), after=120)) is Recovery.NOT_RECOVERED


async def test_what_was_good_before_the_action_does_not_count() -> None:
    assert await told(world(healing(-300), after=45)) is Recovery.NOT_RECOVERED


async def test_still_bad_is_not_recovered() -> None:
    assert await told(world(healing(9000), after=240)) is Recovery.NOT_RECOVERED


async def test_far_beyond_the_alert_is_worse() -> None:
    assert await told(world(step(0.1, 5.0), after=150)) is Recovery.WORSE


async def test_bad_while_it_settles_is_not_worse_yet() -> None:
    assert await told(world(step(0.1, 5.0), after=60)) is Recovery.NOT_RECOVERED


async def test_right_behind_a_gap_in_telemetry_nothing_is_called_worse() -> None:
    made = world(step(0.1, 5.0), after=150)
    gap = Verification(
        recovery=Recovery.INCONCLUSIVE,
        checks=(),
        reason="away",
        at=ACTED + timedelta(seconds=120),
        blind=ACTED + timedelta(seconds=120),
    )
    briefing = made.briefing()
    incident = briefing.incident.amend(Attempt(number=1, verification=gap))

    seen = await verify(replace(briefing, incident=incident), (criterion(),), ACTED)

    assert seen.recovery is Recovery.NOT_RECOVERED
    assert seen.blind == gap.blind, "until what was before it has left the rates"


async def test_a_verifier_that_forgets_the_gap_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.BLIND.plant(monkeypatch, lambda _briefing: None)
    with pytest.raises(AssertionError):
        await test_right_behind_a_gap_in_telemetry_nothing_is_called_worse()


async def test_bad_but_turning_back_is_not_worse() -> None:
    falling = world(lambda t: 0.1 if t < 0 else 9.0 - 0.014 * t, after=150)
    assert await told(falling) is Recovery.NOT_RECOVERED


async def test_missing_data_is_never_success() -> None:
    gone = world(lambda t: 1.0 if t < 300 else None, after=120)
    assert await told(gone) is Recovery.INCONCLUSIVE


async def test_a_series_that_does_not_exist_is_inconclusive() -> None:
    made = world(healing(0), after=120)
    assert await told(made, criterion(), criterion(STORE)) is Recovery.INCONCLUSIVE


async def test_one_sample_is_too_few() -> None:
    sparse = world(lambda t: 0.1 if t < 0 or t >= 405 else None, after=120)
    assert await told(sparse) is Recovery.INCONCLUSIVE


async def test_every_criterion_must_hold() -> None:
    made = world(healing(0), after=120)
    made.courses[STORE, Signal.LATENCY] = step(0.1, 0.9)
    assert await told(made, criterion(), criterion(STORE)) is Recovery.NOT_RECOVERED


async def test_good_numbers_without_requests_prove_nothing() -> None:
    made = world(healing(0), after=120, traffic=lambda t: 40.0 if t < 300 else 0.5)
    said = await verify(made.briefing(), (criterion(),), ACTED)
    assert said.recovery is Recovery.INCONCLUSIVE
    assert "hardly any request" in said.reason


async def test_telemetry_that_does_not_answer_is_inconclusive_with_its_reason() -> None:
    made = world(healing(0), after=120)
    made.broken.add("metrics")
    said = await verify(made.briefing(), (criterion(),), ACTED)
    assert said.recovery is Recovery.INCONCLUSIVE
    assert "metrics are away" in said.reason


async def test_nothing_registered_is_never_success() -> None:
    said = await verify(world(healing(0), after=120).briefing(), (), ACTED)
    assert said.recovery is Recovery.INCONCLUSIVE


@pytest.mark.parametrize(("hits", "recovery"), [(0.9, "recovered"), (0.5, "not_recovered")])
async def test_a_level_may_have_its_good_side_above(hits: float, recovery: str) -> None:
    made = world(healing(0), after=120)
    made.courses[API, Signal.CACHE_HITS] = step(hits, hits)
    above = criterion(signal=Signal.CACHE_HITS, comparison=Comparison.ABOVE, level=0.8, worse=None)
    assert (await told(made, above)).value == recovery


def of_instances(kind: CauseKind, *, known: bool = True) -> Diagnosis:
    """A diagnosis of `api`; `known`: that its instances did not stay up."""
    best = Hypothesis(
        kind=kind, service=API, statement="it ends", score=1.0, held=1, checks=1, signs=1
    )
    fallen = Finding(
        id="E1",
        service=API,
        what="instances: exit code 3",
        before="3 wanted",
        now="2 of 3 running",
        source=STANDINGS,
        query="",
        changed=True,
    )
    return Diagnosis(
        summary="",
        hypotheses=(best,),
        findings=(fallen,) if known else (),
        confidence=Confidence.MEDIUM,
        why_confidence="",
        not_known=(),
    )


CRASHING = Workload(service=API, name="api-2", state="waiting", reason="CrashLoopBackOff")
SERVING = Workload(service=API, name="api-1", state="running")


@pytest.mark.parametrize(
    ("found", "running", "recovery"),
    [
        (of_instances(CauseKind.RELEASE), (SERVING, CRASHING), Recovery.NOT_RECOVERED),
        (of_instances(CauseKind.RELEASE), (SERVING, SERVING), Recovery.RECOVERED),
        (of_instances(CauseKind.RELEASE), (), Recovery.INCONCLUSIVE),
        # One that was lost for another reason is no reason to take a scaling back.
        (of_instances(CauseKind.CAPACITY), (SERVING, CRASHING), Recovery.RECOVERED),
        (of_instances(CauseKind.RELEASE, known=False), (SERVING, CRASHING), Recovery.RECOVERED),
    ],
)
async def test_who_does_not_stay_up_has_not_recovered_while_others_serve(
    found: Diagnosis, running: tuple[Workload, ...], recovery: Recovery
) -> None:
    made = world(lambda _t: 0.1, after=120)  # the old instances serve: no number was ever bad
    made.instances = running
    briefing = made.briefing()
    incident = briefing.incident.amend(Attempt(number=1, diagnosis=found))

    seen = await verify(replace(briefing, incident=incident), (criterion(),), ACTED)

    assert seen.recovery is recovery, seen.reason


async def test_a_verifier_that_looks_at_numbers_alone_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def blind(_briefing: object) -> None:
        return None

    seams.STAYING.plant(monkeypatch, blind)
    with pytest.raises(AssertionError):
        await test_who_does_not_stay_up_has_not_recovered_while_others_serve(
            of_instances(CauseKind.RELEASE), (SERVING, CRASHING), Recovery.NOT_RECOVERED
        )
