"""People put alerts into other incidents: they split one or merge two; what was planned is void."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiops_agent.domain.alert import SHORT_KEY, IncidentAlert
from aiops_agent.domain.answer import Author, AuthorKind, Effort
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.incident import Incident, Regrouping
from aiops_agent.domain.payload import IncidentOpened, IncidentRegrouped
from aiops_agent.domain.remediation import Target, TargetKind
from aiops_agent.domain.text import shell
from aiops_agent.domain.trace import new_trace_id
from aiops_agent.workflow.deps import Deps, IncidentTransaction, opened, transaction
from aiops_agent.workflow.gate import Gate

MOST_ALERTS = 20_000  # of an incident: as many as one body may bring
MOST_NAMES = 200  # of alerts that an incident tells
_LISTED = 10  # alerts named by an error


@dataclass(frozen=True)
class Regroup:
    """Each method is one transaction: alerts, incidents, plans and events change together.

    A plan of a changed incident that is not being sent is withdrawn in it, and its story begins
    anew at triage. Raises UsageError, saying why not, where an incident has ended or acts.
    """

    deps: Deps

    def split(self, incident_id: str, alerts: Sequence[str], by: str, reason: str) -> Incident:
        """Move some alerts of an incident to a new one, and return that."""
        with transaction(self.deps, incident_id) as t:
            _changeable(t.incident)
            held = t.work.alerts.of_incident(incident_id, MOST_ALERTS).shown
            moved = _meant(t.incident, held, alerts)
            rest = [one for one in held if one.key not in {this.key for this in moved}]
            if not rest:
                raise UsageError(f"{incident_id} would be left without an alert: keep one of them.")
            made = self._new(t, moved)
            told = _Move(moved, by, self.deps.clean(reason))
            t.work.alerts.move(incident_id, [one.key for one in moved], made.incident.id)
            made.keep(made.incident)
            _say_opened(made, moved[0])
            told.say(made, Regrouping.SPLIT_FROM, incident_id)
            left = _about(t.incident, rest[0]) if _lost(t.incident, rest) else t.incident
            named = _names(rest)
            self._begin_anew(t, left.model_copy(update={"alert_names": named}))
            told.say(t, Regrouping.SPLIT_OFF, made.incident.id)
            return made.incident

    def merge(self, incident_id: str, into: str, by: str, reason: str) -> Incident:
        """Move all alerts of an incident into another one, and return that; the first one ends."""
        if incident_id == into:
            raise UsageError(f"{incident_id} cannot be merged into itself.")
        with transaction(self.deps, incident_id) as t:
            other = opened(self.deps, t.work, into, t.wall)
            for one in (t.incident, other.incident):
                _changeable(one)
            if t.incident.environment != other.incident.environment:
                raise UsageError(f"{incident_id} and {into} are of two environments.")
            moved = t.work.alerts.of_incident(incident_id, MOST_ALERTS).shown
            told = _Move(moved, by, self.deps.clean(reason))
            t.work.alerts.move(incident_id, [one.key for one in moved], into)
            Gate(self.deps).void(t, f"{incident_id} was merged into {into}")
            t.keep(t.incident.model_copy(update={"merged_into": into}))
            told.say(t, Regrouping.MERGED_INTO, into)
            _wake(t, into)
            grown = other.incident.model_copy(
                update={
                    "alert_names": _joined(other.incident, t.incident),
                    "severity": min(t.incident.severity, other.incident.severity),
                    "started_at": min(t.incident.started_at, other.incident.started_at),
                }
            )
            told.say(other, Regrouping.MERGED_FROM, incident_id)
            return self._begin_anew(other, grown)

    def _begin_anew(self, t: IncidentTransaction, changed: Incident) -> Incident:
        """Store a changed incident whose plan is void, and tell its story that it begins anew."""
        Gate(self.deps).void(t, f"the alerts of {changed.id} were changed")
        anew = changed.model_copy(update={"regrouped": True})
        t.keep(anew)
        _wake(t, str(changed.groupings))
        return anew

    def _new(self, t: IncidentTransaction, moved: Sequence[IncidentAlert]) -> IncidentTransaction:
        plain = Incident(
            id=t.work.incidents.new_id(),
            environment=t.incident.environment,
            title="",
            subject=t.incident.subject,
            alert_names=_names(moved),
            summary="",
            severity=min(one.claimed for one in moved),
            started_at=min(one.since for one in moved),
            opened_at=t.at,
            split_from=t.incident.id,
        )
        return IncidentTransaction(t.work, _about(plain, moved[0]), t.at, t.now, t.wall)


@dataclass(frozen=True)
class _Move:
    """Who moved which alerts, and why, as both incidents tell it."""

    alerts: Sequence[IncidentAlert]
    by: str
    reason: str

    def say(self, t: IncidentTransaction, what: Regrouping, other: str) -> None:
        """Append the event of one of the two incidents."""
        count = len(self.alerts)
        some = f"{count} alert{'' if count == 1 else 's'}"
        words = {
            Regrouping.SPLIT_OFF: f"{some} split off into {other} by a person",
            Regrouping.SPLIT_FROM: f"split off from {other} by a person, with {some}",
            Regrouping.MERGED_INTO: f"merged into {other} by a person, with {some}",
            Regrouping.MERGED_FROM: f"{some} of {other} merged into it by a person",
        }[what]
        keys = tuple(one.key for one in self.alerts[:MOST_NAMES])
        told = IncidentRegrouped(
            what=what, other=other, alerts=keys, by=self.by, reason=self.reason
        )
        why = f": {self.reason}" if self.reason else ""
        effort = Effort(by=Author(kind=AuthorKind.PERSON, name=self.by))
        t.tell(told, f"{words}{why}", f"{what}-{other}", effort=effort)


def _changeable(incident: Incident) -> None:
    """Refuse what has ended, what is no longer the agent's, and what acts."""
    name = incident.id
    if incident.ended:
        reopens = shell("aiops", "incident", "reopen", name)
        raise UsageError(f"{name} has ended ({incident.status}): `{reopens}` lets it go on.")
    if incident.merged_into:
        raise UsageError(f"{name} was merged into {incident.merged_into}: go on there.")
    if incident.takeover:
        raise UsageError(f"{name} was taken over by a person: the agent does nothing more with it.")
    if incident.acting:
        watch = shell("aiops", "incident", "watch", name)
        told = "is running or being verified: wait until that is over"
        raise UsageError(f"An action of {name} {told} (`{watch}`).")


