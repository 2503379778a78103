"""The shop behind the ports: its metrics, logs, changes, topology and its own time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path

from aiops_agent.domain.alert import Alert
from aiops_agent.domain.environment import SHOP, EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.telemetry import (
    Change,
    LogLine,
    Series,
    Service,
    ServiceGraph,
    ServiceName,
    Signal,
    Window,
)
from aiops_agent.ports.telemetry import Environment
from aiops_agent.simulator.alarms import GROUPING, Alarm, alarms, alert
from aiops_agent.simulator.history import TICK
from aiops_agent.simulator.inventory import ShopRules, ShopSpans, ShopWorkloads
from aiops_agent.simulator.journal import ClockMoved, Created, UnwrittenJournal, create
from aiops_agent.simulator.platform import ShopPlatform
from aiops_agent.simulator.replay import Shop, lived, load
from aiops_agent.simulator.scenarios import Scenario, find_scenario
from aiops_agent.simulator.shop import BY_NAME, calls

SOURCE = "shop"
MOST_LINES = 4000  # as a log server cuts its answers
PATIENCE = 3 * 3600.0  # seconds of shop time in which trouble must show
_QUERIES = {Signal.LATENCY: "latency_p95", Signal.TRAFFIC: "requests", Signal.ERRORS: "error_share"}


@dataclass(frozen=True)
class OpenShop:
    """A shop that was opened: what to read, what to change, what its alerting sent."""

    environment: Environment
    platform: ShopPlatform
    scenario: Scenario
    seed: int
    alerts: tuple[Alert, ...]


def create_shop(
    folder: Path, scenario: str, seed: int, names: dict[str, str] | None = None
) -> OpenShop:
    """Found a shop in `folder` and let it live until its alerting sends.

    `names` maps services as built to other names. Raises UsageError when the scenario is unknown
    or the folder taken.
    """
    chosen = find_scenario(scenario)
    names = names or {}
    shown = [names.get(name, name) for name in BY_NAME]
    if set(names) - set(BY_NAME) or len(set(shown)) < len(shown):
        raise UsageError("Give each service of the shop its own name; known: " + ", ".join(BY_NAME))
    create(folder, Created(seed, chosen.name, names, chosen.start.isoformat()))
    return _alerting(load(folder))


def imagined_shop(scenario: str, seed: int) -> OpenShop:
    """Return a shop whose alerting has sent, and of which nothing is written anywhere.

    Raises UsageError when the scenario is unknown.
    """
    chosen = find_scenario(scenario)
    created = Created(seed, chosen.name, {}, chosen.start.isoformat())
    return _alerting(lived(UnwrittenJournal(Path(f"{chosen.name}-{seed}"), [created])))


def open_shop(folder: Path) -> OpenShop:
    """Open the shop of `folder` as its journal has it; raises UsageError when there is none."""
    return _opened(load(folder))


def environment_ref(folder: Path) -> EnvironmentRef:
    """Return the name of the environment that lives in `folder`."""
    return EnvironmentRef(kind=SHOP, name=folder.name)


@dataclass(frozen=True)
class ShopMetrics:
    """Every signal of every service, one sample each fifteen seconds."""

    shop: Shop

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        """Return the samples taken inside the window and before now."""
        self.shop.catch_up()
        first = max(1, -int(-self.shop.since_epoch(window.start) // TICK))
        last = min(self.shop.history.ticks, -int(-self.shop.since_epoch(window.end) // TICK))
        times = tuple(self.shop.time(tick * TICK) for tick in range(first, last))
        return tuple(
            Series(
                service=service,
                signal=signal,
                times=times,
                values=tuple(track[first:last]),
                source=SOURCE,
                query=f'{_QUERIES.get(signal, signal)}{{service="{service}"}}',
            )
            for service, signal in product(services, signals)
            if times and (track := self.shop.track(service, signal)) is not None
        )


@dataclass(frozen=True)
class ShopLogs:
    """What the shop's software wrote."""

    shop: Shop

    async def lines(self, services: Sequence[ServiceName], window: Window) -> tuple[LogLine, ...]:
        """Return the lines written inside the window, oldest first."""
        shop, wanted = self.shop, set(services)
        shop.catch_up()
        start, end = shop.since_epoch(window.start), shop.since_epoch(window.end)
        found = [
            LogLine(
                at=shop.time(line.at),
                service=shop.shown(line.service),
                level=line.level,
                text=line.text,
            )
            for line in shop.scribe.lines
            if start <= line.at < end and shop.shown(line.service) in wanted
        ]
        return tuple(sorted(found, key=lambda line: line.at)[-MOST_LINES:])


