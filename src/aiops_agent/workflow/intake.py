"""The front door for alerts: what was sent is on the disk before it is answered."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from aiops_agent.domain.alert import Alert, Delivery
from aiops_agent.domain.point import Mark, Point, unmarked
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.routing import Routed, Routes
from aiops_agent.domain.token import Token
from aiops_agent.ports.plug import Decoder
from aiops_agent.ports.store import Store

PART = 20_000  # alerts of one body that are worked on before others; the rest waits

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Intake:
    """Keeps bodies durably; every call is blocking and raises StoreError."""

    store: Store
    routes: Routes
    decoders: Mapping[str, Decoder]
    now: Callable[[], datetime]  # wall time
    heard: Callable[[], None] = lambda: None  # called after a delivery was kept
    mark: Mark = unmarked
    redactor: Redactor = field(default_factory=Redactor)

    def take(
        self, source: str, body: bytes, *, name: str = "", token: Token | None = None
    ) -> tuple[Delivery, ...]:
        """Keep a body durably and return what was kept, a delivery for each environment.

        `name` is the environment in the path; it and the labels choose among the token's.
        """
        decoded = self.decoders[source](body, received_at=self.now())
        allowed = token.environments if token else ()
        parts: dict[Routed, list[Alert]] = {}
        for alert in decoded.alerts:
            parts.setdefault(self.routes.route(alert.labels, name, allowed), []).append(alert)
        parts = parts or {self.routes.route({}, name, allowed): []}
        if why := "; ".join(routed.why for routed in parts if routed.why):
            log.warning("alerts are kept that no environment claims", extra={"why": why})
        nobody = [alert for routed, alerts in parts.items() if routed.why for alert in alerts]
        found = [
            decoded.model_copy(update={"environment": routed.environment, "alerts": tuple(alerts)})
            for routed, alerts in parts.items()
            if routed.environment
        ]
        if why:
            missed = {"alerts": tuple(nobody), "unclaimed": why}
            found.append(decoded.model_copy(update=missed))
        return self.keep(*found)

    def keep(self, *deliveries: Delivery) -> tuple[Delivery, ...]:
        """Keep decoded deliveries durably, all or none, and none of the secrets in them.

        Of more than PART alerts each PART is kept by itself: when that fails half-way, the same
        body again keeps the rest.
        """
        clean = [without_secrets(delivery, self.redactor) for delivery in deliveries]
        parts = [part for delivery in clean for part in _parts(delivery)]
        short = sum(len(part.alerts) for part in parts) <= PART
        first: list[Delivery] = []
        for together in [parts] if short else [[part] for part in parts]:
            with self.store.begin() as work:
                kept = [work.inbox.keep(part) for part in together]
            first += [one for one in kept if not one.part]
        self.mark(Point.DELIVERY_KEPT)
        self.heard()
        return tuple(
            delivery.model_copy(update={"id": one.id, "seen": one.seen})
            for delivery, one in zip(clean, first, strict=True)
        )


def without_secrets(delivery: Delivery, redactor: Redactor) -> Delivery:
    """Return the delivery redacted; the digest stays that of the bytes that came."""
    value = cache(redactor.value)  # the alerts of one body say much the same

    def table(of: Mapping[str, str]) -> dict[str, str]:
        return {redactor.clean(name).text: value(name, text) for name, text in of.items()}

    def link(of: str | None) -> str | None:
        return of and value("", of)

    group = delivery.group
    alerts = tuple(
        alert.model_copy(
            update={
                "labels": table(alert.labels),
                "annotations": table(alert.annotations),
                "generator_url": link(alert.generator_url),
                "runbook": link(alert.runbook),
            }
        )
        for alert in delivery.alerts
    )
    told = {
        "group_labels": table(group.group_labels),
        "alertmanager_url": link(group.alertmanager_url),
    }
    return delivery.model_copy(
        update={
            "alerts": alerts,
            "group": group.model_copy(update=told),
            "body": value("", delivery.body),
            "rejected": value("", delivery.rejected),
        }
    )


def _parts(delivery: Delivery) -> Iterator[Delivery]:
    yield delivery.model_copy(update={"alerts": delivery.alerts[:PART]})
    for number, start in enumerate(range(PART, len(delivery.alerts), PART), start=1):
        some = {"alerts": delivery.alerts[start : start + PART], "part": number, "body": ""}
        yield delivery.model_copy(update=some)
