"""Everything that can be plugged in, one line each: add your line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from aiops_agent.actions.catalogue import AnySpec, Catalogue
from aiops_agent.actions.cordon_node import CORDON_NODE
from aiops_agent.actions.delete_pod import DELETE_POD
from aiops_agent.actions.platform import Platform
from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.actions.set_config import SET_CONFIG
from aiops_agent.adapters import alertmanager, alertmanager_api, jaeger, webhook
from aiops_agent.adapters.docker import plug as docker
from aiops_agent.adapters.kubernetes import plug as kubernetes
from aiops_agent.adapters.prometheus import plug as prometheus
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.value import Value
from aiops_agent.ports.plug import AnyChannel, AnyVendor, Connection, Decoder, Port
from aiops_agent.ports.release import Releases
from aiops_agent.ports.telemetry import Topology, Vitals
from aiops_agent.safety.assess import Rule
from aiops_agent.safety.rules.change_freeze import change_freeze
from aiops_agent.safety.rules.disagreement_asks import disagreement_asks
from aiops_agent.safety.rules.propose_asks import propose_asks
from aiops_agent.safety.rules.risky_needs_human import risky_needs_human
from aiops_agent.safety.rules.watch_alone import watch_alone
from aiops_agent.safety.rules.wide_blast_radius import wide_blast_radius

PlatformOf: TypeAlias = Callable[
    [Connection, Topology, Mapping[ActionKind, Value], Vitals | None, Releases | None], Platform
]

DECODERS: dict[str, Decoder] = {
    "alertmanager": alertmanager.decode,
    "grafana": alertmanager.decode_grafana,
}

# Sources, section `sources.NAME`. For a port the first configured one is read; a topology is built
# on the one before it. What knows what runs stands before what measures it.
SOURCES: tuple[AnyVendor, ...] = (
    docker.SOURCE,
    kubernetes.SOURCE,
    prometheus.SOURCE,
    alertmanager_api.SOURCE,
    jaeger.SOURCE,
)

# Kinds of environment that can be acted on, each on the connection of the source of that name. The
# shop (`simulator`) is founded by `aiops demo` and not configured.
PLATFORMS: dict[str, PlatformOf] = {
    "docker": docker.platform,
    "kubernetes": kubernetes.platform,
}

NOTIFIERS: tuple[AnyChannel, ...] = (webhook.CHANNEL,)

ACTIONS: tuple[AnySpec, ...] = (
    RESTART,
    DELETE_POD,
    SCALE,
    ROLLBACK,
    SET_CONFIG,
    CORDON_NODE,
)

RULES: tuple[Rule, ...] = (
    propose_asks,
    risky_needs_human,
    wide_blast_radius,
    change_freeze,
    disagreement_asks,
    watch_alone,
)

CATALOGUE = Catalogue(ACTIONS)


@dataclass(frozen=True)
class Plugin:
    """What a foreign package brings: its entry point `aiops_agent.plugins` names one of these.

    `rules` can only make a verdict stricter. `actions` and `platforms` are there to be refused:
    what changes something comes from our package only.
    """

    sources: tuple[AnyVendor, ...] = ()
    decoders: Mapping[str, Decoder] = field(default_factory=dict)
    notifiers: tuple[AnyChannel, ...] = ()
    rules: tuple[Rule, ...] = ()
    actions: tuple[AnySpec, ...] = ()
    platforms: Mapping[str, PlatformOf] = field(default_factory=dict)


@dataclass(frozen=True)
class Registry(Plugin):
    """All seats: what stands above, and what named plugins add."""

    def offering(self, port: Port) -> str:
        """Return the sections of settings that would fill a port, for a message."""
        names = [f"sources.{one.name}" for one in self.sources if port in one.ports]
        return " or ".join(names) or "no built-in source offers it yet"


REGISTRY = Registry(SOURCES, DECODERS, NOTIFIERS, RULES, ACTIONS, PLATFORMS)
