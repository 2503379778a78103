"""A small stand-in for an API server: objects in memory behind the real HTTP interface."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import Cluster as Address
from lightkube.config.models import Context, User

from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.findings import troubles
from aiops_agent.adapters.kubernetes.kinds import KINDS
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.state import ClusterState
from aiops_agent.domain.trouble import PlatformTrouble

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Raw = dict[str, Any]


def ago(seconds: float) -> str:
    """Return the time so many seconds before now, as Kubernetes writes it."""
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class StillClock:
    """A clock that stands."""

    at: datetime = NOW

    def now(self) -> datetime:
        """Return the moment."""
        return self.at

    async def wait_until(self, at: datetime) -> None:
        """Wait for nothing."""


class News(httpx2.AsyncByteStream):
    """What comes over one watch, as a test puts it there: bytes, an error, or None as its end."""

    def __init__(self, query: dict[str, str]) -> None:
        self.query = query
        self.coming: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()

    def tell(self, kind: str, one: Raw, title: str = "Pod") -> None:
        """Bring one piece of news."""
        news = {"type": kind, "object": {"kind": title, **one}}
        self.coming.put_nowait(json.dumps(news).encode())
        self.coming.put_nowait(b"\n")  # a line may come in parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield what comes."""
        while (chunk := await self.coming.get()) is not None:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


@dataclass
class FakeCluster:
    """Objects by their plural; `forbidden` are plurals, `logs` by "pod/container[/previous]".

    `watches` are those that were begun, by plural; of `unwatched` plurals none is allowed.
    """

    objects: dict[str, list[Raw]] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    logs: dict[str, str] = field(default_factory=dict)
    rules: list[Raw] = field(default_factory=list)  # what we may do
    page: int = 1000
    broken: httpx2.Response | Exception | None = None
    asked: list[str] = field(default_factory=list)
    watches: dict[str, list[News]] = field(default_factory=dict)
    unwatched: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)  # ConfigMaps of which the content is forbidden
    version: str = "7"

    @property
    def client(self) -> KubeClient:
        address = Address(server="http://cluster.test")
        config = SingleConfig("test", Context("test"), address, User(token="loopback"))
        return KubeClient(transport=httpx2.MockTransport(self._answer), _config=[config])

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.client, StillClock())

    @property
    def state(self) -> ClusterState:
        return ClusterState(NOW, {kind: self.objects.get(kind.plural, []) for kind in KINDS})

    @property
    def troubles(self) -> tuple[PlatformTrouble, ...]:
        return troubles(self.state)

    def add(self, plural: str, name: str, namespace: str = "shop", **parts: Any) -> Raw:
        meta = {"name": name, "namespace": namespace, "uid": f"uid-{name}"}
        meta |= {"creationTimestamp": ago(3600)} | parts.pop("meta", {})
        if plural == "nodes":
            del meta["namespace"]
        made = {"metadata": meta, **parts}
        self.objects.setdefault(plural, []).append(made)
        return made

    def deployment(self, name: str, replicas: int = 1, image: str = "x:1", **parts: Any) -> Raw:
        """Add a Deployment and the ReplicaSet of its only revision."""
        template = {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": image, **parts}]},
        }
        spec = {"replicas": replicas, "template": template}
        self.replica_set(name, 1, template)
        return self.add("deployments", name, spec=spec, status={"conditions": []})

    def replica_set(self, owner: str, revision: int, template: Raw, age: float = 3600) -> Raw:
        """Add a revision of a Deployment."""
        meta = {
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [{"kind": "Deployment", "name": owner, "controller": True}],
            "creationTimestamp": ago(age),
        }
        return self.add(
            "replicasets", f"{owner}-{revision}", meta=meta, spec={"template": template}
        )

    def pod(self, owner: str, number: int = 1, revision: int = 1, **parts: Any) -> Raw:
        """Add a pod of a Deployment; `container` is its status, `state` how it runs."""
        container = {"name": "main", "ready": True, "restartCount": 0, "image": "x:1"}
        container |= {"state": {"running": {"startedAt": ago(3000)}}} | parts.pop("container", {})
        name = f"{owner}-{revision}-{number}"
        meta = {
            "labels": {"app": owner},
            "ownerReferences": [
                {"kind": "ReplicaSet", "name": f"{owner}-{revision}", "controller": True}
            ],
        } | parts.pop("meta", {})
        spec = {"nodeName": "node1", "containers": [{"name": "main", "image": "x:1"}]}
        spec["containers"][0] |= parts.pop("main", {})  # type: ignore[index] # it is a dict
        ready = "True" if container["ready"] else "False"
        status = {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [container],
            "podIPs": [{"ip": f"10.0.0.{number}"}],
        } | parts.pop("status", {})
        return self.add("pods", name, meta=meta, spec=spec | parts.pop("spec", {}), status=status)

    def event(self, of: str, name: str, reason: str, message: str, age: float = 30) -> Raw:
        """Report something of an object."""
        about = {"kind": of, "namespace": "shop", "name": name}
        number = len(self.objects.get("events", ()))
        return self.add(
            "events",
            f"e{number}",
            involvedObject=about,
            reason=reason,
            message=message,
            lastTimestamp=ago(age),
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if isinstance(self.broken, Exception):
            raise self.broken
        if self.broken is not None:
            return self.broken
        self.asked.append(str(request.url.path))
        parts = request.url.path.strip("/").split("/")
        if parts == ["version"]:
            return httpx2.Response(200, json={"gitVersion": "v1.34.0"})
        if parts[-1] == "selfsubjectrulesreviews":
            return httpx2.Response(201, json={"status": {"resourceRules": self.rules}})
        if parts[-1] == "log":
            which = f"{parts[-2]}/{request.url.params['container']}"
            which += "/previous" if request.url.params.get("previous") else ""
            said = self.logs.get(which)
            return httpx2.Response(200, text=said) if said is not None else httpx2.Response(400)
        plural, watched = parts[-1], "watch" in request.url.params
        if plural in self.forbidden or (watched and plural in self.unwatched):
            message = f'{plural} is forbidden: User "u" cannot list resource "{plural}"'
            return httpx2.Response(403, json={"message": message, "reason": "Forbidden"})
        if watched:
            self.asked[-1] += "?watch"
            self.watches.setdefault(plural, []).append(News(dict(request.url.params)))
            return httpx2.Response(200, stream=self.watches[plural][-1])
        return self._one(parts) if parts[-2] == "configmaps" else self._listed(request, parts)

    def _one(self, parts: list[str]) -> httpx2.Response:
        if parts[-1] in self.unread:
            return httpx2.Response(403, json={"message": "no"})
        own = self.objects.get(parts[-2], ())
        found = next((one for one in own if one["metadata"]["name"] == parts[-1]), None)
        return httpx2.Response(200 if found else 404, json=found or {})

    def _listed(self, request: httpx2.Request, parts: list[str]) -> httpx2.Response:
        found = self.objects.get(parts[-1], [])
        if "namespaces" in parts:
            home = parts[parts.index("namespaces") + 1]
            found = [one for one in found if one["metadata"].get("namespace") == home]
        start = int(request.url.params.get("continue", "0"))
        rest = str(start + self.page) if start + self.page < len(found) else ""
        page = found[start : start + self.page]
        meta = {"continue": rest, "resourceVersion": self.version}
        return httpx2.Response(200, json={"items": page, "metadata": meta})
