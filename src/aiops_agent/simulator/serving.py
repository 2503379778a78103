"""Serves a live shop over HTTP: /metrics, /logs, /changes, and the rules of its owners."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from aiops_agent.domain.errors import BusyError
from aiops_agent.domain.telemetry import Signal
from aiops_agent.simulator.alarms import PROMISES
from aiops_agent.simulator.exposed import LiveShop
from aiops_agent.simulator.listening import listen
from aiops_agent.simulator.shop import BY_NAME

PAGES = "/metrics, /logs?since=TIME, /changes and /rules.yml"
_TEXT, _JSON = "text/plain; version=0.0.4; charset=utf-8", "application/json"


@dataclass
class ShopServer:
    """A live shop on a port; open it with `with`. Raises BusyError when the port cannot be had."""

    shop: LiveShop
    host: str = "127.0.0.1"
    port: int = 0
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Listen."""
        try:
            server = _Till((self.host, self.port), _Counter)
        except OSError as error:
            why = error.strerror or str(error)
            raise BusyError(
                f"Cannot listen on {self.host}:{self.port}: {why}; choose another port."
            ) from error
        server.shop = self.shop
        self.port = listen(server, self._open, 0.05)
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the port."""
        self._open.close()

    @property
    def address(self) -> str:
        """Where it can be reached."""
        return f"{self.host}:{self.port}"


class _Till(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client may hold its connection open longer than we live
    shop: LiveShop


class _Counter(BaseHTTPRequestHandler):
    server: _Till

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name is the library's
        """Log nothing: it is scraped all the time."""

    def do_GET(self) -> None:
        """Answer one page."""
        asked, shop = urlsplit(self.path), self.server.shop
        match asked.path:
            case "/metrics":
                self._send(shop.metrics(), _TEXT)
            case "/logs":
                since = _moment(parse_qs(asked.query).get("since", [""])[0])
                if since is None:
                    self._send("Write since as 2026-11-24T09:30:00Z.\n", _TEXT, 400)
                    return
                found = shop.lines(since)
                self._send("".join(f"{json.dumps(one)}\n" for one in found), _JSON)
            case "/changes":
                self._send(json.dumps(shop.changes()) + "\n", _JSON)
            case "/rules.yml":
                self._send(rules(), _TEXT)
            case _:
                self._send(f"Here are {PAGES}.\n", _TEXT, 404)

    def _send(self, text: str, kind: str, status: int = 200) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _moment(text: str) -> datetime | None:
    """Return a time as it was written; the beginning of all when none was, None when it is none."""
    if not text:
        return datetime.min.replace(tzinfo=UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def rules() -> str:
    """Return alerting rules as a Prometheus reads them: a promise is broken for a minute."""
    lines = ["groups:", "  - name: shop", "    rules:"]
    for (service, signal), level in PROMISES.items():
        own = f'service="{service}"'
        if signal is Signal.LATENCY:
            name, bucket = "HighLatency", f"http_request_duration_seconds_bucket{{{own}}}"
            value = f"histogram_quantile(0.95, sum by (service, le) (rate({bucket}[1m])))"
        else:
            name, count = "HighErrorRate", f"http_requests_total{{{own}"
            failed = f'sum by (service) (rate({count},code=~"5.."}}[1m]))'
            value = f"{failed} / sum by (service) (rate({count}}}[1m]))"
        words = "answers slowly" if signal is Signal.LATENCY else "fails"
        lines += [
            f"      - alert: {name}",
            f"        expr: {value} > {level:g}",
            "        for: 1m",
            "        labels: {severity: warning}",
            f'        annotations: {{summary: "{service} {words}"}}',
        ]
    return "\n".join(lines) + "\n"


def prometheus_snippet(address: str) -> str:
    """Return what a prometheus.yml needs to scrape the shop and to know its rules."""
    return f"""\
# prometheus.yml; first: curl -so shop-rules.yml http://{address}/rules.yml
scrape_configs:
  - job_name: shop
    scrape_interval: 15s
    static_configs: [{{targets: ["{address}"]}}]
rule_files: [shop-rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:9093"]}}]}}]}}
"""


def settings_snippet() -> str:
    """Return what an aiops.yaml needs to watch the shop through a Prometheus."""
    lines = [
        "# aiops.yaml",
        "apiVersion: aiops-agent/v1",
        "environment: docker:shop",
        "sources: {prometheus: {url: http://127.0.0.1:9090}}",
        "watch: {signals: open}",
        "services:",
    ]
    for name, spec in BY_NAME.items():
        own = spec.objective
        if own.latency and own.errors and not spec.external:
            promise = f"{{latency: {own.latency * 1000:g}ms, errors: {own.errors * 100:g}%}}"
            lines.append(f"  {name}: {{objective: {promise}}}")
    return "\n".join(lines) + "\n"
