"""Hands on single pods: those that are ill are evicted, and their controller makes new ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.actions.delete_pod import DELETE_POD
from aiops_agent.actions.platform import Accepted, Begin, Landing, Sight, at_once
from aiops_agent.adapters.kubernetes import fields
from aiops_agent.adapters.kubernetes.evict import PodEviction, evict, eviction_of, try_out
from aiops_agent.adapters.kubernetes.kinds import DEPLOYMENTS, PODS, checked
from aiops_agent.adapters.kubernetes.live import LiveWorkload
from aiops_agent.adapters.kubernetes.payload import marked, patches_of, requests
from aiops_agent.adapters.kubernetes.reach import Reach
from aiops_agent.adapters.kubernetes.targets import (
    free,
    replica_sets,
    selected,
    settled,
    still,
    workload_of,
)
from aiops_agent.adapters.kubernetes.way import pods as counted
from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.domain.errors import NotOurs, PlatformError, SourceError
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, ActionKind, BlastRadius, Draft, Request
from aiops_agent.domain.text import safe, shell
from aiops_agent.domain.value import Document


@dataclass(frozen=True)
class PodHands:
    """Ends pods by name. First the workload is given our mark, if it is as it was planned on."""

    of: Reach

    @property
    def writes(self) -> Writes:
        """Its accounts."""
        return self.of.writes

    @property
    def changes(self) -> Collection[str]:
        """The kinds of objects that its requests are for."""
        return (PODS.title,)

    @property
    def kinds(self) -> Sequence[ActionKind]:
        """What it offers."""
        return (DELETE_POD.kind,)

    async def prepare(self, action: Action, operation: str) -> Draft:
        """Read workload and pods, freeze their evictions, have the server try each out."""
        try:
            live = settled(await workload_of(action.target, self.writes, self.of.namespaces))
            own = await self._own(live)
            chosen = [_named(live, own, name) for name in str(action.wished["pods"]).split(",")]
            left = [one for one in own if one not in chosen]
            if not any(map(_ready, left)):
                raise PlatformError(
                    f"no other pod of {live.words} is ready: ending these would end the service; "
                    "restart the whole of it."
                )
            mark = marked(live, f"{operation}.1")
            await self.writes.try_out(mark, mark.body)
            evictions = [
                eviction_of(one, f"{operation}.{number}") for number, one in enumerate(chosen, 2)
            ]
            for one in evictions:
                await try_out(self.writes, one)
            return Draft(
                action=action,
                requests=(*requests([mark]), *map(_request, evictions)),
                precondition={
                    **live.identity,
                    "pods": {fields.text(one, "metadata", "uid"): _state(one) for one in chosen},
                },
                inverse=None,
                blast=await self._blast(action, live, chosen, len(left)),
                run=shell("kubectl", "-n", live.namespace, "delete", "pod", *map(_name, chosen)),
            )
        except SourceError as error:
            raise PlatformError(str(error)) from error

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        """Whether the workload is as it was planned on, and each pod still there and as ill."""
        was, sent = prepared.precondition, {one.operation for one in applied}
        try:
            live = await still(prepared, self.writes)
            if live is None:
                return False
            marks = [one for one in patches_of(applied) if one.uid == live.uid]
            # Annotations count as a change of a Deployment, and of no other kind.
            bumped = len(marks) if live.kind is DEPLOYMENTS else 0
            if live.generation != was["generation"] + bumped:
                return False
            if marks and live.mark != marks[-1].operation:
                return False
            free(live)
            for request in prepared.requests[1:]:
                eviction = PodEviction.of(request.payload)
                if request.operation in sent:
                    continue
                pod = await self._pod(eviction)
                if pod is None or _state(pod) != was["pods"][eviction.uid]:
                    return False
        except SourceError as error:
            raise PlatformError(str(error)) from error
        return True

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        """Evict one pod, once, if the server would let it go."""
        eviction = PodEviction.of(request.payload)
        await try_out(self.writes, eviction)
        await begin()
        return Accepted(words=await evict(self.writes, eviction), made=eviction.uid)

    async def look(self, request: Request, armed_at: datetime) -> Sight:  # noqa: ARG002 -- its uid says it, no time
        """Tell whether the pod is gone, or ending: there is one of its uid, and it ends once."""
        eviction = PodEviction.of(request.payload)
        try:
            pod = await self._pod(eviction)
        except SourceError as error:
            raise PlatformError(str(error)) from error
        if pod is not None:
            return Sight(landing=Landing.NOT_LANDED, note=f"{eviction.target} is still there")
        note = f"{eviction.target} ({eviction.uid}) has ended"
        return Sight(landing=Landing.LANDED, note=note, made=eviction.uid)

    async def take_back(
        self,
        step: Draft,
        applied: Sequence[Intent],  # noqa: ARG002 -- the port's
        operation: str,  # noqa: ARG002 -- the port's
    ) -> tuple[Request, ...]:
        """Raise NotOurs: a pod that has ended does not come back."""
        raise NotOurs(f"{step.action.text} cannot be taken back.")

    async def _own(self, live: LiveWorkload) -> list[Document]:
        """Return the pods that the workload's controller would make anew, and does not end."""
        makers = {live.uid}
        if live.kind is DEPLOYMENTS:
            makers = {
                fields.text(one, "metadata", "uid")
                for one in await replica_sets(live, self.writes)
                if _controller(one) == live.uid and fields.count(one, "spec", "replicas")
            }
        pods = await self.writes.reader.listed(PODS, live.namespace, selected(live))
        return [one for one in pods if _controller(one) in makers and not _ending(one)]

    async def _pod(self, eviction: PodEviction) -> Document | None:
        """Return the pod if it is the very one and not ending. Raises SourceError."""
        found = await self.writes.reader.find(PODS.path(eviction.namespace, eviction.name))
        same = isinstance(found, dict) and fields.text(found, "metadata", "uid") == eviction.uid
        return found if isinstance(found, dict) and same and not _ending(found) else None

    async def _blast(
        self, action: Action, live: LiveWorkload, chosen: Sequence[Document], left: int
    ) -> BlastRadius:
        told = ", ".join(f"{_name(one)} ({_ill(one)})" for one in chosen)
        return BlastRadius(
            services=await self.of.touched(action.target.service),
            replicas=len(chosen),
            interrupts=True,
            words=f"{counted(len(chosen))} of {live.words} ended and made anew: {told}; "
            f"{counted(left)} not touched; requests in flight and what they keep in themselves "
            "are lost",
        )


