"""A model's opinion beside the statistics: both are shown, and what of it is unsupported."""

from rich.panel import Panel
from rich.text import Text

from aiops_agent.domain.diagnosis import Confidence
from aiops_agent.domain.reasoning import SecondOpinion, Stand
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.evidence import SURE_INK
from aiops_agent.interfaces.terminal.layout import facts_grid, panel
from aiops_agent.interfaces.terminal.palette import (
    GOOD,
    QUIET,
    STRONG,
    WARN,
    words,
)

_INK = {Stand.AGREES: GOOD, Stand.DISAGREES: WARN, Stand.NOT_KNOWN: QUIET}
_TITLES = {
    Stand.AGREES: "Second opinion: agrees",
    Stand.DISAGREES: "Second opinion: DISAGREES",
    Stand.NOT_KNOWN: "Second opinion: not known",
}


def second_opinion(opinion: SecondOpinion, left: Confidence) -> Panel:
    """Return what a model thinks beside what statistics say; `left` is the confidence now."""
    facts = facts_grid()
    named = opinion.first.words if opinion.first else "not known"
    facts.add_row("statistics", tell(opinion.engine, STRONG))
    before = say("before it saw the statistics", QUIET)
    facts.add_row("model", joined([tell(named, STRONG), before, tell(opinion.by, QUIET)]))
    if opinion.after != opinion.first:
        then = opinion.after.words if opinion.after else "not known"
        facts.add_row("after", joined([tell(then), say("which counts for nothing", QUIET)]))
    if opinion.supported:
        facts.add_row("because", Text("\n").join([tell(c.words) for c in opinion.supported]))
    for claim in opinion.struck:
        struck = [tell(claim.words, QUIET), tell(claim.wrong, WARN)]
        facts.add_row("unsupported", joined(struck, ": "))
    if opinion.not_known:
        facts.add_row("not known", joined([tell(gap.words) for gap in opinion.not_known]))
    if opinion.lowered is not None:
        fell = joined(
            [
                say(words(opinion.lowered.value), SURE_INK[opinion.lowered]),
                say(left.value.upper(), SURE_INK[left]),
            ],
            " → ",
        )
        facts.add_row("confidence", joined([fell, tell("they disagree")], "  "))
    if opinion.needs_person:
        why = tell(f"{opinion.needs_person}: a person decides, whatever policy says", WARN)
        facts.add_row("so", why)
    return panel(_TITLES[opinion.stand], facts, _INK[opinion.stand])
