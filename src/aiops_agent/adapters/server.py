"""A server that is asked now and then: one bounded GET, one sentence for every way to fail.

Whoever is asked often, as Prometheus, keeps a client of its own with its connections.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx2
from pydantic import SecretStr

from aiops_agent.domain.errors import SourceError

MOST_BYTES = 16 * 2**20  # of an answer
_PATIENCE = 4  # timeouts for a whole answer: one that trickles would never end


@dataclass(frozen=True)
class Peer:
    """`called` is what people know it by; `timeout` is that of one step of an exchange."""

    called: str
    url: str
    timeout: timedelta
    bearer: SecretStr | None = None
    transport: httpx2.AsyncBaseTransport | None = None

    @property
    def strange(self) -> str:
        """Say that its answer is none that we know."""
        return f"{self} answered in a shape that we cannot read; is it one?"

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Return the body of its answer, at most MOST_BYTES; raises SourceError."""
        seconds, bearer = self.timeout.total_seconds(), self.bearer
        headers = {"Authorization": f"Bearer {bearer.get_secret_value()}"} if bearer else {}
        http = httpx2.AsyncClient(
            timeout=seconds, transport=self.transport, follow_redirects=False, trust_env=False
        )
        address, params = self.url.rstrip("/") + path, dict(query or {})
        try:
            async with (
                asyncio.timeout(seconds * _PATIENCE),
                http,
                http.stream("GET", address, headers=headers, params=params) as answer,
            ):
                body = await self._body(answer)
        except (httpx2.TimeoutException, TimeoutError) as error:
            raise SourceError(f"{self} did not answer in {seconds:g} s.") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise SourceError(f"{self} cannot be reached: {type(error).__name__}.") from error
        if answer.status_code != 200:
            raise SourceError(f"{self} answered {answer.status_code}.")
        return body

    async def _body(self, answer: httpx2.Response) -> bytes:
        body = bytearray()
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                raise SourceError(f"{self} answered more than we can read.")
        return bytes(body)

    def __str__(self) -> str:
        return f"{self.called} at {self.url}"
