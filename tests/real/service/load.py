"""load.py HOST PORT RATE [METHOD PATH]...: open-loop load until ended, by default GET /pay.

A look-up and a connection per request; of several kinds of requests each has its turn.
"""

import http.client
import os
import signal
import sys
import threading
import time

HOST, PORT, RATE = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
KINDS = tuple(zip(sys.argv[4::2], sys.argv[5::2], strict=True)) or (("GET", "/pay"),)
CLIENT_TIMEOUT = 3.0
MOST = 800  # requests under way; beyond it one is left out and counted, so that this stays small
DONE: dict[str, list[float]] = {}
LOCK = threading.Lock()
FREE = threading.BoundedSemaphore(MOST)


def ask(method: str, path: str) -> None:
    """Send one request and note its status code, or the kind of failure, and how long it took."""
    start = time.monotonic()
    try:
        connection = http.client.HTTPConnection(HOST, PORT, timeout=CLIENT_TIMEOUT)
        connection.request(method, path)
        outcome = str(connection.getresponse().status)
        connection.close()
    except (OSError, http.client.HTTPException) as error:
        outcome = type(error).__name__
    FREE.release()
    note(outcome, time.monotonic() - start)


def note(outcome: str, seconds: float) -> None:
    with LOCK:
        DONE.setdefault(outcome, []).append(seconds)


def report() -> None:
    """Print one line per outcome: how many, and their median and p95 in seconds."""
    with LOCK:
        for outcome, took in sorted(DONE.items()):
            took.sort()
            median, p95 = took[len(took) // 2], took[int(len(took) * 0.95)]
            print(f"{outcome} {len(took)} p50 {median:.3f} p95 {p95:.3f}", flush=True)


def end(*_: object) -> None:
    report()
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    threading.stack_size(256 * 1024)
    begin, sent = time.monotonic(), 0
    while True:
        time.sleep(max(0.0, begin + sent / RATE - time.monotonic()))
        if FREE.acquire(blocking=False):
            threading.Thread(target=ask, args=KINDS[sent % len(KINDS)], daemon=True).start()
        else:
            note("left out", 0.0)
        sent += 1
