"""The plan as people approve it: do, run, undo, touches, success, policy."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aiops_agent.domain.approval import Ruling, Verdict
from aiops_agent.domain.quantity import span, target
from aiops_agent.domain.remediation import Plan, PlanKind, Prepared, PreparedPlan
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.layout import facts_grid, panel
from aiops_agent.interfaces.terminal.palette import BAD, GOOD, LINK, QUIET, RISK_INK, STRONG, WARN

INK = "magenta"
REQUIRED = "[APPROVAL REQUIRED]"


class PlanQuestion(StrEnum):
    """What a person is asked about a plan that waits."""

    APPLY = "Apply plan?"
    REJECT = "Reject plan?"


_HINTS = ("? help", "d details", "e evidence", "r reject with reason")
_ANSWERS = {
    PlanQuestion.APPLY: (
        ("y", "apply this plan, exactly as shown"),
        ("n, Enter", "reject it; nothing is run"),
    ),
    PlanQuestion.REJECT: (
        ("y", "reject it; nothing is run"),
        ("n, Enter", "decide nothing; the plan goes on waiting"),
    ),
}
_KEYS = (
    ("r", "reject it with a reason, kept in the report"),
    ("d", "show the exact requests"),
    ("e", "show the evidence"),
)
_RULING_INK = {Ruling.ALLOW: GOOD, Ruling.ASK: WARN, Ruling.DENY: BAD}
_SHOWN = {"critic": "critic", "disagreement-asks": "disagree"}
_TITLES = {PlanKind.WATCH: "Watch", PlanKind.HANDOVER: "Hand over to a person"}


def plan(
    prepared: PreparedPlan,
    verdict: Verdict,
    *,
    waiting: bool = False,
    until: datetime | None = None,
) -> Panel:
    """Return the six lines that a person decides on; `waiting` adds the [APPROVAL REQUIRED] mark.

    `until` is the wall time when the question expires.
    """
    steps = prepared.steps
    lines = facts_grid()
    lines.add_row("do", _each(steps, lambda step: step.do, STRONG))
    lines.add_row("run", _each(steps, lambda step: step.run, LINK))
    lines.add_row("undo", Text("\n").join([_way_back(step) for step in reversed(steps)]))
    lines.add_row("touches", _each(steps, lambda step: step.blast.words))
    criteria = [tell(c.words or target(c)) for c in prepared.plan.criteria]
    undoable = any(step.inverse for step in steps)
    otherwise = (
        "otherwise rolled back automatically" if undoable else "otherwise another plan is proposed"
    )
    lines.add_row("success", joined([joined(criteria, " and "), tell(otherwise, QUIET)], ", "))
    lines.add_row("policy", _policy(verdict, steps))
    for opinion in verdict.opinions:
        if opinion.rule in _SHOWN:  # also where another rule decided
            lines.add_row(_SHOWN[opinion.rule], tell(opinion.reason, WARN))
    for words in verdict.beside:
        lines.add_row("also said", tell(words, QUIET))
    whole = Table.grid(expand=True)
    whole.add_row(lines)
    whole.add_row("")
    whole.add_row(_with_reasons(facts_grid(), prepared.plan))
    title = say(f"Plan {prepared.attempt} {REQUIRED}" if waiting else f"Plan {prepared.attempt}")
    framed = panel(title, whole, WARN if waiting else INK)
    expiry = say(f"expires {until:%H:%M:%S} UTC" if until else "")
    framed.subtitle = joined([say(f"plan {prepared.digest[:12]}"), expiry])
    framed.subtitle_align = "right"
    return framed


def proposal(chosen: Plan) -> Panel:
    """Return a plan that runs nothing: to watch, or to hand over to a person."""
    lines = facts_grid()
    lines.add_row("do", say(_TITLES.get(chosen.kind, "Act"), STRONG))
    lines.add_row("run", say("nothing"))
    if chosen.criteria:
        lines.add_row("success", joined([tell(c.words or target(c)) for c in chosen.criteria]))
    return panel("Plan", _with_reasons(lines, chosen), INK)


def requests(prepared: PreparedPlan) -> RenderableType:
    """Return the exact requests that a yes would send, whole and in order."""
    lines: list[Text] = [say("Exactly these requests are sent, in this order:", QUIET)]
    for step in prepared.steps:
        for request in step.requests:
            again = "safe to repeat" if request.repeatable else "sent once, then looked at"
            lines.append(Text.assemble("  ", tell(request.words, LINK), (f"  ({again})", QUIET)))
            whole = json.dumps(request.payload, ensure_ascii=False, indent=2, sort_keys=True)
            lines += [Text.assemble("    ", tell(line)) for line in whole.splitlines()]
        if not step.requests:
            lines.append(tell("  nothing: the target is already as wished"))
    lines.append(tell(f"plan digest {prepared.digest}", QUIET))
    return Group(*lines)


def question(asked: PlanQuestion, left: timedelta | None, width: int) -> Text:
    """Return the prompt's line within `width`: default no, the time left, and the other keys."""
    shown = Text.assemble((asked.value, f"bold {WARN}"), (" [y/N]", STRONG), "  ")
    hints = [f"{span(left)} left"] if left is not None else []
    for hint in _HINTS:
        if shown.cell_len + len(" · ".join([*hints, hint])) <= width:
            hints.append(hint)
    shown.append(" · ".join(hints), style=QUIET)
    shown.truncate(width, overflow="ellipsis")
    return shown


