"""One look on a screen: what was asked, the answer with its evidence, and what was not seen."""

from collections.abc import Callable

from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.domain.diagnosis import Diagnosis, Stance, Triage, TriageVerdict
from aiops_agent.domain.investigated import Investigated
from aiops_agent.domain.quantity import NO_DATA, amount, signal_name
from aiops_agent.domain.service_status import SignalNow
from aiops_agent.domain.text import shell
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.evidence import evidence, root_cause
from aiops_agent.interfaces.terminal.finding import name_of, small_chart
from aiops_agent.interfaces.terminal.layout import facts_grid
from aiops_agent.interfaces.terminal.palette import BAD, GOOD, QUIET, STRONG, WARN
from aiops_agent.interfaces.terminal.reasoned import second_opinion
from aiops_agent.interfaces.terminal.screen import Tier, tier
from aiops_agent.interfaces.terminal.troubles import troubles

_VERDICTS = {
    TriageVerdict.CONFIRMED: ("✗ harm is seen", BAD),
    TriageVerdict.CONTRADICTED: ("✓ no harm is seen", GOOD),
    TriageVerdict.UNSEEN: ("? neither confirmed nor contradicted", WARN),
}
_MOST_CHARTS, _HEIGHT = 2, 4  # charts, and lines of one: the cause stays on the same screen
_MOST_ALERTS = 3  # in the head; a storm says the same


def investigated(found: Investigated, width: int) -> RenderableType:
    """Return the whole answer; the cause and what would settle it stand last."""
    parts: list[RenderableType] = [_head(found)]
    if found.troubles:
        parts += [Text(""), *troubles(found.troubles)]
    diagnosis = None if found.quiet else found.diagnosis
    if diagnosis is not None:
        if diagnosis.findings:
            parts += [Text(""), evidence(diagnosis, width)]
        parts += [*_charts(diagnosis, width), root_cause(diagnosis)]
        said = found.opinion
        parts += [second_opinion(said, diagnosis.confidence)] if said else []
    if found.quiet:
        parts += [Text(""), tell(f"✓ Nothing is wrong at {found.service} that can be seen.", GOOD)]
        parts += _elsewhere(found)
    parts += [tell(f"! {why}", WARN) for why in found.missing]
    return Group(*parts)


def _head(found: Investigated) -> RenderableType:
    facts = facts_grid()
    facts.add_row("time", say(f"{found.at:%Y-%m-%d %H:%M:%S} UTC"))
    for one in found.alerts.shown[:_MOST_ALERTS]:
        since = say(f"since {one.since:%H:%M:%S}", QUIET)
        facts.add_row("alert", joined([tell(one.name), tell(one.summary), since]))
    if (more := found.alerts.total - _MOST_ALERTS) > 0:
        facts.add_row("", say(f"and {more} more alerts", QUIET))
    if found.now is not None:
        facts.add_row("now", joined([_signal(one) for one in found.now.signals]))
    if found.triage is not None:
        _triaged(facts.add_row, found.triage, alerted=found.alerts.total > 0)
    for words in found.left_out:
        facts.add_row("also firing", tell(words, QUIET))
    head = Text.assemble(tell(found.service, STRONG), "  ", say(str(found.environment), QUIET))
    return Group(head, facts)


def _signal(one: SignalNow) -> Text:
    now, usual = amount(one.signal, one.now), amount(one.signal, one.usual)
    shown = Text.assemble(tell(f"{signal_name(one.signal)} "), tell(now, BAD if one.words else ""))
    return shown if usual in (now, NO_DATA) else shown.append(f" (usually {usual})", style=QUIET)


def _elsewhere(found: Investigated) -> list[RenderableType]:
    """Say where else something changed, and how to look there."""
    lines: list[RenderableType] = []
    for service in dict.fromkeys(one.service for one in found.elsewhere):
        own = [one for one in found.elsewhere if one.service == service]
        changes = [tell(f"{one.what} {one.before} → {one.now}") for one in own]
        there = shell("aiops", "investigate", "--service", service)
        lines.append(Text.assemble(("! ", WARN), tell(f"{service}: "), joined(changes)))
        lines.append(tell(f"  to look there: {there}", QUIET))
    return lines


def _triaged(add: Callable[..., None], seen: Triage, *, alerted: bool) -> None:
    if seen.not_mine is not None:
        add("triage", tell(seen.not_mine.words))
        return
    if seen.verdict is TriageVerdict.UNSEEN and not alerted:
        return  # nobody claimed anything that could be confirmed
    words, ink = _VERDICTS[seen.verdict]
    severity = seen.severity.value if seen.verdict is TriageVerdict.CONFIRMED else ""
    add("triage", joined([say(words, ink), say(severity), tell(seen.impact)]))
    add("because", tell(seen.reason, QUIET))


def _charts(diagnosis: Diagnosis, width: int) -> list[RenderableType]:
    """Return the course of what the alert is about, and of what speaks most for the cause."""
    if tier(width) is Tier.NARROW:
        return []
    best = diagnosis.best
    bearing = best.evidence if best else ()
    stances = {one.finding: one.stance for one in bearing}
    wanted: list[RenderableType] = []
    chosen: list[Stance] = []
    for one in diagnosis.findings:
        stance = stances.get(one.id)
        if stance in (None, *chosen) or stance is Stance.AGAINST or not one.changed:
            continue
        drawn = small_chart(one, diagnosis, width, _HEIGHT)
        if drawn and stance is not None and len(chosen) < _MOST_CHARTS:
            chosen.append(stance)
            title = Text.assemble(say(one.id, STRONG), " ", tell(name_of(one), QUIET))
            wanted += [Text(""), title, *drawn]
    return [*wanted, Text("")] if wanted else []
