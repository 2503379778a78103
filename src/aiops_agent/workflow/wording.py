"""What a notice holds: all that a person with a phone needs to decide, and no more."""

from collections import Counter

from aiops_agent.domain.alert import IncidentAlert
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.notice import Link, Notice, NoticeLine, Occasion
from aiops_agent.domain.outbox import OutboxEntry
from aiops_agent.domain.remediation import PreparedPlan, Risk
from aiops_agent.domain.telemetry import NAMELESS
from aiops_agent.domain.text import shell
from aiops_agent.ports.store import Reader, View
from aiops_agent.workflow.deps import found

LINES = 50  # of a digest
_DIGITS = 12  # of a plan's digest; as many as name it
_LIST = ("incident", "list")
_RISKS = tuple(Risk)  # the least first


def notice_of(store: Reader, entries: tuple[OutboxEntry, ...]) -> Notice:
    """Return the one message for these entries: a notice, or a digest of several."""
    with store.read() as view:
        if len(entries) > 1:
            return _digest(view, entries)
        return _notice(view, entries[0])


def _notice(view: View, entry: OutboxEntry) -> Notice:
    incident = found(view, entry.incident)
    asked = view.approvals.get(entry.request)
    attempt = incident.attempt
    done = attempt.prepared if attempt and attempt.outcome else None
    shown = asked.prepared if asked else done
    steps = shown.steps if shown else ()
    alerts = view.alerts.of_incident(entry.incident, 1).shown
    return Notice(
        key=entry.message or entry.key,
        occasion=entry.occasion,
        incident=entry.incident,
        environment=entry.environment,
        severity=incident.severity,
        title=_title(incident),
        services=_services(incident, shown),
        what=entry.what,
        action="; ".join(step.run for step in steps),
        risk=max((step.risk for step in steps), key=_RISKS.index, default=None),
        undo="; ".join(step.undo for step in steps),
        plan=asked.digest if asked else "",
        expires_at=asked.expires_at if asked else None,
        approve=_answer("approve", entry.incident, asked.digest) if asked else "",
        reject=_answer("reject", entry.incident, asked.digest) if asked else "",
        show=shell("aiops", "incident", "show", entry.incident),
        labels=alerts[0].labels if alerts else {},
        links=_links(alerts[0]) if alerts else (),
        at=entry.born_at,
    )


def _digest(view: View, entries: tuple[OutboxEntry, ...]) -> Notice:
    questions = [one for one in entries if one.request]
    listed = (*questions, *(one for one in entries if not one.request))[:LINES]
    counts = Counter(one.occasion.replace("_", " ") for one in entries)
    counted = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    where = {one.environment for one in entries}
    also = "" if len(where) == 1 else f" in {len(where)} environments"
    return Notice(
        key=entries[0].message,
        occasion=Occasion.DIGEST,
        incident="",
        environment=entries[0].environment,
        severity=min(one.severity for one in entries),
        title=f"{len(entries)} notices of {len({one.incident for one in entries})} incidents",
        what=f"{counted}{also}",
        show=shell("aiops", *(("approval", "list", "--pending") if questions else _LIST)),
        digest=tuple(_line(view, one) for one in listed),
        left_out=len(entries) - len(listed),
        at=entries[0].born_at,
    )


def _line(view: View, entry: OutboxEntry) -> NoticeLine:
    incident = found(view, entry.incident)
    asked = view.approvals.get(entry.request)
    return NoticeLine(
        key=entry.key,
        occasion=entry.occasion,
        incident=entry.incident,
        environment=entry.environment,
        severity=incident.severity,
        title=_title(incident),
        plan=asked.digest if asked else "",
        expires_at=asked.expires_at if asked else None,
        approve=_answer("approve", entry.incident, asked.digest) if asked else "",
    )


def _title(incident: Incident) -> str:
    return f"{incident.id}: {incident.title}"


def _services(incident: Incident, shown: PreparedPlan | None) -> tuple[str, ...]:
    acted = (step.action.target.service for step in shown.steps) if shown else ()
    found = dict.fromkeys((incident.service, *acted, *incident.affected))
    return tuple(name for name in found if name != NAMELESS)


def _answer(verb: str, incident: str, plan: str) -> str:
    return shell("aiops", verb, incident, "--plan", plan[:_DIGITS])


def _links(alert: IncidentAlert) -> tuple[Link, ...]:
    named = (
        ("rule", alert.generator_url),
        ("runbook", alert.runbook),
        ("alertmanager", alert.alertmanager_url),
    )
    return tuple(Link(name=name, url=url) for name, url in named if url)
