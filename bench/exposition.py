"""Serves kept `/metrics` pages whose counters grow, and has a real Prometheus scrape them."""

import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from threading import Thread

PROGRAM = "prometheus"
GROWTH = 0.05  # of its first value, what a counter grows by in a second
SCRAPE = "2s"  # a machine that is busy with other things answers within that time
SECONDS = 20.0  # of data: a rate looks back over 10 s
_PATIENCE = 30.0  # seconds until Prometheus must be ready
_LINE = re.compile(
    r"(?P<name>[^{\s#]*)(?P<labels>\{(?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*\})?"
    r"[ \t]+(?P<value>\S+)(?P<rest>.*)"
)
_TYPE = re.compile(r"# TYPE \"?(?P<family>[^\s\"]+)\"? (?P<type>\w+)")
_QUOTED = re.compile(r"\{\"(?P<name>(?:[^\"\\]|\\.)*)\"")  # a name that is not of letters only
_ENDS = {"counter": ("", "_total"), "histogram": ("_bucket", "_sum", "_count")}
_ENDS["summary"] = ("_sum", "_count")
_OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_PLAIN = "text/plain; version=0.0.4; charset=utf-8"


class NoPrometheusError(RuntimeError):
    """There is no Prometheus to measure with; the text says what to do."""


@dataclass(frozen=True)
class Page:
    """One target's answer; `job` is what it is scraped as."""

    job: str
    lines: tuple[tuple[str, float | None, str], ...]  # before the number, what grows, after it
    kind: str

    @classmethod
    def of(cls, path: Path, counters: Iterable[str] = ()) -> "Page":
        """Read a page; its counters, buckets, sums and counts grow, and untyped `counters`."""
        text = path.read_text("utf-8")
        types = {m["family"]: m["type"] for m in _TYPE.finditer(text)}
        untyped = {name for name in counters if types.get(name) in {None, "untyped", "unknown"}}
        types |= dict.fromkeys(untyped, "counter")
        lines = tuple(_line(one, types) for one in text.splitlines() if one.strip())
        ended = text.rstrip().endswith("# EOF")
        return cls(path.stem, lines, _OPEN if ended else _PLAIN)

    def at(self, age: float) -> bytes:
        """Return the page `age` seconds after the first look."""
        grown = (
            before if value is None else f"{before}{value * (1 + GROWTH * age)!r}{after}"
            for before, value, after in self.lines
        )
        return ("\n".join(grown) + "\n").encode()


def _line(text: str, types: dict[str, str]) -> tuple[str, float | None, str]:
    found = _LINE.fullmatch(text)
    if found is None:
        return text, None, ""
    quoted = _QUOTED.match(found["labels"] or "")
    name = found["name"] or (quoted["name"] if quoted else "")
    grows = any(
        name == family + end
        for family, kind in types.items()
        for end in _ENDS.get(kind, ())
        if name.startswith(family)
    )
    known = {types.get(name.removesuffix(end), "untyped") for end in ("", "_total", "_bucket")}
    untyped = known <= {"untyped", "unknown"} and name.endswith(("_total", "_bucket"))
    grows = grows or untyped
    _, _, exemplar = found["rest"].partition("#")  # a time of its own would be refused as too old
    after = f" #{exemplar}" if exemplar else ""
    head = f"{found['name']}{found['labels'] or ''} "
    return (head, float(found["value"]), after) if grows else (f"{head}{found['value']}", None, "")


@contextmanager
def scraped(pages: Sequence[Page]) -> Iterator[str]:
    """Yield the address of a Prometheus that has scraped the pages; raises NoPrometheusError."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise NoPrometheusError("There is no Prometheus here; install Debian's package prometheus.")
    with _served(pages) as port, tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "prometheus.yml").write_text(json.dumps(_config(pages, port)), "utf-8")
        address = f"127.0.0.1:{_free_port()}"
        command = [
            program,
            f"--config.file={place / 'prometheus.yml'}",
            f"--storage.tsdb.path={place / 'data'}",
            f"--web.listen-address={address}",
        ]
        with (place / "log").open("wb") as log:
            child = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_ready(f"http://{address}/-/ready", child)
            time.sleep(SECONDS)
            yield f"http://{address}"
        finally:
            child.terminate()
            child.wait()


@contextmanager
def _served(pages: Sequence[Page]) -> Iterator[int]:
    known, began = {f"/{page.job}": page for page in pages}, time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = known.get(self.path)
            if page is None:
                self.send_error(404)
                return
            body = page.at(time.monotonic() - began)
            with suppress(ConnectionError):  # who scrapes may give up
                self.send_response(200)
                self.send_header("Content-Type", page.kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: a line a scrape helps nobody."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def _config(pages: Sequence[Page], port: int) -> dict[str, object]:
    jobs = [
        {
            "job_name": page.job,
            "metrics_path": f"/{page.job}",
            "honor_timestamps": False,
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{port}"],
                    "labels": {"instance": f"10.1.{number // 250}.{number % 250 + 1}:9000"},
                }
            ],
        }
        for number, page in enumerate(pages)
    ]
    return {"global": {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE}, "scrape_configs": jobs}


def _wait_ready(url: str, child: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and child.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise NoPrometheusError(f"Prometheus was not ready within {_PATIENCE:g} s.")


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
