"""A new release does worse than the one before; where it shows may be the database it asks."""

from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import Change, ChangeKind, ServiceKind, ServiceName, Signal
from aiops_agent.reasoning.causes import expectations
from aiops_agent.reasoning.fallen import Fall
from aiops_agent.reasoning.mine import SLOW_QUERY
from aiops_agent.reasoning.suspect import (
    ORDER_SLACK,
    Investigation,
    Prediction,
    Suspicion,
    expect,
    fact,
)

QUICK = 240.0  # seconds within which a bad release usually shows


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every release shortly before a service, or a database it asks, began to hurt."""
    for name in case.scene.names:
        for index, change in case.recent_changes(name, (ChangeKind.RELEASE,)):
            if not change.before:
                continue  # the first release ever: there is none to go back to
            seen_at = name if case.late(change) else _where(case, name)
            if seen_at is None and case.scene.began - change.at.timestamp() > QUICK:
                continue
            seen_at = seen_at or name  # so fresh a release may do harm that is not seen yet
            shown = "" if seen_at == name else seen_at
            predictions = tuple(_predictions(case, index, name, seen_at))
            told = _statement(name, change, shown, case.fallen.get(name))
            if name not in case.fallen and not case.scene.pain(seen_at):
                when = "since" if case.late(change) else "just before"
                told = f"{name} was released {when}, and no harm of its own is seen"
            yield Suspicion(CauseKind.RELEASE, name, told, predictions, change, shown)


def _where(case: Investigation, name: ServiceName) -> ServiceName | None:
    """Return where a release of `name` would show: a store that it asks, or itself."""
    stores = [
        callee
        for callee in case.scene.graph.callees(name)
        if case.kind(callee) in (ServiceKind.DATABASE, ServiceKind.QUEUE)
        and case.scene.pain(callee)
        and case.own[callee] >= 0.5
    ]
    if name in case.fallen:
        return name
    if stores and case.own.get(name, 0.0) < 0.6:
        return min(stores, key=case.onset)
    # Also where another cause explains all of its pain: the release may go wrong beside it.
    return name if case.scene.pain(name) else None


def _statement(name: str, change: Change, seen_at: str, fall: Fall | None) -> str:
    release = f"release {change.after} of {name}" if change.after else f"a release of {name}"
    if fall is not None:
        return f"{release} does not stay up: {fall.words}"
    if seen_at:
        return f"{release} asks {seen_at} for more than before: {seen_at} is where it shows"
    return f"{release} does worse than the one before"


def _predictions(case: Investigation, index: int, name: str, seen_at: str) -> Iterator[Prediction]:
    change, fall = case.scene.changes[index], case.fallen.get(name)
    at, late = change.at.timestamp(), case.late(change)
    quick, claim = case.onset(seen_at) - at <= QUICK, "the release came just before the pain"
    yield expect(claim, quick, ("change", str(index)), weight=3.0, against=late, sign=True)
    if fall is not None:
        yield expect(fall.words, True, weight=3.0, sign=True)
        before = fall.at is not None and fall.at < at - ORDER_SLACK
        yield expect("they ended after the release", not before, weight=1.5, against=before)
    yield _last(case, index, seen_at)
    if fall is None or case.scene.pain(name):  # the old instances may still serve everybody
        yield expectations.hurts_itself(case, seen_at)
    yield expectations.same_traffic(case, seen_at)
    if seen_at != name:
        yield expectations.same_traffic(case, name)
        changed = case.changed(seen_at)
        yield expect(f"no change of {seen_at} itself", None if changed is None else not changed)
    yield _costs_more(case, seen_at)
    yield expectations.steady_memory(case, name)
    yield expectations.warm_caches(case, seen_at)
    yield from expectations.no_wait(case, name, decisive=bool(case.scene.changes[index].settings))
    if seen_at != name:
        for writer in (name, seen_at):
            lines = case.log(writer, SLOW_QUERY)
            yield expectations.written(case, f"{writer} writes of slow queries", lines, weight=0.75)


def _costs_more(case: Investigation, seen_at: str) -> Prediction:
    work, claim = case.work(seen_at), f"one request takes {seen_at} more than before"
    slower = case.traffic_rose(seen_at) is False
    # A fifth more work for a request is beyond what the mix of requests changes.
    more, less = (None, False) if work is None else (work >= 1.2 or slower, work < 0.5)
    shown = (fact(Signal.SATURATION, seen_at), *expectations.pain_facts(case, seen_at)[:1])
    return expect(claim, more, *shown, weight=1.5, against=less)


def _last(case: Investigation, index: int, seen_at: str) -> Prediction:
    """Predict that no later release of another user of the same store fits as well."""
    users = {seen_at, *case.scene.graph.callers(seen_at)}
    at = case.scene.changes[index].at
    later = [
        other
        for user in sorted(users)
        for _, other in case.changes(user, (ChangeKind.RELEASE,))
        if other.at > at
    ]
    claim = "no other release came later, still before the pain"
    return expect(claim, not later, ("change", str(index)))
