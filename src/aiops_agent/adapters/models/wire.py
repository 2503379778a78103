"""The last gate: every byte to a model's server passes here, is counted, redacted and recorded."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import httpx2

from aiops_agent.adapters.models.normal import Normalised
from aiops_agent.domain.model import ModelError, Trouble
from aiops_agent.domain.redact import UNTOUCHED, Redactor
from aiops_agent.domain.value import Json

MOST_BYTES = 4_000_000  # of one answer: forty times the longest that a model can write
Normal = Callable[[bytes], Normalised]


@dataclass
class Exchange:
    """What one question to a model put on the wire, filled while it is under way."""

    path: str = ""
    sent: Json = None
    received: Json = None
    status: int = 0
    requests: int = 0
    redactions: int = 0
    retry_after: str = ""
    failed: list[ModelError] = field(default_factory=list)  # client libraries wrap what they catch


_EXCHANGE: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


@contextmanager
def recording() -> Iterator[Exchange]:
    """Record what passes the gate within the block."""
    exchange = Exchange()
    token = _EXCHANGE.set(exchange)
    try:
        yield exchange
    finally:
        _EXCHANGE.reset(token)


class LastGate(httpx2.AsyncBaseTransport):
    """Lets requests pass to one place only, at most so many bytes back, and each recorded."""

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        place: str,
        *,
        redactor: Redactor,
        normal: Normal = lambda body: Normalised(_json(body), None),
    ) -> None:
        self._inner, self._place, self._redactor, self._normal = inner, place, redactor, normal

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request on, redacted, and give its whole answer back, made normal."""
        exchange = _EXCHANGE.get() or Exchange()
        if place_of(str(request.url)) != self._place:
            text = f"A request to {place_of(str(request.url))} was not sent: it is not configured."
            exchange.failed.append(ModelError(text, Trouble.REQUEST))
            raise httpx2.UnsupportedProtocol(text)
        onward = self._redacted(request, exchange)
        exchange.requests += 1
        exchange.path = request.url.path
        answer = await self._inner.handle_async_request(onward)
        answer.request = onward
        exchange.status, exchange.retry_after = (
            answer.status_code,
            answer.headers.get("retry-after", ""),
        )
        try:
            body = await self._read(answer, exchange)
        finally:
            await answer.aclose()
        found = self._normal(body)
        exchange.received = found.raw
        if found.status and answer.status_code < 400:
            exchange.status = found.status
        content = body if found.clean is None or answer.status_code >= 400 else _bytes(found.clean)
        headers = {"content-type": "application/json"}
        if exchange.retry_after:
            headers["retry-after"] = exchange.retry_after
        return httpx2.Response(exchange.status, headers=headers, content=content)

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._inner.aclose()

    def _redacted(self, request: httpx2.Request, exchange: Exchange) -> httpx2.Request:
        if not request.content:
            return request
        given = json.loads(request.content)
        exchange.sent, exchange.redactions = self._redactor.document(given, UNTOUCHED)
        body = _bytes(exchange.sent)
        kept = {name: value for name, value in request.headers.items() if name != "content-length"}
        return httpx2.Request(
            request.method, request.url, headers=kept, content=body, extensions=request.extensions
        )

    async def _read(self, answer: httpx2.Response, exchange: Exchange) -> bytes:
        read = bytearray()
        async for chunk in _chunks(answer):
            read += chunk
            if len(read) > MOST_BYTES:
                text = f"{self._place} answered more than {MOST_BYTES // 1_000_000} MB."
                exchange.failed.append(ModelError(text, Trouble.SHAPE))
                raise httpx2.RemoteProtocolError(text)
        return bytes(read)


def _chunks(answer: httpx2.Response) -> AsyncIterator[bytes]:
    return answer.aiter_bytes(65_536)  # unpacked: a small body may unpack to a huge one


def place_of(url: str) -> str:
    """Return scheme, host and port of an address."""
    found = httpx2.URL(url)
    port = found.port or {"http": 80, "https": 443}.get(found.scheme, 0)
    return f"{found.scheme}://{found.host}:{port}"


def _bytes(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _json(body: bytes) -> Json:
    try:
        return json.loads(body)
    except ValueError:
        return body[:2000].decode("utf-8", "replace")  # not JSON: enough of it to see what it was
