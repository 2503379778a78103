"""The shop as a platform: four kinds of action, each guarded by the target's uid and generation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.actions.platform import Landing, Sight
from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.actions.set_config import SET_CONFIG
from aiops_agent.domain.errors import PlatformError, RequestRefused, TargetMissing
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    BlastRadius,
    Prepared,
    Request,
    Risk,
)
from aiops_agent.domain.telemetry import ServiceKind, ServiceName
from aiops_agent.domain.value import Document
from aiops_agent.simulator.journal import Operation
from aiops_agent.simulator.node import Node
from aiops_agent.simulator.replay import Shop
from aiops_agent.simulator.shop import callers

MOST_REPLICAS = 20


@dataclass(frozen=True)
class Draft:
    """What one kind of action makes of a target: words, the way back, and whom it touches."""

    run: str
    undo: str
    inverse: Action | None
    touched: int  # replicas
    interrupts: bool
    words: str
    idle: bool = False  # the target is as wished already


@dataclass(frozen=True)
class ShopPlatform:
    """Changes the shop by writing operations into its journal."""

    shop: Shop

    @property
    def kinds(self) -> Sequence[ActionKind]:
        """All four kinds."""
        return tuple(_DRAFTS)

    async def prepare(self, action: Action, operation: str) -> Prepared:
        """Read the target and freeze what the action rests on; raises TargetMissing."""
        self.shop.catch_up()
        node = self._node(action.target)
        draft = _DRAFTS[action.kind](node, action)
        precondition = {**_identity(node), "replicas": node.wanted, "release": node.release.name}
        payload = {**_identity(node), **action.document()}
        request = Request(
            operation=f"{operation}.1", words=draft.run, payload=payload, repeatable=True
        )
        return Prepared(
            action=action,
            requests=() if draft.idle else (request,),
            precondition=precondition,
            inverse=None if draft.idle else draft.inverse,
            blast=BlastRadius(
                services=(action.target, *self._dependents(node)),
                replicas=draft.touched,
                interrupts=draft.interrupts,
                words=draft.words,
            ),
            risk=_risk(node, action, draft),
            run=draft.run,
            undo=draft.undo,
        )

    async def unchanged(self, prepared: Prepared) -> bool:
        """Whether the target has the uid and generation that were read."""
        self.shop.catch_up()
        return _same(self._node(prepared.action.target), prepared.precondition)

    async def send(self, request: Request) -> str:
        """Apply the request if uid and generation are as expected, else refuse it."""
        line = self.shop.write(lambda: self._decided(request))
        generation = line.generation[1] if isinstance(line, Operation) else 0
        return f"accepted, generation {generation}"

    async def look(
        self,
        request: Request,
        armed_at: datetime,  # noqa: ARG002 -- the port's: others cannot tell without it
    ) -> Sight:
        """Find the operation in the journal, else tell whether the target is as it was."""
        self.shop.catch_up()
        done = [line for line in self.shop.journal.lines if isinstance(line, Operation)]
        if any(line.id == request.operation for line in done):
            return Sight(landing=Landing.LANDED, note=f"{request.words}: found in the journal")
        node = self._node(str(request.payload["target"]))
        if _same(node, request.payload):
            return Sight(landing=Landing.NOT_LANDED, note="the target is as it was")
        note = f"the target is at generation {node.generation}, and not by this request"
        return Sight(landing=Landing.DIVERGED, note=note)

    def _decided(self, request: Request) -> Operation:
        """Under the journal's lock: the operation that the request becomes, or a refusal."""
        action = Action.of({name: request.payload[name] for name in ("kind", "target", "wished")})
        node = self._node(action.target)
        if not _same(node, request.payload):
            wanted = request.payload["generation"]
            raise RequestRefused(
                f"{action.target} is at generation {node.generation}, not {wanted}: look again."
            )
        return Operation(
            id=request.operation,
            kind=action.kind,
            target=action.target,
            wished=dict(action.wished),
            at=self.shop.seconds,
            uid=node.uid,
            generation=(node.generation, node.generation + 1),
        )

    def _node(self, target: str) -> Node:
        node = self.shop.node(target)
        if node.spec.external:
            raise TargetMissing(f"{target} is run by somebody else; nobody here can change it.")
        return node

    def _dependents(self, node: Node) -> list[ServiceName]:
        found: list[str] = []
        edge = list(callers(node.spec.name))
        while edge:
            name = edge.pop(0)
            if name not in found:
                found.append(name)
                edge.extend(callers(name))
        return [self.shop.shown(name) for name in found]


