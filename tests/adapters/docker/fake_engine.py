"""A small stand-in for Docker Engine: containers in memory behind the real HTTP interface."""

import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import httpx2

from aiops_agent.adapters.docker.client import DockerClient
from aiops_agent.adapters.docker.containers import Containers
from aiops_agent.adapters.docker.platform import DockerPlatform
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.telemetry import ServiceName

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NEVER = "0001-01-01T00:00:00Z"
Raw = dict[str, Any]


@dataclass
class Known:
    """The images that ran well."""

    found: list[GoodRelease] = field(default_factory=list)

    async def good(self, service: ServiceName) -> tuple[GoodRelease, ...]:
        """Return them."""
        return tuple(one for one in self.found if one.service == service)


@dataclass
class FakeEngine:
    """One engine. `now` moves by a second with each change; `broken` answers those in its place.

    An engine that cannot be reached answers nothing.
    """

    containers: dict[str, Raw] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=lambda: {"pay:1": "sha256:" + "1" * 64})
    volumes: dict[str, Raw] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, tuple[str, ...]] = field(default_factory=dict)  # other names, by the own one
    stats: dict[str, Raw] = field(default_factory=dict)
    brings: dict[str, Raw] = field(default_factory=dict)  # an image's own settings, by its id
    built: dict[str, datetime] = field(default_factory=dict)  # when an image was made, by its id
    events: list[Raw] = field(default_factory=list)
    now: datetime = NOW
    api: str = "1.41"
    least: str = "1.12"
    changed: list[str] = field(default_factory=list)
    broken: httpx2.Response | Exception | None = None

    @property
    def client(self) -> DockerClient:
        return DockerClient(transport=httpx2.MockTransport(self._answer))

    @property
    def all(self) -> Containers:
        return Containers(self.client, "shop")

    @property
    def platform(self) -> DockerPlatform:
        return DockerPlatform(self.all, grace=timedelta(0))

    def add(self, service: str, number: int, **config: Any) -> Raw:
        """Start a container as compose would."""
        labels = {
            "com.docker.compose.project": "shop",
            "com.docker.compose.service": service,
            "com.docker.compose.container-number": str(number),
        }
        name = f"shop-{service}-{number}"
        body = {
            "Image": "pay:1",
            "Env": ["PASSWORD=secret"],
            "Labels": labels,
            "HostConfig": {"NetworkMode": "shop_default", "Memory": 2**27},
            "NetworkingConfig": {"EndpointsConfig": {"shop_default": {"Aliases": [service]}}},
        } | config
        made = self._create(name, body)
        made["NetworkSettings"]["Networks"]["shop_default"]["Aliases"].append(made["Id"][:12])
        self._start(made)
        return made

    def tell(self, word: str, container: str, kind: str = "container", **attributes: str) -> None:
        """Remember an event, as of now."""
        actor = {"ID": container, "Attributes": attributes}
        at = int(self.now.timestamp() * 1e9)
        self.events.append({"Type": kind, "Action": word, "Actor": actor, "timeNano": at})

    def running(self, service: str) -> list[Raw]:
        """The running containers of a service."""
        found = [c for c in self.containers.values() if c["State"]["Running"]]
        label = "com.docker.compose.service"
        return [one for one in found if one["Config"]["Labels"][label] == service]

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        changing = request.method != "GET"
        if isinstance(self.broken, httpx2.ConnectError):
            raise self.broken
        if isinstance(self.broken, Exception) and changing:
            raise self.broken
        if isinstance(self.broken, httpx2.Response) and changing:
            return self.broken
        path = unquote(request.url.path)
        if path == "/version":
            about = {"Version": "20.10", "ApiVersion": self.api, "MinAPIVersion": self.least}
            return httpx2.Response(200, json=about)
        parts = path.removeprefix(f"/v{self.api}/").split("/")
        if request.method == "GET":
            return self._read(parts)
        self.changed.append(f"{request.method} {path}")
        self.now += timedelta(seconds=1)
        return self._change(request, parts)

    def _read(self, parts: list[str]) -> httpx2.Response:
        if parts == ["containers", "json"]:
            return httpx2.Response(200, json=[self._listed(c) for c in self.containers.values()])
        if parts[0] == "images":
            name = "/".join(parts[1:-1])
            image = name if name in self.images.values() else self.images.get(name)
            made = _text(self.built[image]) if image in self.built else ""
            about = {"Id": image, "Created": made, "Config": self.brings.get(image or "", {})}
            return httpx2.Response(200, json=about) if image else missing()
        if parts[0] == "volumes":
            volume = self.volumes.get(parts[1])
            return httpx2.Response(200, json=volume) if volume else missing()
        if parts == ["events"]:
            return httpx2.Response(200, text="\n".join(map(json.dumps, self.events)))
        found = self._find(parts[1])
        if found is None:
            return missing()
        if parts[-1] == "logs":
            return httpx2.Response(200, content=self.logs.get(found["Id"], b""))
        if parts[-1] == "stats":
            return httpx2.Response(200, json=self.stats.get(found["Id"], {}))
        return httpx2.Response(200, json=found)

    def _change(self, request: httpx2.Request, parts: list[str]) -> httpx2.Response:
        body = json.loads(request.content or b"{}")
        if parts == ["containers", "create"]:
            name = request.url.params["name"]
            if self._find(name) is not None:
                return httpx2.Response(409, json={"message": "Conflict."})
            return httpx2.Response(201, json={"Id": self._create(name, body)["Id"]})
        if parts[0] == "networks":
            found = self._find(body["Container"])
            if found is None:
                return missing()
            found["NetworkSettings"]["Networks"][parts[1]] = body["EndpointConfig"]
            return httpx2.Response(200)
        found = self._find(parts[1])
        return missing() if found is None else self._move(found, request.method, parts[-1])

    def _move(self, found: Raw, method: str, verb: str) -> httpx2.Response:
        running = found["State"]["Running"]
        if method == "DELETE":
            del self.containers[found["Id"]]
        elif verb == "stop":
            found["State"] |= {"Running": False, "Status": "exited"}
        elif verb == "restart" or not running:
            self._start(found)
        same = (verb == "start" and running) or (verb == "stop" and not running)
        return httpx2.Response(304 if same else 204)

    def _listed(self, raw: Raw) -> Raw:
        return {
            "Id": raw["Id"],
            "Names": [*self.links.get(raw["Name"][1:], ()), raw["Name"]],
            "Image": raw["Config"]["Image"],
            "ImageID": raw["Image"],
            "Created": int(datetime.fromisoformat(raw["Created"]).timestamp()),
            "State": raw["State"]["Status"],
            "Labels": raw["Config"]["Labels"],
            "NetworkSettings": {"Networks": {"shop_default": {"IPAddress": "172.18.0.3"}}},
        }

    def _create(self, name: str, body: Raw) -> Raw:
        host, networks = body.pop("HostConfig"), body.pop("NetworkingConfig")["EndpointsConfig"]
        made = {
            "Id": sha256(name.encode()).hexdigest(),
            "Name": f"/{name}",
            "Created": _text(self.now),
            "Image": self.images.get(body["Image"], body["Image"]),
            "State": {"Status": "created", "Running": False, "StartedAt": NEVER},
            "Config": {"Hostname": sha256(name.encode()).hexdigest()[:12], **body},
            "HostConfig": host,
            "Mounts": body.pop("Mounts", []),
            "NetworkSettings": {"Networks": {k: {"Aliases": [], **v} for k, v in networks.items()}},
        }
        self.containers[made["Id"]] = made
        return made

    def _start(self, found: Raw) -> None:
        state = {"Status": "running", "Running": True, "StartedAt": _text(self.now)}
        found["State"] |= state

    def _find(self, name: str) -> Raw | None:
        wanted = (one for one in self.containers.values() if name in {one["Id"], one["Name"][1:]})
        return next(wanted, None)


def frame(text: str, stream: int = 1) -> bytes:
    """A log line with the engine's stream header."""
    body = text.encode()
    return struct.pack(">BxxxL", stream, len(body)) + body


def missing() -> httpx2.Response:
    """What the engine says of what is not there."""
    return httpx2.Response(404, json={"message": "No such container"})


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f789Z").replace("789Z", "Z")
