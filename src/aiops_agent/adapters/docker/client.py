"""Docker Engine's HTTP API over its socket, or over TCP with or without TLS."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

import httpx2

from aiops_agent.adapters.docker.endpoint import HERE, Endpoint
from aiops_agent.domain.errors import OutcomeUnknown, PlatformError, RequestRefused, SourceError
from aiops_agent.domain.value import Json

_MOST_BYTES = 16 * 2**20  # of an answer; more fills the memory only
_NEWEST = (1, 51)  # the newest version of the API that we know
_OLDEST = (1, 24)  # labels as filters, names as identities

_NOT_LET_IN = (401, 403, 407)  # the engine itself never answers so

Query = Mapping[str, str]
# Connections belong to the loop that opened them, and a story may go on in another loop.
_Pools = WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient]


@dataclass(frozen=True)
class Reply:
    """What the engine answered."""

    status: int
    body: bytes

    @property
    def document(self) -> Json:
        """The body as JSON, or None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def words(self) -> str:
        """The engine's own sentence, at most 300 characters."""
        document = self.document
        said = document.get("message") if isinstance(document, dict) else None
        return str(said or f"HTTP status {self.status}")[:300]


@dataclass(frozen=True)
class DockerClient:
    """Speaks with one engine; follows no redirects and repeats nothing by itself."""

    endpoint: Endpoint = HERE
    timeout: timedelta = timedelta(seconds=10)
    transport: httpx2.AsyncBaseTransport | None = None
    _http: _Pools = field(default_factory=WeakKeyDictionary, compare=False, repr=False)
    _version: list[str] = field(default_factory=list, compare=False, repr=False)

    async def get(self, path: str, query: Query | None = None) -> Json:
        """Return a JSON document. Raises SourceError, also when there is no such thing."""
        return (await self._fetched(path, query)).document

    async def find(self, path: str) -> Json | None:
        """Return a JSON document, or None when there is no such thing. Raises SourceError."""
        answer = await self._fetched(path, fine=(200, 404))
        return None if answer.status == 404 else answer.document

    async def raw(self, path: str, query: Query) -> bytes:
        """Return a body as it is, cut at 16 MiB. Raises SourceError."""
        return (await self._fetched(path, query)).body

    async def send(self, method: str, path: str, body: Json, within: timedelta) -> Reply:
        """Send a request that changes something, once, to a versioned path.

        Raises PlatformError when it never left, RequestRefused when nothing was done by it,
        OutcomeUnknown when nobody can say.
        """
        try:
            answer = await self._exchange(method, path, body, within)
        except SourceError as error:
            raise PlatformError(str(error)) from error
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise PlatformError(self._unreachable(error)) from error
        except httpx2.HTTPError as error:
            raise OutcomeUnknown(f"Docker's answer to {method} {path} was lost.") from error
        if answer.status >= 500:
            raise OutcomeUnknown(f"Docker failed at {method} {path}: {answer.words}")
        if answer.status >= 400:
            raise RequestRefused(f"Docker refused {method} {path}: {answer.words}")
        return answer

    async def versioned(self, path: str, query: Query | None = None) -> str:
        """Return the path under the version of the API that both sides know, with its query."""
        version = await self.api_version()
        return f"/v{version}{path}" + (f"?{urlencode(query)}" if query else "")

    async def api_version(self) -> str:
        """Return the version of the API that both sides know. Raises SourceError."""
        if not self._version:
            about = await self.about()
            theirs, least = _pair(about.get("ApiVersion")), _pair(about.get("MinAPIVersion"))
            agreed = min(theirs, _NEWEST)
            if agreed < max(_OLDEST, least):
                raise SourceError(
                    f"Docker Engine {about.get('Version')} speaks API {theirs[0]}.{theirs[1]}; "
                    f"we need {_OLDEST[0]}.{_OLDEST[1]} to {_NEWEST[0]}.{_NEWEST[1]}."
                )
            self._version.append(f"{agreed[0]}.{agreed[1]}")
        return self._version[0]

    async def about(self) -> Mapping[str, Json]:
        """Return what the engine says of itself: `Version`, `ApiVersion`. Raises SourceError."""
        answer = await self._read("/version")
        document = answer.document
        if b"HTTPS server" in answer.body[:200]:
            wanted = "set sources.docker.tls and certificates, or DOCKER_TLS_VERIFY"
            raise SourceError(f"Docker on {self.endpoint} speaks TLS only: {wanted}.")
        if answer.status in _NOT_LET_IN:
            raise SourceError(
                f"A proxy before Docker on {self.endpoint} refuses us: {answer.words}"
            )
        if answer.status != 200 or not isinstance(document, dict):
            raise SourceError(f"What listens on {self.endpoint} is no Docker Engine.")
        return document

    async def close(self) -> None:
        """Close the connections of the running loop."""
        if (http := self._http.pop(asyncio.get_running_loop(), None)) is not None:
            await http.aclose()

    async def _fetched(
        self, path: str, query: Query | None = None, fine: Sequence[int] = (200,)
    ) -> Reply:
        answer = await self._read(await self.versioned(path, query))
        if answer.status not in fine:
            who = "A proxy before Docker" if answer.status in _NOT_LET_IN else "Docker"
            raise SourceError(f"{who} refused {path}: {answer.words}")
        return answer

    async def _read(self, path: str) -> Reply:
        try:
            return await self._exchange("GET", path, None, self.timeout)
        except httpx2.TimeoutException as error:
            seconds = self.timeout.total_seconds()
            raise SourceError(f"Docker did not answer in {seconds:g} s.") from error
        except httpx2.HTTPError as error:
            raise SourceError(self._unreachable(error)) from error

    async def _exchange(self, method: str, path: str, body: Json, within: timedelta) -> Reply:
        http = await self._client()
        async with http.stream(method, path, json=body, timeout=within.total_seconds()) as answer:
            read = bytearray()
            async for chunk in answer.aiter_bytes():
                read += chunk
                if len(read) >= _MOST_BYTES:
                    break
            return Reply(answer.status_code, bytes(read[:_MOST_BYTES]))

    async def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._http:
            transport = self.transport or await self._way()
            self._http[loop] = httpx2.AsyncClient(
                base_url=self.endpoint.base,
                transport=transport,
                follow_redirects=False,
                trust_env=False,
            )
        return self._http[loop]

    async def _way(self) -> httpx2.AsyncHTTPTransport:
        if not self.endpoint.url:
            return httpx2.AsyncHTTPTransport(uds=str(self.endpoint.socket))
        context = await asyncio.to_thread(self.endpoint.context)
        return httpx2.AsyncHTTPTransport(verify=context or False, trust_env=False)

    def _unreachable(self, error: httpx2.HTTPError) -> str:
        why = str(error) or type(error).__name__
        return f"Docker cannot be reached on {self.endpoint}: {why.rstrip('.')}."


def path_of(*parts: str) -> str:
    """Return a path of parts, each escaped."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _pair(version: Json) -> tuple[int, int]:
    major, _, minor = str(version or "0.0").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)
