"""Every verb of every resource that an API server knows, as requests that change nothing."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.domain.errors import AiopsError
from bench.accounts import rules
from bench.apply import Raw

T = TypeVar("T")
Right = tuple[str, str, str]  # group, resource, verb
FORBIDDEN = 403
_AT_ONCE = 16  # requests
_AGAIN = 5  # times that one is asked whose answer was late
_METHODS = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
_OF_ALL = frozenset(("list", "watch", "create", "deletecollection"))  # asked of a collection
# What everybody may ask about itself.
_OF_ITSELF = frozenset(("authorization.k8s.io", "authentication.k8s.io"))


@dataclass(frozen=True)
class Call:
    """One verb on one resource, of an object that may not be there."""

    right: Right
    path: str

    @property
    def words(self) -> str:
        """What it is, in words."""
        return f"{self.right[2]} {self.path}"

    def elsewhere(self, home: str, other: str) -> "Call":
        """Return the same in another namespace."""
        return replace(self, path=self.path.replace(f"/{home}/", f"/{other}/"))

    async def asked(self, client: KubeClient) -> int:
        """Return the status with which the server answers, 0 when it does not in time."""
        verb = self.right[2]
        method = _METHODS[verb]
        body, kind = b"{}", "application/json"
        if verb == "patch":
            body, kind = b"[]", "application/json-patch+json"
        query = {"dryRun": "All"} if method != "GET" else {}
        if verb == "watch":
            query = {"watch": "1", "timeoutSeconds": "1"}
        for _ in range(_AGAIN):
            with suppress(AiopsError):
                answer = await client.send(
                    method,
                    self.path,
                    body=b"" if method == "GET" else body,
                    content_type=kind,
                    query=query,
                )
                return answer.status
        return 0


async def every_call(admin: KubeClient, namespace: str) -> AsyncIterator[Call]:
    """Yield them, those of a namespace for this one. Raises SourceError."""
    groups: Any = await admin.get("/apis")
    versions = [one["preferredVersion"]["groupVersion"] for one in groups["groups"]]
    for version in ("v1", *versions):
        group, _, _ = version.rpartition("/")
        if group in _OF_ITSELF:
            continue
        root = f"/{'apis' if group else 'api'}/{version}"
        known: Any = await admin.get(root)
        for one in known["resources"]:
            for call in _of_resource(root, group, one, namespace):
                yield call


def _of_resource(root: str, group: str, one: Raw, namespace: str) -> Iterator[Call]:
    name, _, part = str(one["name"]).partition("/")
    where = f"{root}/namespaces/{namespace}/{name}" if one["namespaced"] else f"{root}/{name}"
    for verb in one["verbs"]:
        of_all = verb in _OF_ALL and not part
        path = where if of_all else f"{where}/x" + (f"/{part}" if part else "")
        yield Call((group, one["name"], verb), path)


def rights(file: str) -> set[Right]:
    """Return what the rules of a file of the chart allow, whatever an object is called."""
    return {
        (group, resource, verb)
        for rule in rules(file)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


async def several(asked: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Await some at once."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(waiting: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await waiting

    return list(await asyncio.gather(*map(one, asked)))
