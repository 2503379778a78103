"""Sends traces to an OTLP collector. The library behind is loaded with the first one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module

import httpx2

from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import NotifyError
from aiops_agent.domain.trace import Trace
from aiops_agent.domain.value import Value
from aiops_agent.ports.spellings import Secret, WebAddress

TIMEOUT = timedelta(seconds=5)  # of one export
NEEDS = (("opentelemetry.exporter.otlp.proto.common", "otel"),)
PATH = "/v1/traces"
_SPANS = "aiops_agent.adapters.otel.spans"
_LATER = (408, 429)  # anything else below 500 will be refused again


class TelemetrySettings(Value):
    """Where traces are sent: a collector's address, and headers such as its key. Off by default."""

    otlp: WebAddress | None = None
    headers: dict[str, Secret] = {}


@dataclass(frozen=True)
class OtlpSink:
    """ports.traces.TraceSink over HTTP with protobuf."""

    address: str
    headers: Mapping[str, str] = field(default_factory=dict)
    transport: httpx2.AsyncBaseTransport | None = None

    async def send(self, trace: Trace) -> None:
        """Send a trace; raises NotifyError, which says whether to try again."""
        # By name, so that whoever imports this file does not pay for what is behind it.
        room = await asyncio.to_thread(import_module, _SPANS)
        body: bytes = await asyncio.to_thread(room.encoded, trace)
        await self._post(body)

    async def check(self) -> Checkup:
        """Send a request without a span, which a collector takes."""
        try:
            await self._post(b"")
            health, words = Health.OK, f"traces go to {self.url}"
        except NotifyError as error:
            health, words = Health.PROBLEM, str(error)
        return Checkup(group="core", name="telemetry", health=health, words=words)

    @property
    def url(self) -> str:
        """The address with OTLP's path."""
        return self.address if self.address.endswith(PATH) else self.address + PATH

    async def _post(self, body: bytes) -> None:
        client = httpx2.AsyncClient(
            transport=self.transport,
            timeout=TIMEOUT.total_seconds(),
            follow_redirects=False,
            trust_env=False,
        )
        headers = {**self.headers, "content-type": "application/x-protobuf"}
        try:
            # What it says is of no use to us, and may be endless: it is not read.
            async with (
                client,
                client.stream("POST", self.url, content=body, headers=headers) as answer,
            ):
                status = answer.status_code
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL, ValueError) as error:
            raise NotifyError(f"{self.url} cannot be called.", retry=False) from error
        except httpx2.HTTPError as error:
            why = f"{self.url} did not answer ({type(error).__name__})."
            raise NotifyError(why, retry=True) from error
        if not 200 <= status < 300:
            retry = status >= 500 or status in _LATER
            raise NotifyError(f"{self.url} answered {status}.", retry=retry)


def sink(section: TelemetrySettings) -> OtlpSink | None:
    """Return where traces go, or None when they are not sent."""
    if section.otlp is None:
        return None
    headers = {name: secret.get_secret_value() for name, secret in section.headers.items()}
    return OtlpSink(section.otlp, headers)
