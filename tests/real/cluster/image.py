"""Images of the tests' node without Docker: busybox and a command, for `ctr images import`.

usage: image.py OUT.tar TAG [COMMAND...]
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def write(
    out: Path, tag: str, command: Sequence[str] = (), files: Mapping[str, Path] | None = None
) -> None:
    """Write an image that runs `command`: busybox, and files by their names in the image."""
    busybox = which("busybox")
    if busybox is None:
        raise SystemExit("image: busybox is missing; install busybox-static.")
    names = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True)
    layer = _layer(Path(busybox).read_bytes(), names.stdout.split(), files or {})
    config = {
        "architecture": _MACHINES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": [*command]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
    }
    about = json.dumps(config).encode()
    named = f"{_digest(about)}.json"
    manifest = [{"Config": named, "RepoTags": [tag], "Layers": ["layer.tar"]}]
    with tarfile.open(out, "w") as archive:
        for name, body in (
            ("layer.tar", layer),
            (named, about),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            _add(archive, name, body)


def python() -> dict[str, Path]:
    """Return the files of Debian's Python, with the libraries that it is linked to."""
    program = Path("/usr/bin/python3").resolve()
    library = Path("/usr/lib") / program.name
    parts = [one for one in library.rglob("*") if one.suffix in (".py", ".so") and one.is_file()]
    linked = [program, *(one for one in parts if one.suffix == ".so")]
    told = subprocess.run(["ldd", *map(str, linked)], check=True, capture_output=True, text=True)
    libraries = {
        Path(word) for word in told.stdout.split() if re.fullmatch(r"/\S+\.so[.\d]*", word)
    }
    names = {str(one).lstrip("/"): one for one in (*parts, *libraries)}
    return {**names, "bin/python3": program}


def _layer(busybox: bytes, names: Sequence[str], files: Mapping[str, Path]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as layer:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777)):
            made = tarfile.TarInfo(folder)
            made.type, made.mode = tarfile.DIRTYPE, mode
            layer.addfile(made)
        _add(layer, "bin/busybox", busybox, 0o755)
        for name, file in files.items():
            _add(layer, name, file.read_bytes(), 0o755)
        for name in names:
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                layer.addfile(link)
    return whole.getvalue()


def _add(archive: tarfile.TarFile, name: str, body: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(body), mode
    archive.addfile(entry, io.BytesIO(body))


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
