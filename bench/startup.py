"""How long do `aiops --help` and `--version` take, beside an empty Python?"""

import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.row import Row, typical

LIMIT_S = 0.8
AIOPS = str(Path(sys.executable).with_name("aiops"))


def rows() -> Iterator[Row]:
    """Yield the seconds from start to exit, typical of seven, and the ratio to an empty Python."""
    empty = typical(lambda: _seconds(sys.executable, "-c", "pass"), times=7)
    for option in ("--help", "--version"):
        took = typical(partial(_seconds, AIOPS, option), times=7)
        yield Row(f"aiops {option}", took, "s", LIMIT_S, f"{took / empty:.1f} x an empty Python")


def _seconds(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began