def _meant(
    incident: Incident, held: Sequence[IncidentAlert], wanted: Sequence[str]
) -> list[IncidentAlert]:
    """Return the alerts that a person named, in the order in which they joined the incident."""
    keys: set[str] = set()
    for text in wanted:
        named = [one for one in held if one.name == text]
        digits = text.lower()
        long = len(digits) >= SHORT_KEY
        found = named or [one for one in held if long and one.key.startswith(digits)]
        if len(found) != 1:
            raise UsageError(_unclear(incident, text, found or held, several=bool(found)))
        keys.add(found[0].key)
    return [one for one in held if one.key in keys]


def _unclear(
    incident: Incident, text: str, known: Sequence[IncidentAlert], *, several: bool
) -> str:
    listed = ", ".join(f"{one.key[:SHORT_KEY]} ({one.name})" for one in known[:_LISTED])
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    said = f"names {len(known)} alerts" if several else "names no alert"
    return f"{text!r} {said} of {incident.id}; name one by the digits of its key: {listed}{more}."


def _about(incident: Incident, alert: IncidentAlert) -> Incident:
    """Return it as this alert would have opened it."""
    kind = TargetKind(alert.kind) if alert.kind else TargetKind.SERVICE
    name = alert.service or incident.service
    subject = Target(environment=incident.environment, kind=kind, name=name)
    told = {"subject": subject, "title": alert.summary, "summary": alert.summary}
    return incident.model_copy(update=told)


def _lost(incident: Incident, rest: Sequence[IncidentAlert]) -> bool:
    """Whether none of the alerts that stay speaks of the incident's subject."""
    return all(one.service != incident.service for one in rest)


def _names(alerts: Sequence[IncidentAlert]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.name for one in alerts))[:MOST_NAMES]


def _joined(one: Incident, other: Incident) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one.alert_names, *other.alert_names)))[:MOST_NAMES]


def _say_opened(t: IncidentTransaction, alert: IncidentAlert) -> None:
    made = t.incident
    begun = IncidentOpened(
        alert=alert.key,
        name=alert.name,
        service=made.service,
        severity=made.severity,
        trace=new_trace_id(made.id, made.environment, t.wall),
    )
    t.tell(begun, f"{alert.name} · {alert.summary}", "open")


def _wake(t: IncidentTransaction, key: str) -> None:
    t.work.wake(t.incident.story, f"{t.incident.story}:regrouped:{key}")
