"""The story of a report: a model's sentences around placeholders, into which code puts facts."""

import re

from pydantic import Field

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.material import wrapped
from aiops_agent.agents.report_appendix import Material
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.event import Event
from aiops_agent.domain.passage import Passage
from aiops_agent.domain.quantity import roughly, span
from aiops_agent.domain.value import Value

MOST_SENTENCES = 4  # a story that is longer is not read
LONGEST_SENTENCE = 240  # characters
_SLOT = re.compile(r"\{([a-z_]*)\}")
_PLAIN = re.compile(r"[^\W\d_]|[ ,.;:'()\-{}_]")
_ADDRESS = re.compile(r"(?i)www\.|\bhttps?\b|\S@\S")


class StoryAnswer(Value):
    """What happened and how it ended."""

    sentences: tuple[str, ...] = Field(max_length=MOST_SENTENCES)


class Narrative(Value):
    """A model's sentences with the record's facts in them; `struck` counts those left out."""

    by: str
    sentences: tuple[str, ...]
    struck: int = 0


async def narrate(desk: Desk, briefing: Briefing, events: tuple[Event, ...]) -> Answer[Narrative]:
    """Return the story of an incident in a model's sentences, each of them checked."""
    facts = recorded(Material(briefing.incident, events, briefing.alerts))
    lines = [f"{{{name}}}: {value}" for name, value in facts.items()]
    told = [event.message for event in events if event.refs or event.effort][-20:]

    def wrong(answer: StoryAnswer) -> tuple[str, ...]:
        found = ((n, untold(one, facts)) for n, one in enumerate(answer.sentences, start=1))
        return tuple(f"sentence {number}: {why}" for number, why in found if why)

    material = wrapped(
        [Passage("facts, by placeholder", "\n".join(lines)), Passage("events", "\n".join(told))]
    )
    answer = await desk.ask("report", briefing, material, StoryAnswer, menus={}, check=wrong)
    if answer.value is None:
        return Answer(missing=answer.missing, effort=answer.effort)
    given = answer.value.sentences
    kept = [one for one in given if not untold(one, facts)]
    filled = tuple(_SLOT.sub(lambda slot: facts[slot[1]], one) for one in kept)
    story = Narrative(by=str(answer.effort.by), sentences=filled, struck=len(given) - len(kept))
    return Answer(value=story, effort=answer.effort)


def untold(sentence: str, facts: dict[str, str]) -> str:
    """Return why a sentence cannot be told, or ""."""
    slots = _SLOT.findall(sentence)
    if unknown := [one for one in slots if one not in facts]:
        return f"there is no placeholder {{{unknown[0]}}}"
    if not slots:
        return "it has no placeholder, so it tells no recorded fact"
    if re.search(r"\d", sentence):
        return "it has a digit: numbers come from placeholders only"
    if len(sentence) > LONGEST_SENTENCE or _ADDRESS.search(sentence):
        return "it is too long, or has an address"
    if odd := _PLAIN.sub("", _SLOT.sub("", sentence)):
        return f"it has {odd[0]!r}: plain words only"
    return ""


def recorded(m: Material) -> dict[str, str]:
    """Return the recorded facts by the name of their placeholder; what is unknown is left out."""
    incident, best = m.incident, m.best
    attempt = incident.attempt
    actions = attempt.plan.actions if attempt and attempt.plan else ()
    seen = attempt.verification if attempt else None
    ended = incident.ended_at
    facts = {
        "incident": incident.id,
        "service": incident.service,
        "environment": str(incident.environment),
        "severity": incident.severity.value,
        "began": f"{incident.started_at:%H:%M:%S} UTC",
        "alerted_after": roughly(m.late),
        "alert": incident.alert_names[0] if incident.alert_names else "",
        "impact": incident.triage.impact if incident.triage else "",
        "cause": best.statement.rstrip(".") if best else "",
        "confidence": str(m.diagnosis.confidence) if m.diagnosis else "",
        "checks": f"{best.held} of {best.checks}" if best else "",
        "action": ", then ".join(action.text for action in actions),
        "attempts": str(len(incident.attempts)),
        "telemetry": seen.reason if seen else "",
        "ending": str(incident.ending or incident.status).replace("_", " "),
        "why": incident.note.rstrip("."),
        "took": span(ended - incident.started_at) if ended else "",
    }
    return {name: value for name, value in facts.items() if value}
