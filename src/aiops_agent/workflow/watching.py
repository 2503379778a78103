"""Asks senders what fires: what a webhook lost comes in by the same door, what is muted does not.

An alert that arrives by its webhook is never waited for here: what is known already is left alone.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

import orjson

from aiops_agent.correlate import fires_anew
from aiops_agent.domain.alert import Alert, AlertNews, AlertState, IncidentAlert, SenderAlert
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Incident, Status
from aiops_agent.domain.payload import AlertReceived
from aiops_agent.ports.telemetry import SenderAlerts
from aiops_agent.workflow.deps import Deps, opened
from aiops_agent.workflow.intake import Intake, without_secrets
from aiops_agent.workflow.loops import LoopName

LOOK_SECONDS = 60.0  # a lost webhook costs no more than two of these
LOOK_AGAIN = timedelta(minutes=15)  # at what was dismissed and fires on
SOURCE = "alertmanager"  # whose webhook it would have been


@dataclass
class AlertWatch:
    """One environment's senders. A webhook has one whole look's time to come first."""

    deps: Deps
    intake: Intake
    environment: EnvironmentRef
    senders: Sequence[SenderAlerts]
    loop: ClassVar[LoopName] = LoopName.SENDERS
    pause: ClassVar[float] = LOOK_SECONDS
    _waited: frozenset[str] = field(default=frozenset())

    async def look(self) -> int:
        """Take in what is missing and return how many alerts; SourceError when none answers."""
        found = [one for sender in self.senders for one in await sender.firing()]
        return await asyncio.to_thread(self._compare, found)

    def _compare(self, found: Sequence[SenderAlert]) -> int:
        heard = [one for one in found if not one.muted]
        keys = self._keys(heard)
        known, incidents = self._known(keys)
        at = self.deps.environments(self.environment).clock.now()
        lost = [
            one
            for (key, alert), one in zip(keys, heard, strict=True)
            if _missed(known.get(key), incidents, alert, at)
            and (key in known or key in self._waited)
        ]
        self._waited = frozenset(key for key, _ in keys if key not in known)
        if lost:
            self.intake.take(SOURCE, body_of(lost), name=self.environment.name)
        self._tell_muted([one for one in found if one.muted])
        return len(lost)

    def _keys(self, found: Sequence[SenderAlert]) -> list[tuple[str, Alert]]:
        """Return each alert with its key, as it would have by its webhook."""
        decoded = self.intake.decoders[SOURCE](body_of(found), received_at=self.deps.now())
        clean = without_secrets(decoded, self.intake.redactor)
        replicas = self.deps.terms.replica_labels
        return [(alert.identity(replicas), alert) for alert in clean.alerts]

    def _known(
        self, keys: Iterable[tuple[str, Alert]]
    ) -> tuple[Mapping[str, IncidentAlert], Mapping[str, Incident]]:
        with self.deps.store.read() as view:
            known = view.alerts.newest(self.environment, [key for key, _ in keys])
            held = {name: view.incidents.get(name) for name in {o.incident for o in known.values()}}
        return known, {name: one for name, one in held.items() if one is not None}

    def _tell_muted(self, found: Sequence[SenderAlert]) -> None:
        """Say once on an open incident that its alert is muted where it comes from, and by what."""
        keys = self._keys(found)
        known, incidents = self._known(keys)
        for (key, alert), one in zip(keys, found, strict=True):
            was = known.get(key)
            incident = incidents.get(was.incident) if was else None
            if incident is None or incident.ended:
                continue
            said = AlertReceived(news=AlertNews.MUTED, alert=key, name=alert.name)
            words = f"{alert.name} · {one.muted} in its Alertmanager"
            with self.deps.store.begin() as work:
                about = opened(self.deps, work, incident.id, self.deps.now())
                about.tell(said, words, f"muted-{key}-{one.muted}")


def _missed(
    was: IncidentAlert | None, incidents: Mapping[str, Incident], alert: Alert, at: datetime
) -> bool:
    """Whether what is known of a firing alert is less than its sender says."""
    if was is None or (incident := incidents.get(was.incident)) is None:
        return True
    if was.state is AlertState.RESOLVED or fires_anew(incident, was, alert, at):
        return True
    return incident.status is Status.DISMISSED and at - was.last_seen >= LOOK_AGAIN


def body_of(found: Iterable[SenderAlert]) -> bytes:
    """Return the body in which a webhook would have brought these alerts."""
    return orjson.dumps({"version": "4", "alerts": [one.sent for one in found]})
