"""One patch of one object as it is frozen: its exact bytes, or what they are made from again."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence

from aiops_agent.adapters.kubernetes.json_patch import (
    Step,
    annotated,
    encoded,
    pointer,
    put,
    same,
)
from aiops_agent.adapters.kubernetes.kinds import CONFIG_MAPS, NODES, Kind
from aiops_agent.adapters.kubernetes.live import CHANGEABLE, MARK, LiveWorkload
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Request
from aiops_agent.domain.value import Document, Value

_PATCHED = {**CHANGEABLE, **{one.title: one for one in (NODES, CONFIG_MAPS)}}


class PinnedTemplate(Value):
    """The ReplicaSet of which the template is taken; the template itself may hold secrets."""

    replica_set: str
    uid: str


class ObjectPatch(Value, ABC):
    """A patch of one object, which the server takes at most once: its tests say of what.

    `sha256` is of the bytes that are sent: what has another is not sent.
    """

    kind: str
    namespace: str = ""
    name: str
    uid: str
    operation: str
    body: str = ""
    sha256: str

    @property
    def of_kind(self) -> Kind:
        """The kind of the object. Raises PlatformError for one that we do not change."""
        if self.kind not in _PATCHED:
            raise PlatformError(f"We do not change a {self.kind[:40]}.")
        return _PATCHED[self.kind]

    @property
    def path(self) -> str:
        """Its address. Raises SourceError when its names are none."""
        return self.of_kind.path(self.namespace, self.name)

    @property
    def target(self) -> str:
        """The object in words."""
        return f"{self.kind.lower()} {self.namespace}/{self.name}".replace(" /", " ")

    @property
    def made(self) -> str:
        """What it leaves, by which the way back knows it again."""
        return self.operation

    @abstractmethod
    def since(self, found: Document) -> str:
        """Say how an object is otherwise than it was planned on; "" when it is not."""


class WorkloadPatch(ObjectPatch):
    """A patch of one workload.

    `body` is what is sent; where it would hold a whole template it is "" and made again from the
    `pinned` one. `sha256` is of the bytes in both cases.
    """

    generation: int  # as it was before
    pinned: PinnedTemplate | None = None

    def since(self, found: Document) -> str:
        """Say which generation it is by now."""
        now = LiveWorkload(self.of_kind, found).generation
        return "" if now == self.generation else f"generation {self.generation}, now {now}"

    @property
    def made(self) -> str:
        """What it leaves: the object, and how often its wishes were changed by then.

        The tests hold only of one generation, so what they let through makes the next one.
        """
        return f"{self.uid}/{self.generation + 1}"


def patch_of(
    live: LiveWorkload,
    operation: str,
    change: Sequence[Step],
    pinned: PinnedTemplate | None = None,
) -> WorkloadPatch:
    """Freeze the change of a workload as it is now, with our mark."""
    body = bytes_of(live, operation, change)
    return WorkloadPatch(
        kind=live.kind.title,
        namespace=live.namespace,
        name=live.name,
        uid=live.uid,
        generation=live.generation,
        operation=operation,
        body="" if pinned else body,
        pinned=pinned,
        sha256=sha256(body),
    )


def bytes_of(live: LiveWorkload, operation: str, change: Sequence[Step]) -> str:
    """Return the patch: who it is for, what it was like, the change, our mark."""
    return encoded(
        [
            same("/metadata/uid", live.uid),
            same("/metadata/generation", live.generation),
            *change,
            *annotated(live.annotations, "/metadata/annotations", MARK, operation),
        ]
    )


def marked(live: LiveWorkload, operation: str) -> WorkloadPatch:
    """Freeze what gives a workload our mark and nothing else.

    Of a kind whose annotations are no change of what it is to be, the old mark is what tells
    whether it has landed.
    """
    present = live.annotations
    old = None if present is None else present.get(MARK)
    where = "/metadata/annotations" + pointer(MARK)
    return patch_of(live, operation, [] if present is None else [same(where, old)])


def patches_of(applied: Sequence[Intent]) -> list[WorkloadPatch]:
    """Return the patches of workloads among what was sent."""
    payloads = (one.request.payload for one in applied)
    return [WorkloadPatch.of(one) for one in payloads if one.get("kind") in CHANGEABLE]


def sha256(body: str) -> str:
    """Return the SHA-256 of a body."""
    return hashlib.sha256(body.encode()).hexdigest()


def replaced(path: str, old: object, new: object) -> list[Step]:
    """Return what gives `path` another value, if it still has the old one."""
    return [same(path, old), put(path, new)]


def template_swap(live: LiveWorkload, template: Document) -> list[Step]:
    """Return what gives the workload another template, if it still has its present one."""
    return replaced("/spec/template", live.template, template)


def stamped(live: LiveWorkload, key: str, stamp: str) -> list[Step]:
    """Return what writes an annotation of the template, if that still has what it has now."""
    where = "/spec/template/metadata/annotations"
    metadata = live.template.get("metadata") or {}  # its labels stand there, so there is one
    present = metadata.get("annotations")
    before = [] if present is None else [same(where + pointer(key), present.get(key))]
    return [*before, *annotated(present, where, key, stamp)]


def requests(patches: Sequence[ObjectPatch], part: str = "") -> tuple[Request, ...]:
    """Return patches as requests; each may be repeated, since its tests hold once."""
    return tuple(
        Request(
            operation=one.operation,
            part=part,
            words=f"PATCH {one.path}",
            payload=one.document(),
            repeatable=True,
        )
        for one in patches
    )
