"""Findings for people: the symptom first, then what speaks for the cause, then what rules out."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from aiops_agent.domain.diagnosis import (
    CauseKind,
    Evidence,
    Finding,
    Hypothesis,
    Stance,
    Trigger,
)
from aiops_agent.domain.quantity import amount, per_minute, signal_name
from aiops_agent.domain.telemetry import Change, ChangeKind, ServiceName, Signal, Window
from aiops_agent.domain.text import safe
from aiops_agent.reasoning.lookups import emptied, filling
from aiops_agent.reasoning.measure import CLEAR, Shift, moment
from aiops_agent.reasoning.rank import SIGNALS, Ranked
from aiops_agent.reasoning.suspect import Fact, Investigation, Observed, Suspicion, fact

MOST_FINDINGS = 8  # a reader takes in no more
MOST_RIVAL_ROWS = 3  # of them, for what speaks for another cause
SHOWN_BEFORE = 900.0  # seconds of a chart that lie before the trouble
ARRIVES = "the alert arrives"  # the last step of a sequence
STANCE = {
    Observed.HELD: Stance.FOR,
    Observed.FAILED: Stance.AGAINST,
    Observed.CONTRADICTED: Stance.AGAINST,
}

CHANGED_BY = {
    ChangeKind.RELEASE: Trigger.RELEASE,
    ChangeKind.CONFIG: Trigger.CONFIGURATION,
}


def shown_time(case: Investigation) -> Window:
    """Return the time that every chart covers."""
    scene = case.scene
    first = min((float(seen.at[0]) for seen in scene.tracks.values()), default=scene.began)
    start = max(first, scene.began - SHOWN_BEFORE)
    return Window(start=moment(start), end=moment(scene.now))


def findings(case: Investigation, ranking: tuple[Ranked, ...]) -> dict[Fact, Finding]:
    """Return the facts worth showing by reference, in the order of their ids E1, E2, ..."""
    chosen: dict[Fact, None] = dict.fromkeys(_symptoms(case))
    for_cause = _facts(ranking[0], Observed.HELD)
    others = [one for ranked in ranking[1:4] for one in _ruling_out(ranked)]
    room = MOST_FINDINGS - min(MOST_RIVAL_ROWS, len(set(others) - {*for_cause, *chosen}))
    for most, facts in ((room, for_cause), (MOST_FINDINGS, others)):
        for one in facts:
            if len(chosen) < most:
                chosen[one] = None
    made = ((one, _finding(case, one)) for one in chosen)
    kept = [(one, found) for one, found in made if found is not None]
    numbered = enumerate(kept, start=1)
    return {one: found.model_copy(update={"id": f"E{i}"}) for i, (one, found) in numbered}


def numbered(found: Iterable[Finding], first: int) -> tuple[Finding, ...]:
    """Return the findings with ids from E`first` on."""
    return tuple(
        one.model_copy(update={"id": f"E{number}"}) for number, one in enumerate(found, start=first)
    )


def hypothesis(case: Investigation, ranked: Ranked, shown: dict[Fact, Finding]) -> Hypothesis:
    """Return the hypothesis with the shown findings that bear on it."""
    suspicion = ranked.suspicion
    return Hypothesis(
        kind=suspicion.kind,
        service=suspicion.service,
        statement=suspicion.statement,
        score=round(ranked.score, 3),
        held=ranked.count(Observed.HELD),
        checks=ranked.count(Observed.HELD, Observed.FAILED, Observed.CONTRADICTED),
        contradicted=ranked.count(Observed.CONTRADICTED),
        signs=ranked.signs,
        trigger=_trigger(case, ranked),
        evidence=_evidence(case, ranked, shown),
        change=suspicion.change.title if suspicion.change else "",
    )


def _evidence(
    case: Investigation, ranked: Ranked, shown: dict[Fact, Finding]
) -> tuple[Evidence, ...]:
    symptoms = set(_symptoms(case))
    evidence: dict[str, Evidence] = {}
    for one in symptoms & set(shown):
        # What the alert is about says nothing of the cause, whoever is suspected.
        finding, why = shown[one].id, "what the alert is about"
        evidence[finding] = Evidence(finding=finding, stance=Stance.SYMPTOM, why=why)
    bearing = [
        (shown[one].id, prediction)
        for prediction in ranked.suspicion.predictions
        if prediction.result in STANCE
        for one in prediction.facts
        if one in shown and one not in symptoms
    ]
    for finding, prediction in bearing:
        stance = STANCE[prediction.result]
        # One row may serve two predictions; what speaks against weighs more.
        if finding not in evidence or stance is Stance.AGAINST:
            unseen = "" if stance is Stance.FOR else "expected, not seen: "
            why = f"{unseen}{prediction.claim}"
            evidence[finding] = Evidence(finding=finding, stance=stance, why=why)
    return tuple(sorted(evidence.values(), key=lambda one: int(one.finding[1:])))


def sequence(case: Investigation, best: Ranked, opened: datetime) -> tuple[str, ...]:
    """Return what happened when, oldest first: changes, signals that moved, the alert."""
    steps: dict[str, tuple[float, int]] = {ARRIVES: (opened.timestamp(), len(CAUSAL))}
    if best.suspicion.change is not None:
        change = best.suspicion.change
        steps[f"{safe(change.title)} ({change.service})"] = (change.at.timestamp(), -1)
    for name, service in (*_facts(best, Observed.HELD), *_symptoms(case)):
        moved = case.scene.shifts.get((service, Signal(name))) if name in SIGNALS else None
        if moved is None or moved.onset is None or not (moved.up or moved.down):
            continue
        words = f"{signal_name(moved.track.signal)} of {service} {'rises' if moved.up else 'falls'}"
        steps[words] = (moved.onset, CAUSAL.index(moved.track.signal))
    ordered = sorted(steps.items(), key=lambda step: (step[1], step[0]))
    return tuple(f"{moment(at):%H:%M:%S} {words}" for words, (at, _) in ordered)


def _trigger(case: Investigation, ranked: Ranked) -> Trigger:
    """Return what set a cause off, where that is seen."""
    suspicion = ranked.suspicion
    if suspicion.change is not None:
        return CHANGED_BY.get(suspicion.change.kind, Trigger.NONE_SEEN)
    if suspicion.kind is CauseKind.DEPENDENCY:
        return Trigger.OUTSIDE
    if suspicion.kind is CauseKind.CAPACITY and case.traffic_rose(suspicion.service):
        return Trigger.LOAD
    return Trigger.HEALS if _heals(case, suspicion) else Trigger.NONE_SEEN


def _heals(case: Investigation, suspicion: Suspicion) -> bool:
    """Whether a cache fills again, or all that users felt is as before in the last samples."""
    if suspicion.kind is CauseKind.COLD_CACHE:
        hits = emptied(case.scene, suspicion.service)
        return hits is not None and filling(hits)
    felt = [*case.scene.pain(suspicion.service), *case.scene.pain(case.scene.service)]
    # As wide as what makes a change: NaN, with too few samples, is never within it.
    return bool(felt) and all(abs(one.latest - one.before) < CLEAR * one.noise for one in felt)


# In one sample the cause comes before what it causes.
CAUSAL = (
    Signal.CACHE_HITS,
    Signal.TRAFFIC,
    Signal.REPLICAS,
    Signal.RESTARTS,
    Signal.MEMORY,
    Signal.POOL,
    Signal.SATURATION,
    Signal.QUEUE,
    Signal.POOL_WAIT,
    Signal.TAIL,
    Signal.LATENCY,
    Signal.ERRORS,
)


def _symptoms(case: Investigation) -> Iterator[Fact]:
    for signal in (Signal.LATENCY, Signal.ERRORS):
        moved = case.shift(case.scene.service, signal)
        if moved is not None and moved.up:
            yield fact(signal, case.scene.service)


def _facts(ranked: Ranked, *results: Observed) -> list[Fact]:
    predictions = sorted(ranked.suspicion.predictions, key=lambda one: -one.weight)
    found = [one for p in predictions if p.result in results for one in p.facts]
    return list(dict.fromkeys(found))


def _ruling_out(ranked: Ranked) -> list[Fact]:
    return _facts(ranked, Observed.CONTRADICTED)[:2] or _facts(ranked, Observed.FAILED)[:1]


def _finding(case: Investigation, one: Fact) -> Finding | None:
    kind, which = one
    if kind == "change":
        return _of_change(case.scene.changes[int(which)])
    if kind == "log":
        return _of_log(case, int(which))
    moved = case.scene.shifts.get((which, Signal(kind)))
    return None if moved is None else _of_signal(case, moved)


def _of_signal(case: Investigation, moved: Shift) -> Finding:
    seen = moved.track
    time = shown_time(case)
    return Finding(
        id="",
        service=seen.service,
        what=signal_name(seen.signal),
        before=amount(seen.signal, moved.before),
        now=amount(seen.signal, moved.now),
        source=seen.source,
        query=seen.query,
        signal=seen.signal,
        trend=seen.points(time.start.timestamp(), time.end.timestamp() + 1.0),
        changed=moved.up or moved.down,
        values=(round(moved.before, 6), round(moved.now, 6)),
    )


def _of_change(change: Change) -> Finding:
    settings = sorted(change.settings.items())
    before = ", ".join(f"{name}={old}" for name, (old, _) in settings) or change.before
    after = ", ".join(f"{name}={new}" for name, (_, new) in settings) or change.after
    return Finding(
        id="",
        service=change.service,
        what=f"{change.kind}: {safe(change.title, limit=80)}",
        before=safe(before, limit=60),
        now=safe(after, limit=60),
        source=change.source,
        query=f"changes of {change.service} at {change.at:%H:%M:%S}",
        changed=True,
    )


def _of_log(case: Investigation, index: int) -> Finding:
    line = case.news[index]
    return Finding(
        id="",
        service=ServiceName(line.service),
        what=f"log: {safe(line.template, limit=80)}",
        before=per_minute(line.before),
        now=per_minute(line.now),
        source="logs",
        query=line.example,
        changed=True,
        values=(line.before, line.now),
    )
