"""What is remembered, as a person reads it. All of it is others' words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.domain.postmortem import CaseSource, PastIncident
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.layout import facts_grid, table
from aiops_agent.interfaces.terminal.palette import QUIET, STRONG, WARN
from aiops_agent.ports.memory import Hit

if TYPE_CHECKING:  # memory brings arithmetic that a screen does without
    from aiops_agent.memory.calibration import ConfidenceRecord
    from aiops_agent.memory.casebook import Compaction, MemoryStats


def hits(found: Sequence[Hit], width: int) -> RenderableType:
    """Return a few lines for each case: what it was, what came of it, why it was found."""
    if not found:
        return say("Nothing like it is remembered.")
    rows = []
    for hit in found:
        case = hit.case
        rows.append(
            [
                say(case.id, STRONG),
                say(f"{case.ended_at:%Y-%m-%d}", QUIET),
                Text("\n").join([tell(case.title), _came_of(case), tell("; ".join(hit.reasons))]),
            ]
        )
    return table(["ID", "ENDED", "WHAT"], rows, width)


def case(kept: PastIncident, _width: int) -> RenderableType:
    """Return everything that is kept of a case."""
    lines = facts_grid()
    signature = kept.signature
    moved = ", ".join(
        f"{one.role} {one.signal} {'up' if one.up else 'down'} {one.size} ({one.onset})"
        for one in signature.moves
    )
    said = [f"{one.by}: {'right' if one.right else 'wrong'} {one.words}" for one in kept.ratings]
    rows = (
        ("what", kept.title),
        ("where", f"{kept.environment} {kept.service}"),
        ("alerts", ", ".join(kept.alert_names)),
        ("moved", moved),
        ("says", "; ".join(f"{one.role}: {one.template}" for one in signature.lines)),
        ("cause", f"{kept.believed} of {kept.cause_service}".replace("_", " ")),
        ("change", kept.change),
        ("tried", "; ".join(_tried(kept))),
        ("declined", "; ".join(kept.declined)),
        ("end", f"{kept.ending or kept.status} {kept.ended_at:%Y-%m-%d %H:%M} · {kept.summary}"),
        ("stands for", _stands_for(kept)),
        ("people", "; ".join(said)),
        ("text", kept.text[:2000]),
    )
    for name, words in rows:
        if words.strip():
            lines.add_row(name, tell(words))
    told = "told by people, counts for no action" if kept.source is CaseSource.IMPORTED else ""
    return Group(joined([say(kept.id, STRONG), say(told, QUIET)]), lines)


def compacted(made: "Compaction", rehearsed: bool) -> RenderableType:
    """Return what became one."""
    kept = f"Of {made.cases} kept ({made.size / 1e6:.1f} MB) {made.over} are beyond the limits"
    if not made.merged:
        none = "; no two of these can be made one" if made.over else ""
        return say(f"{kept}{none}: nothing {'would change' if rehearsed else 'changed'}.")
    live, are = ("would live", "would be") if rehearsed else ("live", "are")
    left = made.cases - made.merged
    return say(f"{kept}; {made.merged} {live} on in {made.patterns}; {left} {are} left.")


def stats(made: "MemoryStats", width: int) -> RenderableType:
    """Return the sums, and a line for each action against each cause."""
    endings = ", ".join(f"{count} {name}" for name, count in made.endings.items())
    told = say(
        f"{made.cases} incidents ({made.imported} told by people): {endings or 'none'}; "
        f"{made.stood_for} more live on in them; "
        f"rated {made.rated_right} right, {made.rated_wrong} wrong"
    )
    rows = [
        [
            say(one.action, STRONG),
            say(one.cause),
            say(f"{one.helped} of {one.helped + one.failed}"),
            say(f"{one.low:.0%} to {one.high:.0%}"),
        ]
        for one in made.remedies
    ]
    parts: list[RenderableType] = [told]
    if rows:
        parts.append(table(["ACTION", "AGAINST", "HELPED", "90 % SURE"], rows, width))
    if sure := [_sure(one) for one in made.confidence]:
        parts.append(table(["CONFIDENCE", "RIGHT", "90 % SURE"], sure, width))
    parts += [
        say(
            f"{one.confidence} was right in {one.right} of {one.right + one.wrong}: less often "
            f"than the {one.promised:.0%} that it promises. Look twice.",
            WARN,
        )
        for one in made.confidence
        if one.drifts
    ]
    return Group(*parts)


def _sure(one: "ConfidenceRecord") -> list[Text]:
    return [
        say(one.confidence, STRONG),
        say(f"{one.right} of {one.right + one.wrong}"),
        say(f"{one.low:.0%} to {one.high:.0%}"),
    ]


def _stands_for(kept: PastIncident) -> str:
    if (pattern := kept.pattern) is None:
        return ""
    came = (
        f"{one.action.text}: {one.recovery.replace('_', ' ')} {one.times} times"
        for one in pattern.outcomes
    )
    others = f"{len(pattern.members)} others since {pattern.since:%Y-%m-%d}"
    return "; ".join((others, *came))


def _came_of(kept: PastIncident) -> Text:
    tried = "; ".join(_tried(kept)) or kept.summary or str(kept.ending or kept.status)
    return tell(tried, QUIET)


def _tried(kept: PastIncident) -> list[str]:
    return [f"{one.action.text}: {one.recovery.replace('_', ' ')}" for one in kept.tried]
