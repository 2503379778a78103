"""What do the alerts of an incident mean together?"""

from collections.abc import Sequence

from aiops_agent.domain.alert import Alert, AlertList, AlertState
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.meaning import AlertClaim, AlertMeaning
from aiops_agent.domain.telemetry import AlertRule, ServiceName, Signal
from aiops_agent.ports.telemetry import Rules
from aiops_agent.reading.alert import read_alert

# Signals in which trouble of a kind shows, so that they may confirm an alert.
SHOWN_BY: dict[AlertClaim, tuple[Signal, ...]] = {
    AlertClaim.LATENCY: (Signal.LATENCY,),
    AlertClaim.ERRORS: (Signal.ERRORS,),
    AlertClaim.TRAFFIC: (Signal.TRAFFIC,),
    AlertClaim.SATURATION: (Signal.SATURATION, Signal.POOL, Signal.POOL_WAIT),
    AlertClaim.MEMORY: (Signal.MEMORY,),
    AlertClaim.AVAILABILITY: (Signal.REPLICAS,),
    AlertClaim.RESTARTS: (Signal.REPLICAS,),
    AlertClaim.QUEUE: (Signal.QUEUE,),
    AlertClaim.OTHER: (Signal.CACHE_HITS,),
}


async def read_meanings(
    rules: Rules, incident: Incident, alerts: AlertList, known: Sequence[ServiceName]
) -> tuple[AlertMeaning, ...]:
    """Return what each alert of an incident means; rules that cannot be read are done without."""
    try:
        listed = await rules.rules()
    except SourceError:
        listed = ()
    brought: Sequence[Alert] = alerts.shown or _told(incident)
    return tuple(read_alert(one, _named(listed, one.name), known) for one in brought)


def shown_by(meanings: Sequence[AlertMeaning]) -> tuple[Signal, ...]:
    """Return the signals in which what the alerts claim would show, the first alert's first."""
    claims = [one.claim for one in meanings if one.claim is not None]
    return tuple(dict.fromkeys(signal for claim in claims for signal in SHOWN_BY.get(claim, ())))


def _named(rules: Sequence[AlertRule], name: str) -> list[AlertRule]:
    return [one for one in rules if one.name == name]


def _told(incident: Incident) -> list[Alert]:
    """Return alerts as an incident names them, where what they brought is not kept."""
    words = {"summary": incident.summary}
    return [
        Alert(
            source="",
            labels={"alertname": name, "service": incident.service},
            annotations=words if len(incident.alert_names) == 1 else {},
            state=AlertState.FIRING,
            received_at=incident.opened_at,
        )
        for name in incident.alert_names
    ]
