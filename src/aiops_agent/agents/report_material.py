"""What a report is written from: one incident, its events, and who must not be named."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.agents.report_page import Line, Piece, Ref
from aiops_agent.domain.diagnosis import Diagnosis, Finding, Hypothesis
from aiops_agent.domain.event import Event, EventType
from aiops_agent.domain.incident import Incident, Status
from aiops_agent.domain.remediation import Recovery
from aiops_agent.domain.value import Document

_MACHINE = "policy"  # the one surface behind which nobody stands


@dataclass(frozen=True)
class Material:
    """One incident and its events, oldest first. All times are of the environment."""

    incident: Incident
    events: tuple[Event, ...]

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The newest diagnosis: what is believed at the end."""
        found = (a.diagnosis for a in reversed(self.incident.attempts) if a.diagnosis)
        return next(found, None)

    @property
    def best(self) -> Hypothesis | None:
        """The likeliest cause at the end, if any."""
        return self.diagnosis.best if self.diagnosis else None

    @property
    def mitigated(self) -> datetime | None:
        """When the last action was done, if telemetry says that it helped."""
        if self.incident.recovery is not Recovery.RECOVERED or not self.incident.acted:
            return self.resolved
        done = [e.at for e in self.events if e.type is EventType.ACTION_FINISHED]
        return done[-1] if done else self.resolved

    @property
    def resolved(self) -> datetime | None:
        """When it was resolved; None when it was dismissed or escalated."""
        return self.incident.ended_at if self.incident.status is Status.RESOLVED else None

    def since_start(self, moment: datetime | None) -> timedelta | None:
        """Return how long after the trouble began, or None."""
        return None if moment is None else moment - self.incident.started_at

    @property
    def decisions(self) -> tuple[Document, ...]:
        """Every answer that counted, as it was given."""
        kinds = (e for e in self.events if e.type is EventType.APPROVAL_DECIDED)
        return tuple(e.data["decision"] for e in kinds if e.data.get("decision"))

    def unnamed(self, text: str) -> str:
        """Return `text` with the people who answered called "a person"."""
        for decision in self.decisions:
            name = str(decision.get("by", ""))
            if name and decision.get("surface") != _MACHINE:
                text = re.sub(rf"\bby {re.escape(name)}(?!\w)", "by a person", text)
        return text

    def findings(self) -> Iterator[tuple[int, Finding]]:
        """Yield every finding with the number of its attempt."""
        for attempt in self.incident.attempts:
            for finding in attempt.diagnosis.findings if attempt.diagnosis else ():
                yield attempt.number, finding


def anchor(number: int, finding: str) -> str:
    """Return the anchor of a finding's heading, `E1, attempt 1`, as Markdown viewers make it."""
    word = re.sub(r"[^a-z0-9]", "", finding.lower())
    return f"{word}-attempt-{number}"


def references(number: int, findings: tuple[str, ...]) -> Line:
    """Return links to findings: ` (E1, E2)`; nothing when there are none."""
    if not findings:
        return ()
    pieces: list[Piece] = [" ("]
    for place, finding in enumerate(findings):
        pieces += [", "] if place else []
        pieces.append(Ref(finding, anchor(number, finding)))
    return (*pieces, ")")
