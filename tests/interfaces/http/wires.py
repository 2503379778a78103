"""A server on a real socket, and bytes as a stranger may send them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from aiops_agent.interfaces.http.serve import listen, serve

PATH = "/api/v1/alertmanager"


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[int]:
    """Serve on a port of loopback until the block is left."""
    stop = asyncio.Event()
    with listen("127.0.0.1", 0) as listening:
        task = asyncio.create_task(serve(app, listening, stop))
        try:
            yield listening.getsockname()[1]
        finally:
            stop.set()
            await asyncio.wait_for(task, 15)


async def sent(port: int, wire: bytes) -> bytes:
    """Send bytes and return all that comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(wire)
    with suppress(ConnectionError):
        await writer.drain()
    answer = b""
    with suppress(ConnectionError):
        answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


def status(answer: bytes) -> int:
    """Return the status of an answer; 0 when there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def asking(path: str, headers: dict[str, str], body: bytes = b"", method: str = "") -> bytes:
    """Return a request that ends its connection."""
    given = {"Connection": "close", **({"Content-Length": str(len(body))} if body else {})}
    lines = [f"{name}: {value}" for name, value in {**given, **headers}.items()]
    first = f"{method or ('POST' if body else 'GET')} {path} HTTP/1.1"
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1") + body


def alert(**more: object) -> bytes:
    """Return a body with one alert."""
    one = {"status": "firing", "labels": {"alertname": "A"}, "annotations": {}}
    return json.dumps({"version": "4", "alerts": [one], **more}).encode()
