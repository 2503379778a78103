"""A real Jaeger on free ports: it takes OTLP and says what it got."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .processes import Process, free_port, get_json

START_SECONDS = 30.0
# Everything that it opens and nobody here asks for goes to ports of its own.
_OTHERS = (
    "query.grpc-server",
    "collector.otlp.grpc",
    "collector.http-server",
    "collector.grpc-server",
    "admin.http",
)


@dataclass
class Jaeger:
    """One server that keeps traces in memory."""

    folder: Path

    def __post_init__(self) -> None:
        program = os.environ.get("AIOPS_TEST_JAEGER", "")
        assert program, "AIOPS_TEST_JAEGER names no Jaeger; run `make test-real`, which builds it."
        self.url, self.otlp = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        command = [
            program,
            f"--query.http-server.host-port={self.url.removeprefix('http://')}",
            f"--collector.otlp.http.host-port={self.otlp.removeprefix('http://')}",
            *(f"--{name}.host-port=127.0.0.1:{free_port()}" for name in _OTHERS),
        ]
        self.process = Process(command, self.folder / "jaeger.log")
        self.process.wait_ready(f"{self.url}/api/services", START_SECONDS)

    def spans(self, trace: str) -> list[dict[str, Any]]:
        """Return the spans of a trace."""
        [found] = get_json(f"{self.url}/api/traces/{trace}")["data"]
        spans: list[dict[str, Any]] = found["spans"]
        return spans

    def traces(self) -> list[str]:
        """Return the ids of all traces of ours."""
        found = get_json(f"{self.url}/api/traces?service=aiops-agent&limit=100&lookback=1h")
        return [one["traceID"] for one in found["data"]]

    def stop(self) -> None:
        self.process.stop()
