"""The unmodified product as separate processes: `aiops serve` and its command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .processes import PATIENCE, Process, free_port

AIOPS = str(Path(sys.executable).with_name("aiops"))
READY_SECONDS = 40.0


@dataclass(frozen=True)
class Ran:
    """One finished command."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Return stdout as JSON."""
        try:
            return json.loads(self.out)
        except json.JSONDecodeError:
            raise AssertionError(f"No JSON on stdout: {self}") from None


@dataclass
class Product:
    """One installation: a configuration file, a state folder, a port; and what runs on them."""

    folder: Path
    config: dict[str, Any]
    port: int = field(default_factory=free_port)
    _serve: Process | None = None

    def __post_init__(self) -> None:
        (self.folder / "state").mkdir(parents=True, exist_ok=True)
        self.write()

    def write(self) -> None:
        """Write the configuration as it is now."""
        content = {**self.config, "server": {"host": "127.0.0.1", "port": self.port}}
        self.file.write_text(json.dumps(content, indent=1))

    @property
    def file(self) -> Path:
        return self.folder / "aiops.yaml"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        state = str(self.folder / "state")
        home = str(self.folder)
        return {**kept, "HOME": home, "AIOPS_STATE_DIR": state, "AIOPS_CONFIG": str(self.file)}

    def aiops(self, *arguments: str, timeout: float = 60) -> Ran:
        """Run one command of the product without a terminal."""
        ran = subprocess.run(
            [AIOPS, *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout * PATIENCE,
            env=self.environment,
            cwd=self.folder,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def read(self, *arguments: str) -> Any:
        """Return the JSON of a command that must succeed."""
        ran = self.aiops(*arguments, "-o", "json")
        assert ran.code == 0, f"aiops {' '.join(arguments)}: {ran}"
        return ran.data

    @cached_property
    def token(self) -> str:
        """A bearer token of this installation."""
        made = self.aiops("token", "create", "alertmanager")
        assert made.code == 0, made
        return made.out.strip()

    def get(self, what: str) -> Any:
        """Return the JSON that the server answers; asked often, it costs no process."""
        asked = urllib.request.Request(f"{self.url}/api/v1/{what}")
        asked.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(asked, timeout=20) as reply:
            return json.load(reply)

    def serve(self) -> Process:
        """Start the server and wait until it is ready."""
        command = [AIOPS, "serve", "-c", str(self.file)]
        self._serve = Process(command, self.folder / "serve.log", self.environment)
        self._serve.wait_ready(f"{self.url}/readyz", READY_SECONDS)
        return self._serve

    def kill(self) -> None:
        """End the server as a power cut would."""
        assert self._serve is not None, "The server was not started."
        self._serve.kill()

    def stop(self) -> int:
        """Ask the server to end, when it was started, and return its exit code."""
        return 0 if self._serve is None else self._serve.stop()
