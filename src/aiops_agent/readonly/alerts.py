"""Alerts that a person hands over: in whatever form they were saved, and which belong together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from aiops_agent.correlate import kin, kind_of, subject_of
from aiops_agent.domain.alert import Alert, AlertState, SenderAlert, Severity
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.remediation import TargetKind
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.telemetry import NAMELESS, AlertRule, ServiceGraph, ServiceName
from aiops_agent.domain.value import Json
from aiops_agent.reading.alert import expression_of
from aiops_agent.reading.claim import fires_always

MOST_BYTES = 16 * 2**20  # of a file: a storm of twenty thousand alerts
OLDEST = timedelta(hours=6)  # an alert that claims to be older is dated by its arrival
GRAFANA = "1"  # the version that Grafana's bodies say
_KEYS = ("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "valueString")
_FORMS = "a webhook body, a list of /api/v1/alerts or /api/v2/alerts, or one alert with labels"


def as_webhook(body: bytes, name: str) -> tuple[str, bytes]:
    """Return whose webhook would have brought what `body` holds, and that webhook's body.

    Read are webhook bodies of Alertmanager and Grafana, the lists of Alertmanager and Prometheus,
    and one alert alone. Raises UsageError, which calls the body `name`.
    """
    if len(body) > MOST_BYTES:
        raise UsageError(f"{name} holds more than {MOST_BYTES // 2**20} MiB; give one alert of it.")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{name} is not JSON ({error}); give {_FORMS}.") from error
    if isinstance(found, dict) and isinstance(found.get("alerts"), list) and "data" not in found:
        return ("grafana" if str(found.get("version")) == GRAFANA else "alertmanager"), body
    listed = _listed(found)
    if not listed or not all(isinstance(one, dict) and "labels" in one for one in listed):
        raise UsageError(f"{name} holds no alert that we can read; give {_FORMS}.")
    return "alertmanager", orjson.dumps({"version": "4", "alerts": list(map(_alert, listed))})


def of_senders(found: Iterable[SenderAlert]) -> bytes:
    """Return the body in which a webhook would have brought what senders say fires."""
    return orjson.dumps({"version": "4", "alerts": [one.sent for one in found]})


def _listed(found: Json) -> list[Json]:
    if isinstance(found, dict) and "labels" in found:
        return [found]
    if isinstance(found, dict) and isinstance(found.get("data"), dict):  # Prometheus' answer
        found = found["data"].get("alerts")
        found = [one for one in found if _fires(one)] if isinstance(found, list) else found
    return found if isinstance(found, list) else []


def _fires(one: Json) -> bool:
    return not isinstance(one, dict) or one.get("state") != "pending"


def _alert(one: Json) -> Json:
    made = {key: one[key] for key in _KEYS if key in one}
    if made.get("status") not in tuple(AlertState):  # a list's own word: active, suppressed
        made["status"] = AlertState.FIRING
    if "activeAt" in one:  # Prometheus' word
        made["startsAt"] = one["activeAt"]
    return made


@dataclass(frozen=True)
class SameCause:
    """Alerts that may have one cause, the one that stands for them first."""

    service: ServiceName
    kind: TargetKind
    alerts: tuple[Alert, ...]

    @property
    def severity(self) -> Severity:
        """The worst that their sender says."""
        return min(one.claimed for one in self.alerts)  # SEV1 sorts first

    @property
    def words(self) -> str:
        """Its alerts in a few words: "HighLatency (orders)"."""
        names = list(dict.fromkeys(one.name for one in self.alerts))
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return f"{names[0]}{more} ({self.service})"


def grouped(
    alerts: Iterable[Alert],
    graph: ServiceGraph,
    rules: Mapping[str, Sequence[AlertRule]],
    *,
    service: str = "",
) -> tuple[SameCause, ...]:
    """Return firing alerts by cause: the worst group first, then the one most depend on.

    Alerts that fire always are left out; with `service`, so are those about others.
    """
    seen: list[tuple[ServiceName, TargetKind, Alert]] = []
    for one in alerts:
        known = rules.get(one.name, ())
        if one.state is AlertState.FIRING and not fires_always(one, expression_of(one, known)):
            subject = subject_of(one, graph.names, known)
            found = ServiceName(subject.service)
            if not service or found == service:
                seen.append((found, kind_of(subject, graph.names), one))
    groups: list[SameCause] = []
    seen.sort(key=lambda each: (-len(graph.upstream(each[0])), each[2].starts_at is None))
    while seen:
        lead, kind, first = seen[0]
        related = kin(lead, graph)
        own = [e for e in seen if e[0] in related or (lead == NAMELESS and e[2].name == first.name)]
        groups.append(SameCause(lead, kind, tuple(each[2] for each in own or seen[:1])))
        taken = {id(one) for one in groups[-1].alerts}
        seen = [each for each in seen if id(each[2]) not in taken]
    return tuple(sorted(groups, key=lambda one: one.severity))


def named(alerts: Sequence[Alert], name: str) -> tuple[Alert, ...]:
    """Return the alerts of that name, whatever its case; raises UsageError with the nearest."""
    found = tuple(one for one in alerts if one.name.casefold() == name.casefold())
    if not found:
        known = sorted({one.name for one in alerts})
        hint = did_you_mean(name, known) or (
            f" There are: {', '.join(known[:9])}." if known else ""
        )
        raise UsageError(f"No alert {name!r} fires.{hint}")
    return found


def began(alert: Alert, at: datetime) -> datetime:
    """Return when an alert began, as far as its sender can be believed at a moment."""
    starts = alert.starts_at
    return at if starts is None or not at - OLDEST <= starts <= at else starts
