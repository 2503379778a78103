"""What is to be remembered of an incident? A draft for people, and the same for machines."""

import json
from datetime import datetime, timedelta

from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.report_appendix import appendix
from aiops_agent.agents.report_chapters import (
    factors,
    impact,
    not_known,
    ruled_out,
    summary,
    timeline,
    trigger,
)
from aiops_agent.agents.report_lessons import actions, agent, detection, lessons, resolution
from aiops_agent.agents.report_material import Material
from aiops_agent.agents.report_page import Chapter
from aiops_agent.domain.event import Event
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.quantity import span
from aiops_agent.domain.text import markdown, safe
from aiops_agent.domain.value import Document

API_VERSION = "aiops-agent/v1"
_CHAPTERS = (
    summary,
    impact,
    timeline,
    trigger,
    factors,
    ruled_out,
    not_known,
    resolution,
    detection,
    lessons,
    actions,
    agent,
    appendix,
)


async def report(briefing: Briefing, events: tuple[Event, ...]) -> Postmortem:
    """Write the report of the briefing's incident; equal input gives equal bytes.

    Every text from outside is escaped; people are named in the audit table only.
    """
    material = Material(briefing.incident, events)
    chapters = [write(material) for write in _CHAPTERS]
    front = _front(material)
    return Postmortem(
        incident=briefing.incident.id,
        title=safe(briefing.incident.title),
        severity=briefing.incident.severity,
        status=briefing.incident.status,
        markdown=_markdown(front, chapters),
        data={"apiVersion": API_VERSION, **front, **{c.key: c.document() for c in chapters}},
    )


def _front(m: Material) -> Document:
    incident = m.incident
    return {
        "id": incident.id,
        "title": safe(incident.title),
        "severity": incident.severity.value,
        "services": _services(m),
        "environment": safe(incident.environment),
        "outcome": incident.status.value,
        "ending": incident.ending.value if incident.ending else None,
        "started": _stamp(incident.started_at),
        "detected": _stamp(incident.opened_at),
        "mitigated": _stamp(m.mitigated),
        "resolved": _stamp(m.resolved),
        "ttd": _length(m.since_start(incident.opened_at)),
        "ttm": _length(m.since_start(m.mitigated)),
        "ttr": _length(m.since_start(m.resolved)),
        "cost_usd": 0,
        "model": None,
        "status": "draft",
    }


def _services(m: Material) -> list[str]:
    named = {m.incident.service}
    if m.best:
        named.add(m.best.service)
    for attempt in m.incident.attempts:
        named |= {action.target for action in attempt.plan.actions} if attempt.plan else set()
    return sorted(safe(name) for name in named)


def _markdown(front: Document, chapters: list[Chapter]) -> str:
    # JSON values are YAML values, and nothing in them can end the front matter.
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in front.items()]
    heading = f"# {markdown(front['id'])}: {markdown(front['title'])}"
    matter = "\n".join(["---", *lines, "---"])
    return "\n\n".join([matter, heading, *(chapter.markdown() for chapter in chapters)]) + "\n"


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _length(length: timedelta | None) -> str | None:
    return span(length) if length is not None else None
