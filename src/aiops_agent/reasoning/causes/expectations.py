"""Predictions that several kinds of cause share."""

from collections.abc import Iterator

from aiops_agent.domain.telemetry import ServiceKind, ServiceName, Signal
from aiops_agent.reasoning.lookups import emptied
from aiops_agent.reasoning.measure import Shift
from aiops_agent.reasoning.mine import BLAMES
from aiops_agent.reasoning.suspect import ORDER_SLACK, Fact, Investigation, Prediction, expect, fact

MUCH_MORE = 1.3  # times as much as usual
OWN = 0.5  # share of the pain that must be the service's own


def pain_facts(case: Investigation, service: str) -> tuple[Fact, ...]:
    """Return the facts of a service's pain, the worst first."""
    return tuple(fact(one.track.signal, service) for one in case.scene.pain(service))


def hurts_itself(case: Investigation, service: str) -> Prediction:
    """It hurts, and what it calls does not explain that.

    Where nobody knows whom it calls, its own log may still blame somebody.
    """
    claim = f"{service} suffers and what it calls does not"
    if not case.scene.graph.calls:
        lines = case.log(service, BLAMES)
        return expect(claim, None, *lines, weight=2.0, against=bool(lines))
    moved = (case.shift(c, Signal.LATENCY) for c in case.scene.graph.callees(service))
    seen = sorted((one for one in moved if one is not None), key=lambda one: -one.size)
    shown = tuple(fact(Signal.LATENCY, one.track.service) for one in seen)
    own, facts = case.own[service], (*pain_facts(case, service), *shown[:1])
    # What nobody sees may suffer: that it does not is not known.
    well = None if own >= OWN and unseen_callees(case, service) else own >= OWN
    return expect(claim, well, *facts, weight=2.0, against=own < 0.25)


def unseen_callees(case: Investigation, service: str) -> list[ServiceName]:
    """Return those that a service calls and of which nothing at all is seen."""
    seen = {name for name, _ in case.scene.shifts}
    return [one for one in case.scene.graph.callees(service) if one not in seen]


def nothing_changed(case: Investigation, service: str) -> Prediction:
    """Nobody released or reconfigured it just before."""
    changed = case.changed(service)
    return expect(f"no change of {service} just before", None if changed is None else not changed)


def same_traffic(case: Investigation, service: str, *, decisive: bool = False) -> Prediction:
    """It is not asked more than before; `decisive` where more of it would explain everything."""
    rose, claim = case.traffic_rose(service), f"{service} gets no more requests than before"
    moved = case.shift(service, Signal.TRAFFIC)
    same = None if rose is None else not rose
    much = decisive and bool(rose) and moved is not None and moved.ratio >= MUCH_MORE
    return expect(claim, same, fact(Signal.TRAFFIC, service), weight=1.5, against=much)


def works_more(case: Investigation, service: str) -> bool | None:
    """Whether clearly more of its capacity is in use than before, however little; None: unseen."""
    used = case.shift(service, Signal.SATURATION)
    return None if used is None else used.worst >= MUCH_MORE * max(used.before, 0.02)


def not_full(case: Investigation, service: str, *, decisive: bool = True) -> Prediction:
    """Its capacity is not used up; not `decisive` where a roll-out may have taken some away."""
    used, shown = case.shift(service, Signal.SATURATION), fact(Signal.SATURATION, service)
    # Below three quarters nothing queues for capacity; at nine tenths everything does.
    idle, full = (None, False) if used is None else (used.worst < 0.75, used.worst >= 0.9)
    return expect(f"{service} is not busy", idle, shown, weight=1.5, against=decisive and full)


def steady_memory(case: Investigation, service: str) -> Prediction:
    """Its memory does not run out."""
    memory = case.shift(service, Signal.MEMORY)
    # Share of the limit: below it memory costs no request anything.
    steady = None if memory is None else memory.worst < 0.85 or not memory.up
    return expect(f"the memory of {service} is as before", steady, fact(Signal.MEMORY, service))


def warm_caches(case: Investigation, service: str) -> Prediction:
    """No cache nearby lost its content: that too would send more requests."""
    near = {service, *case.scene.graph.callees(service)}
    for caller in case.scene.graph.callers(service):
        near.update(case.scene.graph.callees(caller))
    if not case.scene.graph.calls:
        near.update(case.scene.names)  # nobody says which is near: any that emptied may be
    caches = [name for name in sorted(near) if case.kind(name) is ServiceKind.CACHE]
    hits = [case.shift(name, Signal.CACHE_HITS) for name in sorted(near)]
    seen = [one for one in hits if one is not None]
    fell = [one for name in sorted(near) if (one := emptied(case.scene, name)) is not None]
    # A cache that nobody asks any more has a past: it passes nothing on.
    known = [name for name in caches if (name, Signal.CACHE_HITS) in case.scene.tracks]
    unseen = not seen and len(known) < len(caches)
    shown = [fact(Signal.CACHE_HITS, one.track.service) for one in (fell or seen)[:1]]
    claim, same = "the caches nearby answer as before", None if unseen else not fell
    return expect(claim, same, *shown, weight=0.5, against=bool(fell))


def no_wait(case: Investigation, service: str, *, decisive: bool = False) -> Iterator[Prediction]:
    """It does not wait for connections to databases that are well; nothing if it asks none.

    `decisive`: where a setting changed, such a wait speaks for the setting.
    """
    stores = databases(case, service)
    wait, latency = case.shift(service, Signal.POOL_WAIT), case.shift(service, Signal.LATENCY)
    if not stores and wait is None:
        return
    slow_store = any(case.own[store] > 0.0 for store in stores)
    slower = latency.delta if latency is not None else 0.0
    # A third of the added latency is waiting: the rest is what the wait holds up elsewhere.
    explains = wait is not None and wait.up and not slow_store and wait.delta >= 0.3 * slower
    claim = f"{service} does not wait for connections to a healthy database"
    free, against = None if wait is None else not explains, explains and decisive
    yield expect(claim, free, fact(Signal.POOL_WAIT, service), against=against)


def together_or_before(moved: Shift | None, pain: float) -> bool | None:
    """Whether a signal moved no later than the pain began; None if that is not seen."""
    return None if moved is None or moved.onset is None else moved.onset <= pain + ORDER_SLACK


def databases(case: Investigation, service: str) -> list[ServiceName]:
    """Return the databases that a service asks."""
    callees = case.scene.graph.callees(service)
    return [callee for callee in callees if case.kind(callee) is ServiceKind.DATABASE]


def written(
    case: Investigation,
    claim: str,
    lines: tuple[Fact, ...],
    *,
    weight: float = 1.0,
    sign: bool = False,
) -> Prediction:
    """New log lines say so; not seen where nobody reads logs."""
    known = None if case.scene.lacks("logs") else bool(lines)
    return expect(claim, known, *lines, weight=weight, sign=sign)
