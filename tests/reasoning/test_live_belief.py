"""How sure a live diagnosis is, and that nothing is proposed on a score alone."""

from dataclasses import replace

import pytest

from aiops_agent.agents.diagnose import diagnose
from aiops_agent.agents.plan import plan
from aiops_agent.domain.diagnosis import CauseKind, Confidence, Hypothesis, Trigger
from aiops_agent.domain.remediation import PlanKind
from aiops_agent.domain.telemetry import (
    ChangeKind,
    Service,
    ServiceKind,
    ServiceName,
    Signal,
    Workload,
)
from aiops_agent.reasoning.belief import Grounds, believed, level
from tests import seams
from tests.reasoning.scenes import Story, episodes
from tests.reasoning.world import World, step

BEST = Grounds(
    score=1.0,
    margin=0.8,
    agreed=0.9,
    sight=1.0,
    sign=True,
    contradicted=False,
    graph=True,
    saturation=True,
)


@pytest.mark.parametrize(
    ("on", "whole", "word"),
    [
        (BEST, True, Confidence.HIGH),
        (BEST, False, Confidence.MEDIUM),
        (replace(BEST, graph=False), True, Confidence.MEDIUM),
        (replace(BEST, saturation=False), True, Confidence.MEDIUM),
        (replace(BEST, sign=False), True, Confidence.LOW),
        (replace(BEST, contradicted=True), True, Confidence.LOW),
        (replace(BEST, agreed=0.1, score=0.5, margin=0.0), True, Confidence.LOW),
    ],
)
def test_the_word_follows_from_belief_and_from_what_was_seen(
    on: Grounds, whole: bool, word: Confidence
) -> None:
    assert level(on, whole=whole) is word


def test_belief_rises_with_each_thing_that_speaks_for_a_cause() -> None:
    weak = Grounds(
        score=0.4,
        margin=0.0,
        agreed=0.1,
        sight=0.5,
        sign=False,
        contradicted=False,
        graph=False,
        saturation=False,
    )
    for name in ("score", "margin", "agreed", "sight", "sign", "graph"):
        assert believed(replace(weak, **{name: getattr(BEST, name)})) > believed(weak)
    assert 0.0 < believed(weak) < 0.2
    assert 0.8 < believed(BEST) < 1.0


def dark() -> World:
    """A service whose only callee is not measured at all fails; nothing says which one it is."""
    made = World(
        services=(
            Service(name=ServiceName("api")),
            Service(name=ServiceName("bank"), kind=ServiceKind.EXTERNAL),
        ),
        calls=(("api", "bank"),),
        alerting="api",
    )
    made.courses["api", Signal.LATENCY] = step(0.1, 2.0)
    made.courses["api", Signal.ERRORS] = step(0.001, 0.6)
    made.courses["api", Signal.TRAFFIC] = step(40.0, 40.0)
    return made


async def test_nothing_is_proposed_where_what_is_called_is_not_seen() -> None:
    """It may be stuck, or wait for what nobody measures: a restart would be a guess."""
    asked = dark().briefing()
    found = await diagnose(asked)
    made = await plan(asked, found)

    assert found.best is not None
    assert found.best.signs == 0
    assert found.confidence is Confidence.LOW
    assert made.kind is PlanKind.HANDOVER


async def test_planted_a_plan_by_score_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defect: what reaches a score is acted on, whatever it rests on."""

    def by_score(one: Hypothesis) -> bool:
        return one.score >= 0.5

    seams.STRONG.plant(monkeypatch, by_score)
    with pytest.raises(AssertionError):
        await test_nothing_is_proposed_where_what_is_called_is_not_seen()


async def test_an_instance_that_ends_again_and_again_is_found_by_the_live_diagnosis() -> None:
    made = dark()
    made.calls = ()
    name = ServiceName("api")
    ends = Workload(
        service=name, name="api-1", state="waiting", reason="CrashLoopBackOff", restarts=3
    )
    made.instances = (ends,)
    found = await diagnose(made.briefing())

    assert found.best is not None
    assert (found.best.kind, found.best.service) == (CauseKind.CRASH, "api")


def test_mechanism_and_trigger_are_two_answers() -> None:
    released = Story((("front", "api"),), "front").change("api", ChangeKind.RELEASE, -30.0)
    released.move("api", latency=(0.1, 1.0), saturation=(0.3, 0.7)).move(
        "front", latency=(0.1, 1.1)
    )
    surged = Story((("front", "api"),), "front")
    for service in ("api", "front"):
        surged.move(service, latency=(0.1, 1.0), traffic=(40.0, 110.0))
    surged.move("api", saturation=(0.3, 0.99), latency=(0.1, 1.0), traffic=(40.0, 110.0))
    outside = Story((("front", "bank"),), "front", kinds={"bank": ServiceKind.EXTERNAL})
    outside.move("bank", errors=(0.001, 0.6)).move("front", errors=(0.001, 0.5))

    healed = Story((("front", "api"),), "front")
    for service in ("api", "front"):
        healed.courses[service, Signal.LATENCY] = episodes(0.1, 1.0, (0.0, 185.0))
        healed.courses[service, Signal.ERRORS] = episodes(0.001, 0.4, (0.0, 185.0))
    healed.move("api", saturation=(0.3, 0.1))

    assert healed.trigger is Trigger.HEALS
    assert released.trigger is Trigger.RELEASE
    assert surged.trigger is Trigger.LOAD
    assert outside.trigger is Trigger.OUTSIDE