def keys(asked: PlanQuestion) -> Text:
    """Return what each key does, one per line."""
    told = (*_ANSWERS[asked], *_KEYS)
    return Text("\n").join([Text.assemble((f"  {key:<9}", STRONG), words) for key, words in told])


def _each(steps: tuple[Prepared, ...], words: Callable[[Prepared], str], ink: str = "") -> Text:
    many = len(steps) > 1
    texts = [tell(f"{n}. {words(s)}" if many else words(s), ink) for n, s in enumerate(steps, 1)]
    return Text("\n").join(texts)


def _way_back(step: Prepared) -> Text:
    if step.inverse is not None:
        return tell(step.undo, LINK)
    return Text.assemble(("! none: ", WARN), tell(step.undo or "it cannot be taken back"))


def _policy(verdict: Verdict, steps: tuple[Prepared, ...]) -> Text:
    risks = list(RISK_INK)
    worst = max((step.risk for step in steps), key=risks.index, default=None)
    parts = [say(verdict.ruling.value, _RULING_INK[verdict.ruling]), say(f"rule {verdict.rule}")]
    if worst is not None:
        parts.append(Text.assemble("risk ", (worst.value.upper(), RISK_INK[worst])))
    return joined([*parts, tell(verdict.reason)])


def _with_reasons(lines: Table, chosen: Plan) -> Table:
    """Return the lines with why this is the plan, what is expected, and what else could be done."""
    if len(chosen.affected) > 1:
        lines.add_row("affected", joined([tell(name) for name in chosen.affected], ", "))
    lines.add_row("because", tell(chosen.reason))
    if chosen.expected:
        lines.add_row("expected", tell(chosen.expected))
    if chosen.stop_gap:
        symptom = "eases the symptom; the cause stays and needs a person"
        lines.add_row("stop-gap", tell(symptom))
    said = [*([chosen.recurs] if chosen.recurs else []), *(one.words for one in chosen.precedents)]
    if said:
        lines.add_row("memory", Text("\n").join(tell(words) for words in said))
    if chosen.advice:
        lines.add_row("runbook", Text("\n").join(tell(words) for words in chosen.advice))
    for other in chosen.alternatives:
        lines.add_row("rejected", joined([tell(other.words), tell(other.drawback, QUIET)], ": "))
    return lines
