"""What is looked at of a request before anybody works on it: who asks, and how much comes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import orjson
from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from aiops_agent.domain.token import Token

MAX_BODY = 16 * 1024 * 1024  # a few KiB for each alert, and thousands of alerts
MAX_WAIT = timedelta(seconds=30)  # for a body to arrive
MAX_TOKEN = 1_024  # ours are far shorter
PATIENCE = timedelta(seconds=5)  # for what is thrown away
MAX_THROWN_AWAY = 64 * 1024 * 1024  # then the answer is read
MAX_THROWN_AWAY_OF_STRANGERS = 1024 * 1024  # the same

Guard = Callable[[Request], Awaitable[Token | None]]


def bearer_guard(known: Callable[[str], Token | None], *, needed: Callable[[], bool]) -> Guard:
    """Return a check that returns the request's token; it raises 401 when none counts.

    `needed` is asked for every request, so that the first token that is made counts at once.
    """

    async def check(request: Request) -> Token | None:
        if not await run_in_threadpool(needed):
            return None
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        secret = secret.strip()
        fits = kind.lower() == "bearer" and 0 < len(secret) <= MAX_TOKEN
        token = await run_in_threadpool(known, secret) if fits else None
        if token is None:
            await _throw_away(request, MAX_THROWN_AWAY_OF_STRANGERS)
            wanted = "A valid bearer token is needed; `aiops token create` makes one."
            raise HTTPException(401, wanted, {"WWW-Authenticate": "Bearer"})
        return token

    return check


async def body_of(request: Request) -> bytes:
    """Return the body; raises 413 above MAX_BODY, declared or not, and 408 when it stalls."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY:
        await _throw_away(request, MAX_THROWN_AWAY)
        raise _too_large()
    try:
        async with asyncio.timeout(MAX_WAIT.total_seconds()):
            return await _read(request)
    except TimeoutError as error:
        raise HTTPException(408, "The body did not arrive in time.") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "The sender hung up before the body had arrived.") from error


async def _read(request: Request) -> bytes:
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY:
            body += chunk
        elif size > MAX_THROWN_AWAY:
            break
    if size > MAX_BODY:
        raise _too_large()
    return bytes(body)


async def _throw_away(request: Request, most: int) -> None:
    """Read on without keeping: most senders read no answer before they have sent it all."""
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            async for chunk in request.stream():
                most -= len(chunk)
                if most < 0:
                    return
    except (TimeoutError, ClientDisconnect):
        return


def _too_large() -> HTTPException:
    limit = MAX_BODY // (1024 * 1024)
    return HTTPException(413, f"The body is larger than {limit} MiB; send fewer alerts at once.")


def as_json(document: dict[str, Any], status: int = 200) -> Response:
    """Return a document as JSON."""
    return Response(orjson.dumps(document), status, media_type="application/json")
