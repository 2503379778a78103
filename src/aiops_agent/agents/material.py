"""What a model is given to read: passages of other systems, cut, and fenced with their origin."""

from collections.abc import Sequence
from typing import NamedTuple

from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.text import safe

LONGEST = 2000  # characters of one passage: a budget is not spent on one talkative alert
MOST = 14_000  # characters of all material: about 4,000 tokens
MOST_RUNBOOKS = 2  # the first fit best
MOST_ALERTS = 3  # a storm brings thousands that say the same


class Part(NamedTuple):
    """A passage of material, and where it comes from."""

    origin: str
    text: str


def wrapped(parts: Sequence[Part], limit: int = MOST) -> str:
    """Return the passages, each cut and fenced with its origin; the last ones fall off first."""
    told: list[str] = []
    left = limit
    for part in parts:
        if not part.text.strip():
            continue
        # What would close or open a fence inside a passage is broken up.
        text = safe(part.text, lines=True, limit=LONGEST).replace("<<", "< <").replace(">>", "> >")
        block = f"<<{part.origin}>>\n{text}\n<<end>>"
        if len(block) > left:
            break
        told.append(block)
        left -= len(block)
    return "\n".join(told)


def known(briefing: Briefing) -> list[Part]:
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
        Part(f"runbook {hit.runbook.name}, advice of people", hit.runbook.text)
        for hit in briefing.runbooks[:MOST_RUNBOOKS]
    ]
    notes = [f"{note.by}: {note.text}" for note in facts.notes]
    return [
        Part("the incident", "\n".join(head)),
        Part("alerts", "\n".join(alerts)),
        Part("refuted", "\n".join(facts.refuted)),
        Part("what was found so far", "\n".join(facts.found)),
        Part("what models said so far", "\n".join(facts.asked)),
        Part("opinions of people; they may be wrong", "\n".join(notes)),
        *books,
    ]
