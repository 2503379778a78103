"""A Kubernetes API server on the loopback: objects, lists, JSON Patch, and one controller.

What it answers, and that `test` compares what Go would write, was measured on Kubernetes 1.34.
"""

import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.live import MARK
from aiops_agent.adapters.kubernetes.platform import KubernetesPlatform
from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.telemetry import ServiceName
from tests.adapters.kubernetes.fake_configs import CONFIG
from tests.adapters.kubernetes.fake_nodes import written
from tests.adapters.kubernetes.fake_patch import (
    REFUSED_TEST,
    Answer,
    FailedTest,
    Raw,
    apply,
    status,
)
from tests.adapters.kubernetes.fake_pods import evicted

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OLD, NEW = "registry.test/shop:2.4.0", "registry.test/shop:2.4.1"
REVISION = "deployment.kubernetes.io/revision"
TITLES = {
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "replicasets": "ReplicaSet",
    "horizontalpodautoscalers": "HorizontalPodAutoscaler",
}


class Lost(Exception):
    """The connection is cut instead of an answer."""


@dataclass
class FakeApi:
    """One cluster. `before` may answer a patch instead of it, `after` instead of its answer."""

    objects: dict[tuple[str, str, str], Raw] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    before: Callable[[Raw], Any] = lambda _found: None
    after: Callable[[Raw], Any] = lambda _found: None
    refuse: Answer | None = None  # what every patch is answered, also one that is only tried out
    forbidden: set[str] = field(default_factory=set)  # plurals that may not be read
    good: list[GoodRelease] = field(default_factory=list)
    tokens: list[tuple[str, str]] = field(default_factory=list)  # who sent which method
    rules: dict[str, list[Raw]] = field(default_factory=dict)  # by token, what it may do
    taken: list[str] = field(default_factory=list)  # the marks of what was taken
    budgets: dict[str, int] = field(default_factory=dict)  # by name, evictions of the app allowed
    client: KubeClient | None = None

    @property
    def platform(self) -> KubernetesPlatform:
        """The hands on this cluster."""
        assert self.client is not None
        writes = Writes(self.client, self.client)
        allowed = (CONFIG,)
        return KubernetesPlatform(writes, lambda: NOW, releases=Good(self), config_maps=allowed)

    @property
    def writes(self) -> list[str]:
        """The bodies of the patches that were not only tried out."""
        return [body for method, _, query, body in self.seen if _is_write(method, query)]

    def add(self, plural: str, name: str, spec: Raw, **metadata: Any) -> Raw:
        """Make an object; a workload's controller has taken it up."""
        namespace = metadata.pop("namespace", "shop")
        number = len(self.objects) + 1
        found = {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": f"00000000-0000-4000-8000-{number:012}",
                "resourceVersion": "1",
                "generation": 1,
                **metadata,
            },
            "spec": deepcopy(spec),
            "status": {},
        }
        self.objects[plural, namespace, name] = found
        self._control(plural, found)
        return found

    def workload(self, name: str, plural: str = "deployments", **metadata: Any) -> Raw:
        """Make a workload of two pods."""
        spec = {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name),
        }
        if plural == "daemonsets":
            del spec["replicas"]
        return self.add(plural, name, spec, **metadata)

    def one(self, name: str, plural: str = "deployments", namespace: str = "shop") -> Raw:
        """The object as it is now."""
        return self.objects[plural, namespace, name]

    def change(self, name: str, change: Callable[[Raw], None]) -> None:
        """Somebody else changes a Deployment."""
        found = self.one(name)
        changed = deepcopy(found)
        change(changed)
        self._store("deployments", found, changed)

    def release(self, name: str, image: str, **changes: Any) -> None:
        """Somebody rolls out another image."""

        def rolled(found: Raw) -> None:
            [container] = found["spec"]["template"]["spec"]["containers"]
            container |= {"image": image, **changes}

        self.change(name, rolled)

    def ran_well(self, image: str, name: str = "payments-api") -> GoodRelease:
        """Remember an image as one that ran well."""
        good = GoodRelease(
            service=ServiceName(name), image_id=f"id-of-{image}", image=image, seen=NOW
        )
        self.good.append(good)
        return good

    def answer(self, method: str, path: str, query: dict[str, str], body: str) -> Answer:
        """Answer one request."""
        self.seen.append((method, path, query, body))
        if path == "/version":
            return 200, {"gitVersion": "v1.34.0"}
        parts = path.strip("/").split("/")
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = ""
        if parts[0] == "namespaces":
            namespace, parts = parts[1], parts[2:]
        plural = parts[0]
        if plural == "selfsubjectrulesreviews":
            return 201, {"status": {"resourceRules": self.rules[self.tokens[-1][1]]}}
        if plural in self.forbidden:
            return status(403, f'{plural} is forbidden: User "aiops" cannot list resource')
        if len(parts) == 1:
            return 200, {"items": list(self._listed(plural, namespace, query)), "metadata": {}}
        found = self.objects.get((plural, namespace, parts[1]))
        if found is None:
            return status(404, f'{plural} "{parts[1]}" not found')
        if method == "GET":
            return 200, deepcopy(found)
        return self._changed(method, plural, found, query, body)

    def _listed(self, plural: str, namespace: str, query: dict[str, str]) -> Iterator[Raw]:
        name = query.get("fieldSelector", "").removeprefix("metadata.name=")
        wanted = dict(one.split("=") for one in query.get("labelSelector", "").split(",") if one)
        for (kind, where, called), found in self.objects.items():
            labels = found["metadata"].get("labels") or {}
            here = kind == plural and namespace in ("", where) and name in ("", called)
            if here and wanted.items() <= labels.items():
                yield deepcopy(found)

    def _changed(
        self, method: str, plural: str, found: Raw, query: dict[str, str], body: str
    ) -> Answer:
        """Take a change, unless something else becomes of it on its way."""
        dry = query.get("dryRun") == "All"
        if self.refuse is not None:
            return self.refuse
        instead: Answer | None = None if dry else self.before(found)
        if instead:
            return instead
        if method == "POST":
            answer = evicted(self, found, json.loads(body), dry=dry)
        else:
            answer = self._patched(plural, found, body, dry=dry)
        if dry or answer[0] > 201:
            return answer
        instead = self.after(found)
        return instead or (answer if method == "POST" else (200, deepcopy(found)))

    def _patched(self, plural: str, found: Raw, body: str, *, dry: bool) -> Answer:
        changed = deepcopy(found)
        try:
            for step in json.loads(body):
                apply(changed, step, body)
        except FailedTest:
            return REFUSED_TEST
        if dry:
            return 200, changed
        if plural == "nodes":
            written(changed, "aiops-agent")
            if not changed["spec"]["unschedulable"]:
                del changed["spec"]["unschedulable"]  # it keeps no false
        self._store(plural, found, changed)
        self.taken.append(str(changed["metadata"].get("annotations", {}).get(MARK)))
        return 200, deepcopy(found)

    def _store(self, plural: str, found: Raw, changed: Raw) -> None:
        """Keep it as another generation when what it is to be has changed."""
        bumps = changed["spec"] != found["spec"]
        if plural == "deployments":  # whose annotations count too
            bumps |= changed["metadata"].get("annotations") != found["metadata"].get("annotations")
        found |= changed
        found["metadata"]["generation"] += bumps
        number = int(found["metadata"]["resourceVersion"]) + 1
        found["metadata"]["resourceVersion"] = str(number)
        self._control(plural, found)

    def _control(self, plural: str, found: Raw) -> None:
        """What the controllers do with it, at once."""
        if plural not in ("deployments", "statefulsets", "daemonsets"):
            return
        replicas = found["spec"].get("replicas", 3)
        found["status"] = {
            "observedGeneration": found["metadata"]["generation"],
            "replicas": replicas,
        }
        if plural == "deployments":
            self._replica_set(found)

    def _replica_set(self, found: Raw) -> None:
        name, own = found["metadata"]["name"], found["spec"]["template"]
        past = [
            one
            for (kind, *_), one in self.objects.items()
            if kind == "replicasets" and one["metadata"]["labels"]["app"] == name
        ]
        numbers = [int(one["metadata"]["annotations"][REVISION]) for one in past]
        same = next((one for one in past if _bare(one["spec"]["template"]) == own), None)
        if same is None:
            made = deepcopy(own)
            made["metadata"]["labels"]["pod-template-hash"] = f"h{len(past)}"
            same = self.add(
                "replicasets",
                f"{name}-h{len(past)}",
                {"template": made, "replicas": 2},
                namespace=found["metadata"]["namespace"],
                labels={"app": name},
                annotations={REVISION: "0"},
                ownerReferences=[
                    {"controller": True, "kind": "Deployment", "uid": found["metadata"]["uid"]}
                ],
            )
        latest, notes = max(numbers, default=0), same["metadata"]["annotations"]
        if notes[REVISION] == "0" or int(notes[REVISION]) < latest:
            notes[REVISION] = str(latest + 1)  # also one that is used again

    @asynccontextmanager
    async def served(self, folder: Path) -> AsyncIterator["FakeApi"]:
        """Listen on the loopback, with a client that a kubeconfig leads to."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        config = folder / "kubeconfig"
        config.write_text(kubeconfig(f"http://127.0.0.1:{server.server_port}"))
        self.client = KubeClient(config)
        try:
            yield self
        finally:
            await self.client.close()
            server.shutdown()
            thread.join()
            server.server_close()


@dataclass
class Good:
    """What ran well, as a store remembers it."""

    api: FakeApi

    async def good(self, service: ServiceName) -> tuple[GoodRelease, ...]:
        return tuple(one for one in self.api.good if one.service == service)


def template(name: str, image: str = OLD) -> Raw:
    """A template with what JSON writers spell in different ways."""
    script = "echo ok > /tmp/ok && exec serve --name 'café'"
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "containers": [
                {
                    "name": "app",
                    "image": image,
                    "command": ["sh", "-c", script],
                    "env": [{"name": "TOKEN", "value": "s3cret-value"}],
                }
            ]
        },
    }


def kubeconfig(server: str) -> str:
    """A kubeconfig for a server, with a token."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server, **_NO_TLS}}],
            "users": [{"name": "u", "user": {"token": "loopback"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


# Reading the machine's certificates takes longer than a whole test, and nobody asks for them.
_NO_TLS = {"insecure-skip-tls-verify": True}


def _bare(made: Raw) -> Raw:
    bare = deepcopy(made)
    bare["metadata"]["labels"].pop("pod-template-hash", None)
    return bare


def _is_write(method: str, query: dict[str, str]) -> bool:
    return method in ("PATCH", "POST") and "dryRun" not in query


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: the second would wait 40 ms for a receipt

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            given = self.rfile.read(length).decode()
            bearer = str(self.headers.get("Authorization")).removeprefix("Bearer ")
            api.tokens.append((self.command, bearer))
            try:
                code, document = api.answer(
                    self.command, parts.path, dict(parse_qsl(parts.query)), given
                )
            except Lost:
                self.close_connection = True
                return
            body = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PATCH = do_POST = _serve  # noqa: N815 -- the library's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the library's name
            """Say nothing."""

    return Handler
