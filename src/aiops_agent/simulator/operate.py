"""What does each kind of operation do to the world? Each raises its target's generation."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.actions.set_config import SET_CONFIG
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.telemetry import ChangeKind
from aiops_agent.simulator.node import Node
from aiops_agent.simulator.physics import ChangeRecord, World
from aiops_agent.simulator.shop import Release

Wished = Mapping[str, str | int]


def operate(world: World, kind: ActionKind, target: str, wished: Wished) -> None:
    """Apply an operation now; its effect unfolds as the world advances."""
    OPERATIONS[kind](world, world.nodes[target], wished)


def release(world: World, target: str, new: Release) -> None:
    """Roll a release out over a service, as its team would."""
    node = world.nodes[target]
    before, old = node.release.name, node.settings
    node.known[new.name] = new
    node.release = new
    _roll(world, node)
    settings = {name: (old.get(name, ""), value) for name, value in new.settings.items()}
    change = (before, new.name)
    note(world, node, ChangeKind.RELEASE, f"Release {new.name}", change, settings=settings)


def note(
    world: World,
    node: Node,
    kind: ChangeKind,
    title: str,
    change: tuple[str, str] = ("", ""),
    *,
    settings: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> None:
    """Write a change of now into the shop's books; `change` is what was there before and after."""
    record = ChangeRecord(world.now, node.spec.name, kind, title, *change, settings)
    world.records.append(record)


def _restart(world: World, node: Node, _: Wished) -> None:
    _roll(world, node)
    note(world, node, ChangeKind.RESTART, "Rolling restart")


def _scale(world: World, node: Node, wished: Wished) -> None:
    before, node.wanted = node.wanted, int(wished["replicas"])
    node.fleet.scale(node.wanted, node.build, world.now)
    node.generation += 1
    title = f"Replicas {before} -> {node.wanted}"
    note(world, node, ChangeKind.SCALE, title, (str(before), str(node.wanted)))


def _rollback(world: World, node: Node, wished: Wished) -> None:
    before, node.release = node.release.name, node.known[str(wished["release"])]
    _roll(world, node)
    title = f"Release {node.release.name}"
    note(world, node, ChangeKind.RELEASE, title, (before, node.release.name))


def _configure(world: World, node: Node, wished: Wished) -> None:
    name, value = str(wished["name"]), str(wished["value"])
    before = node.settings.get(name, "")
    node.overrides[name] = value
    _roll(world, node)
    title = f"{name} {before or 'unset'} -> {value}"
    change = (before, value)
    note(world, node, ChangeKind.CONFIG, title, change, settings={name: change})


def _roll(world: World, node: Node) -> None:
    node.configure()
    node.fleet.replace(node.build, world.now)
    node.generation += 1


OPERATIONS: dict[ActionKind, Callable[[World, Node, Wished], None]] = {
    RESTART.kind: _restart,
    SCALE.kind: _scale,
    ROLLBACK.kind: _rollback,
    SET_CONFIG.kind: _configure,
}
