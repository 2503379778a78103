"""Did it help? Answered by telemetry after the action, never by the platform's word."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.lookup import Lookup, menu_of_services
from aiops_agent.agents.material import known, wrapped
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.passage import Passage
from aiops_agent.domain.quantity import amount, roughly, signal_name, target
from aiops_agent.domain.reasoning import Doubt
from aiops_agent.domain.remediation import (
    Check,
    Comparison,
    Criterion,
    Recovery,
    Verification,
)
from aiops_agent.domain.telemetry import ServiceName, Signal, Window
from aiops_agent.domain.value import Value
from aiops_agent.reasoning.gather import PAIN, Key, beginning, read_signals
from aiops_agent.reasoning.instances import STANDINGS, read_standings
from aiops_agent.reasoning.measure import FEWEST_BEFORE, Floats, Track, median, quantiles, track

STILL_BAD = 2.5  # times the high end of what was usual: noise stays below it
SLACK = {Signal.LATENCY: 0.01, Signal.ERRORS: 0.02}  # on top, where the usual is next to nothing
SHOWN_BEFORE = timedelta(minutes=5)  # calm enough to compare with, short enough to see the change
FEWEST = 2  # samples that make a hold
VANISHED = 0.1  # of the usual traffic: with less, good numbers prove nothing
IMPROVING = 0.9  # of the first value: a tenth less is more than noise


async def verify(
    briefing: Briefing, criteria: tuple[Criterion, ...], since: datetime
) -> Verification:
    """Return how every criterion stands now; `since` is when the action was finished.

    RECOVERED needs every criterion good for all of its hold; missing data is never success.
    """
    if not criteria:
        return _verdict(briefing, (), Recovery.INCONCLUSIVE, "there is nothing to measure it by")
    try:
        tracks = await _read(briefing, criteria, since)
    except SourceError as error:
        checks = tuple(_check(briefing, one, {}, since) for one in criteria)
        reason = f"telemetry did not answer: {error}"
        return _verdict(briefing, checks, Recovery.INCONCLUSIVE, reason)
    checks = tuple(_check(briefing, one, tracks, since) for one in criteria)
    recovery, reason = _over(briefing, checks, tracks)
    if recovery is Recovery.RECOVERED:
        recovery, reason = await _staying(briefing) or (recovery, reason)
    return _verdict(briefing, checks, recovery, reason)


async def _staying(briefing: Briefing) -> tuple[Recovery, str] | None:
    """Return why good numbers are no recovery, where it was instances that did not stay up.

    While a release that does not start is rolled out, those before it serve, and no number is bad.
    """
    attempt = briefing.incident.attempt
    diagnosis = attempt.diagnosis if attempt else None
    best = diagnosis.best if diagnosis else None
    # More replicas replace none: one that was lost before may be another story.
    if diagnosis is None or best is None or best.kind is CauseKind.CAPACITY:
        return None
    if not any(
        one.source == STANDINGS and one.service == best.service for one in diagnosis.findings
    ):
        return None
    found = await read_standings(briefing.environment, (best.service,), briefing.now)
    if not found:
        return Recovery.INCONCLUSIVE, f"how the instances of {best.service} are cannot be seen"
    if found[0].lost:
        return Recovery.NOT_RECOVERED, f"{best.service}: {found[0].sentence}"
    return None


def _verdict(
    briefing: Briefing, checks: tuple[Check, ...], recovery: Recovery, reason: str
) -> Verification:
    blind = briefing.now if recovery is Recovery.INCONCLUSIVE else last_blind(briefing)
    return Verification(
        recovery=recovery, checks=checks, reason=reason, at=briefing.now, blind=blind
    )


def last_blind(briefing: Briefing) -> datetime | None:
    """Return when a look at this attempt last saw nothing."""
    attempt = briefing.incident.attempt
    return attempt.verification.blind if attempt and attempt.verification else None


async def _read(
    briefing: Briefing, criteria: Sequence[Criterion], since: datetime
) -> dict[Key, Track]:
    services = tuple(dict.fromkeys(one.service for one in criteria))
    signals = tuple(dict.fromkeys(one.signal for one in criteria))
    metrics = briefing.environment.metrics
    near = Window(start=since - SHOWN_BEFORE, end=briefing.now)
    series = await metrics.read(services, signals, near)
    found: dict[Key, Track] = {
        (seen.service, seen.signal): seen for seen in map(track, series) if seen is not None
    }
    started = beginning(briefing.incident)
    # Traffic over the whole time: what was usual is known only from before the trouble.
    far = Window(start=started - briefing.pace.baseline, end=briefing.now)
    for seen in map(track, await metrics.read(services, (Signal.TRAFFIC,), far)):
        if seen is not None:
            found.setdefault((seen.service, Signal.TRAFFIC), seen)
    return found


def _check(
    briefing: Briefing, criterion: Criterion, tracks: dict[Key, Track], since: datetime
) -> Check:
    seen = tracks.get((criterion.service, criterion.signal))
    now = briefing.now.timestamp()
    if seen is None:
        return Check(criterion=criterion, now=None, recovery=Recovery.INCONCLUSIVE)
    start = max(since, briefing.now - criterion.hold).timestamp()
    held = seen.between(start, np.inf)
    long_enough = briefing.now - since >= criterion.hold
    return Check(
        criterion=criterion,
        now=float(held[-1]) if len(held) else None,
        recovery=_recovery(criterion, held, long_enough, _beyond(briefing, criterion, seen, since)),
        trend=seen.points((since - SHOWN_BEFORE).timestamp(), now + 1.0),
        inside=_inside(criterion, seen, since),
    )


def _good(criterion: Criterion, values: Floats) -> NDArray[np.bool_]:
    return (
        values > criterion.level
        if criterion.comparison is Comparison.ABOVE
        else values < criterion.level
    )


def _inside(criterion: Criterion, seen: Track, since: datetime) -> datetime | None:
    """Return the first sample since when all are in the target; None when the last is not."""
    first = np.searchsorted(seen.at, since.timestamp())
    at, good = seen.at[first:], _good(criterion, seen.values[first:])
    bad = np.flatnonzero(~good)
    start = bad[-1] + 1 if len(bad) else 0
    return datetime.fromtimestamp(at[start], UTC) if start < len(at) else None


def _recovery(criterion: Criterion, held: Floats, long_enough: bool, worse: bool) -> Recovery:
    if worse:
        return Recovery.WORSE
    if len(held) < FEWEST:
        return Recovery.INCONCLUSIVE
    good = bool(_good(criterion, held).all())
    return Recovery.RECOVERED if long_enough and good else Recovery.NOT_RECOVERED


def _beyond(briefing: Briefing, criterion: Criterion, seen: Track, since: datetime) -> bool:
    """Whether the last two looks' worth of data lie beyond `worse` and do not turn back."""
    if criterion.worse is None:
        return False
    pace = briefing.pace
    # Rates look back: right behind a gap they still tell of what was before the action.
    settled = max(since, last_blind(briefing) or since) + pace.settle
    if briefing.now < settled + pace.look:
        return False
    start = max(settled, briefing.now - 2 * pace.look)
    values = seen.between(start.timestamp(), np.inf)
    if len(values) < FEWEST:
        return False
    if criterion.comparison is Comparison.ABOVE:
        values = -values
    level = criterion.worse if criterion.comparison is Comparison.BELOW else -criterion.worse
    turning = values[-1] < IMPROVING * values[0] if values[0] > 0 else False
    return bool((values > level).all()) and not turning


