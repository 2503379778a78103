"""The API of one Kubernetes cluster: documents in, one sentence for every way to fail."""

# limit: every way to ask one server, beside every way in which it fails

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import httpx2
import orjson

from aiops_agent import __version__
from aiops_agent.adapters.kubernetes.kinds import Kind
from aiops_agent.domain.errors import NotReadable, OutcomeUnknown, PlatformError, SourceError
from aiops_agent.domain.value import Document, Json

_ACCESS = "aiops_agent.adapters.kubernetes.access"
_AGENT = f"aiops-agent/{__version__}"  # as the cluster's audit log calls us
_MOST_BYTES = 32 * 2**20  # of one answer: a page of the largest objects, 1.5 MB each, is less
_PAGE = 250  # objects of one answer
_MOST_PAGES = 40  # of one kind; 10,000 objects
_MOST_LISTED = 128 * 2**20  # bytes of all pages of one kind
_LONGEST = 300  # characters of what the API server says
_NAMES_ONLY = "application/json;as={};g=meta.k8s.io;v=v1"
PARTIAL = "PartialObjectMetadata"  # the kind of an object of which only names are asked for
# A refused write with fieldValidation=Strict repeats the whole object, environment included.
_FIELD = r'(?:unknown|duplicate) field "[\w.\[\]-]{1,200}"'
_STRICT = re.compile(rf"strict decoding error: {_FIELD}(?:, {_FIELD}){{0,20}}\Z")

Query = Mapping[str, str]
# Connections belong to the loop that opened them, and a story may go on in another loop.
_Pools = WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient]


class _NotSent(SourceError):
    """The request never left."""


def too_many(kind: Kind, read: int) -> str:
    """Say that a list was cut off."""
    return (
        f"Kubernetes has more than {read:,} {kind.plural}, of which only those are seen: "
        "name fewer namespaces in sources.kubernetes.namespaces."
    )


@dataclass(frozen=True)
class KubeReply:
    """What the API server answered."""

    status: int
    body: bytes
    retry_after: str = ""

    @property
    def document(self) -> Json:
        """The body as JSON, or None when it is none."""
        try:
            return orjson.loads(self.body)
        except ValueError:
            return None

    @property
    def words(self) -> str:
        """The server's own sentence, at most 300 characters, without the object it is about."""
        document = self.document
        said = str(document.get("message") or "") if isinstance(document, dict) else ""
        if strict := _STRICT.search(said):
            said = strict[0]
        return " ".join(said.split())[:_LONGEST] or f"HTTP status {self.status}"


@dataclass(frozen=True)
class ObjectList:
    """The first objects of a kind, the version of that list, and whether there are more."""

    objects: tuple[Document, ...]
    version: str
    more: bool


