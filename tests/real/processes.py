"""Children of the tests, and waiting for what they do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.25
# So many times as long is waited: on a machine that others use AIOPS_TEST_PATIENCE=5 helps.
PATIENCE = float(os.environ.get("AIOPS_TEST_PATIENCE", "1"))


def until(condition: Callable[[], T], timeout: float, what: str) -> T:
    """Return the first true answer of the condition; fail after `timeout` seconds, saying what."""
    timeout *= PATIENCE
    end = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"Waited {timeout:g} s in vain: {what} (last answer {answer!r}).")
        time.sleep(POLL_SECONDS)


def free_port() -> int:
    """Return a loopback port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Return whether a GET of the address answers 2xx."""
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(200 <= reply.status < 300)
    except (OSError, urllib.error.URLError):
        return False


def get_json(url: str) -> Any:
    """Return the JSON that a GET of the address answers."""
    with urllib.request.urlopen(url, timeout=5) as reply:
        return json.load(reply)


class Process:
    """A child process with its output in a file; leaving the `with` block ends it."""

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment) if environment is not None else dict(os.environ),
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        return self._child.poll()

    def wait_ready(self, url: str, timeout: float) -> None:
        """Wait until the address answers; fail at once, with the log, when the child has ended."""

        def ready() -> bool:
            code = self.exit_code
            assert code is None, f"{self.log.name} ended with {code}:\n{self.tail()}"
            return answers(url)

        until(ready, timeout, f"{url} to answer")

    def kill(self) -> None:
        """End the child as a power cut would."""
        self._child.kill()
        self._child.wait()

    def stop(self, timeout: float = 15, ask: signal.Signals = signal.SIGTERM) -> int:
        """Ask the child to end, and return its exit code; kill it after `timeout` seconds."""
        if self.exit_code is None:
            self._child.send_signal(ask)
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of the output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
