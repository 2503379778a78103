"""The joined ranking depends on what was seen and on nothing else; each law catches a defect."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from aiops_agent.domain.telemetry import (
    ChangeKind,
    Service,
    ServiceGraph,
    ServiceKind,
    ServiceName,
    Signal,
)
from aiops_agent.reasoning import rank as ranking_of
from aiops_agent.reasoning.belief import believed
from aiops_agent.reasoning.gather import Key, Scene, compare
from aiops_agent.reasoning.measure import Floats, Shift, Track
from aiops_agent.reasoning.rank import grounds, rank
from aiops_agent.reasoning.suspect import Investigation, Suspicion, study
from tests import seams
from tests.reasoning.scenes import Story, jump

CALLS = (("front", "api"), ("front", "side"), ("api", "store"), ("side", "cache"), ("api", "pay"))
KINDS = {
    "store": ServiceKind.DATABASE,
    "cache": ServiceKind.CACHE,
    "pay": ServiceKind.EXTERNAL,
}
Told = list[tuple[str, str, float]]  # kind, service and score, the likeliest first
Law = Callable[[Scene], Scene]


def surge(told: Story) -> None:
    """One service is asked three times as much."""
    told.move("api", traffic=(40.0, 130.0), latency=(0.1, 0.9), saturation=(0.3, 0.99))
    told.move("front", latency=(0.1, 0.9))


def stuck(told: Story) -> None:
    """One service answers half of its requests no more."""
    told.move("side", errors=(0.001, 0.5), latency=(0.1, 1.5), saturation=(0.3, 0.1))
    told.move("front", errors=(0.001, 0.3), latency=(0.1, 1.0))


def released(told: Story) -> None:
    """A release burdens a store, from which two suffer."""
    told.change("api", ChangeKind.RELEASE, -30.0)
    told.move("store", latency=(0.01, 0.3), saturation=(0.3, 0.99))
    told.move("api", latency=(0.1, 0.5)).move("front", latency=(0.1, 0.5))


def emptied(told: Story) -> None:
    """A cache lost its content while an outside service fails."""
    told.courses["cache", Signal.CACHE_HITS] = jump(0.92, 0.08)
    told.move("pay", errors=(0.01, 0.8)).move("api", errors=(0.001, 0.6))
    told.move("front", errors=(0.001, 0.4))


TROUBLES = (surge, stuck, released, emptied)
NUMBERS = (0, 1, 2, 3, 6)  # each trouble, and one of them without a graph


@cache
def scene(number: int) -> Scene:
    """Return one of the troubles, with and without a graph."""
    told = Story(CALLS, "front", kinds=KINDS, graphless=number % 8 >= 4, history=900.0)
    TROUBLES[number % 4](told)
    return told.scene


def answer(seen: Scene) -> tuple[Told, float]:
    """Return the ranking and how sure it is."""
    case = study(seen)
    ranking = rank(case, frozenset())
    told = [(str(r.suspicion.kind), str(r.suspicion.service), round(r.score, 6)) for r in ranking]
    return told, round(believed(grounds(case, ranking)), 6)


def reordered(seen: Scene) -> Scene:
    """Services, calls and series come in another order."""
    graph = ServiceGraph(services=seen.graph.services[::-1], calls=seen.graph.calls[::-1])
    backwards = dict(reversed(seen.tracks.items()))
    return replace(seen, graph=graph, tracks=backwards, shifts=compared(backwards, seen))


def compared(tracks: dict[Key, Track], seen: Scene) -> dict[Key, Shift]:
    """Return the shifts of other tracks of the same time."""
    return compare(tracks, seen.began, seen.now, seen.ended)


OTHER = {"front": "m", "api": "z", "side": "a", "store": "k", "cache": "b", "pay": "y"}
BACK = {new: old for old, new in OTHER.items()}


def renamed(seen: Scene) -> Scene:
    """Services have other names, of which the order is another."""
    names = {name: ServiceName(OTHER.get(name, name)) for name in (*OTHER, "elsewhere")}
    graph = ServiceGraph(
        services=tuple(Service(name=names[one.name], kind=one.kind) for one in seen.graph.services),
        calls=tuple((names[a], names[b]) for a, b in seen.graph.calls),
    )
    tracks = {
        (str(names[name]), signal): replace(one, service=names[name])
        for (name, signal), one in seen.tracks.items()
    }
    changes = tuple(one.model_copy(update={"service": names[one.service]}) for one in seen.changes)
    lines = tuple(
        one.model_copy(update={"service": names[one.service]}) for one in seen.logs_before
    )
    return replace(
        seen,
        service=names[seen.service],
        graph=graph,
        tracks=tracks,
        shifts=compared(tracks, seen),
        changes=changes,
        logs_before=lines,
    )


def later(seen: Scene) -> Scene:
    """All of it happens a day and a second later."""
    by = timedelta(days=1, seconds=1)
    tracks = {key: replace(one, at=one.at + by.total_seconds()) for key, one in seen.tracks.items()}
    moved = replace(
        seen,
        now=seen.now + by.total_seconds(),
        began=seen.began + by.total_seconds(),
        tracks=tracks,
        changes=tuple(one.model_copy(update={"at": one.at + by}) for one in seen.changes),
        logs_before=tuple(one.model_copy(update={"at": one.at + by}) for one in seen.logs_before),
    )
    return replace(moved, shifts=compared(tracks, moved))


def with_series(seen: Scene, service: str, values: Callable[[Floats], Floats]) -> Scene:
    """Return the scene with one series more."""
    at = next(iter(seen.tracks.values())).at
    value = values(at)
    kept = np.isfinite(value)
    more = Track(ServiceName(service), Signal.QUEUE, at[kept], value[kept], "test", "more")
    tracks = {**seen.tracks, (service, Signal.QUEUE): more}
    return replace(seen, tracks=tracks, shifts=compared(tracks, seen))


def constant(seen: Scene) -> Scene:
    """A series that never moves is there too."""
    return with_series(seen, "api", lambda at: np.full(len(at), 7.0))


def single(seen: Scene) -> Scene:
    """A series of one sample is there too."""
    return with_series(seen, "side", lambda at: np.where(np.arange(len(at)) == 9, 1e6, np.nan))


def grown(seen: Scene) -> Scene:
    """A healthy service is there too, which calls one of the others."""
    name, dice = ServiceName("healthy"), np.random.default_rng(2)
    calls = (*seen.graph.calls, (name, ServiceName("api"))) if seen.graph.calls else ()
    graph = ServiceGraph(services=(*seen.graph.services, Service(name=name)), calls=calls)
    at = next(iter(seen.tracks.values())).at
    levels = {Signal.LATENCY: 0.2, Signal.TRAFFIC: 9.0, Signal.ERRORS: 0.002}
    more: dict[Key, Track] = {
        (str(name), signal): Track(
            name, signal, at, level * (1 + 0.03 * dice.standard_normal(len(at))), "test", "more"
        )
        for signal, level in levels.items()
    }
    tracks = {**seen.tracks, **more}
    return replace(seen, graph=graph, tracks=tracks, shifts=compared(tracks, seen))


LAWS: Mapping[str, Law] = {
    "order": reordered,
    "names": renamed,
    "time": later,
    "constant series": constant,
    "series of one sample": single,
    "same input": lambda seen: seen,
}


def kept(law: str, number: int, usual: Callable[[int], tuple[Told, float]]) -> bool:
    """Whether a law holds for a scene, of which `usual` gives the answer."""
    told, sure = answer(LAWS[law](scene(number)))
    back = [(kind, BACK.get(service, service), score) for kind, service, score in told]
    return (back if law == "names" else told, sure) == usual(number)


@cache
def before(number: int) -> tuple[Told, float]:
    """Return the answer to a scene as it is, worked out once."""
    return answer(scene(number))


@pytest.mark.parametrize("law", LAWS)
def test_a_law_of_the_joined_ranking_holds(law: str) -> None:
    assert all(kept(law, number, before) for number in NUMBERS)


def test_a_healthy_service_more_takes_nobodys_place() -> None:
    for number in NUMBERS:
        assert answer(grown(scene(number)))[0][0][:2] == before(number)[0][0][:2]


def by_place(case: Investigation, one: Suspicion) -> float:
    """The one that was read last is likelier."""
    return 0.1 * case.scene.names.index(one.service)


def by_name(_case: Investigation, one: Suspicion) -> float:
    """The later a name in the alphabet, the likelier."""
    return 0.01 * ord(one.service[0])


def by_the_hour(case: Investigation, _one: Suspicion) -> float:
    """Some hours are worse than others."""
    return case.scene.now % 3600.0


def by_count(case: Investigation, _one: Suspicion) -> float:
    """The more series, the likelier."""
    return 0.01 * len(case.scene.tracks)


def by_chance(_case: Investigation, _one: Suspicion) -> float:
    """Nobody knows."""
    return float(np.random.default_rng().random())


DEFECTS: Mapping[str, Callable[[Investigation, Suspicion], float]] = {
    "order": by_place,
    "names": by_name,
    "time": by_the_hour,
    "constant series": by_count,
    "series of one sample": by_count,
    "same input": by_chance,
}


@pytest.mark.parametrize("law", LAWS)
def test_planted_a_defect_breaks_each_law_of_the_joined_ranking(
    law: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ranking_of.score
    seams.JOINED_SCORE.plant(
        monkeypatch, lambda case, one: real(case, one) + DEFECTS[law](case, one)
    )

    assert not kept(law, 0, lambda number: answer(scene(number)))
