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
from aiops_agent.interfaces.http.room import Hall, Place, full
from aiops_agent.interfaces.http.visitor import Doorstep

MAX_BODY = 16 * 1024 * 1024  # a few KiB for each alert, and thousands of alerts
MAX_WAIT = timedelta(seconds=30)  # for a body to arrive
MAX_TOKEN = 1_024  # ours are far shorter
PATIENCE = timedelta(seconds=5)  # for what is thrown away
MAX_THROWN_AWAY = 64 * 1024 * 1024  # then the answer is read
MAX_THROWN_AWAY_OF_STRANGERS = 1024 * 1024  # the same

Guard = Callable[[Request], Awaitable[Token | None]]


def bearer_guard(
    known: Callable[[str], Token | None],
    room: Hall,
    *,
    needed: Callable[[], bool],
    doorstep: Doorstep,
) -> Guard:
    """Return a check that returns the request's token; it raises 401 when none counts.

    `needed` is asked for every request, so that the first token that is made counts at once.
    Where none is needed, the doorstep decides: it raises 403.
    """

    async def check(request: Request) -> Token | None:
        if not await run_in_threadpool(needed):
            if why := doorstep.refusal(request):
                await throw_away(request, room, MAX_THROWN_AWAY_OF_STRANGERS)
                raise HTTPException(403, why)
            return None
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        secret = secret.strip()
        fits = kind.lower() == "bearer" and 0 < len(secret) <= MAX_TOKEN
        token = await run_in_threadpool(known, secret) if fits else None
        if token is None:
            await throw_away(request, room, MAX_THROWN_AWAY_OF_STRANGERS)
            wanted = "A valid bearer token is needed; `aiops token create` makes one."
            raise HTTPException(401, wanted, {"WWW-Authenticate": "Bearer"})
        return token

    return check


async def json_of(request: Request, place: Place) -> bytes:
    """Return the body; raises 415, 413 above MAX_BODY, declared or not, 408 when it stalls, 503.

    A form or a text is what a page of another site may post unasked; JSON it may not.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (
        kind.startswith("application/") and kind.endswith("+json")
    ):
        await throw_away(request, place.room, MAX_THROWN_AWAY_OF_STRANGERS)
        raise HTTPException(415, "Send JSON, with `Content-Type: application/json`.")
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdecimal() and len(declared) < 20 else 0
    if size > MAX_BODY or not place.fits(size):
        await throw_away(request, place.room, MAX_THROWN_AWAY)
        raise _too_large() if size > MAX_BODY else full()
    try:
        async with asyncio.timeout(MAX_WAIT.total_seconds()):
            return await _read(request, place)
    except TimeoutError as error:
        raise HTTPException(408, "The body did not arrive in time.") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "Client disconnected before the body was complete.") from error


async def _read(request: Request, place: Place) -> bytes:
    body, size, fits = bytearray(), 0, True
    async for chunk in request.stream():
        size += len(chunk)
        fits = fits and place.fits(min(size, MAX_BODY))
        if fits and size <= MAX_BODY:
            body += chunk
        else:
            body.clear()
            if size > MAX_THROWN_AWAY:
                break
    if size > MAX_BODY:
        raise _too_large()
    if not fits:
        raise full()
    return bytes(body)


async def throw_away(request: Request, room: Hall, most: int) -> None:
    """Read on without keeping: most senders read no answer before they have sent it all."""
    with room.waste() as free:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds() * free):
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
