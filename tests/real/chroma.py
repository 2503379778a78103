"""A real Chroma server on a free port, that keeps its files when it is started again."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .processes import Process, free_port

START_SECONDS = 60.0


@dataclass
class Chroma:
    """One server and its folder."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, also once more on what it kept."""
        fetched = os.environ.get("AIOPS_TEST_CHROMA", "")
        assert fetched, "AIOPS_TEST_CHROMA names no Chroma; run `make test-real`, which fetches it."
        port = ("--host", "127.0.0.1", "--port", str(self.port))
        # The server is a library of the package; what its command line imports beside is not here.
        run = "import chromadb_rust_bindings as it, sys; it.cli(['chroma', *sys.argv[1:]])"
        command = (sys.executable, "-c", run, "run", "--path", str(self.folder / "chroma"), *port)
        own = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "PYTHONPATH": fetched}
        self.process = Process(command, self.folder / "chroma.log", own)
        self.process.wait_ready(f"{self.url}/api/v2/heartbeat", START_SECONDS)

    def stop(self) -> None:
        """End it, if it runs."""
        if self.process is not None:
            self.process.stop()
            self.process = None
