"""Of which service does an alert speak, to which incident does it belong, which began it?"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.domain.alert import Alert, AlertState
from aiops_agent.domain.incident import Incident, Status
from aiops_agent.domain.meaning import AlertSubject
from aiops_agent.domain.remediation import TargetKind
from aiops_agent.domain.telemetry import NAMELESS, AlertRule, ServiceGraph, ServiceName
from aiops_agent.reading.alert import read_subject

RULES_HOLD = timedelta(hours=1)  # at most, before they fire; the watch was earlier
ECHO = timedelta(minutes=10)  # rules look back: a repetition so soon speaks of what is over
FLAP = timedelta(minutes=1)  # who has just been handed an alert that flaps needs no second incident
JITTER = timedelta(minutes=1)  # rules hold for different times, and scrapes come when they come
TOGETHER = timedelta(seconds=20)  # those that call one silent cause begin within it
ALL_TOGETHER = timedelta(seconds=30)  # where none is missing: two scrapes of the usual 15 s
PUSHED = timedelta(minutes=1)  # a callee that begins so much later was pushed by its caller
SILENT = 2 / 3  # of a silent service's callers: when as many alert at once it is behind them
FEWEST_CALLERS = 3  # of a silent service: two that share something do so by chance
MOST_ALERTING = 400  # services; of more the order of their depth has to do


def subject_of(
    alert: Alert, known: Sequence[ServiceName], rules: Iterable[AlertRule] = ()
) -> AlertSubject:
    """Return of whom an alert speaks; its `service` is NAMELESS where it does not say."""
    found = read_subject(alert, rules, known)
    return found if found.service else found.model_copy(update={"name": NAMELESS})


def kind_of(subject: AlertSubject, known: Collection[ServiceName]) -> TargetKind:
    """Return what an incident is about: a service, where the alert's own subject belongs to one."""
    if subject.service == NAMELESS:
        return TargetKind.UNKNOWN if subject.kind is TargetKind.SERVICE else subject.kind
    own = {TargetKind.NODE, TargetKind.CLUSTER, TargetKind.TARGET, TargetKind.UNKNOWN}
    strange = subject.kind in own and subject.service not in known and not subject.owner
    return subject.kind if strange else TargetKind.SERVICE


def same_cause(
    service: ServiceName,
    at: datetime,
    open_incidents: Iterable[Incident],
    graph: ServiceGraph,
    window: timedelta,
) -> Incident | None:
    """Return an open incident of the same service, else of one that calls or is called; the newest.

    Only one that opened within `window` of `at` counts: later trouble is trouble of its own.
    What the watch opened about the service itself waits longer for the rule that holds longer.
    An alert that names no service shares a cause with nothing.
    """
    related = kin(service, graph)
    near = (
        one
        for one in open_incidents
        if abs(at - one.opened_at)
        <= (RULES_HOLD if one.watched and one.service == service else window)
    )
    return max(
        (one for one in near if one.service in related),
        key=lambda one: (one.service == service, one.opened_at, len(one.id), one.id),
        default=None,
    )


def fires_anew(holder: Incident, was: Alert, alert: Alert, at: datetime) -> bool:
    """Whether an alert fires anew, and does not only repeat what its ended incident knows.

    It does when its sender called it resolved meanwhile or says a later beginning. What is said to
    be over by telemetry and still fires after ECHO is looked at anew as well: one of them is wrong.
    Right behind one that was dismissed or given to people it flaps, and is a repetition.
    """
    if not holder.ended or _flaps(holder, at):
        return False
    if was.state is AlertState.RESOLVED or _later(alert.starts_at, was.starts_at):
        return True
    over = holder.resolved_at
    return over is not None and at - over >= ECHO


def _flaps(holder: Incident, at: datetime) -> bool:
    if holder.status is Status.DISMISSED and not (holder.closed or holder.looking):
        return False  # its story is not over: it could not be looked at again
    given = holder.ended_at if holder.resolved_at is None else None
    return given is not None and at - given < FLAP


def _later(starts: datetime | None, known: datetime | None) -> bool:
    # Two replicas of a sender say two beginnings of one alert: only one after both is new.
    return starts is not None and (known is None or starts > known)


