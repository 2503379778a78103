"""A small real HTTP service whose capacity is SLOTS / WORK requests per second per replica.

A request holds one of SLOTS worker slots for WORK seconds, asleep, so the capacity is the same
however busy the machine is. A request that waits longer than WAIT for a slot is answered 503.
At most MOST connections are held at once; further ones wait in a short queue of the kernel, so that
a busy machine makes this service slow and never big: else threads pile up to the memory's limit.
BACKEND is an address that each request posts to meanwhile; it answers 502 when that does not answer
within a second. After POST /break, /refund fails. With LEAK, each request keeps so many KiB.
GET /hang (from anywhere) leaves every worker stuck for ever: requests are still accepted, none is
served, and /metrics goes on answering. Names, labels and the port come from the environment.
"""

import os
import signal
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = int(os.environ.get("PORT", "8080"))
SLOTS = int(os.environ.get("SLOTS", "2"))
WORK = float(os.environ.get("WORK", "0.05"))
WAIT = float(os.environ.get("WAIT", "2"))
MOST = int(os.environ.get("MOST", "256"))  # at twice its capacity some 130 wait
BACKEND = os.environ.get("BACKEND", "")
LEAK = int(os.environ.get("LEAK", "0"))
CODES = ("200", "503", *(("500", "502") if BACKEND else ()))
STACK_BYTES = 256 * 1024  # of a thread, in place of megabytes
HISTOGRAM = os.environ.get("HISTOGRAM", "http_request_duration_seconds")
COUNTER = os.environ.get("COUNTER", "http_requests_total")
CODE_LABEL = os.environ.get("CODE_LABEL", "code")
EDGES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, float("inf"))


class Tally:
    """Counts of answered requests by code and by latency bucket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets = {code: [0] * len(EDGES) for code in CODES}
        self._spent = dict.fromkeys(CODES, 0.0)
        self.busy = 0  # slots

    def add(self, code: str, seconds: float) -> None:
        with self._lock:
            self._spent[code] += seconds
            for index, edge in enumerate(EDGES):
                self._buckets[code][index] += seconds <= edge

    def text(self) -> str:
        """Return the counts in the Prometheus text format."""
        with self._lock:
            lines = [f"# TYPE {HISTOGRAM} histogram"]
            for code in self._buckets:
                lines += self._histogram(code)
            if COUNTER:
                lines.append(f"# TYPE {COUNTER} counter")
            for code, buckets in self._buckets.items():
                if COUNTER:
                    lines.append(f'{COUNTER}{{{CODE_LABEL}="{code}"}} {buckets[-1]}')
        if BACKEND:
            lines += [f"process_start_time_seconds {STARTED:.3f}"]
            lines += [f"connection_pool_in_use {self.busy}", f"connection_pool_max {SLOTS}"]
        return "\n".join(lines) + "\n"

    def hold(self, slots: int) -> None:
        """Count slots that are taken, or given back by a negative number."""
        with self._lock:
            self.busy += slots

    def _histogram(self, code: str) -> list[str]:
        own = f'{CODE_LABEL}="{code}"'
        lines = [
            f'{HISTOGRAM}_bucket{{{own},le="{"+Inf" if edge == EDGES[-1] else edge}"}} {count}'
            for edge, count in zip(EDGES, self._buckets[code], strict=True)
        ]
        lines.append(f"{HISTOGRAM}_count{{{own}}} {self._buckets[code][-1]}")
        lines.append(f"{HISTOGRAM}_sum{{{own}}} {self._spent[code]:.6f}")
        return lines


STARTED = time.time()
TALLY = Tally()
WORKERS = threading.Semaphore(SLOTS)
STUCK, BROKEN = threading.Event(), threading.Event()
KEPT: list[bytes] = []


def work() -> str:
    """Wait for a worker, use it for WORK seconds, and return the status code of the answer."""
    if not WORKERS.acquire(timeout=WAIT):
        print(f"no worker became free within {WAIT:g} s", file=sys.stderr, flush=True)
        return "503"
    TALLY.hold(1)
    try:
        time.sleep(WORK)
        return asked()
    finally:
        TALLY.hold(-1)
        if not STUCK.is_set():
            WORKERS.release()


def asked() -> str:
    """Ask the backend, if there is one, and return the status code that comes of it."""
    if LEAK:
        KEPT.append(b"x" * (LEAK * 1024))
    try:
        if BACKEND:
            urllib.request.urlopen(BACKEND, b"order", 1.0).close()
        return "200"
    except OSError as error:
        print(f"the backend does not answer: {error}", file=sys.stderr, flush=True)
        return "502"


def hang() -> None:
    """Leave every worker busy for ever."""
    STUCK.set()
    for _ in range(SLOTS):
        threading.Thread(target=WORKERS.acquire, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """GET /metrics, GET /hang, and everything else is a request that needs a worker."""

    timeout = 5.0  # a client that connects and says nothing holds no thread for ever

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self._answer("200", TALLY.text())
        elif self.path == "/hang":
            hang()
            self._answer("200", "hung\n")
        else:
            start = time.monotonic()
            failing = BROKEN.is_set() and self.path == "/refund"
            code = "500" if failing else work()
            TALLY.add(code, time.monotonic() - start)
            self._answer(code, "ok\n")

    def do_POST(self) -> None:
        if broken := self.path == "/break":
            BROKEN.set()
        self._answer("200" if broken else "404", "done\n")

    def _answer(self, code: str, body: str) -> None:
        self.send_response(int(code))
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Keep no access log."""


class Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True
    free = threading.BoundedSemaphore(MOST)  # connections that may be taken still

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection as soon as one of MOST is free."""
        self.free.acquire()
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread could be started
            self.free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a connection in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that went away before the answer."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    threading.stack_size(STACK_BYTES)
    print(f"listening on {PORT}", file=sys.stderr, flush=True)
    Server(("", PORT), Handler).serve_forever()