def _named(live: LiveWorkload, own: Sequence[Document], name: str) -> Document:
    found = next((one for one in own if _name(one) == checked(name)), None)
    if found is None:
        raise PlatformError(
            f"{live.words} has no pod {name} that its controller would make anew: it is gone, "
            "ending, or another's; look again."
        )
    return found


def _request(eviction: PodEviction) -> Request:
    return Request(
        operation=eviction.operation,
        words=f"POST {eviction.path}",
        payload=eviction.document(),
        repeatable=True,
    )


def _name(pod: Document) -> str:
    return fields.text(pod, "metadata", "name")


def _controller(one: Document) -> str:
    """Return the uid of what made it and makes it anew."""
    owners = fields.many(one, "metadata", "ownerReferences")
    return next((fields.text(owner, "uid") for owner in owners if owner.get("controller")), "")


def _ending(pod: Document) -> bool:
    return fields.field(pod, "metadata", "deletionTimestamp") is not None


def _ready(pod: Document) -> bool:
    return fields.condition(pod, "Ready").get("status") == "True"


def _state(pod: Document) -> Document:
    """Return what must be the same when it is ended: who got well by itself is left alone.

    One that was ready, and ill otherwise, got well when it was started anew.
    """
    statuses = fields.many(pod, "status", "containerStatuses")
    restarts = sum(fields.count(one, "restartCount") for one in statuses)
    return {"ready": True, "restarts": restarts} if _ready(pod) else {"ready": False}


def _ill(pod: Document) -> str:
    """Say in a few words how a pod is."""
    statuses = fields.many(pod, "status", "containerStatuses")
    waits = (fields.text(one, "state", "waiting", "reason") for one in statuses)
    why = next(filter(None, waits), "ready" if _ready(pod) else "not ready")
    return safe(why, limit=60)
