"""Two `aiops serve` on one PostgreSQL: one leads, and the other when that is stopped or killed."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.event import Event
from aiops_agent.domain.payload import EventType

from .processes import Process, until
from .product import Product
from .receiver import Receiver

ALERTS = 32
TAKEOVER_SECONDS = 15.0
ENDED = ("resolved", "dismissed", "escalated")


class Blind:
    """A Prometheus that refuses every question, and from `see` on has nothing to show."""

    def __init__(self) -> None:
        self.sees = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        prometheus = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kind = "matrix" if "query_range" in self.path else "vector"
                named: Any = [] if "label" in self.path else {"activeTargets": [], "groups": []}
                data = {"resultType": kind, "result": []} if "/query" in self.path else named
                body = json.dumps({"status": "success", "data": data}).encode()
                self.send_response(200 if prometheus.sees else 503)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815 -- named by the server

            def log_message(self, *_: object) -> None:
                """Keep no access log."""

        return Handler

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def blind() -> Iterator[Blind]:
    found = Blind()
    yield found
    found.stop()


@pytest.fixture
def two(
    store_url: str, blind: Blind, receiver: Receiver, tmp_path: Path
) -> Iterator[tuple[Product, Product]]:
    """Two installations on one database, each with a state folder of its own."""
    config = {
        "apiVersion": "aiops-agent/v1",
        "mode": "observe",
        "environment": "docker:shop",
        "store": {"url": store_url},
        "sources": {"prometheus": {"url": blind.url}},
        "story": {"settle": "2s", "hold": "2s", "within": "10s", "look": "2s"},
        "notify": {"webhook": {"url": receiver.url}},
    }
    found = Product(tmp_path / "one", config), Product(tmp_path / "two", config)
    try:
        yield found
    finally:
        for product in found:
            product.stop()
            print((product.folder / "serve.log").read_text(errors="replace")[-4000:])


def post(product: Product, number: int) -> None:
    """Send one alert of a service of its own."""
    alert = {
        "status": "firing",
        "labels": {"alertname": "Slow", "service": f"service-{number}", "severity": "critical"},
        "annotations": {"summary": "slow"},
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
    }
    body = {"version": "4", "groupKey": str(number), "status": "firing", "alerts": [alert]}
    request = urllib.request.Request(
        f"{product.url}/api/v1/alertmanager",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as reply:
        assert reply.status == 200


def stands(product: Product) -> str:
    """Return what the product says of itself, ready or not."""
    try:
        with urllib.request.urlopen(f"{product.url}/readyz", timeout=5) as reply:
            return str(json.load(reply)["why"])
    except urllib.error.HTTPError as error:
        return str(json.load(error)["why"])


def takes_over(product: Product, since: float) -> float:
    """Wait until the product leads; return the seconds since then."""
    until(lambda: "leads as" in stands(product), 30, "the stand-by to lead")
    return time.monotonic() - since


def told(store_url: str) -> list[Event]:
    engine = make_engine(store_url)
    try:
        with SqlStore(engine).read() as view:
            return list(view.events.after(0, limit=5000))
    finally:
        engine.dispose()


def per_incident(events: list[Event], kind: EventType) -> list[int]:
    return sorted(Counter(one.incident for one in events if one.type is kind).values())


def woken(process: Process) -> int | None:
    """Let a stopped process go on, and return how it ended."""
    os.kill(process.pid, signal.SIGCONT)
    until(lambda: process.exit_code is not None, 30, "the former leader to end")
    return process.exit_code


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_each_story_and_each_notice_is_one_whoever_is_stopped_or_killed(
    two: tuple[Product, Product],
    store_url: str,
    blind: Blind,
    receiver: Receiver,
    record_property: Callable[[str, object], None],
) -> None:
    one, other = two
    first, second = one.serve(), other.serve()
    assert "leads as" in stands(one)
    assert "stands by" in stands(other)
    for number in range(ALERTS):
        post(two[number % 2], number)  # both take alerts in
    until(lambda: len(one.read("incident", "list")) == ALERTS, 100, "an incident per alert")

    os.kill(first.pid, signal.SIGSTOP)  # in the middle of all stories
    stopped = takes_over(other, time.monotonic())
    code = woken(first)
    log = (one.folder / "serve.log").read_text()
    assert (code, "by now: " in log, "refused to write without" in log) == (1, True, True)
    refused = log.partition("refused to write without the lease times=")[2].split()[0]

    one.serve()
    assert "stands by" in stands(one)
    assert one.read("store", "info")["works_on_stories"] in stands(one)
    blind.sees = True
    until(lambda: len(receiver.posted) >= 3, 100, "the first notices")
    second.kill()  # in the middle of them
    killed = takes_over(one, time.monotonic())
    until(lambda: {i["status"] for i in one.read("incident", "list")} <= {*ENDED}, 100, "all ends")
    kind = EventType.PEOPLE_TOLD  # alone or in a digest
    until(lambda: sum(per_incident(told(store_url), kind)) >= ALERTS, 150, "all to be told")

    events, sent = told(store_url), keys(receiver)
    again = sum(sent.values()) - len(sent)
    assert sorted(named(receiver).values()) == [1] * ALERTS, "each incident is told once"
    stories = len(per_incident(events, EventType.REPORT_WRITTEN))
    record_property(
        "count",
        f"two servers: {ALERTS} alerts, {stories} stories; "
        f"taken over {stopped:.1f} s after SIGSTOP, {killed:.1f} s after SIGKILL; "
        f"{refused} writes of the one that woke refused; {ALERTS} notices in {len(sent)} messages, "
        f"{again} sent again under its key (at the kill)",
    )
    assert max(stopped, killed) <= TAKEOVER_SECONDS
    for kind in (EventType.INCIDENT_OPENED, EventType.REPORT_WRITTEN, EventType.PEOPLE_TOLD):
        assert per_incident(events, kind) == [1] * ALERTS, kind
    assert again <= 1, "what was under way when its process was killed"


def named(receiver: Receiver) -> Counter[str]:
    """Return in how many messages each incident was told, one that came again counted once."""
    bodies = {one.headers["Idempotency-Key"]: one.body for one in list(receiver.posted)}
    lines = [line for body in bodies.values() for line in body["digest"] or [body]]
    return Counter(line["incident"] for line in lines)


def keys(receiver: Receiver) -> Counter[str]:
    return Counter(one.headers["Idempotency-Key"] for one in list(receiver.posted))
