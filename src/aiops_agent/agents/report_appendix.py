"""The appendix: evidence, what was run, policy's opinions, and who answered."""

from aiops_agent.agents.report_material import Material
from aiops_agent.agents.report_page import Chapter, Code, Line, Table
from aiops_agent.domain.diagnosis import Finding
from aiops_agent.domain.remediation import Outcome
from aiops_agent.domain.sparkline import sparkline

_CELLS = 24


def appendix(m: Material) -> Chapter:
    """Write everything that the chapters rest on."""
    parts = (_evidence(m), _run(m), _policy(m), _answers(m))
    return Chapter("appendix", "Appendix", parts=parts)


def _evidence(m: Material) -> Chapter:
    parts = tuple(_finding(number, finding) for number, finding in m.findings())
    return Chapter("evidence", "Evidence", parts=parts)


def _finding(number: int, finding: Finding) -> Chapter:
    points: list[Line] = [(f"{finding.service} {finding.what}: {finding.before} → {finding.now}",)]
    if finding.trend:
        bars = sparkline(finding.trend, _CELLS, changed=finding.changed)
        points.append(("Course, oldest left: ", Code(bars)))
    points.append((f"From {finding.source}: ", Code(finding.query)))
    # The title makes the anchor that `report_material.anchor` links to.
    return Chapter(
        f"{finding.id}.{number}", f"{finding.id}, attempt {number}", points=tuple(points)
    )


def _run(m: Material) -> Chapter:
    rows: list[tuple[Line, ...]] = []
    for attempt in m.incident.attempts:
        rows += _effects(attempt.number, attempt.outcome, "do")
        rows += _effects(attempt.number, attempt.undo, "undo")
    heads = ("attempt", "way", "request", "became", "answer")
    return Chapter("run", "Requests sent", table=Table("requests", heads, tuple(rows)))


def _effects(number: int, outcome: Outcome | None, way: str) -> list[tuple[Line, ...]]:
    return [
        ((str(number),), (way,), (Code(effect.words),), (effect.state.value,), (effect.note,))
        for effect in (outcome.effects if outcome else ())
    ]


def _policy(m: Material) -> Chapter:
    rows: list[tuple[Line, ...]] = []
    for attempt in m.incident.attempts:
        for opinion in attempt.verdict.opinions if attempt.verdict else ():
            said = (opinion.rule, opinion.ruling.value, opinion.reason)
            rows.append(((str(attempt.number),), *((text,) for text in said)))
    heads = ("attempt", "rule", "ruling", "reason")
    return Chapter("policy", "Policy decisions", table=Table("opinions", heads, tuple(rows)))


def _answers(m: Material) -> Chapter:
    rows: list[tuple[Line, ...]] = []
    for decision in m.decisions:
        word = "approved" if decision.get("approve") else "rejected"
        texts = [decision.get(key, "") for key in ("by", "surface", "at", "reason")]
        digest: Line = (Code(str(decision.get("digest", ""))),)
        rows.append(((word,), *((str(text),) for text in texts), digest))
    heads = ("answer", "by", "where", "when (wall time)", "reason", "plan digest")
    return Chapter("answers", "Who answered", table=Table("decisions", heads, tuple(rows)))
