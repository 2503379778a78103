"""A cache lost its content and fills again."""

from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import ServiceKind, ServiceName, Signal
from aiops_agent.reasoning.causes.expectations import nothing_changed
from aiops_agent.reasoning.measure import Shift
from aiops_agent.reasoning.suspect import (
    ORDER_SLACK,
    Investigation,
    Prediction,
    Suspicion,
    expect,
    fact,
)

FAR = 0.08  # share of look-ups by which the hits must have fallen


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every cache that answers far fewer look-ups than before."""
    for name in case.scene.names:
        hits = case.shift(name, Signal.CACHE_HITS)
        if hits is not None and hits.down and _lowest(hits) <= hits.before - FAR:
            yield Suspicion(
                kind=CauseKind.COLD_CACHE,
                service=name,
                statement=f"{name} lost its content and fills again",
                predictions=tuple(_predictions(case, name, hits)),
                # A hurting store answers in the cache's place: there it shows.
                seen_at=next((one for one in _stores(case, name) if case.own[one] > 0.0), ""),
            )


def _predictions(case: Investigation, name: str, hits: Shift) -> Iterator[Prediction]:
    shown = fact(Signal.CACHE_HITS, name)
    yield expect(f"{name} answers far fewer look-ups", True, shown, weight=3.0)
    yield expect(
        "it fell no later than the pain began",
        hits.onset is not None and hits.onset <= case.scene.began + ORDER_SLACK,
        shown,
        weight=2.0,
        against=hits.onset is not None and hits.onset > case.scene.began + 180.0,
    )
    last = float(hits.track.values[-1])
    yield expect(
        "it answers more from minute to minute",
        last > _lowest(hits) + 0.05 * (hits.before - _lowest(hits)),
        shown,
    )
    moved = (case.shift(store, Signal.TRAFFIC) for store in _stores(case, name))
    seen = [one for one in moved if one is not None]
    more = [one for one in seen if one.up]
    yield expect(
        "the database behind it is asked more",
        bool(more) if seen else None,
        *(fact(Signal.TRAFFIC, one.track.service) for one in (more or seen)[:1]),
        weight=1.5,
    )
    users = case.scene.graph.callers(name)
    rose = [case.traffic_rose(user) for user in users]
    yield expect(
        "its users get no more requests than before",
        None if not rose or None in rose else not any(rose),
        *(fact(Signal.TRAFFIC, user) for user in users[:1]),
        weight=1.5,
    )
    for user in (name, *users[:2]):
        yield nothing_changed(case, user)


def _stores(case: Investigation, name: str) -> list[ServiceName]:
    graph = case.scene.graph
    stores = set(graph.callees(name))
    for user in graph.callers(name):
        stores.update(graph.callees(user))
    return [one for one in sorted(stores) if case.kind(one) is ServiceKind.DATABASE]


def _lowest(hits: Shift) -> float:
    values = hits.track.values
    start = int((hits.track.at < (hits.onset or hits.track.at[0])).sum())
    return float(values[start:].min()) if start < len(values) else hits.now
