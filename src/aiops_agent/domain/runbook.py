"""Runbooks: what people wrote down beforehand, and which of it fits an incident."""

import re
from collections.abc import Sequence

from pydantic import Field

from aiops_agent.domain.alert import AlertList, IncidentAlert
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.remediation import Plan
from aiops_agent.domain.value import Value

LONGEST = 20_000  # characters of one runbook: it is read by people at night, and by models


class Runbook(Value):
    """One page of a person's advice. It advises: it permits nothing and runs nothing.

    `match` maps `alertname`, `service` or a label of the alert to the words that fit; all keys must
    fit, one word each. Without keys it is found by the alert's runbook link only.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\z")
    description: str = Field(min_length=1, max_length=300)
    match: dict[str, tuple[str, ...]] = {}
    owner: str = ""
    safe_actions: tuple[str, ...] = ()
    text: str = Field(default="", max_length=LONGEST)  # the Markdown below the front matter
    file: str = ""  # where it was read from, relative to its folder

    def section(self, title: str) -> str:
        """Return what stands below the heading that begins with these words, or ""."""
        found = re.split(r"(?m)^#{1,6}[ \t]+(.+?)[ \t]*$", self.text)
        parts = zip(found[1::2], found[2::2], strict=True)
        return next((t.strip() for h, t in parts if h.lower().startswith(title.lower())), "")


class RunbookHit(Value):
    """A runbook that fits an incident, and why it does."""

    runbook: Runbook
    reasons: tuple[str, ...]

    def about(self, plan: Plan) -> str:
        """Return what it says of a plan's actions, in words for whoever approves it."""
        book, kinds = self.runbook, dict.fromkeys(str(action.kind) for action in plan.actions)
        safe = [kind for kind in kinds if kind in book.safe_actions]
        other = [kind for kind in kinds if kind not in book.safe_actions]
        parts = [f"{', '.join(safe)} is among its safe actions"] if safe else []
        parts += [f"it does not name {', '.join(other)} as safe"] if other else []
        owner = f"{book.owner}, " if book.owner else ""
        said = "; ".join(parts) or book.description
        return f"{book.name} ({owner}fits by {', '.join(self.reasons)}): {said}"


def matching(
    known: Sequence[Runbook], incident: Incident, alerts: AlertList
) -> tuple[RunbookHit, ...]:
    """Return the runbooks that fit, those that an alert links to first, then by name."""
    hits = [(_reasons(book, incident, alerts.shown), book) for book in known]
    found = [RunbookHit(runbook=book, reasons=reasons) for reasons, book in hits if reasons]
    return tuple(sorted(found, key=lambda hit: (not _linked(hit), hit.runbook.name)))


def _reasons(book: Runbook, incident: Incident, alerts: Sequence[IncidentAlert]) -> tuple[str, ...]:
    """Return why a runbook fits; nothing when it does not."""
    linked = tuple(
        f"{_LINK} of alert {alert.name}" for alert in alerts if _names(alert.runbook, book.name)
    )
    met = []
    for key, words in book.match.items():
        has = _values(key, incident, alerts)
        if not (fits := [word for word in words if word in has]):
            return linked[:1]
        met.append(f"{key} {fits[0]}")
    return (*linked[:1], *met)


def _values(key: str, incident: Incident, alerts: Sequence[IncidentAlert]) -> set[str]:
    if key == "service":
        return {incident.service}
    if key == "alertname":
        return {*incident.alert_names, *(alert.name for alert in alerts)}
    return {alert.labels[key] for alert in alerts if key in alert.labels}


_LINK = "runbook link"


def _linked(hit: RunbookHit) -> bool:
    return hit.reasons[0].startswith(_LINK)


def _names(url: str | None, name: str) -> bool:
    """Whether the last part of a link is the runbook's name, as a page or a file."""
    last = (url or "").split("?")[0].split("#")[0].rstrip("/").rpartition("/")[2]
    return bool(url) and last.removesuffix(".md").removesuffix(".html") == name
