"""The shop as a platform: every action is guarded by the target's uid and generation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.actions.platform import Accepted, Begin, Landing, Sight, at_once
from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.actions.set_config import SET_CONFIG
from aiops_agent.domain.errors import NotOurs, PlatformError, RequestRefused, TargetMissing
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, ActionKind, BlastRadius, Draft, Request
from aiops_agent.domain.value import Document
from aiops_agent.simulator.journal import Operation
from aiops_agent.simulator.node import Node
from aiops_agent.simulator.replay import Shop
from aiops_agent.simulator.shop import dependents

MOST_REPLICAS = 20  # what the shop's machines carry


@dataclass(frozen=True)
class Move:
    """What one kind of action does to a target: words, the way back, and whom it touches."""

    command: str  # "scale {target} --replicas {replicas}", filled in from what is wished
    touched: int  # replicas
    words: str
    back: dict[str, str | int] | None = None  # what the way back wishes; None: there is none
    interrupts: bool = True
    idle: bool = False  # the target is as wished already


@dataclass(frozen=True)
class ShopPlatform:
    """Changes the shop by writing operations into its journal."""

    shop: Shop

    @property
    def kinds(self) -> Sequence[ActionKind]:
        """What it offers."""
        return tuple(MOVES)

    async def prepare(self, action: Action, operation: str) -> Draft:
        """Read the target and freeze what the action rests on; raises TargetMissing."""
        self.shop.catch_up()
        node = self._node(action.target.name)
        move = MOVES[action.kind](node, action)
        run, inverse = _command(move, action), None
        if move.back is not None and not move.idle:
            inverse = action.model_copy(update={"wished": move.back})
        precondition = {**_identity(node), "replicas": node.wanted, "release": node.release.name}
        payload = {**_identity(node), **action.document()}
        affected = [self.shop.shown(name) for name in dependents(node.spec.name)]
        request = Request(operation=f"{operation}.1", words=run, payload=payload, repeatable=True)
        return Draft(
            action=action,
            requests=() if move.idle else (request,),
            precondition=precondition,
            inverse=inverse,
            blast=BlastRadius(
                services=(action.target.service, *affected),
                replicas=move.touched,
                interrupts=move.interrupts,
                words=move.words,
            ),
            run=run,
            undo=_command(move, inverse) if inverse else "",
        )

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        """Whether the target has the uid and generation that were read, or that `applied` left."""
        self.shop.catch_up()
        target = prepared.action.target
        ours = [one.made for one in applied if _target(one.request) == target.document()]
        node, was = self._node(target.name), prepared.precondition
        return _same(node, {**was, "generation": int(ours[-1]) if ours else was["generation"]})

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        """Apply the request if uid and generation are as expected, else refuse it."""
        await begin()
        line = self.shop.write(lambda: self._decided(request))
        generation = line.generation[1] if isinstance(line, Operation) else 0
        return Accepted(words=f"accepted, generation {generation}", made=str(generation))

    async def look(
        self,
        request: Request,
        armed_at: datetime,  # noqa: ARG002 -- the port's: others cannot tell without it
    ) -> Sight:
        """Find the operation in the journal, else tell whether the target is as it was."""
        self.shop.catch_up()
        lines = self.shop.journal.lines
        done = {line.id: line.generation[1] for line in lines if isinstance(line, Operation)}
        if made := done.get(request.operation):
            note = f"{request.words}: found in the journal"
            return Sight(landing=Landing.LANDED, note=note, made=str(made))
        node = self._node(request.payload["target"]["name"])
        if _same(node, request.payload):
            return Sight(landing=Landing.NOT_LANDED, note="the target is as it was")
        note = f"the target is at generation {node.generation}, and not by this request"
        return Sight(landing=Landing.DIVERGED, note=note)

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        """Return the inverse, if the target is at the generation to which we brought it."""
        assert step.inverse is not None
        self.shop.catch_up()
        node, left = self._node(step.action.target.name), applied[-1].made
        if str(node.generation) != left:
            told = f"{step.action.target.name} is at generation {node.generation}, we left {left}"
            raise NotOurs(f"{told}: others changed it since, so a person must take it back.")
        return (await self.prepare(step.inverse, operation)).requests

    def _decided(self, request: Request) -> Operation:
        """Under the journal's lock: the operation that the request becomes, or a refusal."""
        action = Action.of({name: request.payload[name] for name in ("kind", "target", "wished")})
        node = self._node(action.target.name)
        if not _same(node, request.payload):
            now, wanted = node.generation, request.payload["generation"]
            told = f"{action.target.name} is at generation {now}, not {wanted}: look again."
            raise RequestRefused(told)
        return Operation(
            id=request.operation,
            kind=action.kind,
            target=action.target.name,
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


def _restart(node: Node, _: Action) -> Move:
    return Move(
        command="restart {target}",
        words=f"{_copies(node.wanted)} restarted a few at a time; requests in flight are lost",
        touched=node.wanted,
    )


def _scale(node: Node, action: Action) -> Move:
    wished = action.wished.get("replicas")
    if not isinstance(wished, int) or not 1 <= wished <= MOST_REPLICAS:
        raise PlatformError(f"{wished!r} replicas are not possible; 1 to {MOST_REPLICAS} are.")
    now, more = node.wanted, wished - node.wanted
    added = f"{_copies(more)} added beside {now}; running ones are not touched"
    removed = f"{_copies(-more)} of {now} taken away; their requests in flight are lost"
    return Move(
        command="scale {target} --replicas {replicas}",
        back={"replicas": now},
        touched=abs(more),
        interrupts=more < 0,
        words="nothing: it has as many already" if not more else added if more > 0 else removed,
        idle=more == 0,
    )


def _rollback(node: Node, action: Action) -> Move:
    wished, now = str(action.wished.get("release", "")), node.release.name
    if wished not in node.known:
        known = ", ".join(node.known)
        raise PlatformError(f"{action.target.name} never had release {wished!r}; known: {known}.")
    return Move(
        command="rollback {target} --to {release}",
        back={"release": now},
        touched=node.wanted,
        words=f"{_copies(node.wanted)} replaced by release {wished}, a few at a time",
        idle=wished == now,
    )


def _configure(node: Node, action: Action) -> Move:
    name, value = str(action.wished.get("name", "")), str(action.wished.get("value", ""))
    now = node.settings.get(name)
    if now is None:
        known = ", ".join(node.settings) or "none"
        raise PlatformError(f"{action.target.name} has no setting {name!r}; known: {known}.")
    return Move(
        command="set {target} {name}={value}",
        back={"name": name, "value": now},
        touched=node.wanted,
        words=f"{_copies(node.wanted)} restarted with {name}={value}, a few at a time",
        idle=value == now,
    )


MOVES: dict[ActionKind, Callable[[Node, Action], Move]] = {
    RESTART.kind: _restart,
    SCALE.kind: _scale,
    ROLLBACK.kind: _rollback,
    SET_CONFIG.kind: _configure,
}


def _command(move: Move, action: Action) -> str:
    return f"shop {move.command.format(target=action.target.name, **action.wished)}"


def _copies(count: int) -> str:
    return f"{count} replica" if count == 1 else f"{count} replicas"


def _target(request: Request) -> Document:
    target: Document = request.payload["target"]
    return target


def _identity(node: Node) -> Document:
    return {"uid": node.uid, "generation": node.generation}


def _same(node: Node, expected: Document) -> bool:
    return (node.uid, node.generation) == (expected["uid"], expected["generation"])
