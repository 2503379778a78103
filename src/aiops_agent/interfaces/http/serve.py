"""Runs the application on a socket, inside a loop that belongs to somebody else."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from datetime import timedelta

import uvicorn
from fastapi import FastAPI

from aiops_agent.domain.errors import BusyError
from aiops_agent.interfaces.http.wire import Caller

GRACE = timedelta(seconds=10)  # for answers under way when the server is told to stop


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises BusyError when it cannot be."""
    if not 0 <= port <= 65_535:
        raise BusyError(f"Cannot listen on port {port}; choose one from 0 to 65535.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        why = error.strerror or str(error)
        raise BusyError(f"Cannot listen on {host}:{port}: {why}; choose another port.") from error


async def serve(app: FastAPI, listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish the answers under way; signals are the caller's."""
    config = uvicorn.Config(
        app,
        http=Caller,
        ws="none",  # we have no such routes, and a page of any site may open one
        proxy_headers=False,  # interfaces/http/visitor.py reads them
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=int(GRACE.total_seconds()),
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        stopped.cancel()
        await serving


class _Server(uvicorn.Server):
    """Leaves signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing: who owns the loop owns the signals."""
        yield
