"""The root cause as we believe it: sentence, sequence, confidence, and what nobody knows."""

from rich import box
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aiops_agent.domain.diagnosis import Diagnosis, Hypothesis
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.palette import CONFIDENCE_INK, QUIET, STRONG, WARN

RIVALS_SHOWN = 2  # the rest is in the report


def root_cause(diagnosis: Diagnosis) -> Panel:
    """Return the panel of the likeliest cause; it says so when nothing stands out."""
    best = diagnosis.best
    facts = facts_grid()
    if diagnosis.sequence:
        facts.add_row("sequence", joined([tell(fact) for fact in diagnosis.sequence], " → "))
    facts.add_row("confidence", _confidence(diagnosis))
    for rival in diagnosis.hypotheses[1 : 1 + RIVALS_SHOWN]:
        facts.add_row("less likely", _rival(rival))
    facts.add_row("not known", joined([tell(gap) for gap in diagnosis.not_known]) or say("nothing"))
    whole = Table.grid(expand=True)
    whole.add_row(tell(best.statement if best else diagnosis.summary, STRONG))
    whole.add_row(facts)
    return panel("Root cause" if best else "No root cause found", whole, WARN)


def panel(title: str | Text, content: Table, ink: str) -> Panel:
    """Return `content` in a frame with its title on the left."""
    heading = title if isinstance(title, Text) else say(title)
    heading.stylize(ink)
    return Panel(content, title=heading, title_align="left", border_style=ink, box=box.ROUNDED)


def facts_grid() -> Table:
    """Return an empty two-column grid: a grey name, and text that wraps beside it."""
    grid = Table.grid(expand=True, padding=(0, 1, 0, 0))
    grid.add_column(style=QUIET, no_wrap=True, min_width=11)
    grid.add_column(ratio=1, overflow="fold")
    return grid


def _confidence(diagnosis: Diagnosis) -> Text:
    word = say(diagnosis.confidence.value.upper(), CONFIDENCE_INK[diagnosis.confidence])
    return joined([word, tell(diagnosis.why_confidence)], "  ")


def _rival(rival: Hypothesis) -> Text:
    counts = f"{rival.held} of {rival.checks} checks held"
    against = f"{rival.contradicted} against" if rival.contradicted else ""
    return joined([tell(rival.statement.rstrip(".")), say(counts, QUIET), say(against, QUIET)])
