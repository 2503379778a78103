"""The evidence: every finding before and now, and for or against which cause it speaks."""

from rich.console import Group, JustifyMethod, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aiops_agent.domain.diagnosis import CauseKind, Confidence, Diagnosis, Finding, Stance
from aiops_agent.domain.quantity import amount, signal_name, target
from aiops_agent.domain.remediation import Check, Comparison, Verification
from aiops_agent.domain.sparkline import sparkline
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.layout import facts_grid, judged, panel
from aiops_agent.interfaces.terminal.palette import BAD, GOOD, QUIET, RECOVERY_MARK, STRONG, WARN
from aiops_agent.interfaces.terminal.screen import SPARK_CELLS, Tier, tier

_GAP = {Tier.NARROW: 1, Tier.MEDIUM: 1, Tier.WIDE: 2}
_CHANGE_CAP = {Tier.NARROW: 20, Tier.MEDIUM: 20, Tier.WIDE: 28}
_VERDICT_CAP = {Tier.NARROW: 16, Tier.MEDIUM: 16, Tier.WIDE: 26}
_SOURCE_CAP = 14  # cells
_MARKS = {Stance.FOR: ("✓ ", GOOD), Stance.AGAINST: ("✗ ", BAD)}
SURE_INK = {Confidence.HIGH: GOOD, Confidence.MEDIUM: WARN, Confidence.LOW: BAD}
_CAUSE_WORDS = {
    CauseKind.CAPACITY: "overload",
    CauseKind.HANG: "hung process",
    CauseKind.RELEASE: "bad release",
    CauseKind.CONFIG: "setting",
    CauseKind.LEAK: "memory leak",
    CauseKind.DEPENDENCY: "third party",
    CauseKind.COLD_CACHE: "cold cache",
    CauseKind.ERRORS: "faulty code",
    CauseKind.CONTENTION: "contention",
    CauseKind.CRASH: "crash",
    CauseKind.UNKNOWN: "unknown",
}
_NAME_MIN, _NAME_FAIR = 8, 20  # cells: at the least, and when there is room
RIVALS_SHOWN = 2  # the rest is in the report
_CHECK_GAP = 2  # cells between columns


def evidence(diagnosis: Diagnosis, width: int) -> Table:
    """Return the evidence table, one line per finding, no wider than `width` columns."""
    room = tier(width)
    spark = SPARK_CELLS[room]
    rows = [_cells(finding, diagnosis, spark) for finding in diagnosis.findings]
    signals = [finding.signal is not None for finding in diagnosis.findings]
    sizes = _sizes(rows, signals, room, width)
    table = Table.grid(padding=(0, _GAP[room], 0, 0), pad_edge=False)
    for column, size in sizes.items():
        justify: JustifyMethod = "right" if column == "change" else "default"
        table.add_column(width=size, no_wrap=True, justify=justify)
    heads = {
        "id": say(""),
        "name": say("Evidence", QUIET),
        "change": say("before → now", QUIET),
        "spark": _marker(diagnosis, spark),
        "verdict": say("for / against", QUIET),
        "source": say("from", QUIET),
    }
    table.add_row(*[heads[column] for column in sizes])
    for finding, row in zip(diagnosis.findings, rows, strict=True):
        if row["verdict"].cell_len > sizes["verdict"]:
            # A whole mark says more than one and a half.
            row["verdict"] = _marks(finding, diagnosis)[0]
        table.add_row(*[row[column] for column in sizes])
    return table


def _cells(finding: Finding, diagnosis: Diagnosis, spark: int) -> dict[str, Text]:
    """Return all cells of a finding as long as they are."""
    ink = (BAD if finding.signal else WARN) if finding.changed else QUIET
    change = Text(no_wrap=True, overflow="ellipsis")
    if finding.before:
        change.append_text(say(finding.before)).append(" → ", style=QUIET)
    change.append_text(say(finding.now, ink))
    name = f"{finding.service} {finding.what}" if finding.service else finding.what
    trend = sparkline(finding.trend, spark, changed=finding.changed)
    return {
        "id": say(finding.id, STRONG),
        "name": say(name, "" if finding.changed else QUIET),
        "change": change,
        "spark": say(trend, ink),
        "verdict": joined(_marks(finding, diagnosis), " "),
        "source": say(finding.source, QUIET),
    }


def _marks(finding: Finding, diagnosis: Diagnosis) -> list[Text]:
    """Say what it means for the likeliest cause, then which rivals it rules out."""
    bearing = [
        (hypothesis, piece.stance)
        for hypothesis in diagnosis.hypotheses
        for piece in hypothesis.evidence
        if piece.finding == finding.id
    ]
    best = [stance for hypothesis, stance in bearing if hypothesis is diagnosis.best]
    telling = [
        (hypothesis, stance)
        for hypothesis, stance in bearing
        # What speaks for the likeliest cause and a rival alike tells them not apart.
        if hypothesis is diagnosis.best or stance is Stance.AGAINST or Stance.FOR not in best
    ]
    marks = [
        Text.assemble(_MARKS[stance], _CAUSE_WORDS[hypothesis.kind])
        for hypothesis, stance in telling
        if stance in _MARKS
    ]
    shown = list({mark.plain: mark for mark in marks}.values())[:2]
    return shown or [say("symptom" if bearing else "")]