def _over(
    briefing: Briefing, checks: tuple[Check, ...], tracks: dict[Key, Track]
) -> tuple[Recovery, str]:
    for recovery in (Recovery.WORSE, Recovery.INCONCLUSIVE, Recovery.NOT_RECOVERED):
        if found := [one for one in checks if one.recovery is recovery]:
            return recovery, "; ".join(_words(one) for one in found)
    services = dict.fromkeys(one.criterion.service for one in checks)
    silent = [name for name in services if _vanished(briefing, name, tracks)]
    if silent:
        reason = f"hardly any request reaches {', '.join(silent)}: good numbers prove nothing"
        return Recovery.INCONCLUSIVE, reason
    return Recovery.RECOVERED, "; ".join(_words(one) for one in checks)


def _vanished(briefing: Briefing, service: str, tracks: dict[Key, Track]) -> bool:
    seen = tracks.get((service, Signal.TRAFFIC))
    if seen is None:
        return False  # traffic was never seen here: it is no evidence either way
    started = beginning(briefing.incident).timestamp()
    before = seen.between(-np.inf, started)
    recent = seen.between((briefing.now - 2 * briefing.pace.hold).timestamp(), np.inf)
    if len(before) < FEWEST_BEFORE:
        return len(recent) == 0
    usual = median(before)
    return len(recent) == 0 or (usual > 0 and median(recent) < VANISHED * usual)


