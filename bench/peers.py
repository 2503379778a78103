"""An environment of their own for others' methods, made by the first run that asks for it."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np

from aiops_agent.reasoning.observations import Observations

PLACE = Path(__file__).parents[1] / "build" / "peers"
PROGRAM = Path(__file__).with_name("peer.py")
# What was measured with. fse-baro (MIT) holds BARO and N-Sigma as their authors publish them.
PACKAGES = ("fse-baro==0.2.2", "numpy==2.4.6", "pandas==3.1.1", "scikit-learn==1.9.1")
# One thread for everybody.
ONE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}


def python(place: Path = PLACE) -> Path:
    """Return the interpreter that has the packages; make it if it is not there.

    Raises CalledProcessError when the package registry does not answer.
    """
    found, ready = place / "bin" / "python", place / ".ready"
    wanted = "\n".join(PACKAGES)
    if not ready.exists() or ready.read_text() != wanted:
        print(f"bench rca: making {place} with {', '.join(PACKAGES)}", file=sys.stderr)
        venv.create(place, clear=True, with_pip=True)
        pip = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--only-binary", ":all:", *PACKAGES], check=True)
        ready.write_text(wanted)
    return found


@dataclass(frozen=True)
class PeerRanking:
    """What one method made of one case: services as numbers, and milliseconds of CPU."""

    services: tuple[int, ...]
    cpu_ms: float

    def place(self, service: int) -> float:
        """Return the place of a service; infinite when it is not ranked."""
        return self.services.index(service) + 1 if service in self.services else float("inf")


@dataclass(frozen=True)
class Peers:
    """The running program of the others."""

    process: "subprocess.Popen[str]"
    folder: Path

    def ranked(self, seen: Observations, times: int = 1) -> Mapping[str, PeerRanking]:
        """Return what each method makes of the metrics; they know nothing else."""
        file = self.folder / "case.npz"
        table = seen.table
        np.savez(file, at=table.at, values=table.values, service=table.service, began=seen.began)
        ask, answer = _pipe(self.process.stdin), _pipe(self.process.stdout)
        ask.write(json.dumps({"file": str(file), "times": times}) + "\n")
        ask.flush()
        line = answer.readline()
        if not line:
            raise RuntimeError(f"{PROGRAM.name} ended; what it said stands above.")
        told: dict[str, Any] = json.loads(line)
        return {
            name: PeerRanking(tuple(one["services"]), one["cpu_ms"]) for name, one in told.items()
        }


def _pipe(one: IO[str] | None) -> IO[str]:
    assert one is not None  # it was started with pipes
    return one


@contextmanager
def running(interpreter: Path) -> Iterator[Peers]:
    """Run the program of the others until the end of the block."""
    with TemporaryDirectory(prefix="aiops-peers-") as folder:
        process = subprocess.Popen(
            [str(interpreter), str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ONE},
        )
        try:
            yield Peers(process, Path(folder))
        finally:
            _pipe(process.stdin).close()
            process.wait()


def prototype(folder: Path, sets: Path) -> Iterator[Mapping[str, Any]]:
    """Yield what code in another folder makes of each case, as `peer.py` tells it."""
    command = [sys.executable, str(PROGRAM), "--prototype", str(folder), str(sets)]
    told = subprocess.run(
        command, check=True, text=True, stdout=subprocess.PIPE, env={**os.environ, **ONE}
    )
    yield from map(json.loads, told.stdout.splitlines())
