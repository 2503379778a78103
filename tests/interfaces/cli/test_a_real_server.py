"""`aiops serve` as a process: one per store, alerts kept, and an orderly end."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

AIOPS = [sys.executable, "-m", "aiops_agent.interfaces.cli.main"]
LONGEST = 60.0
ALERT = {
    "version": "4",
    "status": "firing",
    "alerts": [{"status": "firing", "labels": {"alertname": "A"}, "annotations": {}}],
}


class Server:
    """A serving process and where it listens."""

    def __init__(self, folder: Path) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.variables = {**kept, "AIOPS_STATE_DIR": str(folder / "state")}
        self.log = folder / "err.txt"
        with self.log.open("w") as err:
            self.process = subprocess.Popen(
                [*AIOPS, "serve", "--port", "0"], stderr=err, env=self.variables, cwd=folder
            )

    def address(self) -> str:
        until = time.monotonic() + LONGEST
        while time.monotonic() < until and self.process.poll() is None:
            if found := re.search(r"http://127\.0\.0\.1:\d+", self.log.read_text()):
                return found[0]
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*AIOPS, *words], env=self.variables, capture_output=True, text=True, check=False
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.process.kill()
    server.process.wait()


def test_a_server_keeps_alerts_refuses_a_second_and_ends_orderly(server: Server) -> None:
    url = f"{server.address()}/api/v1/alertmanager"
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(ALERT).encode(), kind, method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        kept = json.load(response)
    waits = server.run("inbox", "list", "-o", "json")
    noted = server.run("incident", "list")
    # A command that read the store and left takes nothing of what the server writes behind it.
    later = {**ALERT, "alerts": [{"status": "firing", "labels": {"alertname": "B"}}]}
    again = urllib.request.Request(url, json.dumps(later).encode(), kind, method="POST")
    urllib.request.urlopen(again, timeout=10).close()
    both = server.run("inbox", "list", "-o", "json")
    second = server.run("serve", "--port", "0")
    server.process.terminate()

    assert kept["kept"] == 1
    assert [one["why"] for one in json.loads(waits.stdout)] == [
        "docker:local has no source: nothing could be seen of it."
    ]
    assert "1 alert waits; see: " in noted.stderr
    assert len(json.loads(both.stdout)) == 2
    assert second.returncode == 1
    assert f"Process {server.process.pid} already runs `aiops serve`" in second.stderr
    assert server.process.wait(LONGEST) == 0
    assert "stopped" in server.log.read_text()
