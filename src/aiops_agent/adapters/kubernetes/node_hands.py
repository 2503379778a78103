"""Hands on a node: cordon it, and uncordon it again if the cordon is ours."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.actions.cordon_node import CORDON_NODE, YES
from aiops_agent.actions.platform import Accepted, Begin, Sight, at_once
from aiops_agent.adapters.kubernetes import fields
from aiops_agent.adapters.kubernetes.json_patch import encoded, pointer, put, same
from aiops_agent.adapters.kubernetes.kinds import NODES, PODS, checked
from aiops_agent.adapters.kubernetes.landed import sight_of
from aiops_agent.adapters.kubernetes.live import MARK, mapped
from aiops_agent.adapters.kubernetes.payload import ObjectPatch, requests, sha256
from aiops_agent.adapters.kubernetes.write import FIELD_MANAGER, Writes
from aiops_agent.domain.errors import NotOurs, PlatformError, SourceError, TargetMissing
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, ActionKind, BlastRadius, Draft, Request
from aiops_agent.domain.text import shell
from aiops_agent.domain.value import Document

_CORDONED = "/spec/unschedulable"
_MARK = "/metadata/annotations" + pointer(MARK)


class NodePatch(ObjectPatch):
    """A patch of one node. A node has no generation: the mark that it bore before stands for it."""

    kind: str = NODES.title
    mark: str  # before; "" where it bore none
    cordoned: bool  # before

    def since(self, found: Document) -> str:
        """Say what is otherwise than before, "" when nothing is."""
        if (_mark(found), _cordoned(found)) == (self.mark, self.cordoned):
            return ""
        return f"by now it is {'' if _cordoned(found) else 'not '}cordoned"


@dataclass(frozen=True)
class NodeHands:
    """What is done to a node."""

    writes: Writes

    @property
    def changes(self) -> Collection[str]:
        """The kinds of objects that its requests are for."""
        return (NODES.title,)

    @property
    def kinds(self) -> Sequence[ActionKind]:
        """What it offers."""
        return (CORDON_NODE.kind,)

    async def prepare(self, action: Action, operation: str) -> Draft:
        """Read the node, freeze the patch, have the server try it out."""
        try:
            node = await self._node(action.target.name)
            if node is None:
                raise TargetMissing(f"Kubernetes has no node {action.target.name}.")
            already = _cordoned(node)
            patches = []
            if not already:
                await self._room_beside(action.target.name)
                patches.append(_patch(node, f"{operation}.1", cordon=True))
                await self.writes.try_out(patches[0], patches[0].body)
            return Draft(
                action=action,
                requests=requests(patches),
                precondition={
                    "name": action.target.name,
                    "uid": fields.text(node, "metadata", "uid"),
                    "mark": _mark(node),
                    "cordoned": already,
                },
                inverse=None
                if already
                else action.model_copy(update={"wished": {"new_pods": YES}}),
                blast=await self._blast(action, already=already),
                run="nothing: it is so already" if already else _kubectl("cordon", action),
                undo="" if already else _kubectl("uncordon", action),
            )
        except SourceError as error:
            raise PlatformError(str(error)) from error

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        """Whether it is the same node, cordoned by nobody but `applied`."""
        was = prepared.precondition
        try:
            node = await self._node(was["name"])
        except SourceError as error:
            raise PlatformError(str(error)) from error
        if node is None or fields.text(node, "metadata", "uid") != was["uid"]:
            return False
        ours = [one for one in applied if one.request in prepared.requests]
        mark = ours[-1].operation if ours else was["mark"]
        return (_mark(node), _cordoned(node)) == (mark, bool(ours) or was["cordoned"])

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        """Send the stored patch as it is, once; its tests hold of nothing but what was planned."""
        patch = NodePatch.of(request.payload)
        return await self.writes.send_frozen(patch, patch.body, begin)

    async def look(self, request: Request, armed_at: datetime) -> Sight:  # noqa: ARG002 -- the mark says it, no time
        """Tell whether the request has landed: the node bears its mark."""
        patch = NodePatch.of(request.payload)
        try:
            return sight_of(patch, await self.writes.found(patch))
        except SourceError as error:
            raise PlatformError(str(error)) from error

    async def take_back(
        self,
        step: Draft,
        applied: Sequence[Intent],
        operation: str,
    ) -> tuple[Request, ...]:
        """Return what uncordons the node, if it is cordoned by us still. Raises NotOurs."""
        asked = "a person must decide."
        try:
            node = await self._node(step.precondition["name"])
        except SourceError as error:
            raise PlatformError(str(error)) from error
        name = f"node {step.precondition['name']}"
        if node is None or fields.text(node, "metadata", "uid") != step.precondition["uid"]:
            raise NotOurs(f"{name} is gone or another one by now: {asked}")
        if _mark(node) != applied[-1].made or not _cordoned(node) or not _by_us(node):
            whose = "was cordoned or uncordoned since, or the cluster does not say by whom"
            raise NotOurs(f"{name} {whose}: {asked}")
        return requests([_patch(node, f"{operation}.1", cordon=False)])

    async def _node(self, name: str) -> Document | None:
        found = await self.writes.reader.find(NODES.path(name=checked(name)))
        return found if isinstance(found, dict) else None

    async def _room_beside(self, name: str) -> None:
        """Raise PlatformError where no other node would take the pods. Raises SourceError."""
        nodes = await self.writes.reader.listed(NODES)
        others = [one for one in nodes if fields.text(one, "metadata", "name") != name]
        if not any(_ready(one) and not _cordoned(one) for one in others):
            raise PlatformError(f"no node but {name} takes new pods: it is not cordoned.")

    async def _blast(self, action: Action, *, already: bool) -> BlastRadius:
        query = {"fieldSelector": f"spec.nodeName={action.target.name}"}
        count = len(await self.writes.reader.listed(PODS, "", query))
        stay = f"the {count} on it stay" if count != 1 else "the one on it stays"
        return BlastRadius(
            services=(action.target.service,),
            replicas=0,
            interrupts=False,
            words="nothing"
            if already
            else f"no new pod lands on {action.target.text}; {stay}; whoever mends it uncordons it",
        )


def _patch(node: Document, operation: str, *, cordon: bool) -> NodePatch:
    mark, cordoned = _mark(node), _cordoned(node)
    meta = {key: fields.text(node, "metadata", key) for key in ("name", "uid")}
    known = isinstance(fields.field(node, "metadata", "annotations"), dict)
    marks = [same(_MARK, mark or None), put(_MARK, operation)]
    if not known:
        where = "/metadata/annotations"
        marks = [same(where, None), put(where, {MARK: operation})]
    body = encoded(
        [
            same("/metadata/uid", meta["uid"]),
            same(_CORDONED, True if cordoned else None),
            put(_CORDONED, cordon),
            *marks,
        ]
    )
    return NodePatch(
        **meta, operation=operation, body=body, sha256=sha256(body), mark=mark, cordoned=cordoned
    )


def _kubectl(verb: str, action: Action) -> str:
    return shell("kubectl", verb, action.target.name)


def _mark(node: Document) -> str:
    return fields.text(node, "metadata", "annotations", MARK)


def _cordoned(node: Document) -> bool:
    return fields.field(node, "spec", "unschedulable") is True


def _ready(node: Document) -> bool:
    return fields.condition(node, "Ready").get("status") == "True"


def _by_us(node: Document) -> bool:
    """Whether the cordon that is there was set by us, and by nobody again since."""
    writers = fields.many(node, "metadata", "managedFields")
    return any(
        one.get("manager") == FIELD_MANAGER
        and "f:unschedulable" in mapped(mapped(one, "fieldsV1"), "f:spec")
        for one in writers
    )
