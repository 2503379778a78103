"""A question about an incident with its answer: sentences, what they cite, and what was struck."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from aiops_agent.domain.inquiry import Inquiry
from aiops_agent.domain.quantity import money
from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.layout import facts_grid
from aiops_agent.interfaces.terminal.palette import BAD, LINK, QUIET, STRONG, WARN


def inquiries(asked: Sequence[Inquiry]) -> RenderableType:
    """Return questions with their answers, one after the other."""
    if not asked:
        return say("Nothing was asked yet.")
    parts: list[RenderableType] = []
    for one in asked:
        parts += [Text("")] if parts else []
        parts += _inquiry(one)
    return Group(*parts)


def _inquiry(one: Inquiry) -> Iterator[RenderableType]:
    yield tell(f"{one.number}. {one.question}", STRONG)
    if one.recorded:
        yield tell(f"No model answered ({one.missing}); recorded, what fits best first:", WARN)
    for sentence in one.supported:
        cites = f"  [{', '.join(sentence.cites)}]"
        yield Text.assemble("  ", tell(sentence.text), tell(cites, LINK))
    for sentence in one.struck:
        yield Text.assemble(
            ("  ✗ struck: ", BAD), tell(sentence.text, "strike"), tell(f"  {sentence.wrong}", QUIET)
        )
    if not one.supported:
        yield tell("  Not known: nothing that is recorded answers it.", WARN)
    if one.not_known or one.corrections or not one.recorded:
        yield _basis(one)
    used = one.effort.usage
    spent = f", {used.requests} calls, {used.tokens} tokens, {money(used.cost)}"
    yield tell(f"answered by {one.effort.by}{spent if used.requests else ''}", QUIET)


def _basis(one: Inquiry) -> Table:
    """Return what nobody knows, and the facts that are cited; a quoted fact is its own source."""
    grid = facts_grid()
    for gap in one.not_known:
        grid.add_row("not known", tell(gap))
    for correction in one.corrections:
        grid.add_row("corrected", tell(correction, WARN))
    for fact in () if one.recorded else one.facts:
        grid.add_row(say(fact.id, LINK), tell(fact.text))
    return grid
