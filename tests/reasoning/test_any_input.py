"""No telemetry, however odd, makes the crew raise or say nothing."""

import math
import random

import pytest

from aiops_agent.agents.diagnose import diagnose
from aiops_agent.agents.plan import plan
from aiops_agent.agents.triage import triage
from aiops_agent.agents.verify import verify
from aiops_agent.domain.remediation import PlanKind
from aiops_agent.domain.telemetry import Service, ServiceName, Signal
from tests.reasoning.world import BEGAN, Course, World, step

NAMES = ("a", "b", "c", "d")
ODD = (0.0, 1.0, -1.0, 1e-12, 1e12, float("nan"), float("inf"), -float("inf"), None)


def course(dice: random.Random) -> Course:
    """Draw a course: constant, a jump, noise, odd values, or gaps."""
    level, other = dice.choice(ODD), 10 ** dice.uniform(-4, 4)
    steps = step(other, other * 10 ** dice.uniform(-2, 2), at=dice.choice((-900, 0, 60)))
    return dice.choice(
        (
            lambda _: level,
            steps,
            lambda t: other * abs(math.sin(t * other)),
            lambda t: level if int(t) % 3 else other,
            lambda t: None if t > -60 else other,
        )
    )


def world(seed: int) -> World:
    dice = random.Random(seed)
    pairs = [(x, y) for x in NAMES for y in NAMES if dice.random() < 0.3]  # also loops
    chosen = [(n, s) for n in NAMES for s in Signal if dice.random() < 0.7]
    return World(
        courses={pair: course(dice) for pair in chosen},
        services=tuple(
            Service(name=ServiceName(n), replicas=dice.choice((None, 0, 3))) for n in NAMES
        ),
        calls=tuple(pairs),
        resolution=dice.choice((1.0, 15.0, 60.0)),
        history=dice.choice((0.0, 30.0, 600.0, 3600.0)),
        broken=set(dice.sample(("logs", "changes", "topology"), dice.randint(0, 3))),
        alerting=dice.choice((*NAMES, "nobody")),
    )


@pytest.mark.parametrize("seed", range(40))
async def test_odd_telemetry_is_answered_not_raised(seed: int) -> None:
    made = world(seed)
    seen = await triage(made.briefing())
    briefing = made.briefing(incident=made.incident().model_copy(update={"triage": seen}))
    found = await diagnose(briefing)
    assert found.best is not None
    assert found.not_known
    proposed = await plan(briefing, found)
    assert (proposed.kind is PlanKind.ACT) == bool(proposed.actions)
    assert (await verify(briefing, proposed.criteria, BEGAN)).reason
