"""A process is up and does not answer."""

from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import ServiceKind, ServiceName, Signal
from aiops_agent.reasoning.causes import expectations
from aiops_agent.reasoning.mine import OVERLOAD
from aiops_agent.reasoning.suspect import Investigation, Prediction, Suspicion, expect, fact

SUDDEN = 120.0  # seconds in which it got as bad as it is
LOST = 0.9  # of what was answered well before: a stuck process answers nothing
OWN = 0.25  # share of the pain: less of its own is explained by whom it calls


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every service of ours that hurts by itself, or runs and is not heard any more."""
    for name in case.hurting:
        own = case.own[name] != 0.0 or _keeps(case, name)
        if case.kind(name) is not ServiceKind.EXTERNAL and own:
            told = f"a process of {name} is up but no longer answers"
            yield Suspicion(CauseKind.HANG, name, told, tuple(_predictions(case, name)))
    for gone, fall in case.fallen.items():
        if fall.frozen:
            yield Suspicion(CauseKind.HANG, ServiceName(gone), fall.words, _silent(case, gone))


def _silent(case: Investigation, name: str) -> tuple[Prediction, ...]:
    fall = case.fallen[name]
    users = case.scene.graph.callers(name) or (case.scene.service,)
    shown = [one for user in users for one in expectations.pain_facts(case, user)[:1]]
    early = None if fall.at is None else fall.at <= case.scene.began + 45.0
    return (
        expect(fall.words, True, weight=3.0, sign=True),
        expect("it fell silent no later than the pain began", early, weight=2.0),
        expect("who calls it suffers", bool(shown), *shown[:2], weight=1.5),
        expectations.nothing_changed(case, name),
    )


def _predictions(case: Investigation, name: str) -> Iterator[Prediction]:
    pain = expectations.pain_facts(case, name)
    claim = f"requests to {name} fail or wait for long"
    yield expect(claim, _severe(case, name), *pain, weight=2.0)
    served, used = case.served(name), case.shift(name, Signal.SATURATION)
    claim = f"{name} answers fewer requests well than before"
    shown = (fact(Signal.TRAFFIC, name), *(one for one in pain if one[0] == Signal.ERRORS))
    # What is stuck loses answers at once; slow answers to as many requests are no hang (yet).
    fewer, as_many = (None, False) if served is None else (served <= LOST, served >= 1.0)
    # Who calls whom is known, or there is nobody else whom it could wait for.
    known = bool(case.scene.graph.calls) or len(case.scene.names) == 1
    alone = known and case.own[name] >= expectations.OWN
    alone = alone and not expectations.unseen_callees(case, name)
    yield expect(claim, fewer, *shown, weight=1.5, against=as_many, sign=alone)
    yield expectations.not_full(case, name)
    claim = f"{name} does no more work than before"
    # A stuck process does no work: a tenth more is what the others take over.
    idle = None if used is None else not used.up or used.ratio <= 1.1
    # Who waits for somebody unseen does less work too: only who loses answers is stuck.
    less = used is not None and used.ratio <= LOST and fewer is True
    yield expect(claim, idle, fact(Signal.SATURATION, name), weight=1.5, sign=less)
    # Much more traffic explains the pain too, unless the service is seen to be idle.
    decisive = expectations.works_more(case, name) is not False
    yield expectations.same_traffic(case, name, decisive=decisive)
    yield expect("it began at once", _sudden(case, name), *pain)
    yield expectations.hurts_itself(case, name)
    yield expectations.nothing_changed(case, name)
    yield expectations.steady_memory(case, name)
    yield from expectations.no_wait(case, name)
    yield expectations.warm_caches(case, name)
    if case.traffic_rose(name) is False and (lines := case.log(name, OVERLOAD)):
        claim = f"{name} writes of being full, though it is asked no more"
        yield expect(claim, True, *lines, weight=0.5, sign=True)
    if case.own[name] < OWN and _keeps(case, name):
        claim = f"{name} is asked as much as before and passes on less"
        yield expect(claim, True, fact(Signal.TRAFFIC, name), sign=True)
    counted = (one for one in case.scene.standings if one.service == name)
    if any(work.health == "unhealthy" for one in counted for work in one.ill):
        yield expect(f"the health check of {name} fails", True, sign=True)


def _keeps(case: Investigation, name: str) -> bool:
    """Whether it is asked as much as before, and all whom it calls and who are well are asked less.

    What another callee suffers does not explain that: it asks these anyway. Who does not answer may
    count fewer requests by itself.
    """
    asked = case.shift(name, Signal.TRAFFIC)
    well = (one for one in case.scene.graph.callees(name) if one not in case.hurting)
    moved = (case.shift(one, Signal.TRAFFIC) for one in well)
    passed = [one for one in moved if one is not None]
    if asked is None or not passed or asked.latest < LOST * asked.before:
        return False
    return all(one.down and one.latest <= LOST * one.before for one in passed)


def _severe(case: Investigation, name: str) -> bool:
    errors, latency = case.shift(name, Signal.ERRORS), case.shift(name, Signal.LATENCY)
    # 3 % of requests: one stuck process of many fails no more; three times as slow is no drift.
    failing = errors is not None and errors.up and errors.delta >= 0.03
    return failing or (latency is not None and latency.up and latency.ratio >= 3.0)


def _sudden(case: Investigation, name: str) -> bool | None:
    worst = case.scene.pain(name)[0]
    if worst.onset is None:
        return None
    first = worst.track.between(worst.onset, worst.onset + SUDDEN)
    # Half of the harm within the first looks: what creeps up is no hang.
    return len(first) > 0 and float(max(first)) - worst.before >= 0.5 * worst.delta
