"""Alerts that come all the time, and a Prometheus that knows nothing of them."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

PATIENCE_SECONDS = 90.0  # a sender that waits longer than any outage here, and so loses no answer


@dataclass(frozen=True)
class Answered:
    """What became of the alert of that number; `code` is 0 when nobody answered."""

    number: int
    code: int
    text: str
    seconds: float


@dataclass
class Load:
    """Posts an alert of its own each `pause` seconds, about 20 services in turn."""

    url: str
    pause: float = 0.16
    answers: list[Answered] = field(default_factory=list)
    _senders: list[threading.Thread] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._main = threading.Thread(target=self._run)
        self._main.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    def end(self) -> None:
        """Post no more, and wait for the answers."""
        self._over.set()
        self._main.join()
        for sender in self._senders:
            sender.join()

    def since(self, moment: int) -> Counter[int]:
        """Return how often each code was answered behind the first so many answers."""
        return Counter(one.code for one in self.answers[moment:])

    def kept(self) -> set[int]:
        """Return the numbers of the alerts that were answered with 200."""
        return {one.number for one in self.answers if one.code == 200}

    def _run(self) -> None:
        number = 0
        while not self._over.wait(self.pause):
            number += 1
            sender = threading.Thread(target=self._post, args=(number,))
            sender.start()
            self._senders.append(sender)

    def _post(self, number: int) -> None:
        began = time.monotonic()
        asked = urllib.request.Request(
            f"{self.url}/api/v1/alertmanager", body(number), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as reply:
                code, text = reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            code, text = error.code, error.read().decode()
        except OSError as error:
            code, text = 0, str(error)
        self.answers.append(Answered(number, code, text, time.monotonic() - began))


def body(number: int) -> bytes:
    """Return what Alertmanager posts of one alert."""
    labels = {"alertname": "Slow", "service": f"s{number % 20}", "number": str(number)}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {},
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": f"{number:016x}",
    }
    group = {"groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": ""}
    whole = {"version": "4", "groupKey": f"{number}", "status": "firing", "receiver": "aiops"}
    return json.dumps({**whole, **group, "alerts": [alert]}).encode()


class NoSeries:
    """A Prometheus that has no series: whatever is asked, it finds nothing."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found: object = []
        if "query" in self.path:
            kind = "matrix" if "query_range" in self.path else "vector"
            found = {"resultType": kind, "result": []}
        elif "targets" in self.path:
            found = {"activeTargets": []}
        elif "rules" in self.path:
            found = {"groups": []}
        answer = json.dumps({"status": "success", "data": found}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Keep no access log."""
