"""Is it ours at all? What is not is given to a person within one look, with all that is known."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice

from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.triage import triage
from aiops_agent.domain.alert import Alert, AlertState
from aiops_agent.domain.diagnosis import NotMine, Triage, TriageVerdict
from aiops_agent.domain.duration import spelled
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.labels import OWNERS
from aiops_agent.domain.meaning import AlertClaim
from aiops_agent.domain.remediation import TargetKind
from aiops_agent.domain.telemetry import AlertRule, RuleReading, ServiceGraph
from aiops_agent.domain.text import safe
from aiops_agent.reading.alert import read_alert, rules_of

# What no action of ours changes and no signal of a service shows.
_STRANGE = {
    AlertClaim.DISK: "a disk",
    AlertClaim.CERTIFICATE: "something that expires",
    AlertClaim.QUOTA: "a quota",
    AlertClaim.JOB_FAILED: "a job that failed",
    AlertClaim.REPLICATION: "a replication",
    AlertClaim.CLOCK: "a clock",
    AlertClaim.CONFIG: "a configuration that was not taken",
    AlertClaim.MONITORING: "the monitoring itself",
    AlertClaim.COST: "a cost",
}
_MOST_READ = 20  # alerts of an incident; more say the same
_LONGEST = 300  # characters of the alert's own text in the message
_MOST_LABELS = 12  # in the message; all are kept with the alert
_MOST_VALUE = 120  # characters of a label in it
_AGO = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6))  # a course in a line
_PATIENCE = 5.0  # seconds for the value of an expression: somebody waits for the message


async def triage_or_leave(briefing: Briefing) -> Triage:
    """Return what triage says, and of what is not ours, in the same look, all that a person needs.

    What telemetry confirms is ours; what neither it nor we can know of is never dismissed.
    """
    seen = await triage(briefing)
    if seen.verdict is TriageVerdict.CONFIRMED:
        return seen
    shown = briefing.alerts.shown
    alerts = tuple(one for one in shown if one.state is AlertState.FIRING) or shown
    unread = list(seen.missing)
    rules = await _rules(briefing, unread)
    graph = await _graph(briefing)
    why = _why(tuple(islice(alerts, _MOST_READ)), rules, graph)
    if not why:
        return seen
    alert = alerts[0]
    labels = sorted(alert.labels.items())
    value, failed = await _measured(briefing, alert, rules)
    unread += [failed] if failed else []
    told = NotMine(
        why=why,
        text=safe(alert.annotations.get("description") or alert.summary, limit=_LONGEST),
        labels={name: safe(value, limit=_MOST_VALUE) for name, value in labels[:_MOST_LABELS]},
        runbook=alert.runbook or "",
        value=value,
        owner=_owner(alert, graph),
        unread=tuple(dict.fromkeys(unread)),
    )
    given = {"verdict": TriageVerdict.UNSEEN, "severity": briefing.incident.severity}
    words = {
        "impact": "unknown: no signal of it is available",
        "reason": why,
        "missing": told.unread,
    }
    return seen.model_copy(update={**given, **words, "not_mine": told})


async def _rules(briefing: Briefing, unread: list[str]) -> tuple[AlertRule, ...]:
    try:
        return await briefing.environment.rules.rules()
    except SourceError as error:
        unread.append(f"the alerting rules: {error}")
        return ()


async def _graph(briefing: Briefing) -> ServiceGraph:
    try:
        return await briefing.environment.topology.graph()
    except SourceError:  # told by triage
        return ServiceGraph(services=())


def _why(alerts: Sequence[Alert], rules: Sequence[AlertRule], graph: ServiceGraph) -> str:
    """Return why none of these alerts is ours, "" when one is or nobody knows what is ours."""
    whys = [_strange(one, rules, graph) for one in alerts]
    return whys[0] if whys and all(whys) else ""


def _strange(alert: Alert, rules: Sequence[AlertRule], graph: ServiceGraph) -> str:
    meaning = read_alert(alert, rules, graph.names)
    if meaning.claim in _STRANGE:
        return f"it is about {_STRANGE[meaning.claim]}, which no action of ours changes"
    subject = meaning.subject
    if not graph.services or subject.service in graph.names:
        return ""
    if not subject.service:
        return "it names nothing that we see"
    kind = "service" if subject.kind is TargetKind.UNKNOWN else subject.kind
    return f"no {kind} that we see is called {subject.service}"


def _owner(alert: Alert, graph: ServiceGraph) -> str:
    tables = (alert.labels, alert.annotations)
    said = [table[name] for table in tables for name in OWNERS if table.get(name)]
    known = (graph.service(value) for value in alert.labels.values())
    return next(iter(said), "") or next((one.owner for one in known if one and one.owner), "")


async def _measured(
    briefing: Briefing, alert: Alert, rules: Sequence[AlertRule]
) -> tuple[str, str]:
    """Return the value of the alert's expression now and before, and why it is not known.

    Only a rule that the source itself lists is evaluated; the link of an alert is never run.
    """
    of = rules_of(alert, rules)
    if not of:
        return "", f"the value: no rule that is listed is called {alert.name}" if rules else ""
    if len(of) > 1:
        return "", f"the value: {len(of)} rules are called {alert.name}"
    try:
        async with asyncio.timeout(_PATIENCE):
            parts = [await _at(briefing, alert, of[0], timedelta())]
            with suppress(SourceError):  # some know of now only
                parts += [await _at(briefing, alert, of[0], ago) for ago in _AGO]
    except SourceError as error:
        return "", f"the value of its expression: {error}"
    except TimeoutError:
        return "", f"the value of its expression: not answered within {_PATIENCE:g} s"
    return ", ".join(parts), ""


async def _at(briefing: Briefing, alert: Alert, rule: AlertRule, ago: timedelta) -> str:
    found = await briefing.environment.rules.evaluate(rule, briefing.now - ago if ago else None)
    own = [one for one in found if _same(one, alert)]
    when = f"{spelled(ago)} ago" if ago else "now"
    if not own:
        return f"did not hold {when}" if ago else "does not hold now"
    value = own[0].value
    return f"{'no number' if value is None else format(value, '.4g')} {when}"


def _same(one: RuleReading, alert: Alert) -> bool:
    """Whether a series is that of the alert, which adds the labels of its rule to it."""
    own = ((name, value) for name, value in one.labels.items() if name != "__name__")
    return all(alert.labels.get(name, value) == value for name, value in own)
