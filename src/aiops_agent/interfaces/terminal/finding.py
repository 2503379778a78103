"""One finding: its numbers, its course, what it says of each cause, and how to look at it again."""

from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.domain.diagnosis import Diagnosis, Finding, Stance
from aiops_agent.domain.quantity import amount, roughly, times
from aiops_agent.domain.telemetry import Signal
from aiops_agent.interfaces.terminal.chart import chart
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.evidence import SURE_INK
from aiops_agent.interfaces.terminal.layout import facts_grid
from aiops_agent.interfaces.terminal.palette import BAD, GOOD, QUIET, STRONG

_SAYS = {
    Stance.FOR: ("✓ for", GOOD),
    Stance.AGAINST: ("✗ against", BAD),
    Stance.SYMPTOM: ("· symptom of", QUIET),
}
PROMETHEUS = "prometheus"  # the source whose queries can be pasted


def finding(of: str, found: Finding, diagnosis: Diagnosis, width: int) -> RenderableType:
    """Return one finding of a diagnosis; `of` says whose it is and when it was made."""
    ink = BAD if found.changed else ""
    facts = facts_grid()
    facts.add_row("change", _change(found, ink))
    if (shown := diagnosis.shown) is not None:
        length = roughly(shown.length)
        facts.add_row("window", say(f"{shown.start:%Y-%m-%d %H:%M:%S} to {shown.end:%H:%M:%S} UTC"))
        facts.add_row("", say(f"{length}; trouble began {_began(diagnosis)}", QUIET))
    for stance, cause, why in _bearings(found, diagnosis):
        sign, colour = _SAYS[stance]
        facts.add_row("says", joined([tell(f"{sign} {cause}", colour), tell(why, QUIET)], "  "))
    sure = say(diagnosis.confidence.value.upper(), SURE_INK[diagnosis.confidence])
    facts.add_row("confidence", joined([sure, tell(diagnosis.why_confidence)], "  "))
    for name, reasons in diagnosis.certainty.rows:
        facts.add_row(name, joined([tell(one) for one in reasons]))
    facts.add_row("origin", joined([tell(found.source), tell(of)]))
    head = Text.assemble(say(found.id, STRONG), "  ", tell(name_of(found), STRONG))
    drawn = small_chart(found, diagnosis, width, 6)
    return Group(head, *drawn, *([Text("")] if drawn else []), facts)


def name_of(found: Finding) -> str:
    """Return what a finding is about: "payments-api latency p95"."""
    return f"{found.service} {found.what}" if found.service else found.what


def small_chart(found: Finding, diagnosis: Diagnosis, width: int, height: int) -> list[Text]:
    """Return the course of a finding's signal, or nothing when it has none."""
    signal = found.signal
    if signal is None or len(found.trend) < 2:
        return []

    def words(value: float, of: Signal = signal) -> str:
        return amount(of, value)

    ink = BAD if found.changed else QUIET
    given = (found.trend, diagnosis.shown, diagnosis.began)
    return chart(*given, words=words, width=width, height=height, ink=ink)


def _change(found: Finding, ink: str) -> Text:
    parts = [say(found.before, QUIET), say(found.now, ink)] if found.before else [say(found.now)]
    change = joined(parts, " → ")
    if found.values and found.values[0] > 0 and found.signal is not None:
        change.append(f"  ({times(found.values[1] / found.values[0])})", style=QUIET)
    if not found.changed:
        change.append("  within its usual range", style=QUIET)
    return change


def _began(diagnosis: Diagnosis) -> str:
    return f"{diagnosis.began:%H:%M:%S}" if diagnosis.began else "at an unknown time"


def _bearings(found: Finding, diagnosis: Diagnosis) -> list[tuple[Stance, str, str]]:
    """Return what the finding says of each cause, of several that it says the same of only one."""
    said: dict[tuple[Stance, str], tuple[Stance, str, str]] = {}
    for cause in diagnosis.hypotheses:
        for piece in cause.evidence:
            if piece.finding == found.id:
                words = f"{cause.kind} of {cause.service}".replace("_", " ")
                key = (piece.stance, "" if piece.stance is Stance.SYMPTOM else words)
                what = "the trouble" if piece.stance is Stance.SYMPTOM else words
                said.setdefault(key, (piece.stance, what, piece.why))
    return list(said.values())


def query(found: Finding) -> list[Text]:
    """Return what was asked, to be printed soft-wrapped: a line end in it would be pasted too."""
    if not found.query:
        return []
    pasted = found.source == PROMETHEUS
    head = "query, to be pasted into Prometheus:" if pasted else "what was read:"
    return [Text(""), say(head, QUIET), tell(found.query)]
