"""What somebody's monitoring said, alert by alert: all of it foreign text."""

from rich.console import Group, RenderableType

from aiops_agent.domain.alert import AlertList, AlertState, IncidentAlert
from aiops_agent.interfaces.terminal.cause import facts_grid
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.palette import BAD, QUIET, STRONG

_MOST = 5  # shown in full: more would push the evidence off the screen


def alerts(found: AlertList) -> RenderableType:
    """Return the first alerts with labels, annotations and links, and how many there are more."""
    shown = [_alert(alert) for alert in found.shown[:_MOST]]
    left = found.total - len(shown)
    more = [say(f"and {left} more alerts; --output json shows them", QUIET)] if left > 0 else []
    return Group(say("Alerts", STRONG), *shown, *more)


def _alert(alert: IncidentAlert) -> RenderableType:
    ink = BAD if alert.state is AlertState.FIRING else QUIET
    since, last = (f"{at:%Y-%m-%d %H:%M:%S}" for at in (alert.since, alert.last_seen))
    facts = facts_grid()
    seen = say(f"since {since} UTC, last seen {last} UTC")
    facts.add_row(say(alert.state.value, ink), joined([tell(alert.name, STRONG), seen], "  "))
    for name, texts in (
        ("labels", alert.labels),
        ("annotations", alert.annotations),
        ("group", alert.group_labels),
    ):
        if texts:
            facts.add_row(name, joined([tell(f"{k}={v}") for k, v in sorted(texts.items())], ", "))
    for name, text in (
        ("rule", alert.generator_url),
        ("runbook", alert.runbook),
        ("sent by", alert.alertmanager_url),
        ("receiver", alert.receiver),
    ):
        if text:
            facts.add_row(name, tell(text))
    return facts
