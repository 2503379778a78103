"""Opens environments: the shops that `aiops demo` founded, and those that are configured."""

# limit: the one place where vendors are joined to an environment, of now and of the past

import re
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from aiops_agent.actions.platform import Platform
from aiops_agent.adapters.cleaned import cleaned, told_cleanly
from aiops_agent.adapters.clock import WallClock
from aiops_agent.adapters.joined import JoinedMetrics
from aiops_agent.adapters.off import Absent, NoPlatform, NoTopology, SendsNothing
from aiops_agent.bootstrap.releases import StoredReleases
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SourceError, UsageError
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.sending import Limits
from aiops_agent.domain.survey import ServiceSurvey
from aiops_agent.domain.value import Value
from aiops_agent.ports.past import AlertHistory, Meter
from aiops_agent.ports.patches import PatchFiles
from aiops_agent.ports.plug import AnyVendor, Connection, Keep, Port, Surroundings
from aiops_agent.ports.store import Reader
from aiops_agent.ports.telemetry import Clock, Environment, SenderAlerts, Topology
from aiops_agent.registry import Registry
from aiops_agent.settings.sections import BaseSettings, ResolvedEnvironment
from aiops_agent.simulator.plug import OpenShop, open_shop

MOST_SHOPS_OPEN = 16  # a megabyte each; which were used longest ago is closed


@dataclass(frozen=True)
class EnvironmentHandle:
    """An environment and the power to change it, kept apart for those who may only read."""

    environment: Environment
    platform: Platform
    bounds: Mapping[ActionKind, Value]


