"""No telemetry, however odd, makes the crew raise or say nothing."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from aiops_agent.agents.diagnose import diagnose
from aiops_agent.agents.plan import plan
from aiops_agent.agents.triage import triage
from aiops_agent.agents.verify import verify
from aiops_agent.domain.remediation import PlanKind
from aiops_agent.domain.telemetry import Service, ServiceName, Signal
from tests.reasoning.world import BEGAN, Course, World, step

NAMES = ("a", "b", "c", "d")
ODD = (0.0, 1.0, -1.0, 1e-12, 1e12, float("nan"), float("inf"), -float("inf"), None)


@st.composite
def courses(draw: st.DrawFn) -> Course:
    """Return a course: constant, a jump, noise, odd values, or gaps."""
    level, other = draw(st.sampled_from(ODD)), 10 ** draw(st.floats(-4, 4))
    after, at = other * 10 ** draw(st.floats(-2, 2)), draw(st.sampled_from((-900, 0, 60)))
    kinds: tuple[Course, ...] = (
        lambda _: level,
        step(other, after, at=at),
        lambda t: other * abs(math.sin(t * other)),
        lambda t: level if int(t) % 3 else other,
        lambda t: None if t > -60 else other,
    )
    return kinds[draw(st.integers(0, len(kinds) - 1))]


NAME = st.sampled_from(NAMES)
WORLDS = st.builds(
    World,
    courses=st.dictionaries(st.tuples(NAME, st.sampled_from(Signal)), courses(), max_size=24),
    services=st.tuples(
        *(
            st.builds(Service, name=st.just(ServiceName(n)), replicas=st.sampled_from((None, 0, 3)))
            for n in NAMES
        )
    ),
    calls=st.lists(st.tuples(NAME, NAME), max_size=6, unique=True).map(tuple),  # also loops
    resolution=st.sampled_from((1.0, 15.0, 60.0)),
    history=st.sampled_from((0.0, 30.0, 600.0, 3600.0)),
    broken=st.sets(st.sampled_from(("logs", "changes", "topology"))),
    alerting=st.sampled_from((*NAMES, "nobody")),
)


@settings(max_examples=100)
@given(WORLDS)
async def test_odd_telemetry_is_answered_not_raised(made: World) -> None:
    seen = await triage(made.briefing())
    briefing = made.briefing(incident=made.incident().model_copy(update={"triage": seen}))
    found = await diagnose(briefing)
    assert found.best is not None
    assert found.not_known
    proposed = await plan(briefing, found)
    assert (proposed.kind is PlanKind.ACT) == bool(proposed.actions)
    assert (await verify(briefing, proposed.criteria, BEGAN)).reason