@dataclass(frozen=True)
class ShopChanges:
    """The shop's books of releases, settings, restarts and replicas."""

    shop: Shop

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Return what was changed inside the window, oldest first."""
        shop = self.shop
        shop.catch_up()
        start, end = shop.since_epoch(window.start), shop.since_epoch(window.end)
        return tuple(
            Change(
                at=shop.time(record.at),
                service=shop.shown(record.service),
                kind=record.kind,
                title=record.title,
                before=record.before,
                after=record.after,
                source=SOURCE,
                settings=dict(record.settings),
            )
            for record in sorted(shop.world.records, key=lambda record: record.at)
            if start <= record.at < end
        )


@dataclass(frozen=True)
class ShopTopology:
    """Which services the shop has and who calls whom."""

    shop: Shop

    async def graph(self) -> ServiceGraph:
        """Return all services as they are now."""
        shop = self.shop
        shop.catch_up()
        services = tuple(
            Service(
                name=shop.shown(name),
                kind=node.spec.kind,
                owner=node.spec.owner,
                objective=node.spec.objective,
                release=node.release.name,
                replicas=None if node.spec.external else node.wanted,
            )
            for name, node in shop.world.nodes.items()
        )
        pairs = tuple((shop.shown(caller), shop.shown(callee)) for caller, callee in calls())
        return ServiceGraph(services=services, calls=pairs)


@dataclass(frozen=True)
class ShopClock:
    """The shop's time: it goes on only when somebody waits."""

    shop: Shop

    def now(self) -> datetime:
        """Return the shop's present time."""
        self.shop.catch_up()
        return self.shop.time(self.shop.seconds)

    async def wait_until(self, at: datetime) -> None:
        """Let the shop live until then; a time that is past changes nothing."""
        self.shop.wait_until(self.shop.since_epoch(at))


def _alerting(shop: Shop) -> OpenShop:
    shop.wait_until(_first_alert(shop) + GROUPING)
    return _opened(shop)


def environment_of(shop: Shop) -> Environment:
    """Return all that can be read of a shop."""
    return Environment(
        ref=environment_ref(shop.journal.folder),
        metrics=ShopMetrics(shop),
        logs=ShopLogs(shop),
        changes=ShopChanges(shop),
        topology=ShopTopology(shop),
        rules=ShopRules(shop),
        workloads=ShopWorkloads(shop),
        spans=ShopSpans(),
        clock=ShopClock(shop),
    )


def _opened(shop: Shop) -> OpenShop:
    return OpenShop(
        environment_of(shop), ShopPlatform(shop), shop.scenario, shop.seed, _alerts(shop)
    )


def _first_alert(shop: Shop) -> float:
    """Live ahead of the journal until a rule holds; the line that is written then says as much."""
    fault = shop.scenario.fault_of(shop.seed)
    if fault.false_alarm is not None:
        return fault.at
    at = fault.at
    shop.world.advance(at)
    while at < PATIENCE:
        at += TICK
        shop.world.advance(at)
        if found := alarms(shop.history, at):
            return found[0].at
    raise UsageError(f"Seed {shop.seed} of {shop.scenario.name} hurts nobody; take another seed.")


def _alerts(shop: Shop) -> tuple[Alert, ...]:
    sent = next((line.to for line in shop.journal.lines if isinstance(line, ClockMoved)), 0.0)
    fault = shop.scenario.fault_of(shop.seed)
    found = alarms(shop.history, sent)
    if fault.false_alarm is not None:
        found = (Alarm(fault.at, fault.service, fault.false_alarm),)
    return tuple(alert(alarm, shop.time, shop.shown, sent) for alarm in found)