@dataclass
class ConfiguredEnvironment:
    """One environment of the configuration; its vendors are connected when first needed."""

    registry: Registry
    configured: ResolvedEnvironment
    redactor: Redactor
    reader: Reader | None = None  # of the store that remembers which releases ran well
    sends: bool = True  # False: another process changes it, and this one has no rights to

    @cached_property
    def handle(self) -> EnvironmentHandle:
        """What can be read and done there."""
        platform = told_cleanly(self._platform, self.redactor.clean)
        if not self.sends:
            platform = SendsNothing(platform)
        return EnvironmentHandle(self.environment, platform, self.configured.actions.bounds())

    @cached_property
    def environment(self) -> Environment:
        """What can be read there; nothing that could change it is opened for it."""
        one = self.configured
        environment = Environment(
            ref=one.ref,
            topology=self._topology,
            **{port: self._port(port) for port in Port if port is not Port.TOPOLOGY},
            routes=next((c.routes for c in self._connections.values() if c.routes), None),
            troubles=next((c.troubles for c in self._connections.values() if c.troubles), None),
            clock=next((c.clock for c in self._connections.values() if c.clock), WallClock()),
            mode=one.mode,
            freezes=tuple(one.policy.freeze),
            limits=one.policy.limits,
            releases=self._releases,
        )
        return cleaned(environment, self.redactor)

    def past(self, clock: Clock, meter: Meter) -> Environment:
        """Return what could be read at the moment that the clock tells.

        What only the present is known of, such as what runs, is absent.
        """
        one = self.configured
        found = [c.past(clock, meter) for c in self._connections.values() if c.past]
        absent = Absent("Only the present is known of this, not the past.")
        ports: dict[str, Any] = {
            port: next((c.port(port) for c in found if c.port(port)), absent)
            for port in Port
            if port is not Port.TOPOLOGY
        }
        maps = [c.topology for c in found if c.topology]
        environment = Environment(
            ref=one.ref,
            topology=maps[-1] if maps else NoTopology(),
            **ports,
            clock=clock,
            mode=one.mode,
            freezes=tuple(one.policy.freeze),
            limits=one.policy.limits,
        )
        return cleaned(environment, self.redactor)

    def history(self, meter: Meter) -> AlertHistory | None:
        """Return who knows which alerts fired, or None."""
        asked = (c.history for c in self._connections.values() if c.history)
        known = next(asked, None)
        return known(meter) if known else None

    async def survey(self) -> tuple[ServiceSurvey, ...]:
        """Return what can be seen of each service; raises SourceError when nothing answers."""
        from_signals = [c.signals for c in self._connections.values() if c.signals]
        signals = [await ask() for ask in from_signals]
        graph = await self._topology.graph()
        owners = {
            instances.service: name
            for name, connection in self._connections.items()
            if connection.roster and connection.logs
            for instances in await connection.roster.instances()
        }
        return tuple(
            ServiceSurvey.joined(
                graph,
                service,
                tuple(source for found in signals for source in found.get(service.name, ())),
                owners.get(service.name, ""),
            )
            for service in graph.services
        )

    async def doctor(self) -> tuple[Checkup, ...]:
        """Look at each source of the registry, and at what is seen of each service."""
        found = [await self._checked(vendor) for vendor in self.registry.sources]
        try:
            seen = tuple(map(self._service_checkup, await self.survey()))
        except SourceError:  # told by the source's own check
            seen = ()
        return (*found, *seen)

    @property
    def patches(self) -> PatchFiles | None:
        """Who tells actions as files, or None."""
        return next((c.patches for c in self._connections.values() if c.patches), None)

    @property
    def senders(self) -> tuple[SenderAlerts, ...]:
        """Who can be asked which alerts fire."""
        return tuple(c.alerts for c in self._connections.values() if c.alerts)

    @property
    def evaluators(self) -> tuple[SenderAlerts, ...]:
        """Who evaluates the rules, and knows what fires before any silence or route."""
        return tuple(c.rule_alerts for c in self._connections.values() if c.rule_alerts)

    @property
    def kept(self) -> tuple[Keep, ...]:
        """What follows a vendor while a process serves."""
        return tuple(c.keep for c in self._connections.values() if c.keep)

    @cached_property
    def _connections(self) -> dict[str, Connection]:
        around = Surroundings(
            declared={**self.configured.services}, clock=WallClock(), sends=self.sends
        )
        connected = {}
        for vendor in self.registry.sources:
            section = self.configured.sources.section(vendor.name)
            if section is None:
                continue
            connected[vendor.name] = found = _connect(vendor, section, around)
            around = replace(
                around,
                topology=found.topology or around.topology,
                roster=found.roster or around.roster,
            )
        return connected

    def _port(self, port: Port) -> Any:
        found = (c.port(port) for c in self._connections.values() if c.port(port) is not None)
        remedy = self.registry.offering(port)
        first = next(found, None) or Absent(f"No source of {port} is configured ({remedy}).")
        others = [c.beside for c in self._connections.values() if c.beside]
        return JoinedMetrics(first, others) if port is Port.METRICS and others else first

    @cached_property
    def _topology(self) -> Topology:
        # The last one was given those before it and has built on them.
        found = [c.topology for c in self._connections.values() if c.topology]
        return found[-1] if found else NoTopology()

    @cached_property
    def _platform(self) -> Platform:
        kind = self.configured.ref.kind
        connection = self._connections.get(kind)
        if connection is None or connection.handle is None:
            return NoPlatform(f"{self.configured.section}sources.{kind}")
        bounds = self.configured.actions.bounds()
        vitals = next((c.vitals for c in self._connections.values() if c.vitals), None)
        opened = self.registry.platforms[kind]
        return opened(connection, self._topology, bounds, vitals, self._releases)

    @cached_property
    def _releases(self) -> StoredReleases | None:
        return StoredReleases(self.reader, self.configured.ref) if self.reader else None

    async def _checked(self, vendor: AnyVendor) -> Checkup:
        connection = self._connections.get(vendor.name)
        setting = f"sources.{vendor.name}"
        here = f"{self.configured.section}{setting}"
        if connection is None:
            words = f"not configured ({here})"
            found = Checkup(group=vendor.group, name=vendor.name, health=Health.OFF, words=words)
            return self._named(found)
        found = await checked(vendor.group, vendor.name, connection.check)
        # A vendor does not know where in the file its section stands.
        remedy = re.sub(rf"\b{re.escape(setting)}\b", here, found.remedy)
        return self._named(found.model_copy(update={"remedy": remedy}))

    def _service_checkup(self, one: ServiceSurvey) -> Checkup:
        if one.blind:
            health = Health.NOTE
            words = "neither latency nor errors are seen: no fix of it could be verified"
            setting = f"{self.configured.section}services.{one.service}.signals"
            remedy = f"aiops services; then {setting} in aiops.yaml"
        else:
            health, remedy = Health.OK, ""
            words = ", ".join(sorted({source.signal for source in one.signals}))
            words += f"; missing: {', '.join(one.missing)}" if one.missing else ""
        name = one.service
        found = Checkup(group="services", name=name, health=health, words=words, remedy=remedy)
        return self._named(found)

    def _named(self, found: Checkup) -> Checkup:
        """Say which environment it is of, where there are several."""
        if not self.configured.section:
            return found
        return found.model_copy(update={"name": f"{self.configured.ref.name}/{found.name}"})


