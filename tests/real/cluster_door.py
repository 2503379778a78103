"""A door before an API server: what the product asks goes through it, and may be lost there.

It speaks plain HTTP on loopback, with one connection for each request, and HTTPS with the server.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import yaml

_HOP = frozenset(("connection", "content-length", "host", "transfer-encoding", "accept-encoding"))
_WRITES = frozenset(("PATCH", "POST", "PUT", "DELETE"))
_ASKED = "/apis/authorization.k8s.io/"  # posted, and changes nothing


class Fate(Enum):
    """What becomes of one write."""

    KEPT = "kept"  # it stays at the door until that opens, and is then lost
    UNANSWERED = "unanswered"  # it is done; its answer stays at the door, and is then lost
    LOST = "lost"  # the connection breaks before it is done
    ANSWER_LOST = "answer lost"  # it breaks after
    BUSY = "429"
    FAILED = "500"  # without being done
    FAILED_AFTER = "500 after"  # done all the same


_REFUSED = {Fate.BUSY: 429, Fate.FAILED: 500}


class ClusterDoor(ThreadingHTTPServer):
    """Stands before the cluster of a kubeconfig; `fates` are those of its next writes, in turn."""

    daemon_threads = True

    def __init__(self, kubeconfig: Path) -> None:
        cluster = yaml.safe_load(kubeconfig.read_text("utf-8"))["clusters"][0]["cluster"]
        self.behind = str(urlsplit(cluster["server"]).netloc)
        self.trusted = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self.fates: list[Fate] = []
        self.closed, self.opened = threading.Event(), threading.Event()
        super().__init__(("127.0.0.1", 0), _Visit)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def shut(self, fate: Fate) -> None:
        """Keep the next write, or its answer; `closed` says when it is there."""
        self.closed.clear()
        self.opened.clear()
        self.fates.append(fate)

    def fate(self, method: str, path: str) -> Fate | None:
        """Return what becomes of a request; None: nothing."""
        asked = urlsplit(path)
        dry = parse_qs(asked.query).get("dryRun") == ["All"]
        write = method in _WRITES and not dry and not asked.path.startswith(_ASKED)
        return self.fates.pop(0) if write and self.fates else None

    def wait(self) -> None:
        """Have a request wait until the door opens."""
        self.closed.set()
        self.opened.wait(600)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of who was killed while it waited for an answer."""

    def __exit__(self, *_given: object) -> None:
        self.opened.set()
        self.shutdown()
        self.server_close()

    def __enter__(self) -> Self:
        return self


class _Visit(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ClusterDoor

    def _pass(self) -> None:
        self.close_connection = True
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fate = self.server.fate(self.command, self.path)
        if fate is Fate.KEPT:
            self.server.wait()
        if fate in (Fate.KEPT, Fate.LOST):
            return self._break()
        if fate in _REFUSED:
            return self._say(_REFUSED[fate])
        inside = http.client.HTTPSConnection(self.server.behind, context=self.server.trusted)
        try:
            headers = {
                name: told for name, told in self.headers.items() if name.lower() not in _HOP
            }
            inside.request(self.command, self.path, body, headers)
            answer = inside.getresponse()
            if fate is not None:
                answer.read()
                return self._after(fate)
            self._tell(answer)
        finally:
            inside.close()

    do_GET = do_PATCH = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815 # as http.server calls them

    def _after(self, fate: Fate) -> None:
        if fate is Fate.UNANSWERED:
            self.server.wait()
        if fate is Fate.FAILED_AFTER:
            self._say(500)
        else:
            self._break()

    def _tell(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status)
        for name, told in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, told)
        self.send_header("Connection", "close")
        self.end_headers()
        while part := answer.read1(65536):
            self.wfile.write(part)

    def _say(self, status: int) -> None:
        self.send_response_only(status)
        for name, told in (("Content-Length", "0"), ("Connection", "close")):
            self.send_header(name, told)
        self.end_headers()

    def _break(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