def _restart(node: Node, action: Action) -> Draft:
    return Draft(
        run=f"shop restart {action.target}",
        undo="none: a restart cannot be taken back",
        inverse=None,
        touched=node.wanted,
        interrupts=True,
        words=f"{_copies(node.wanted)} restarted a few at a time; requests in flight are lost",
    )


def _scale(node: Node, action: Action) -> Draft:
    wished = _replicas(action)
    now, more = node.wanted, wished - node.wanted
    added = f"{_copies(more)} added beside {now}; running ones are not touched"
    removed = f"{_copies(-more)} of {now} taken away; their requests in flight are lost"
    return Draft(
        run=f"shop scale {action.target} --replicas {wished}",
        undo=f"shop scale {action.target} --replicas {now}",
        inverse=Action(kind=action.kind, target=action.target, wished={"replicas": now}),
        touched=abs(more),
        interrupts=more < 0,
        words="nothing: it has as many already" if not more else added if more > 0 else removed,
        idle=more == 0,
    )


def _rollback(node: Node, action: Action) -> Draft:
    wished, now = str(action.wished.get("release", "")), node.release.name
    if wished not in node.known:
        known = ", ".join(node.known)
        raise PlatformError(f"{action.target} never had release {wished!r}; known: {known}.")
    return Draft(
        run=f"shop rollback {action.target} --to {wished}",
        undo=f"shop rollback {action.target} --to {now}",
        inverse=Action(kind=action.kind, target=action.target, wished={"release": now}),
        touched=node.wanted,
        interrupts=True,
        words=f"{_copies(node.wanted)} replaced by release {wished}, a few at a time",
        idle=wished == now,
    )


def _configure(node: Node, action: Action) -> Draft:
    name, value = str(action.wished.get("name", "")), str(action.wished.get("value", ""))
    now = node.settings.get(name)
    if now is None:
        known = ", ".join(node.settings) or "none"
        raise PlatformError(f"{action.target} has no setting {name!r}; known: {known}.")
    back: dict[str, str | int] = {"name": name, "value": now}
    return Draft(
        run=f"shop set {action.target} {name}={value}",
        undo=f"shop set {action.target} {name}={now}",
        inverse=Action(kind=action.kind, target=action.target, wished=back),
        touched=node.wanted,
        interrupts=True,
        words=f"{_copies(node.wanted)} restarted with {name}={value}, a few at a time",
        idle=value == now,
    )


_DRAFTS: Mapping[ActionKind, Callable[[Node, Action], Draft]] = {
    RESTART.kind: _restart,
    SCALE.kind: _scale,
    ROLLBACK.kind: _rollback,
    SET_CONFIG.kind: _configure,
}


def _replicas(action: Action) -> int:
    wished = action.wished.get("replicas")
    if not isinstance(wished, int) or not 1 <= wished <= MOST_REPLICAS:
        raise PlatformError(f"{wished!r} replicas are not possible; 1 to {MOST_REPLICAS} are.")
    return wished


def _copies(count: int) -> str:
    return f"{count} replica" if count == 1 else f"{count} replicas"


def _risk(node: Node, action: Action, draft: Draft) -> Risk:
    if node.spec.kind is not ServiceKind.APPLICATION:
        return Risk.HIGH
    growing = action.kind == SCALE.kind and not draft.interrupts
    return Risk.LOW if growing else Risk.MEDIUM


def _identity(node: Node) -> Document:
    return {"uid": node.uid, "generation": node.generation}


def _same(node: Node, expected: Document) -> bool:
    return (node.uid, node.generation) == (expected["uid"], expected["generation"])
