"""Alerts of the past as intake would have taken them: which opened an incident, which joined."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from aiops_agent.backtest.pinned import OpenPast
from aiops_agent.correlate import same_cause
from aiops_agent.domain.alert import Alert, AlertState, Delivery, IncidentAlert
from aiops_agent.domain.backtest import AlertEpisode, PastAlert, PastAnswer
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.remediation import Target
from aiops_agent.domain.telemetry import NAMELESS, AlertRule
from aiops_agent.domain.value import digest
from aiops_agent.ports.past import PastClock
from aiops_agent.reading.alert import expression_of
from aiops_agent.reading.claim import fires_always
from aiops_agent.workflow.around import Around, read_rules
from aiops_agent.workflow.bodies import Body, SeenAlert

SOURCE = "prometheus"
_SAME = timedelta(minutes=5)  # who calls whom is looked at anew after that


@dataclass(frozen=True)
class GroupTerms:
    """As a living story has them; alerts without these `labels` are not of this environment."""

    environment: EnvironmentRef
    window: timedelta = timedelta(minutes=5)
    flap_window: timedelta = timedelta(hours=1)
    replica_labels: frozenset[str] = frozenset()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass
class PastCase:
    """One incident of the past. `kept` is its answer, once there is one.

    `grown`: alerts joined it since its answer was kept.
    """

    incident: Incident
    alerts: list[PastAlert]
    brought: list[IncidentAlert]
    repeats: bool = False
    kept: PastAnswer | None = None
    grown: bool = False

    @property
    def ended_at(self) -> datetime | None:
        """When its last alert ended."""
        ends = [one.ended for one in self.alerts]
        return None if None in ends else max(one for one in ends if one)

    def fires(self, at: datetime) -> bool:
        """Whether any of its alerts fires then."""
        return any(one.ended is None or one.ended > at for one in self.alerts)


@dataclass
class Grouping:
    """Goes through the alerts in the order of time; what it asks, it asks as of that time.

    `known` are answers of earlier runs: their alerts are not looked at again.
    """

    terms: GroupTerms
    open: OpenPast
    known: Iterable[PastAnswer] = ()
    unread: list[str] = field(default_factory=list)  # moments at which nobody could be told apart
    _cases: list[PastCase] = field(default_factory=list)
    _done: set[tuple[str, datetime]] = field(default_factory=set)
    _rules: tuple[AlertRule, ...] | None = None
    _around: tuple[datetime, Around] | None = None

    def __post_init__(self) -> None:
        self._cases = [_known(one) for one in self.known]
        self._done = {(one.key, one.began) for case in self._cases for one in case.alerts}

    async def add(self, episodes: Iterable[AlertEpisode]) -> list[PastCase]:
        """Return the incidents that these alerts opened or joined, the oldest first."""
        ours = (one for one in episodes if set(self.terms.labels) <= set(one.labels.items()))
        touched: dict[str, PastCase] = {}
        for began, together in groupby(ours, key=lambda one: one.began):
            try:
                new = [one for one in together if await self._due(one)]
                around = await self._read_around(began) if new else None
            except SourceError as error:  # whose alerts they are is asked again in the next run
                self.unread.append(f"services of {began:%Y-%m-%d %H:%M}: {error}")
                continue
            if around is not None:
                touched |= {one.incident.id: one for one in self._take(new, began, around)}
        return sorted(touched.values(), key=lambda case: case.incident.opened_at)

    async def _due(self, one: AlertEpisode) -> bool:
        """Whether an alert is new and of trouble; a deadman's opens nothing."""
        if (self._key(one), one.began) in self._done:
            return False
        if self._rules is None:  # as they are written now, whatever the moment
            self._rules = await read_rules(self.open(PastClock(one.began)).rules)
        alert = _alert(one)
        named = [rule for rule in self._rules if rule.name == alert.name]
        return not fires_always(alert, expression_of(alert, named))

    async def _read_around(self, at: datetime) -> Around:
        if self._around is None or not timedelta() <= at - self._around[0] < _SAME:
            graph = await self.open(PastClock(at)).topology.graph()
            self._around = at, Around(graph, self._rules or ())
        return self._around[1]

    def _take(
        self, together: Sequence[AlertEpisode], at: datetime, around: Around
    ) -> list[PastCase]:
        alerts = tuple(_alert(one) for one in together)
        ends = {self._key(one): one.ended for one in together}
        body = Body.of(
            Delivery(source=SOURCE, digest="", body="", alerts=alerts, received_at=at),
            around,
            replicas=self.terms.replica_labels,
            at=at,
            at_once=len(alerts),
        )
        # What ended long ago is joined by nothing any more.
        since = at - max(self.terms.flap_window, self.terms.window)
        near = [one for one in self._cases if one.fires(since)]
        touched: list[PastCase] = []
        opened: list[PastCase] = []
        roots: dict[str, PastCase] = {}  # of what came together, by the root's alert
        for seen in body.ordered:
            case = self._joined(seen, near, opened, around) or roots.get(seen.root)
            if case is None:
                case = self._open(seen, near, at)
                opened.append(case)
                near.append(case)
            if seen.key == seen.root:
                roots[seen.root] = case
            self._hold(case, seen, ends[seen.key], at)
            touched.append(case)
        return touched

    def _joined(
        self, seen: SeenAlert, near: Sequence[PastCase], opened: Sequence[PastCase], around: Around
    ) -> PastCase | None:
        """Return the case that an alert belongs to, by the same rules as a living one."""
        at = seen.delivery.received_at
        going = [one for one in near if one.incident.opened_at <= at and one.fires(at)]
        for one in going:
            if any(alert.key == seen.key for alert in one.alerts):
                return one
        if (
            seen.service == NAMELESS
        ):  # of what came together, the same said of things without a name
            names = (one for one in opened if seen.alert.name in one.incident.alert_names)
            return next((one for one in names if one.incident.service == NAMELESS), None)
        by_id = {one.incident.id: one for one in going}
        incidents = [one.incident for one in going]
        found = same_cause(seen.service, at, incidents, around.graph, self.terms.window)
        return by_id[found.id] if found is not None else None

    def _open(self, seen: SeenAlert, near: Sequence[PastCase], at: datetime) -> PastCase:
        name = past_id(seen.key, at)
        incident = seen.incident(IncidentId(name), self.terms.environment, at)
        repeats = any(
            alert.key == seen.key
            and alert.ended
            and timedelta() <= at - alert.ended < self.terms.flap_window
            for case in near
            for alert in case.alerts
        )
        case = PastCase(incident, [], [], repeats=repeats)
        self._cases.append(case)
        return case

    def _hold(self, case: PastCase, seen: SeenAlert, ended: datetime | None, at: datetime) -> None:
        alert = seen.alert
        case.alerts.append(PastAlert(key=seen.key, name=alert.name, began=at, ended=ended))
        case.grown = case.kept is not None
        held = IncidentAlert(
            **dict(alert), key=seen.key, incident=case.incident.id, since=at, last_seen=at
        )
        case.brought.append(held)
        names = tuple(dict.fromkeys((*case.incident.alert_names, alert.name)))
        worst = min(case.incident.severity, alert.claimed)  # a worse alert makes it worse
        told = {"alert_names": names, "severity": worst}
        case.incident = case.incident.model_copy(update=told)

    def _key(self, one: AlertEpisode) -> str:
        return _alert(one).identity(self.terms.replica_labels)


def past_id(key: str, began: datetime) -> str:
    """Return the name of the incident that an alert opened then: the same in every run."""
    return f"BT-{digest('backtest/v1', [key, began.isoformat()])[:8].upper()}"


def _alert(one: AlertEpisode) -> Alert:
    """Return the alert as it would have been sent; its annotations are kept by nobody."""
    return Alert(
        source=SOURCE,
        labels=one.labels,
        state=AlertState.FIRING,
        starts_at=one.began,
        received_at=one.began,
    )


def _known(answer: PastAnswer) -> PastCase:
    incident = Incident(
        id=IncidentId(answer.id),
        environment=answer.environment,
        title=answer.title,
        subject=Target(environment=answer.environment, name=answer.service),
        alert_names=tuple(dict.fromkeys(one.name for one in answer.alerts)),
        summary=answer.title,
        severity=answer.severity,
        started_at=answer.opened_at,
        opened_at=answer.opened_at,
    )
    return PastCase(incident, list(answer.alerts), [], repeats=answer.repeats, kept=answer)
