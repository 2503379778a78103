"""What does `aiops serve` cost while nothing happens?"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.row import Row

LIMIT_MB, LIMIT_CPU = 150, 5
READY_S, CALM_S, WATCH_S = 60, 5, 20
AIOPS = str(Path(sys.executable).with_name("aiops"))


def rows() -> Iterator[Row]:
    """Yield resident megabytes and the share of one core, over twenty idle seconds."""
    with tempfile.TemporaryDirectory() as folder, _serving(Path(folder)) as process:
        time.sleep(CALM_S)
        before = _cpu_seconds(process)
        time.sleep(WATCH_S)
        used = _cpu_seconds(process) - before
        megabytes = process.memory_info().rss / 2**20
    yield Row("serve idle, memory", megabytes, "MB", LIMIT_MB)
    yield Row("serve idle, processor", 100 * used / WATCH_S, "%", LIMIT_CPU, "of one core")


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _serving(folder: Path) -> Iterator[psutil.Process]:
    """Run the server on a new store until the block ends."""
    port = _free_port()
    config = folder / "aiops.yaml"
    config.write_text(json.dumps(_config(port)))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AIOPS_STATE_DIR": str(folder / "state"),
    }
    with (folder / "serve.log").open("w") as log:
        started = subprocess.Popen(
            [AIOPS, "serve", "-c", str(config)], env=environment, stdout=log, stderr=log
        )
        try:
            _wait_for(started, f"http://127.0.0.1:{port}/healthz", folder / "serve.log")
            yield psutil.Process(started.pid)
        finally:
            started.terminate()
            started.wait(30)


def _config(port: int) -> dict[str, object]:
    return {
        "apiVersion": "aiops-agent/v1",
        "environment": "docker:bench",
        "sources": {"prometheus": {"url": "http://127.0.0.1:9"}},
        "server": {"host": "127.0.0.1", "port": port},
    }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    ends = time.monotonic() + READY_S
    while time.monotonic() < ends and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"aiops serve did not answer on {url}:\n{log.read_text()}")