def kin(service: ServiceName, graph: ServiceGraph) -> frozenset[ServiceName]:
    """Return the services whose trouble may have the same cause: it, its callers, its callees."""
    if service == NAMELESS:
        return frozenset()
    return frozenset({service, *graph.downstream(service), *graph.upstream(service)})


@dataclass(frozen=True)
class AlertOnset:
    """Of whom an alert speaks, and when it began."""

    service: ServiceName
    began: datetime


@dataclass(frozen=True)
class AlertStorm:
    """Alerts that one cause explains, by their places; `root` is the one that it began with."""

    root: int
    alerts: tuple[int, ...]


def correlate(alerts: Sequence[AlertOnset], graph: ServiceGraph) -> tuple[AlertStorm, ...]:
    """Return the fewest causes that explain the alerts, those that explain most first.

    Trouble travels from a service to those that call it, later or at about the same time; a callee
    that began clearly later was pushed. An alert that names no service shares a cause with nothing.
    """
    places: dict[ServiceName, list[int]] = {}
    for place, one in enumerate(alerts):
        if one.service != NAMELESS:
            places.setdefault(one.service, []).append(place)
    first = {name: min(found, key=lambda n: alerts[n].began) for name, found in places.items()}
    began = {name: alerts[place].began for name, place in first.items()}
    alone = [AlertStorm(n, (n,)) for n, one in enumerate(alerts) if one.service == NAMELESS]
    if len(began) > MOST_ALERTING:
        return tuple(AlertStorm(first[name], tuple(places[name])) for name in places) + tuple(alone)
    groups = _behind_the_silent(_causes(began, graph), began, graph)
    return (
        *(
            AlertStorm(first[root], tuple(sorted(n for name in group for n in places[name])))
            for root, group in groups.items()
        ),
        *alone,
    )


Groups = dict[ServiceName, set[ServiceName]]


def _causes(began: Mapping[ServiceName, datetime], graph: ServiceGraph) -> Groups:
    """Return for each cause whom it explains: always the one that explains most of what is left."""
    reach: Groups = {}
    depth = {name: len(graph.upstream(name)) for name in began}
    for name, at in began.items():
        up = {o for o in graph.upstream(name) if o in began and began[o] >= at - JITTER}
        pushed = {o for o in graph.callees(name) if o in began and began[o] >= at + PUSHED}
        reach[name] = {name} | up | pushed
    left, found = set(began), Groups()
    while left:
        root = max(
            (name for name in began if name in left),  # in the order given: the same each time
            key=lambda name: (len(reach[name] & left), depth[name], -began[name].timestamp()),
        )
        found[root] = reach[root] & left
        left -= found[root]
    return found


def _behind_the_silent(
    groups: Groups, began: Mapping[ServiceName, datetime], graph: ServiceGraph
) -> Groups:
    """Return the groups, those joined of which a service that does not alert itself is the cause.

    It is where most of those that call it began at about the same time, or all of them nearly so.
    A caller that needs another caller is no witness: that one alone would explain it.
    """
    if len(groups) < 2:
        return groups
    for silent in dict.fromkeys(callee for root in groups for callee in graph.callees(root)):
        callers = _witnesses(graph.callers(silent), graph)
        known = [name for name in began if name in callers]  # of the same moment the first given
        alerting = sorted(known, key=lambda name: began[name])
        roots = [name for name in alerting if name in groups]
        few = len(callers) < FEWEST_CALLERS or len(alerting) < SILENT * len(callers)
        if silent in began or len(roots) < 2 or few:
            continue
        spread = ALL_TOGETHER if len(alerting) == len(callers) else TOGETHER
        if began[alerting[-1]] - began[alerting[0]] <= spread:
            for other in roots[1:]:
                groups[roots[0]] |= groups.pop(other)
    return groups


def _witnesses(callers: Collection[ServiceName], graph: ServiceGraph) -> list[ServiceName]:
    together = set(callers)
    return [name for name in callers if together.isdisjoint(graph.downstream(name))]
