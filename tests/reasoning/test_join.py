"""Blame names the service; a mechanism says what is wrong with it; a hang is what is left."""

from dataclasses import replace

import pytest

from aiops_agent.agents.diagnose import diagnose
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import Service, ServiceKind, ServiceName, Signal
from aiops_agent.reasoning import rank
from aiops_agent.reasoning.blame import Blamed, BlameRanking
from aiops_agent.reasoning.gather import read_scene
from aiops_agent.reasoning.rank import Ranked
from aiops_agent.reasoning.suspect import study
from tests import seams
from tests.reasoning.world import World, step

NAMES = ("a", "b", "c", "d")
CALM = {
    Signal.LATENCY: 0.1,
    Signal.ERRORS: 0.001,
    Signal.TRAFFIC: 20.0,
    Signal.SATURATION: 0.2,
}


def world(**courses: dict[Signal, tuple[float, float]]) -> World:
    """Return services of which `courses` jump from one level to another when it begins."""
    made = World(
        services=tuple(Service(name=ServiceName(name)) for name in NAMES),
        calls=(("a", "b"), ("a", "c"), ("b", "d")),
        alerting="a",
    )
    for name in NAMES:
        for signal, level in CALM.items():
            before, after = courses.get(name, {}).get(signal, (level, level))
            made.courses[name, signal] = step(before, after)
    return made


def stuck() -> World:
    """What looks like a process of `a` that no longer answers."""
    return world(a={Signal.LATENCY: (0.1, 0.9), Signal.ERRORS: (0.001, 0.2)})


async def ranked(score_of_c: float) -> tuple[Ranked, ...]:
    """Rank what looks like a hang of `a` when blame points to `c`, that strongly."""
    asked = stuck().briefing()
    scene = await read_scene(asked.environment, asked.incident, asked.pace.baseline, asked.now)
    blamed = (Blamed("c", score_of_c, 1, ()),) if score_of_c else ()
    return rank.rank(replace(study(scene), blame=BlameRanking(blamed, 0.0)), frozenset())


@pytest.mark.parametrize(("score", "service"), [(20.0, "c"), (0.0, "a")])
async def test_the_service_may_be_known_and_the_mechanism_not(score: float, service: str) -> None:
    """Where blame names none either, nothing but the alerting service is known."""
    first, *others = await ranked(score)

    assert (first.suspicion.kind, first.suspicion.service) == (CauseKind.UNKNOWN, service)
    assert ("hang", "a") in {(one.suspicion.kind, one.suspicion.service) for one in others}


async def test_planted_a_hang_that_ranks_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defect: what fits a hang stands first, whatever else was measured."""
    seams.BLAME_MOVES.plant(monkeypatch, lambda case, ordered: tuple(ordered))
    with pytest.raises(AssertionError):
        await test_the_service_may_be_known_and_the_mechanism_not(20.0, "c")


async def test_a_hang_stands_first_where_blame_names_its_service() -> None:
    found = await diagnose(stuck().briefing())

    assert found.best is not None
    assert (found.best.kind, found.best.service) == (CauseKind.HANG, "a")


async def test_a_cache_that_emptied_is_found_without_a_call_graph() -> None:
    flushed = world(
        a={Signal.LATENCY: (0.1, 0.6)},
        d={
            Signal.LATENCY: (0.01, 0.2),
            Signal.TRAFFIC: (5.0, 60.0),
            Signal.SATURATION: (0.1, 0.97),
        },
    )
    flushed.calls = ()
    flushed.services = (
        *flushed.services,
        Service(name=ServiceName("e"), kind=ServiceKind.CACHE),
    )
    flushed.courses["e", Signal.CACHE_HITS] = step(0.95, 0.1)
    found = await diagnose(flushed.briefing())

    assert found.best is not None
    assert (found.best.kind, found.best.service) == (CauseKind.COLD_CACHE, "e")


@pytest.mark.parametrize("counted", [True, False])
async def test_a_cache_that_nobody_asks_any_more_has_not_emptied(counted: bool) -> None:
    """Its share of hits is 0 of 0: exporters tell that as 0 %."""
    idle = world(a={Signal.LATENCY: (0.1, 3.0), Signal.ERRORS: (0.001, 1.0)})
    idle.services = (*idle.services, Service(name=ServiceName("e"), kind=ServiceKind.CACHE))
    idle.calls = (*idle.calls, ("b", "e"))
    for name in ("b", "c", "d", *("e" * counted)):
        idle.courses[name, Signal.TRAFFIC] = step(20.0, 0.0)
    if not counted:
        del idle.courses["b", Signal.TRAFFIC]
    idle.courses["e", Signal.CACHE_HITS] = step(0.95, 0.0)
    found = await diagnose(idle.briefing())

    assert found.best is not None
    assert (found.best.kind, found.best.service) == (CauseKind.HANG, "a")
    assert all(one.kind is not CauseKind.COLD_CACHE for one in found.hypotheses)
