"""Alertmanager's own list of what fires: finds what its webhook lost, and what people silenced."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import orjson

from aiops_agent.adapters.server import Peer
from aiops_agent.domain.alert import SenderAlert
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.duration import Span
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.value import Json, Value
from aiops_agent.ports.plug import Connection, Surroundings, Vendor
from aiops_agent.ports.spellings import Secret, WebAddress

NAME = "alertmanager"


class AlertmanagerSettings(Value):
    """Where the list is read. `peers` are the others of a cluster: what they all say counts once.

    With `receiver` only alerts that are routed to it count: that of our webhook.
    """

    url: WebAddress
    peers: tuple[WebAddress, ...] = ()
    receiver: str = ""
    timeout: Span = timedelta(seconds=5)
    bearer: Secret | None = None


@dataclass(frozen=True)
class AlertmanagerList:
    """The SenderAlerts port over one Alertmanager, or a cluster of them."""

    section: AlertmanagerSettings
    transport: httpx2.AsyncBaseTransport | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of all peers."""
        return (self.section.url, *self.section.peers)

    async def firing(self) -> tuple[SenderAlert, ...]:
        """Return what fires, each alert once; raises SourceError when no peer answers."""
        found = await asyncio.gather(*map(self._of, self.urls), return_exceptions=True)
        answers = [one for one in found if not isinstance(one, BaseException)]
        flaws = [one for one in found if isinstance(one, BaseException)]
        if not answers:
            raise flaws[0]
        merged: dict[str, SenderAlert] = {}
        for one in (alert for answer in answers for alert in answer):
            key = orjson.dumps(one.labels, option=orjson.OPT_SORT_KEYS).decode()
            known = merged.get(key, one)  # a silence may not have come to each peer yet
            merged[key] = known.model_copy(update={"muted": known.muted or one.muted})
        wanted = self.section.receiver
        return tuple(one for one in merged.values() if not wanted or wanted in one.receivers)

    async def _of(self, url: str) -> tuple[SenderAlert, ...]:
        told = self.section
        server = Peer("Alertmanager", url, told.timeout, told.bearer, self.transport)
        body = await server.get("/api/v2/alerts")
        try:
            return await asyncio.to_thread(_alerts, body)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SourceError(server.strange) from error


def _alerts(body: bytes) -> tuple[SenderAlert, ...]:
    return tuple(map(_alert, orjson.loads(body)))


def _alert(found: Json) -> SenderAlert:
    status: Mapping[str, Json] = found["status"]
    silenced, inhibited = status.get("silencedBy") or (), status.get("inhibitedBy") or ()
    why = "silenced" if silenced else "inhibited" if inhibited else "muted"
    ids = ", ".join(map(str, (*silenced, *inhibited)))
    return SenderAlert(
        labels=found["labels"],
        annotations=found.get("annotations") or {},
        starts_at=str(found.get("startsAt", "")),
        generator_url=str(found.get("generatorURL") or ""),
        receivers=tuple(str(one.get("name", "")) for one in found.get("receivers") or ()),
        muted=f"{why} ({ids})".replace(" ()", "") if status["state"] == "suppressed" else "",
    )


async def _check(source: AlertmanagerList) -> Checkup:
    try:
        found = await source.firing()
    except SourceError as error:
        remedy = "is sources.alertmanager.url right?"
        return Checkup(
            group="alerts", name=NAME, health=Health.PROBLEM, words=str(error), remedy=remedy
        )
    muted = sum(bool(one.muted) for one in found)
    words = f"alertmanager {', '.join(source.urls)}, {len(found)} alerts fire, {muted} muted"
    return Checkup(group="alerts", name=NAME, health=Health.OK, words=words)


def _connect(section: AlertmanagerSettings, _around: Surroundings) -> Connection:
    source = AlertmanagerList(section)
    return Connection(check=lambda: _check(source), alerts=source)


SOURCE = Vendor(
    name=NAME,
    group="alerts",
    settings=AlertmanagerSettings,
    ports=frozenset(),
    connect=_connect,
)
