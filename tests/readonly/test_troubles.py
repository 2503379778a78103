"""What a platform says by itself reaches status, look and diagnosis, also without any metric."""

from dataclasses import dataclass, replace

from aiops_agent.adapters.off import Absent
from aiops_agent.agents.briefing import Pace
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import Service, ServiceName, Signal
from aiops_agent.domain.trouble import PlatformTrouble, TroubleKind
from aiops_agent.interfaces.terminal.investigated import investigated
from aiops_agent.interfaces.terminal.status import environment
from aiops_agent.ports.telemetry import Environment
from aiops_agent.readonly.investigate import LookRequest, investigate
from aiops_agent.readonly.status import read_status
from aiops_agent.reasoning.harm import USUAL
from tests.interfaces.terminal.drawing import drawn
from tests.reasoning.world import World, step

CART = ServiceName("cart")
LOOP = PlatformTrouble(
    kind=TroubleKind.CRASH_LOOP,
    service=CART,
    what="Pod",
    name="cart-1",
    namespace="shop",
    words="CrashLoopBackOff: ended with exit code 3",
    step="see its last lines",
    last_words="no such table",
)
NODE = LOOP.model_copy(
    update={"kind": TroubleKind.NODE, "service": "", "what": "Node", "namespace": "", "harm": True}
)
OTHER = LOOP.model_copy(update={"service": "mail", "name": "mail-1"})


@dataclass(frozen=True)
class Told:
    found: tuple[PlatformTrouble, ...] = ()
    why: str = ""

    async def troubles(self) -> tuple[PlatformTrouble, ...]:
        if self.why:
            raise SourceError(self.why)
        return self.found

    async def unreadable(self) -> tuple[str, ...]:
        return ("nodes may not be read",)


def place(told: Told) -> Environment:
    world = World(courses={}, services=(Service(name=CART), Service(name=ServiceName("mail"))))
    absent = Absent("No source of metrics is configured.")
    return replace(world.environment(), metrics=absent, troubles=told)


async def test_a_status_tells_what_the_platform_says_where_nothing_is_measured() -> None:
    found = await read_status(place(Told((LOOP, OTHER))), USUAL)

    assert found.troubles == (LOOP, OTHER)
    assert found.missing == ("nodes may not be read", "No source of metrics is configured.")
    screen = "\n".join(drawn(environment(found, 100), 100))
    for words in ("Pod shop/cart-1", "exit code 3", "no such table", "next: see its last lines"):
        assert words in screen


async def test_a_look_at_a_service_tells_its_own_troubles_and_those_of_nodes() -> None:
    told = place(Told((OTHER, NODE, LOOP)))

    found = await investigate(told, LookRequest("cart"), Pace())

    assert found.troubles == (LOOP, NODE)
    assert not found.quiet
    screen = "\n".join(drawn(investigated(found, 100), 100))
    assert "Pod shop/cart-1" in screen
    assert "mail-1" not in screen


async def test_a_diagnosis_holds_them_with_the_next_step() -> None:
    course = {Signal.LATENCY: step(0.1, 2.0), Signal.TRAFFIC: step(50.0, 50.0)}
    world = World(
        courses={("cart", signal): one for signal, one in course.items()},
        services=(Service(name=CART),),
    )
    told = replace(world.environment(), troubles=Told((LOOP,)))

    found = await investigate(told, LookRequest("cart"), Pace())

    assert found.diagnosis
    (finding,) = [one for one in found.diagnosis.findings if one.source == "platform"]
    assert (finding.what, finding.now, finding.changed) == ("Pod cart-1", LOOP.words, True)
    assert "next step: see its last lines; last words: no such table" in finding.query
    assert "Pod shop/cart-1: CrashLoopBackOff" in found.diagnosis.summary


async def test_a_platform_that_does_not_answer_is_told_and_hides_nothing_else() -> None:
    found = await read_status(place(Told(why="the cluster is gone")), USUAL)

    assert found.troubles == ()
    assert found.missing[0] == "the cluster is gone"
