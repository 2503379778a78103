"""What a model is given to read: passages of other systems, cut, and fenced with their origin."""

from collections.abc import Sequence

from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain import passage
from aiops_agent.domain.passage import Passage

MOST = 14_000  # characters of all material: about 4,000 tokens
MOST_RUNBOOKS = 2  # the first fit best
MOST_ALERTS = 3  # a storm brings thousands that say the same


def wrapped(passages: Sequence[Passage]) -> str:
    """Return the passages redacted, cut and marked with their origin."""
    return passage.wrapped([one for one in passages if one.text.strip()], MOST)


def known(briefing: Briefing) -> list[Passage]:
    """Return what every agent reads: the incident, its alerts, its facts, what people say."""
    incident, facts = briefing.incident, briefing.incident.facts
    head = [
        f"{incident.id}: {incident.title}",
        f"service {incident.service}, severity {incident.severity}",
        f"environment {incident.environment}, mode {briefing.environment.mode}",
        f"began {incident.started_at:%Y-%m-%d %H:%M:%S} UTC",
        f"now {briefing.now:%A %Y-%m-%d %H:%M:%S} UTC",
        f"summary: {incident.summary}",
    ]
    alerts = [
        f"{alert.name}: "
        + ", ".join(f"{k}={v}" for k, v in (*alert.labels.items(), *alert.annotations.items()))
        for alert in briefing.alerts.shown[:MOST_ALERTS]
    ]
    books = [
        Passage(f"runbook {hit.runbook.name}, advice of people", hit.runbook.text)
        for hit in briefing.runbooks[:MOST_RUNBOOKS]
    ]
    notes = [f"{note.by}: {note.text}" for note in facts.notes]
    return [
        Passage("the incident", "\n".join(head)),
        Passage("alerts", "\n".join(alerts)),
        Passage("refuted", "\n".join(facts.refuted)),
        Passage("what was found so far", "\n".join(facts.found)),
        Passage("what models said so far", "\n".join(facts.asked)),
        Passage("opinions of people; they may be wrong", "\n".join(notes)),
        *books,
    ]
