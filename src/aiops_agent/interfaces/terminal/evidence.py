"""The evidence: every finding before and now, and for or against which cause it speaks."""

from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from aiops_agent.domain.diagnosis import Diagnosis, Finding, Hypothesis, Stance
from aiops_agent.domain.sparkline import sparkline
from aiops_agent.interfaces.terminal.escape import joined, say
from aiops_agent.interfaces.terminal.palette import BAD, CAUSE_WORDS, GOOD, QUIET, STRONG, WARN
from aiops_agent.interfaces.terminal.screen import SPARK_CELLS, Tier, tier

_GAP = {Tier.NARROW: 1, Tier.MEDIUM: 1, Tier.WIDE: 2}
_CHANGE_CAP = {Tier.NARROW: 20, Tier.MEDIUM: 20, Tier.WIDE: 28}
_VERDICT_CAP = {Tier.NARROW: 16, Tier.MEDIUM: 16, Tier.WIDE: 26}
_SOURCE_CAP = 14  # cells
_MARKS = {Stance.FOR: ("✓ ", GOOD), Stance.AGAINST: ("✗ ", BAD)}
_NAME_MIN, _NAME_FAIR = 8, 20  # cells: at the least, and when there is room


@dataclass(frozen=True)
class _Row:
    """One finding as cells."""

    finding: Finding
    name: Text
    change: Text
    marks: list[Text]
    source: Text


def evidence(diagnosis: Diagnosis, width: int) -> Table:
    """Return the evidence table, one line per finding, no wider than `width` columns."""
    room = tier(width)
    cells = SPARK_CELLS[room]
    rows = [_row(finding, diagnosis) for finding in diagnosis.findings]
    sizes = _sizes(rows, room, width)
    table = Table.grid(padding=(0, _GAP[room], 0, 0), pad_edge=False)
    justify = {"change": "right"}
    for column, size in sizes.items():
        table.add_column(width=size, no_wrap=True, justify=justify.get(column))  # type: ignore[arg-type]  # a literal
    table.add_row(*[_heads(diagnosis, cells)[column] for column in sizes])
    for row in rows:
        table.add_row(*[_cells(row, sizes)[column] for column in sizes])
    return table


def _row(finding: Finding, diagnosis: Diagnosis) -> _Row:
    ink = (WARN if finding.signal is None else BAD) if finding.changed else QUIET
    change = Text(no_wrap=True, overflow="ellipsis")
    if finding.before:
        change.append_text(say(finding.before)).append(" → ", style=QUIET)
    change.append_text(say(finding.now, ink))
    name = f"{finding.service} {finding.what}" if finding.service else finding.what
    return _Row(
        finding=finding,
        name=say(name, "" if finding.changed else QUIET),
        change=change,
        marks=_marks(finding, diagnosis),
        source=say(finding.source, QUIET),
    )


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
    marks = [_mark(hypothesis, stance) for hypothesis, stance in telling if stance in _MARKS]
    shown = list({mark.plain: mark for mark in marks}.values())[:2]
    return shown or [say("symptom" if bearing else "")]


def _mark(hypothesis: Hypothesis, stance: Stance) -> Text:
    return Text.assemble(_MARKS[stance], CAUSE_WORDS[hypothesis.kind])


def _sizes(rows: list[_Row], room: Tier, width: int) -> dict[str, int]:
    """Give each column its natural width; what is too much is taken from the least important."""
    sizes = {
        "id": max([2, *(len(row.finding.id) for row in rows)]),
        "name": max([_NAME_MIN, *(row.name.cell_len for row in rows)]),
        "change": _natural([row.change for row in rows], 12, _CHANGE_CAP[room]),
        "spark": SPARK_CELLS[room],
        "verdict": _natural([joined(row.marks, " ") for row in rows], 13, _VERDICT_CAP[room]),
        "source": _natural([row.source for row in rows], 4, _SOURCE_CAP),
    }
    if room is not Tier.WIDE:
        del sizes["source"]
    if room is Tier.NARROW:
        del sizes["spark"]
    signals = [row.name.cell_len for row in rows if row.finding.signal is not None]
    wanted = max([_NAME_MIN, *signals]) if room is not Tier.NARROW else _NAME_FAIR
    floors = (("name", wanted), ("verdict", 8), ("change", 14), ("name", _NAME_FAIR))
    over = sum(sizes.values()) + _GAP[room] * (len(sizes) - 1) - width
    for column, floor in (*floors, ("change", 8), ("name", _NAME_MIN)):
        taken = min(max(over, 0), max(sizes[column] - floor, 0))
        sizes[column] -= taken
        over -= taken
    return sizes


def _natural(cells: list[Text], least: int, most: int) -> int:
    return min(max([least, *(cell.cell_len for cell in cells)]), most)


def _heads(diagnosis: Diagnosis, cells: int) -> dict[str, Text]:
    return {
        "id": say(""),
        "name": say("Evidence", QUIET),
        "change": say("before → now", QUIET),
        "spark": _marker(diagnosis, cells),
        "verdict": say("for / against", QUIET),
        "source": say("from", QUIET),
    }


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


def _cells(row: _Row, sizes: dict[str, int]) -> dict[str, Text]:
    finding = row.finding
    ink = (BAD if finding.signal else WARN) if finding.changed else QUIET
    trend = sparkline(finding.trend, sizes.get("spark", 0), changed=finding.changed)
    verdict = joined(row.marks, " ")
    if verdict.cell_len > sizes["verdict"]:
        verdict = row.marks[0]  # a whole mark says more than one and a half
    return {
        "id": say(finding.id, STRONG),
        "name": row.name,
        "change": row.change,
        "spark": say(trend, ink),
        "verdict": verdict,
        "source": row.source,
    }
