"""A cache lost its content and fills again."""

from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import ServiceKind, ServiceName, Signal
from aiops_agent.reasoning.causes import expectations
from aiops_agent.reasoning.lookups import emptied, filling
from aiops_agent.reasoning.measure import Shift
from aiops_agent.reasoning.suspect import Investigation, Prediction, Suspicion, expect, fact


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every cache that answers far fewer of its look-ups than before."""
    for name in case.scene.names:
        hits = emptied(case.scene, name)
        if hits is not None:
            told = f"{name} lost its content and fills again"
            predictions = tuple(_predictions(case, name, hits))
            # A hurting store answers in the cache's place: there it shows.
            hurt = [one for one in case.hurting if one in _stores(case, name) and case.own[one] > 0]
            seen_at = next(iter(hurt), "")
            yield Suspicion(CauseKind.COLD_CACHE, name, told, predictions, seen_at=seen_at)


def _predictions(case: Investigation, name: str, hits: Shift) -> Iterator[Prediction]:
    shown = fact(Signal.CACHE_HITS, name)
    yield expect(f"{name} answers far fewer look-ups", True, shown, weight=3.0, sign=True)
    began, claim = case.scene.began, "it fell no later than the pain began"
    early = bool(expectations.together_or_before(hits, began))
    late = hits.onset is not None and hits.onset > began + 180.0
    yield expect(claim, early, shown, weight=2.0, against=late)
    yield expect("it answers more from minute to minute", filling(hits), shown)
    moved = (case.shift(store, Signal.TRAFFIC) for store in _stores(case, name))
    seen = [one for one in moved if one is not None]
    more = [one for one in seen if one.up]
    asked = [fact(Signal.TRAFFIC, one.track.service) for one in (more or seen)[:1]]
    behind = bool(more) if seen else None
    yield expect("the database behind it is asked more", behind, *asked, weight=1.5)
    users = case.scene.graph.callers(name)
    rose = [case.traffic_rose(user) for user in users]
    usual = None if not rose or None in rose else not any(rose)
    asking = [fact(Signal.TRAFFIC, user) for user in users[:1]]
    yield expect("its users get no more requests than before", usual, *asking, weight=1.5)
    for user in (name, *users[:2]):
        yield expectations.nothing_changed(case, user)


def _stores(case: Investigation, name: str) -> list[ServiceName]:
    graph = case.scene.graph
    stores = set(graph.callees(name))
    for user in graph.callers(name):
        stores.update(graph.callees(user))
    return [one for one in sorted(stores) if case.kind(one) is ServiceKind.DATABASE]
