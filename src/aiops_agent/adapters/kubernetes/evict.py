"""The eviction of one pod: by its uid, tried out first, never against a disruption budget.

An eviction and no DELETE: the server itself weighs the budgets in the moment in which it is done.
One for another uid than the pod's is refused, and yet takes from the budget for two minutes; one
that is only tried out takes nothing, so that is always asked first.
"""

import json
from collections.abc import Mapping

from aiops_agent.adapters.kubernetes import fields
from aiops_agent.adapters.kubernetes.client import KubeReply
from aiops_agent.adapters.kubernetes.kinds import PODS
from aiops_agent.adapters.kubernetes.live import MARK
from aiops_agent.adapters.kubernetes.write import QUERY, Writes
from aiops_agent.domain.errors import OutcomeUnknown, PlatformError, RequestRefused, SourceError
from aiops_agent.domain.text import safe
from aiops_agent.domain.value import Document, Value

_TAKEN = (200, 201)  # HTTP statuses, as are the next four
_BUSY, _GONE, _ANOTHER, _FORBIDDEN = 429, 404, 409, 403  # what each means of an eviction
_BUDGET = "DisruptionBudget"  # the cause that tells a budget's no from a busy server
_LONGEST = 200  # characters of what the server says of a budget


class PodEviction(Value):
    """An eviction as it is frozen. Whatever becomes of it, a pod of one uid ends once."""

    kind: str = PODS.title
    namespace: str
    name: str
    uid: str
    operation: str
    body: str

    @property
    def target(self) -> str:
        """The pod in words."""
        return f"pod {self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        """Where it is sent. Raises SourceError when its names are none."""
        return PODS.path(self.namespace, self.name, "eviction")


def eviction_of(pod: Document, operation: str) -> PodEviction:
    """Freeze the eviction of a pod as it is now.

    By uid and not by resourceVersion: that moves with each failing probe, long before anybody has
    said yes.
    """
    meta = {key: fields.text(pod, "metadata", key) for key in ("name", "namespace", "uid")}
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "annotations": {MARK: operation},  # it ends with the pod; audit and policies see it
        },
        "deleteOptions": {"preconditions": {"uid": meta["uid"]}},
    }
    return PodEviction(
        **meta, operation=operation, body=json.dumps(body, separators=(",", ":"), sort_keys=True)
    )


async def try_out(writes: Writes, eviction: PodEviction) -> None:
    """Have the server judge an eviction without doing it: rights, budgets, the right pod.

    Raises RequestRefused with the reason, PlatformError when it cannot tell.
    """
    try:
        reply = await _posted(writes, eviction, {"dryRun": "All"})
    except OutcomeUnknown as error:  # nothing can have been done by it
        raise PlatformError(str(error)) from error
    _judged(eviction, reply)


async def evict(writes: Writes, eviction: PodEviction) -> str:
    """Send an eviction, once, and return the server's short answer.

    Raises RequestRefused (nothing was done), OutcomeUnknown, PlatformError (not taken up).
    """
    reply = await _posted(writes, eviction, {})
    _judged(eviction, reply)
    return f"HTTP {reply.status}"


async def _posted(writes: Writes, eviction: PodEviction, query: Mapping[str, str]) -> KubeReply:
    try:
        path = eviction.path
    except SourceError as error:
        raise RequestRefused(str(error)) from error
    body = eviction.body.encode()
    told = {**QUERY, **query}
    return await writes.writer.send(
        "POST", path, body=body, query=told, operation=eviction.operation
    )


def _judged(eviction: PodEviction, reply: KubeReply) -> None:
    if reply.status in _TAKEN:
        return
    target = eviction.target
    if reply.status == _BUSY:
        causes = fields.many(reply.document, "details", "causes")
        said = [fields.text(one, "message") for one in causes if one.get("reason") == _BUDGET]
        if not said:
            raise PlatformError(f"Kubernetes is too busy to evict {target}.")
        words = safe(said[0] or reply.words, limit=_LONGEST)
        raise RequestRefused(f"{target} may not be evicted now: {words.rstrip('.')}")
    if reply.status == _GONE:
        raise RequestRefused(f"{target} is gone: nothing was done")
    if reply.status == _ANOTHER:
        raise RequestRefused(f"{target} is another one by now: nothing was done")
    hint = ""
    if reply.status == _FORBIDDEN:
        hint = (
            "; give the account that acts `create` of pods/eviction, or set "
            "actions.delete_pod.max_pods to 0"
        )
    raise RequestRefused(
        f"Kubernetes refused to evict {target} ({reply.status}): {reply.words}{hint}"
    )
