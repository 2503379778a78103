"""The loopback server: one behaviour at a time, every request counted and kept."""

import json
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from aiops_agent.domain.value import Document
from aiops_agent.simulator.listening import listen
from aiops_agent.simulator.provider.behaviours import BEHAVIOURS, Behaviour, Sent
from aiops_agent.simulator.provider.gemini import GeminiWire
from aiops_agent.simulator.provider.openai import OpenAIWire
from aiops_agent.simulator.provider.wire import Taken, Wire, streamed

KEY = "key-of-the-scripted-provider"  # nothing secret: it opens our own process only
MODELS = ("scripted-flash-lite", "scripted-flash")  # names that no provider has
PIECE = 4096  # bytes; a slow body comes in smaller ones
SLOW_PIECE = 64  # bytes


class Stage(StrEnum):
    """Where the server is in answering a request."""

    ASKED = "asked"  # the request is here, nothing was answered
    WITHIN = "within"  # half of the body was sent
    ANSWERED = "answered"  # the whole body was sent


def unwatched(_stage: Stage, _number: int) -> None:
    """Look at nothing."""


@dataclass
class ScriptedProvider:
    """A provider on a loopback port; open it with `with`.

    `gemini` and `openai` are base addresses. `behaves` may be replaced at any time; `watch` is
    called at each stage of each request with its number, from 1.
    """

    behaves: Behaviour = BEHAVIOURS["sensible"]
    models: tuple[str, ...] = MODELS
    watch: Callable[[Stage, int], None] = unwatched
    taken: list[Taken] = field(default_factory=list)
    broken: list[BaseException] = field(default_factory=list)  # our own defects, and who hung up
    _open: ExitStack = field(default_factory=ExitStack)
    # Guards `taken`: clients may ask side by side, and a request's number is its place there.
    _turn: threading.Lock = field(default_factory=threading.Lock)
    port: int = 0

    def __enter__(self) -> Self:
        """Listen."""
        server = _Loopback(("127.0.0.1", self.port), _Door)
        server.provider = self
        # Asked to end often: a demo must not wait half a second for its end.
        self.port = listen(server, self._open, 0.02)
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the port."""
        self._open.close()

    @property
    def gemini(self) -> str:
        """Where Gemini's format is spoken."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai(self) -> str:
        """Where OpenAI's format is spoken."""
        return f"{self.gemini}/v1"

    @property
    def requests(self) -> int:
        """How many answers were asked for."""
        return len(self.taken)

    def answer(self, taken: Taken) -> tuple[int, Sent]:
        """Count a request and return its number and what is sent back."""
        with self._turn:
            self.taken.append(taken)
            number = len(self.taken)
        self.watch(Stage.ASKED, number)
        gemini = "generatecontent" in taken.path.lower()
        wire: Wire = GeminiWire() if gemini else OpenAIWire()
        asked = wire.read(taken)
        if asked.model not in self.models:
            message = f"models/{asked.model} is not found; here are {', '.join(self.models)}."
            body = wire.error(404, message, code="" if gemini else "model_not_found")
            return number, Sent(json.dumps(body).encode(), 404)
        sent = self.behaves(asked)
        if "stream" in taken.path and sent.status == 200:
            headers = {"content-type": "text/event-stream"}
            return number, Sent(streamed(json.loads(sent.body)), headers=headers)
        return number, sent


class _Loopback(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client may hold its connection open longer than we live
    provider: ScriptedProvider

    def handle_error(self, *_given: Any) -> None:
        """Keep the error: that clients go away in the middle is what some tests are about."""
        error = sys.exc_info()[1]
        if error is not None:
            self.provider.broken.append(error)


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer in pieces would wait 40 ms for each receipt
    server: _Loopback

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name is the library's
        """Log nothing: requests are counted instead."""

    def do_GET(self) -> None:
        """List the models, in both formats at once, or one of them."""
        known = self.server.provider.models
        name = self.path.split("?")[0].rstrip("/").rpartition("/")[2]
        if name in known:
            self._send(Sent(json.dumps(_described(name)).encode()), 0)
        elif name == "models":
            found = [_described(one) for one in known]
            body = {"object": "list", "models": found, "data": found}
            self._send(Sent(json.dumps(body).encode()), 0)
        else:
            body = GeminiWire().error(404, f"{name} is not found.")
            self._send(Sent(json.dumps(body).encode(), 404), 0)

    def do_POST(self) -> None:
        """Answer one question."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        bearer = (self.headers["authorization"] or "").removeprefix("Bearer ")
        key = self.headers["x-goog-api-key"] or bearer
        number, sent = self.server.provider.answer(Taken(self.path, key, body))
        self._send(sent, number)

    def _send(self, sent: Sent, number: int) -> None:
        watch = self.server.provider.watch if number else unwatched
        self.send_response(sent.status)
        headers = {"content-type": "application/json", **sent.headers}
        for name, value in {**headers, "content-length": str(len(sent.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        body = sent.body if sent.cut is None else sent.body[: sent.cut]
        half = len(body) // 2
        self._write(body[:half], sent.pause)
        watch(Stage.WITHIN, number)
        self._write(body[half:], sent.pause)
        watch(Stage.ANSWERED, number)
        self.close_connection = sent.cut is not None

    def _write(self, body: bytes, pause: float) -> None:
        step = SLOW_PIECE if pause else PIECE
        waits = threading.Event()
        for start in range(0, len(body), step):
            if pause:
                waits.wait(pause)
            self.wfile.write(body[start : start + step])
            self.wfile.flush()


def _described(name: str) -> Document:
    return {"name": f"models/{name}", "displayName": f"{name} (no model)", "id": name}
