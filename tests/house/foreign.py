"""A fake vendor for every seat of the registry, on top of a shop; it writes down what was used."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from aiops_agent.actions.scale import SCALE
from aiops_agent.domain.alert import Alert, Delivery
from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.notice import Notice, Receipt
from aiops_agent.domain.remediation import Action, ActionKind, Draft, Request
from aiops_agent.domain.value import Value
from aiops_agent.ports.plug import Channel, Connection, Port, Surroundings, Vendor
from aiops_agent.ports.spellings import LocalPath
from aiops_agent.registry import REGISTRY, Registry
from aiops_agent.safety.assess import Case
from aiops_agent.simulator.plug import open_shop

USED: set[str] = set()  # seats of the registry that somebody has used
TOLD = asyncio.Event()  # somebody was told


class _Seen:
    """A port that writes down that it was used."""

    def __init__(self, port: Any, seat: str) -> None:
        self._port, self._seat = port, seat

    def __getattr__(self, name: str) -> Any:
        USED.add(self._seat)
        return getattr(self._port, name)


class FakeSettings(Value):
    """A section of a fake vendor."""

    folder: LocalPath


def _connect(section: FakeSettings, _: Surroundings) -> Connection:
    shop = open_shop(section.folder)

    async def check() -> Checkup:
        return Checkup(group="fake", name="fake", health=Health.OK, words="here")

    ports: Any = {
        port.value: _Seen(getattr(shop.environment, port), f"sources: {port}") for port in Port
    }
    return Connection(check=check, clock=shop.environment.clock, handle=shop.platform, **ports)


NUDGE = replace(SCALE, kind=ActionKind("nudge"), noun="nudging", platforms=frozenset({"fake"}))


def _as(kind: ActionKind, action: Action | None) -> Action | None:
    return action and action.model_copy(update={"kind": kind})


class FakePlatform:
    """Offers one kind of action, which is the shop's scaling under another name."""

    kinds = (NUDGE.kind,)

    def __init__(self, shop: Any) -> None:
        self._shop = shop

    async def prepare(self, action: Action, operation: str) -> Draft:
        USED.update({"platforms", "actions"})
        draft: Draft = await self._shop.prepare(_as(SCALE.kind, action), operation)
        inverse = _as(NUDGE.kind, draft.inverse)
        return draft.model_copy(update={"action": action, "inverse": inverse})

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        scaled = {"action": _as(SCALE.kind, prepared.action)}
        return bool(await self._shop.unchanged(prepared.model_copy(update=scaled), applied))

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        scaled = step.model_copy(update={"inverse": _as(SCALE.kind, step.inverse)})
        requests: tuple[Request, ...] = await self._shop.take_back(scaled, applied, operation)
        return requests

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)


def decode(body: bytes, *, received_at: datetime) -> Delivery:
    """Read alerts as the shop writes them."""
    USED.add("decoders")
    return Delivery(
        source="fake",
        digest=sha256(body).hexdigest(),
        body=body.decode(),
        alerts=tuple(Alert.of(one) for one in json.loads(body)),
        received_at=received_at,
    )


class FakeNotifier:
    """Tells nobody."""

    name = "fake"

    async def tell(self, notice: Notice) -> Receipt:
        USED.add("notifiers")
        TOLD.set()
        return Receipt(channel="fake", id=notice.key, at=datetime.now(UTC))


async def _check(_: FakeSettings) -> Checkup:
    return Checkup(group="notify", name="fake", health=Health.OK, words="here")


def fake_rule(_: Case) -> Opinion:
    """Ask for everything."""
    USED.add("rules")
    return Opinion(rule="fake_rule", ruling=Ruling.ASK, reason="asked by a fake")


PLUGGED: Registry = replace(
    REGISTRY,
    sources=(
        *REGISTRY.sources,
        Vendor("fake", FakeSettings, frozenset(Port), _connect, group="fake"),
    ),
    decoders={**REGISTRY.decoders, "fake": decode},
    notifiers=(
        *REGISTRY.notifiers,
        Channel("fake", FakeSettings, lambda _: FakeNotifier(), _check),
    ),
    rules=(*REGISTRY.rules, fake_rule),
    actions=(*REGISTRY.actions, NUDGE),
    platforms={
        **REGISTRY.platforms,
        "fake": lambda connection, *_given: FakePlatform(connection.handle),
    },
)
SEATS = {"decoders", "notifiers", "actions", "platforms", "rules", *(f"sources: {p}" for p in Port)}


def refuses(_: FakeSettings) -> FakeNotifier:
    """Be a channel that cannot be opened."""
    raise RuntimeError("no such room")


BROKEN_CHANNEL: Registry = replace(
    PLUGGED, notifiers=(*PLUGGED.notifiers, Channel("broken", FakeSettings, refuses, _check))
)