def _words(check: Check) -> str:
    criterion = check.criterion
    name = f"{signal_name(criterion.signal)} of {criterion.service}"
    if check.recovery is Recovery.INCONCLUSIVE:
        return f"{name} cannot be seen"
    now = amount(criterion.signal, check.now)
    if check.recovery is Recovery.WORSE:
        return f"{name} is {now}, worse than before the action"
    if check.recovery is Recovery.RECOVERED:
        return f"{name} is {now}, {target(criterion)} for {roughly(criterion.hold)}"
    return f"{name} is {now}, not {target(criterion)} for {roughly(criterion.hold)} yet"


class DoubtAnswer(Value):
    """Whether all is well, and where it is not."""

    recovered: bool = Field(description="whether nothing is bad any more")
    service: str = Field(description="where it is still bad")
    signal: str = Field(description="what is still bad there")


async def doubt(
    desk: Desk, briefing: Briefing, criteria: tuple[Criterion, ...], first: Answer[Verification]
) -> Answer[Verification]:
    """Let a model doubt a recovery, once; code looks where it points, at this look and later ones.

    A doubt that code confirms makes the verdict inconclusive: nothing is taken back for it, and a
    person looks.
    """
    seen, attempt = first.value, briefing.incident.attempt
    acted = attempt is not None and attempt.outcome is not None and attempt.undo is None
    if seen is None or seen.recovery is not Recovery.RECOVERED or not acted:
        return first
    before = attempt.verification.doubt if attempt and attempt.verification else None
    if before is not None:
        return Answer(value=await _doubted(briefing, seen, before), effort=first.effort)
    services = await menu_of_services(briefing, {one.service for one in criteria})
    said = [f"every criterion holds: {seen.reason}", *(one.words for one in criteria)]
    parts = [Passage("what code says of the recovery", "\n".join(said)), *known(briefing)]
    menus = {"service": services, "signal": tuple(signal.value for signal in PAIN)}
    tools = Lookup(briefing, services).tools()
    answer = await desk.ask(
        "verify", briefing, wrapped(parts), DoubtAnswer, menus=menus, tools=tools
    )
    effort = first.effort.joined(answer.effort, answer.missing)
    if answer.value is None:
        return Answer(value=seen, effort=effort)
    given = Doubt(by=str(answer.effort.by))
    if not answer.value.recovered:
        where, what = ServiceName(answer.value.service), Signal(answer.value.signal)
        given = given.model_copy(update={"service": where, "signal": what})
    return Answer(value=await _doubted(briefing, seen, given), effort=effort)


async def _doubted(briefing: Briefing, seen: Verification, given: Doubt) -> Verification:
    """Return the verdict with the doubt; it counts only where telemetry shows what it says."""
    kept = seen.model_copy(update={"doubt": given})
    if given.service is None or given.signal is None:
        return kept
    settled = {(check.criterion.service, check.criterion.signal) for check in seen.checks}
    if (given.service, given.signal) in settled:
        return kept  # its criterion has spoken
    began = beginning(briefing.incident)
    window = Window(start=began - briefing.pace.baseline, end=briefing.now)
    try:
        tracks = await read_signals(briefing.environment, (given.service,), (given.signal,), window)
    except SourceError:
        return kept  # what cannot be seen is no reason for a doubt
    track_seen = tracks.get((given.service, given.signal))
    start = (briefing.now - briefing.pace.hold).timestamp()
    usual = track_seen.between(-np.inf, began.timestamp()) if track_seen else np.empty(0)
    lately = track_seen.between(start, np.inf) if track_seen else np.empty(0)
    if len(usual) < FEWEST_BEFORE or len(lately) < FEWEST:
        return kept
    least = STILL_BAD * quantiles(usual, 0.9)[0] + SLACK[given.signal]
    if not bool((lately > least).all()):
        return kept
    name = f"{signal_name(given.signal)} of {given.service}"
    now = amount(given.signal, float(lately[-1]))
    reason = f"every criterion holds, but {name} is still {now}, as a model points out"
    return kept.model_copy(update={"recovery": Recovery.INCONCLUSIVE, "reason": reason})
