"""Confidence is counted: take a source of evidence away and it falls."""

import pytest

from aiops_agent.agents.diagnose import diagnose
from aiops_agent.domain.diagnosis import CauseKind, Confidence, Diagnosis, Stance
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Attempt
from aiops_agent.domain.telemetry import (
    Change,
    ChangeKind,
    LogLine,
    Service,
    ServiceKind,
    ServiceName,
    Signal,
    Workload,
)
from tests.reasoning.world import BEGAN, World, step

ORDER = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
API, FRONT, STORE = ServiceName("api"), ServiceName("front"), ServiceName("store")


def overload() -> World:
    """Return a world in which api gets twice the requests that it can serve."""
    long_ago = BEGAN.replace(day=18, hour=12)
    old = Change(at=long_ago, service=STORE, kind=ChangeKind.RELEASE, title="2", source="fake")
    return World(
        courses={
            (FRONT, Signal.LATENCY): step(0.1, 1.1),
            (FRONT, Signal.TRAFFIC): step(50, 110),
            (API, Signal.LATENCY): step(0.05, 1.0),
            (API, Signal.TRAFFIC): step(40, 90),
            (API, Signal.ERRORS): step(0.001, 0.05),
            (API, Signal.SATURATION): step(0.45, 0.99),
            (API, Signal.MEMORY): step(0.4, 0.4),
            (STORE, Signal.LATENCY): step(0.01, 0.011),
            (STORE, Signal.SATURATION): step(0.2, 0.36),
            (API, Signal.POOL_WAIT): step(0.0, 0.0),
        },
        services=(
            Service(name=FRONT, replicas=2),
            Service(name=API, replicas=2),
            Service(name=STORE, kind=ServiceKind.DATABASE, replicas=1),
        ),
        calls=((FRONT, API), (API, STORE)),
        book=(old,),
        log=tuple(
            LogLine(at=BEGAN, service=API, level="info", text=f"GET /{n} 200") for n in range(9)
        ),
        alerting="api",
    )


async def told(made: World) -> Diagnosis:
    return await diagnose(made.briefing())


async def test_with_everything_seen_the_confidence_is_high() -> None:
    found = await told(overload())
    assert found.best is not None
    assert found.best.key == "capacity:api"
    assert found.confidence is Confidence.HIGH, found.why_confidence


@pytest.mark.parametrize("source", ["logs", "changes", "topology"])
async def test_a_source_that_does_not_answer_lowers_the_confidence(source: str) -> None:
    made = overload()
    made.broken.add(source)
    found = await told(made)
    assert ORDER.index(found.confidence) < ORDER.index(Confidence.HIGH)
    assert any(source in text or "call graph" in text for text in found.not_known)


@pytest.mark.parametrize("empty", ["log", "book", "calls"])
async def test_a_source_that_is_empty_lowers_the_confidence(empty: str) -> None:
    made = overload()
    setattr(made, empty, ())
    assert (await told(made)).confidence is not Confidence.HIGH


@pytest.mark.parametrize(
    "signal", [Signal.TRAFFIC, Signal.ERRORS, Signal.SATURATION, Signal.MEMORY, Signal.LATENCY]
)
async def test_a_signal_that_is_not_seen_lowers_the_confidence(signal: Signal) -> None:
    made = overload()
    del made.courses[API, signal]
    whole, part = await told(overload()), await told(made)
    assert ORDER.index(part.confidence) < ORDER.index(whole.confidence)


async def test_something_is_always_not_known() -> None:
    assert (await told(overload())).not_known == ("why api is asked for more",)


async def test_every_piece_of_evidence_points_to_a_finding() -> None:
    found = await told(overload())
    ids = {finding.id for finding in found.findings}
    assert [f.id for f in found.findings] == [f"E{n}" for n in range(1, len(ids) + 1)]
    assert {e.finding for h in found.hypotheses for e in h.evidence} <= ids
    assert len(ids) <= 8


async def test_the_symptom_comes_first_and_is_called_one() -> None:
    found = await told(overload())
    assert found.findings[0].service == API
    assert found.best is not None
    assert found.best.evidence[0].stance is Stance.SYMPTOM


async def test_a_refuted_hypothesis_is_not_believed_again() -> None:
    made = overload()
    tried = made.incident().amend(Attempt(number=1, refuted="capacity:api"))
    found = await diagnose(made.briefing(incident=tried))
    assert "capacity:api" not in [one.key for one in found.hypotheses]


async def test_where_nothing_is_seen_the_cause_is_unknown() -> None:
    found = await told(World(alerting="api"))
    assert found.best is not None
    assert found.best.kind is CauseKind.UNKNOWN
    assert found.confidence is Confidence.LOW


async def test_metrics_that_do_not_answer_are_an_error_not_a_guess() -> None:
    made = overload()
    made.broken.add("metrics")
    with pytest.raises(SourceError):
        await told(made)


async def test_the_same_world_gives_the_same_bytes() -> None:
    assert (await told(overload())).model_dump_json() == (await told(overload())).model_dump_json()


async def test_the_order_of_services_does_not_matter() -> None:
    made = overload()
    made.courses = dict(reversed(made.courses.items()))
    made.services = tuple(reversed(made.services))
    first, second = await told(overload()), await told(made)
    assert [h.key for h in first.hypotheses] == [h.key for h in second.hypotheses]
    assert first.confidence is second.confidence


async def test_the_sequence_tells_causes_before_what_they_cause() -> None:
    steps = (await told(overload())).sequence
    order = [text.split(" ", 1)[1] for text in steps]
    assert order[0] == "requests per second of api rises"
    assert order[-1] == "the alert arrives"


async def test_what_the_platform_knows_of_lost_instances_is_a_finding() -> None:
    made = overload()
    made.instances = (
        Workload(service=API, name="api-1", state="exited", exit_code=1, ended_at=BEGAN),
    )
    found = await told(made)
    assert found.summary.endswith("api: 0 of 1 running: exit code 1.")
    (row,) = (one for one in found.findings if one.source == "workloads")
    assert (row.what, row.now) == ("instances: exit code 1", "0 of 1 running")
    assert len({one.id for one in found.findings}) == len(found.findings)