@dataclass(frozen=True)
class KubeClient:  # limit: one server, one place that speaks with it
    """Speaks with one cluster; follows no redirects and repeats nothing by itself.

    Without `kubeconfig` we are the service account of the pod that we run in; with `token`, a file,
    whoever that belongs to.
    """

    kubeconfig: Path | None = None
    context: str = ""
    timeout: timedelta = timedelta(seconds=10)
    transport: httpx2.AsyncBaseTransport | None = None
    token: Path | None = None
    _http: _Pools = field(default_factory=WeakKeyDictionary, compare=False, repr=False)
    _config: list[Any] = field(default_factory=list, compare=False, repr=False)

    async def get(self, path: str, query: Query | None = None) -> Json:
        """Return a JSON document. Raises SourceError, also when there is no such thing."""
        return (await self._fetched(path, query)).document

    async def find(self, path: str) -> Json | None:
        """Return a JSON document, or None when there is no such thing. Raises SourceError."""
        answer = await self._fetched(path, fine=(200, 404))
        return None if answer.status == 404 else answer.document

    async def text(self, path: str, query: Query) -> str:
        """Return a body as text; "" of what is not there, or has written nothing yet.

        Raises SourceError.
        """
        answer = await self._fetched(path, query, fine=(200, 400, 404))
        return answer.body.decode("utf-8", "replace") if answer.status == 200 else ""

    async def first(
        self, kind: Kind, namespace: str = "", query: Query | None = None
    ) -> ObjectList:
        """Return the first 10,000 objects of a kind (in one namespace).

        Without what field managers noted. Raises NotReadable where we have no right to, or where
        the cluster does not know the kind, SourceError when it does not answer with a list.
        """
        path, following, version, found, size = kind.path(namespace), "", "", list[Document](), 0
        headers = {"Accept": _NAMES_ONLY.format(f"{PARTIAL}List")} if kind.metadata_only else {}
        for _ in range(_MOST_PAGES):
            asked = {**(query or {}), "limit": str(_PAGE)}
            asked |= {"continue": following} if following else {}
            answer = _fine(await self._read("GET", path, asked, headers=headers), path, (200,))
            page = answer.document
            items = page.get("items") if isinstance(page, dict) else None
            meta = page.get("metadata") if isinstance(page, dict) else None
            if not isinstance(items, list) or not isinstance(meta, dict):
                raise SourceError(f"Kubernetes answered {path} with something that is no list.")
            own = [one for one in items if isinstance(one, dict)]
            found += own if kind.metadata_only else map(_lean, own)
            version = version or str(meta.get("resourceVersion") or "")
            following = str(meta.get("continue") or "")
            size += len(answer.body)
            if not following or size > _MOST_LISTED:
                break
        return ObjectList(tuple(found), version, bool(following))

    async def listed(
        self, kind: Kind, namespace: str = "", query: Query | None = None
    ) -> tuple[Document, ...]:
        """Return all objects of a kind (in one namespace), as `first` does.

        Raises NotReadable also when there are more than are read.
        """
        found = await self.first(kind, namespace, query)
        if found.more:
            raise NotReadable(too_many(kind, len(found.objects)))
        return found.objects

    async def follow(
        self, kind: Kind, namespace: str, version: str, within: timedelta
    ) -> AsyncGenerator[bytes, None]:
        """Yield what happens to the objects of a kind since a version of their list, line by line.

        It ends when the server ends it, which it is asked to do after `within`. Raises NotReadable
        where we may not watch the kind, SourceError when the connection breaks.
        """
        path = kind.path(namespace)
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(max(1, round(within.total_seconds()))),
        }
        headers = {"Accept": _NAMES_ONLY.format(PARTIAL)} if kind.metadata_only else {}
        seconds = self.timeout.total_seconds()
        # Between two lines anything may pass: whoever reads them has a deadline of their own.
        limits = httpx2.Timeout(seconds, read=None)
        try:
            http = await self._client()
            request = http.stream("GET", path, params=query, headers=headers, timeout=limits)
            async with request as answer:
                left = bytearray()
                async for chunk in answer.aiter_bytes():
                    left += chunk
                    if len(left) > _MOST_BYTES:
                        raise SourceError(f"Kubernetes' answer to {path} is larger than 32 MB.")
                    if answer.status_code == 200 and b"\n" in chunk:
                        *lines, left = left.split(b"\n")
                        for line in lines:
                            yield bytes(line)
                _fine(KubeReply(answer.status_code, bytes(left)), path, (200,))
        except import_module(_ACCESS).NO_TOKEN as error:
            raise self._no_token(error) from error
        except httpx2.HTTPError as error:
            raise SourceError(await self._unreachable(error)) from error

    async def ask(self, path: str, body: Json) -> Json:
        """Post a question that changes nothing, such as what we may do. Raises SourceError."""
        content, headers = orjson.dumps(body), {"Content-Type": "application/json"}
        answer = await self._read("POST", path, content=content, headers=headers)
        return _fine(answer, path, (200, 201)).document

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        content_type: str = "application/json",
        query: Query | None = None,
        within: timedelta | None = None,
        operation: str = "",
    ) -> KubeReply:
        """Send a request that may change something, once; what the server refused is a reply too.

        The cluster's audit log names the operation. Raises PlatformError when it never left,
        OutcomeUnknown when nobody can say.
        """
        headers = {"Content-Type": content_type} if body else {}
        headers |= {"User-Agent": f"{_AGENT} ({operation})"} if operation else {}
        try:
            await self._client()
        except SourceError as error:
            raise PlatformError(str(error)) from error
        try:
            answer = await self._exchange(
                method, path, query, content=body, headers=headers, within=within
            )
        except _NotSent as error:
            raise PlatformError(str(error)) from error
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise PlatformError(await self._unreachable(error)) from error
        except (SourceError, httpx2.HTTPError) as error:
            raise OutcomeUnknown(f"Kubernetes' answer to {method} {path} was lost.") from error
        if answer.status >= 500:
            raise OutcomeUnknown(f"Kubernetes failed at {method} {path}: {answer.words}")
        return answer

    async def server(self) -> str:
        """Return the address of the API server. Raises SourceError."""
        return str((await self._chosen()).cluster.server)

    async def home(self) -> str:
        """Return the namespace of our context. Raises SourceError."""
        return str((await self._chosen()).namespace)

    async def close(self) -> None:
        """Close the connections of the running loop."""
        if (http := self._http.pop(asyncio.get_running_loop(), None)) is not None:
            await http.aclose()

    async def _fetched(
        self, path: str, query: Query | None = None, fine: tuple[int, ...] = (200,)
    ) -> KubeReply:
        return _fine(await self._read("GET", path, query), path, fine)

    async def _read(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> KubeReply:
        try:
            return await self._exchange(method, path, query, content=content, headers=headers or {})
        except (httpx2.ConnectTimeout, httpx2.ConnectError) as error:
            raise SourceError(await self._unreachable(error)) from error
        except httpx2.TimeoutException as error:
            seconds = self.timeout.total_seconds()
            raise SourceError(f"Kubernetes did not answer {path} in {seconds:g} s.") from error
        except httpx2.HTTPError as error:
            raise SourceError(await self._unreachable(error)) from error

    async def _exchange(
        self,
        method: str,
        path: str,
        query: Query | None,
        *,
        content: bytes,
        headers: Mapping[str, str],
        within: timedelta | None = None,
    ) -> KubeReply:
        http = await self._client()
        request = http.stream(
            method,
            path,
            params=dict(query or {}),
            content=content,
            headers={"User-Agent": _AGENT, **headers},
            timeout=(within or self.timeout).total_seconds(),
        )
        try:
            async with request as answer:
                read = bytearray()
                async for chunk in answer.aiter_bytes():
                    read += chunk
                    if len(read) > _MOST_BYTES:
                        raise SourceError(f"Kubernetes' answer to {path} is larger than 32 MB.")
                after = answer.headers.get("Retry-After", "")
                return KubeReply(answer.status_code, bytes(read), after)
        except import_module(_ACCESS).NO_TOKEN as error:
            raise self._no_token(error) from error

    def _no_token(self, error: Exception) -> "_NotSent":
        where = self.token or "the token that the kubeconfig names"
        return _NotSent(f"Kubernetes: {where} cannot be read: {error}.")

    async def _chosen(self) -> Any:
        if not self._config:
            # By name, so that whoever imports this file does not pay for what is behind it.
            access = await asyncio.to_thread(import_module, _ACCESS)
            self._config.append(
                await asyncio.to_thread(access.chosen, self.kubeconfig, self.context, self.token)
            )
        return self._config[0]

    async def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._http:
            config = await self._chosen()
            access = import_module(_ACCESS)
            seconds = self.timeout.total_seconds()
            made = await asyncio.to_thread(access.opened, config, seconds, self.transport)
            self._http.setdefault(loop, made)  # several may have asked first: one is used
        return self._http[loop]

    async def _unreachable(self, error: httpx2.HTTPError) -> str:
        why = (str(error) or type(error).__name__).rstrip(".")
        return f"Kubernetes cannot be reached at {await self.server()}: {why}."


def _lean(one: Document) -> Document:
    """Return an object without what field managers noted: often half of it."""
    if isinstance(meta := one.get("metadata"), dict):
        meta.pop("managedFields", None)
    return one


def _fine(answer: KubeReply, path: str, fine: tuple[int, ...]) -> KubeReply:
    """Return an answer of one of these statuses; raises SourceError for any other."""
    if answer.status in fine:
        return answer
    if answer.status == 401:
        raise SourceError(
            "Kubernetes does not know us (401): the token has expired or is wrong; log in again "
            "or correct sources.kubernetes.kubeconfig and context."
        )
    if answer.status == 403:
        raise NotReadable(f"Kubernetes forbids us to read {path}: {answer.words}.")
    if answer.status == 404:
        raise NotReadable(f"Kubernetes has no {path}: {answer.words}.")
    raise SourceError(f"Kubernetes refused {path} with {answer.status}: {answer.words}.")