@dataclass
class OpenEnvironments:
    """All environments of this store; each is opened once."""

    settings: BaseSettings
    redactor: Redactor
    reader: Reader | None = None
    sends: bool = True  # False: another process does, and this one has no rights to
    _open: dict[EnvironmentRef, EnvironmentHandle] = field(default_factory=dict)
    _turn: threading.RLock = field(default_factory=threading.RLock)  # surfaces run in threads

    @cached_property
    def configured(self) -> tuple[ConfiguredEnvironment, ...]:
        """The environments of the configuration, in its order."""
        registry = self.settings.registry
        ours = self.settings.resolved
        return tuple(
            ConfiguredEnvironment(registry, one, self.redactor, self.reader, sends=self.sends)
            for one in ours
        )

    @property
    def kept(self) -> tuple[tuple[str, Keep], ...]:
        """What follows vendors while a process serves, each with its environment's name."""
        return tuple(
            (one.configured.ref.name, keep) for one in self.configured for keep in one.kept
        )

    def environment(self, environment: EnvironmentRef) -> Environment:
        """Return what can be read of an environment; raises UsageError when there is none."""
        return self._handle(environment).environment

    def platform(self, ref: EnvironmentRef) -> Platform:
        """Return how an environment is changed; raises UsageError when there is none."""
        return self._handle(ref).platform

    def allowance(self, ref: EnvironmentRef) -> tuple[datetime, Limits]:
        """Return an environment's present time and its limits; raises UsageError without one."""
        environment = self.environment(ref)
        return environment.clock.now(), environment.limits

    def bounds(self, ref: EnvironmentRef) -> Mapping[ActionKind, Value]:
        """Return what actions may do in an environment; raises UsageError when there is none."""
        return self._handle(ref).bounds

    def add_shop(self, shop: OpenShop) -> EnvironmentRef:
        """Keep a shop that was just founded and return its name."""
        with self._turn:
            self._hold(shop.environment.ref, self._of_shop(shop))
        return shop.environment.ref

    def _handle(self, ref: EnvironmentRef) -> EnvironmentHandle:
        with self._turn:
            handle = self._open.pop(ref, None) or self._opened(ref)
            self._hold(ref, handle)
            return handle

    def _hold(self, ref: EnvironmentRef, handle: EnvironmentHandle) -> None:
        """Keep it open, as the one used last; of shops only so many: each can be opened again."""
        self._open[ref] = handle
        shops = [one for one in self._open if one.simulated]
        for one in shops[: max(len(shops) - MOST_SHOPS_OPEN, 0)]:
            del self._open[one]

    def _opened(self, ref: EnvironmentRef) -> EnvironmentHandle:
        if ref.simulated:
            return self._of_shop(open_shop(self.settings.state_dir / "shops" / ref.name))
        for one in self.configured:
            if one.configured.ref == ref and one.configured.sources.any:
                return one.handle
        raise UsageError(f"There is no environment {str(ref)!r} in this configuration.")

    def _of_shop(self, shop: OpenShop) -> EnvironmentHandle:
        policy, mode = self.settings.policy, self.settings.mode
        freezes = (*policy.freeze, *shop.scenario.freeze)
        own = replace(shop.environment, mode=mode, freezes=freezes, limits=policy.limits)
        return EnvironmentHandle(own, shop.platform, self.settings.actions.bounds())


async def checked(
    group: str, name: str, check: Callable[..., Awaitable[Checkup]], *given: object
) -> Checkup:
    """Return what a check says; one that fails is a problem of its own and of nobody else."""
    try:
        return await check(*given)
    except Exception as error:  # noqa: BLE001 -- border: a vendor's defect must not hide the others
        words = f"the check failed: {type(error).__name__}: {error}"
        return Checkup(group=group, name=name, health=Health.PROBLEM, words=words)


def _connect(vendor: AnyVendor, section: Value, around: Surroundings) -> Connection:
    try:
        return vendor.connect(section, around)
    except Exception as error:  # noqa: BLE001 -- border: a vendor's defect degrades only itself
        flaw = f"cannot be connected: {type(error).__name__}: {error}"
        found = Checkup(group=vendor.group, name=vendor.name, health=Health.PROBLEM, words=flaw)

        async def check() -> Checkup:
            return found

        absent = Absent(f"{vendor.name} {flaw}.")
        reads: dict[str, Any] = dict.fromkeys(vendor.ports - {Port.TOPOLOGY}, absent)
        return Connection(check=check, **reads)
