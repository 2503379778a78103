"""A crowd at the door of a real `aiops serve`: is health answered, how much memory does it take?"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from aiops_agent.evaluation.goals import Goal
from bench.told import tell

SERVE = (sys.executable, "-m", "aiops_agent.interfaces.cli.main", "serve", "--port", "0")
MIB = 1024 * 1024
READY_S, ASK_S, BODY_S = 180.0, 10.0, 90.0
HEAD = "POST /api/v1/alertmanager HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
ALERT = '"alerts": [{"status": "firing", "labels": {"alertname": "A"}, "annotations": {}}]'


def main(arguments: list[str]) -> int:
    """Measure; exit 1 when somebody was kept out or memory ran away."""
    parser = argparse.ArgumentParser(prog="python -m bench door", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="nothing here is drawn")
    parser.add_argument("--bodies", type=int, default=60)
    parser.add_argument("--mib", type=int, default=15, help="of each body")
    parser.add_argument("--half-open", type=int, default=400)
    given = parser.parse_args(arguments)
    return tell(goals(given.bodies, given.mib * MIB, given.half_open))


def goals(bodies: int, size: int, half_open: int) -> Iterator[Goal]:
    """Yield the rows."""
    nothings = '"x": [' + "[]," * (size // 3) + "1]"
    for name, filler in (("text", f'"x": "{"y" * size}"'), ("nothings", nothings)):
        with serving() as crowd:
            crowd.send([f'{{"version": "4", "n": {n}, {filler}, {ALERT}}}' for n in range(bodies)])
            yield Goal(f"{name}: MB beyond its rest", bodies, crowd.grown, "<= 400")
            yield Goal(f"{name}: health not answered", crowd.asked, crowd.unanswered, "<= 0")
            yield Goal(f"{name}: slowest health, s", crowd.asked, crowd.slowest, "<= 5")
            yield Goal(f"{name}: kept", bodies, crowd.statuses["200"], ">= 1")
            yield Goal(f"{name}: defects", bodies, crowd.statuses["500"], "<= 0")
    with serving() as crowd:
        held = [crowd.opened(b"GET /healthz HTTP/1.1\r\nX-Slow: ") for _ in range(half_open)]
        crowd.watch_for(2.0)
        for one in held:
            one.close()
        yield Goal("half-open heads: health not answered", half_open, crowd.unanswered, "<= 0")
        yield Goal("half-open heads: slowest health, s", crowd.asked, crowd.slowest, "<= 5")


@dataclass
class Crowd:
    """What many senders at once did to one server."""

    port: int
    process: psutil.Process
    rest: int
    peak: int = 0
    asked: int = 0
    unanswered: int = 0
    slowest: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)

    @property
    def grown(self) -> float:
        """How many MB it took at most beyond what it has at rest."""
        return (self.peak - self.rest) / 1e6

    def opened(self, first: bytes, patience: float = ASK_S) -> socket.socket:
        """Open a connection and send its first bytes."""
        made = socket.create_connection(("127.0.0.1", self.port), patience)
        made.sendall(first)
        return made

    def send(self, bodies: list[str]) -> None:
        """Send all bodies at once, and ask for health meanwhile."""
        senders = [threading.Thread(target=self._send, args=(body.encode(),)) for body in bodies]
        for one in senders:
            one.start()
        while any(one.is_alive() for one in senders):
            self.watch_for(0.05)

    def watch_for(self, seconds: float) -> None:
        """Ask for health again and again, and see how much memory is taken."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.peak = max(self.peak, self.process.memory_info().rss)
            began = time.monotonic()
            self.asked += 1
            self.unanswered += not self._healthy()
            self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(0.02)

    def _healthy(self) -> bool:
        try:
            with self.opened(HEALTH) as made:
                return b" 200 " in made.recv(100)
        except OSError:
            return False

    def _send(self, body: bytes) -> None:
        head = f"{HEAD}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            with self.opened(head.encode(), BODY_S) as made:
                made.sendall(body)
                self.statuses[made.recv(100)[9:12].decode()] += 1
        except OSError:  # hung up: it is to come again
            self.statuses["hung up"] += 1


@contextmanager
def serving() -> Iterator[Crowd]:
    """Serve from an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        variables = {**kept, "AIOPS_STATE_DIR": f"{folder}/state"}
        with log.open("w") as written:
            started = subprocess.Popen(SERVE, stderr=written, env=variables, cwd=folder)
        try:
            process = psutil.Process(started.pid)
            port = _port(started, log)
            yield Crowd(port, process, process.memory_info().rss)
        finally:
            started.kill()  # what it was about to work on is of no use
            started.wait()


def _port(started: subprocess.Popen[bytes], log: Path) -> int:
    ends = time.monotonic() + READY_S
    while time.monotonic() < ends and started.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.1)
    raise RuntimeError(f"aiops serve did not listen:\n{json.dumps(log.read_text())}")