def _sizes(
    rows: list[dict[str, Text]], signals: list[bool], room: Tier, width: int
) -> dict[str, int]:
    """Give each column its natural width; what is too much is taken from the least important."""

    def natural(column: str, least: int, most: int) -> int:
        return min(max([least, *(row[column].cell_len for row in rows)]), most)

    sizes = {
        "id": natural("id", 2, width),
        "name": natural("name", _NAME_MIN, width),
        "change": natural("change", 12, _CHANGE_CAP[room]),
        "spark": SPARK_CELLS[room],
        "verdict": natural("verdict", 13, _VERDICT_CAP[room]),
        "source": natural("source", 4, _SOURCE_CAP),
    }
    if room is not Tier.WIDE:
        del sizes["source"]
    if room is Tier.NARROW:
        del sizes["spark"]
    names = [row["name"].cell_len for row, seen in zip(rows, signals, strict=True) if seen]
    wanted = max([_NAME_MIN, *names]) if room is not Tier.NARROW else _NAME_FAIR
    floors = (("name", wanted), ("verdict", 8), ("change", 14), ("name", _NAME_FAIR))
    over = sum(sizes.values()) + _GAP[room] * (len(sizes) - 1) - width
    for column, floor in (*floors, ("change", 8), ("name", _NAME_MIN)):
        taken = min(max(over, 0), max(sizes[column] - floor, 0))
        sizes[column] -= taken
        over -= taken
    return sizes


def _marker(diagnosis: Diagnosis, cells: int) -> Text:
    """Return `began 03:02 ▼` with the mark above the bar where the trouble began."""
    shown, began = diagnosis.shown, diagnosis.began
    if shown is None or began is None or not shown.start <= began < shown.end:
        return say("")
    place = int((began - shown.start) / shown.length * cells)
    for label in (f"began {began:%H:%M} ", f"{began:%H:%M} "):
        if len(label) <= place:
            return Text.assemble((label.rjust(place), QUIET), ("▼", WARN), no_wrap=True)
    after = f" {began:%H:%M}" if place + 7 <= cells else ""
    return Text.assemble(" " * place, ("▼", WARN), (after, QUIET), no_wrap=True)


def root_cause(diagnosis: Diagnosis) -> Panel:
    """Return the panel of the likeliest cause; it says so when nothing stands out."""
    best = diagnosis.best
    facts = facts_grid()
    sure = say(diagnosis.confidence.value.upper(), SURE_INK[diagnosis.confidence])
    if diagnosis.sequence:
        facts.add_row("sequence", joined([tell(fact) for fact in diagnosis.sequence], " → "))
    facts.add_row("confidence", joined([sure, tell(diagnosis.why_confidence)], "  "))
    for name, reasons in diagnosis.certainty.rows:
        # What is not known stands in a row of its own.
        fresh = [one for one in reasons if one not in diagnosis.not_known]
        hidden = len(reasons) - len(fresh)
        fresh += [f"{hidden} of what is not known"] if hidden else []
        facts.add_row(name, joined([tell(one) for one in fresh]))
    for rival in diagnosis.hypotheses[1 : 1 + RIVALS_SHOWN]:
        counts = f"{rival.held} of {rival.checks} checks held"
        against = f"{rival.contradicted} against" if rival.contradicted else ""
        parts = [tell(rival.statement.rstrip(".")), say(counts, QUIET), say(against, QUIET)]
        facts.add_row("less likely", joined(parts))
    facts.add_row("not known", joined([tell(gap) for gap in diagnosis.not_known]) or say("nothing"))
    whole = Table.grid(expand=True)
    whole.add_row(tell(best.statement if best else diagnosis.summary, STRONG))
    whole.add_row(facts)
    return panel("Root cause" if best else "No root cause found", whole, WARN)


def verification(result: Verification, width: int) -> RenderableType:
    """Return the verdict in words, and below it the table of checks."""
    verdict = joined([judged(result.recovery), tell(result.reason)])
    return Group(verdict, checks(result, width)) if result.checks else verdict


def checks(result: Verification, width: int) -> Table:
    """Return one line per check: at alert, now, target, and its course."""
    cells = SPARK_CELLS[tier(width)]
    heads = ["", "Check", "at alert", "now", "target", *(["course"] if cells else [])]
    rows = [[say(head, QUIET) for head in heads]]
    rows += [_check_cells(check, cells)[: len(heads)] for check in result.checks]
    sizes = [max(row[place].cell_len for row in rows) for place in range(len(heads))]
    rest = sum(sizes) - sizes[1] + _CHECK_GAP * (len(sizes) - 1)
    sizes[1] = max(min(sizes[1], width - rest), _NAME_MIN)
    table = Table.grid(padding=(0, _CHECK_GAP, 0, 0), pad_edge=False)
    for place, size in enumerate(sizes):
        table.add_column(width=size, no_wrap=True, justify="right" if 2 <= place <= 4 else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _check_cells(check: Check, cells: int) -> list[Text]:
    sign, ink = RECOVERY_MARK[check.recovery]
    wanted, signal = check.criterion, check.criterion.signal
    below = wanted.comparison is Comparison.BELOW
    # What never was on the wrong side: its noise should not shout.
    hurt = any(value > wanted.level if below else value < wanted.level for value in check.trend)
    return [
        say(sign, ink),
        say(f"{wanted.service} {signal_name(signal)}"),
        say(amount(signal, wanted.at_alert)),
        say(amount(signal, check.now), ink),
        say(target(wanted), QUIET),
        say(sparkline(check.trend, cells, changed=hurt), ink),
    ]
