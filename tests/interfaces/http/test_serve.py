"""Does a server start on a socket, and end when told without dropping an answer?"""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from aiops_agent.domain.errors import BusyError
from aiops_agent.interfaces.http.serve import listen, serve


async def ask(port: int, path: str = "/slow") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


@pytest.fixture
async def port() -> AsyncIterator[socket.socket]:
    listening = listen("127.0.0.1", 0)
    yield listening
    listening.close()


async def test_an_answer_under_way_is_finished_before_the_server_ends(port: socket.socket) -> None:
    app, begun, go, stop = FastAPI(), asyncio.Event(), asyncio.Event(), asyncio.Event()

    @app.get("/slow")
    async def slow() -> str:
        begun.set()
        await go.wait()
        return "done"

    serving = asyncio.create_task(serve(app, port, stop))
    asking = asyncio.create_task(ask(port.getsockname()[1]))
    await begun.wait()
    stop.set()
    go.set()

    assert b"done" in await asking
    await asyncio.wait_for(serving, 5)


def test_a_port_that_is_taken_is_told_in_one_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BusyError, match=f"127.0.0.1:{port}"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 0), ("127.0.0.1", 99999)])
def test_an_address_that_is_none_is_told_in_one_sentence(host: str, port: int) -> None:
    with pytest.raises(BusyError, match="Cannot listen"):
        listen(host, port)
