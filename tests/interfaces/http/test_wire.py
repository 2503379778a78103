"""On a real socket: is who sends too slowly, too much or two ends at once held off from others?"""

import asyncio
import json
from datetime import timedelta
from itertools import pairwise

import pytest
from fastapi import FastAPI

from aiops_agent.interfaces.http import room, wire
from aiops_agent.interfaces.http.room import Hall, Place
from tests import seams
from tests.interfaces.http.conftest import FakeMetrics, FakeService, app_of
from tests.interfaces.http.wires import PATH, alert, asking, sent, serving, status

HOST = {"Host": "localhost", "Content-Type": "application/json"}
HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
SOON = timedelta(milliseconds=300)
MIB = 1024 * 1024


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def app(service: FakeService) -> FastAPI:
    return app_of(service, FakeMetrics(), tokens_required=False)


async def opened(port: int, first: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    await writer.drain()
    return reader, writer


async def test_four_hundred_half_open_heads_stop_nobody(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_CONNECTIONS", 50)
    async with serving(app) as port:
        half = [await opened(port, HALF) for _ in range(400)]
        answers = [status(await sent(port, asking("/healthz", HOST))) for _ in range(5)]
        posted = status(await sent(port, asking(PATH, HOST, alert())))
        cut = [await asyncio.wait_for(reader.read(), 10) for reader, _ in half[:300]]
        for _, writer in half:
            writer.close()

    print(
        f"{len(half)} half-open heads, {len(cut)} looked at and cut off, then {answers}, {posted}"
    )
    assert (set(answers), posted, set(cut)) == ({200}, 200, {b""})


async def cut_off(app: FastAPI) -> bool:
    """Whether a head of which a byte comes now and then is ended by the server."""
    async with serving(app) as port:
        reader, writer = await opened(port, HALF)
        ended, done = asyncio.create_task(reader.read()), set[asyncio.Task[bytes]]()
        for _ in range(40):  # two seconds of dripping
            done, _ = await asyncio.wait({ended}, timeout=0.05)
            if done:
                break
            writer.write(b"x")
        writer.close()
        ended.cancel()
        return bool(done)


async def test_a_head_that_drips_for_ever_is_cut_off(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PATIENCE", SOON)

    assert await cut_off(app)
    seams.HEAD.plant(monkeypatch, lambda _self: None)
    assert not await cut_off(app)


async def test_the_second_head_of_a_connection_is_awaited_no_longer(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PATIENCE", SOON)
    async with serving(app) as port:
        whole = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        reader, writer = await opened(port, whole)
        await reader.readuntil(b'{"status":"ok"}')
        writer.write(HALF)

        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_an_answer_that_nobody_reads_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "UNREAD", SOON)
    app, ended = FastAPI(), asyncio.Event()

    @app.get("/large")
    async def large() -> str:
        return "x" * 32 * MIB

    monkeypatch.setattr(wire.Caller, "connection_lost", _telling(ended))
    async with serving(app) as port:
        _, writer = await opened(port, asking("/large", {"Host": "localhost"}))
        await asyncio.wait_for(ended.wait(), 10)
        writer.close()


def _telling(ended: asyncio.Event) -> object:
    lost = wire.Caller.connection_lost

    def told(self: wire.Caller, exc: Exception | None) -> None:
        lost(self, exc)
        ended.set()

    return told


LENGTHS = [
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "transfer-encoding:chunked\r\nCONTENT-LENGTH: 0",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 5, 6",
    "Content-Length: +5",
    "Content-Length: 0x5",
    "Content-Length: -1",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding:\x0bchunked",
    " Transfer-Encoding: chunked",
]


async def smuggled(app: FastAPI, lengths: str, version: str = "1.1") -> tuple[int, int]:
    """Return the first status, and how many answers came: what is hidden in the body is none."""
    hidden = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = f"POST {PATH} HTTP/{version}\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    async with serving(app) as port:
        answer = await sent(port, head.encode() + lengths.encode() + b"\r\n\r\n0\r\n\r\n" + hidden)
    return status(answer), answer.count(b"HTTP/1.1 ")


@pytest.mark.parametrize("lengths", LENGTHS)
async def test_a_body_with_two_ends_is_refused_and_its_connection_closed(
    app: FastAPI, service: FakeService, lengths: str
) -> None:
    code, answers = await smuggled(app, lengths)

    assert (code in (400, 415, 501), answers, service.kept) == (True, 1, [])


async def test_chunks_of_an_old_client_are_refused(app: FastAPI, service: FakeService) -> None:
    assert await smuggled(app, "Transfer-Encoding: chunked", "1.0") == (400, 1)
    assert service.kept == []


@pytest.mark.slow
async def test_two_ends_that_nobody_looks_at_are_seen(
    app: FastAPI, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def through(self: object, scope: object, receive: object, send: object) -> None:
        await self._app(scope, receive, send)  # type: ignore[attr-defined] # the middleware's own

    seams.ONE_LENGTH.plant(monkeypatch, through)

    assert (await smuggled(app, LENGTHS[0]))[0] == 200


async def test_no_page_opens_a_web_socket(app: FastAPI) -> None:
    upgrade = {
        "Host": "localhost",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    async with serving(app) as port:
        wire = asking("/api/v1/incidents", upgrade) + asking("/healthz", {"Host": "localhost"})
        assert status(await sent(port, wire)) == 200  # as if it had not been asked for


async def crowd(app: FastAPI, size: int, bodies: int) -> list[int]:
    """Send so many bodies at once, each held back by its last byte; return every status."""
    filled = alert(x="x" * size)
    wire = asking(PATH, HOST, filled)
    async with serving(app) as port:
        held = [await opened(port, wire[:-1]) for _ in range(bodies)]
        assert status(await sent(port, asking("/healthz", HOST))) == 200
        small = status(await sent(port, asking(PATH, HOST, alert())))
        for _, writer in held:
            writer.write(wire[-1:])
        found = [status(await asyncio.wait_for(reader.read(), 20)) for reader, _ in held]
        for _, writer in held:
            writer.close()
        return [small, *found]


async def test_all_bodies_have_one_room_and_a_small_one_always_has_a_place(
    app: FastAPI, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MAX_BYTES", 2 * MIB)
    small, *large = await crowd(app, MIB - 1000, 8)

    print(f"8 bodies of 1 MiB, room for 2: {large}; a small one beside them: {small}")
    assert (small, sorted(large)) == (200, [200] * 2 + [503] * 6)
    assert len(service.kept) == 3
    assert await crowd(app, MIB - 1000, 1) == [200, 200]  # the room was given back
    seams.FITS.plant(monkeypatch, lambda _self, _size: True)
    assert set(await crowd(app, MIB - 1000, 8)) == {200}


def test_room_is_taken_once_and_given_back_whatever_happens() -> None:
    rooms = Hall()
    sizes = (1000, MIB, MIB // 2, 2 * MIB, room.MAX_BYTES * 2)

    def broken() -> None:
        with rooms.place() as place:
            assert [place.fits(size) for size in sizes] == [True] * 4 + [False]
            assert rooms.taken == place.held == 2 * MIB - room.ALWAYS
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert (rooms.bodies, rooms.taken) == (0, 0)
    assert Place(rooms).fits(room.MAX_BYTES)


def nested(depth: int, bracket: str) -> str:
    left, right = {"[": ("[", "]"), "{": ('{"a":', "}")}[bracket]
    return left * depth + "1" + right * depth


@pytest.mark.parametrize("bracket", ["[", "{"])
async def test_nesting_anywhere_is_kept_and_never_a_defect(
    app: FastAPI, service: FakeService, bracket: str
) -> None:
    whole = json.loads(alert(groupLabels={"a": "b"}, receiver="r", externalURL="http://x"))
    whole["alerts"][0] |= {"startsAt": "x", "endsAt": "x", "generatorURL": "x", "fingerprint": "x"}
    places: list[tuple[str, ...]] = [
        (key,) for key in (*whole, "truncatedAlerts", "status", "commonLabels", "unknown")
    ]
    places += [("alerts", key) for key in (*whole["alerts"][0], "unknown")]
    places += [("alerts", "labels", "alertname"), ("alerts", "annotations", "summary")]
    bodies = []
    for depth in (990, 1000, 1001, 1019, 1020, 1021, 1022, 1023, 1024, 1025, 5000, 100_000):
        for place in places:
            document = json.loads(json.dumps(whole))
            at = document
            for step in place[:-1]:
                at = at[step][0] if step == "alerts" else at[step]
            at[place[-1]] = "@@"
            deep = json.dumps(document).replace('"@@"', nested(depth, bracket))
            bodies.append(deep.encode())
        bodies.append(nested(depth, bracket).encode())
    async with serving(app) as port:
        answers = [await sent(port, asking(PATH, HOST, body)) for body in bodies]

    print(
        f"{len(bodies)} nested bodies, {sum(bool(one.rejected) for one in service.kept)} rejected"
    )
    assert {status(answer) for answer in answers} == {200}
    assert len(service.kept) == len(bodies)
    assert all(one.id < other.id for one, other in pairwise(service.kept))
