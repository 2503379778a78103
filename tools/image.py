"""Build the image, and look at it as who runs it will: size, start, contents, a second build.

usage: tools/image.py [--base IMAGE] [--tag NAME] [--once]
Prints JSON lines {row, n, goal, measured}; exits 1 on a miss. The list of what is inside
(CycloneDX) is written to build/image/sbom.cdx.json. `--once` leaves the second build out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pip
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
CONTEXT = ROOT / "build" / "image"
OURS = "aiops-agent.image"  # the label of all that is started here
MOST_MB = 450  # unpacked, with the models' client libraries
MOST_SECONDS = 5.0  # from `docker start` to the first 200 of /readyz
SETTLE = 60.0  # for a container that never becomes ready
# What a program is built with; none of it may be left.
TOOLS = ("pip", "pip3", "gcc", "cc", "g++", "make", "ld", "as", "git", "curl", "wget", "go")
# Files that Docker itself lays into each container.
_DOCKERS = {".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab"}

Listing = dict[str, tuple[str, ...]]


class ImageError(Exception):
    """Why there is no image, in a sentence."""


def docker(*arguments: str, stdin: str | None = None) -> str:
    """Run the client and return what it prints; raises ImageError with the end of its words."""
    try:
        ran = subprocess.run(
            ["docker", *arguments], check=False, capture_output=True, text=True, input=stdin
        )
    except FileNotFoundError:
        raise ImageError("There is no `docker`: install Docker and run make image again.") from None
    if ran.returncode:
        told = (ran.stderr.strip() or ran.stdout.strip()).splitlines()[-15:]
        raise ImageError(f"docker {arguments[0]} failed: " + "\n".join(told))
    return ran.stdout.strip()


def project() -> tuple[str, list[str]]:
    """Return our version, and the extras that a user may want."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return told["version"], sorted(set(told["optional-dependencies"]) - {"dev"})


def closure(extras: list[str]) -> set[str]:
    """Return the normalised names of all that we need here, as installed beside us."""
    found: set[str] = set()
    todo = [("aiops-agent", frozenset(extras))]
    seen = set()
    while todo:
        name, wanted = todo.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        for text in requires(name) or ():
            one = Requirement(text)
            marks = ({"extra": extra} for extra in (*wanted, ""))
            if one.marker is None or any(map(one.marker.evaluate, marks)):
                found.add(_plain(one.name))
                todo.append((one.name, frozenset(one.extras)))
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(names: set[str]) -> str:
    """Return what the lock says of these, with its hashes."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.findall(r"^[A-Za-z0-9].*?(?=^[A-Za-z0-9]|\Z)", lock, re.MULTILINE | re.DOTALL)
    named = {_plain(re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0]): one for one in entries}
    if missing := sorted(names - named.keys()):
        raise ImageError(f"requirements.lock lacks {', '.join(missing)}: run tools/lock.sh.")
    return "".join(named[name] for name in sorted(names))


def lay_out(extras: list[str]) -> None:
    """Fill the folder that the image is built from."""
    shutil.rmtree(CONTEXT, ignore_errors=True)
    wheels = CONTEXT / "wheels"
    wheels.mkdir(parents=True)
    python = [sys.executable, "-m"]
    _run(*python, "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(ROOT))
    (CONTEXT / "wanted.txt").write_text(locked(closure(extras)), encoding="utf-8")
    asked = ("--require-hashes", "--only-binary", ":all:", "-r", str(CONTEXT / "wanted.txt"))
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-deps")
    _run(*python, "pip", "download", *quiet, *asked, "--dest", str(wheels))
    ours = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(pip.__file__).parent, CONTEXT / "pip" / "pip", ignore=ours)


def _run(*command: str) -> None:
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if ran.returncode:
        told = "\n".join((ran.stdout + ran.stderr).strip().splitlines()[-15:])
        raise ImageError(f"{' '.join(command[2:4])} failed:\n{told}")


def build(tag: str, base: str, *, anew: bool = False) -> None:
    """Build the image from the folder; `anew` uses no layer of an earlier build."""
    version, extras = project()
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    there = docker("run", "--rm", "--entrypoint", "python3", f"--label={OURS}=", base, "-c", asked)
    if here != there:
        raise ImageError(
            f"{base} has Python {there} and .venv has {here}: choose another BASE, "
            "or make .venv with PYTHON=python" + there + "."
        )
    told = {"BASE": base, "EXTRAS": ",".join(extras), "VERSION": version}
    given = [word for name, value in told.items() for word in ("--build-arg", f"{name}={value}")]
    again = ["--no-cache"] if anew else []
    place = ("--file", str(ROOT / "Dockerfile"), "--tag", tag, str(CONTEXT))
    docker("build", "--quiet", "--force-rm", *again, *given, *place)


@contextmanager
def container(image: str, *options: str, command: tuple[str, ...] = ()) -> Iterator[str]:
    """Create a container, yield its id and take it away."""
    made = docker("create", f"--label={OURS}=", *options, image, *command)
    try:
        yield made
    finally:
        docker("rm", "--force", made)


def listing(image: str) -> Listing:
    """Return of every path its kind, mode, owner, and the hash of its content or its target."""
    found: Listing = {}
    with container(image) as made:
        export = subprocess.Popen(["docker", "export", made], stdout=subprocess.PIPE)
        with export, tarfile.open(fileobj=export.stdout, mode="r|") as tar:
            for entry in tar:
                name = entry.name.strip("/")
                if name in _DOCKERS or name.startswith(("dev/", "proc/", "sys/")):
                    continue
                file = tar.extractfile(entry) if entry.isfile() else None
                content = hashlib.sha256(file.read()).hexdigest() if file else entry.linkname
                whose = f"{entry.uid}:{entry.gid}"
                found[name] = (entry.type.decode(), oct(entry.mode), whose, content)
    return found


def differences(one: Listing, other: Listing) -> list[str]:
    """Return the paths that are not the same in both."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


# As a restricted pod runs it: any number, nothing but memory to write to, no right at all.
RESTRICTED = (
    "--user=123456:123456",
    "--read-only",
    "--tmpfs=/var/lib/aiops:uid=123456,gid=123456,mode=0700",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)


def start_seconds(image: str) -> float:
    """Return how long `serve` takes until it is ready, under the rules of a restricted pod."""
    token = "AIOPS_SERVER_TOKEN=only-for-this-measurement"
    with container(image, *RESTRICTED, f"--env={token}") as made:
        began = time.monotonic()
        docker("start", made)
        probe = (
            "import time, urllib.request as u, urllib.error as e\n"
            f"end = time.monotonic() + {SETTLE}\n"
            "while time.monotonic() < end:\n"
            "    try:\n"
            "        u.urlopen('http://127.0.0.1:8088/readyz', timeout=1); raise SystemExit(0)\n"
            "    except (OSError, e.URLError): time.sleep(0.02)\n"
            "raise SystemExit('never ready')"
        )
        try:
            docker("exec", made, "python3", "-S", "-c", probe)
        except ImageError as error:
            raise ImageError(f"{error}\n{logs(made)}") from None
        return time.monotonic() - began


def logs(made: str) -> str:
    """Return what a container printed, on both of its outputs."""
    ran = subprocess.run(["docker", "logs", made], check=False, capture_output=True, text=True)
    return ran.stdout + ran.stderr


def left_tools(paths: Listing) -> list[str]:
    """Return the programs to build with that are still there."""
    places = ("bin/", "sbin/", "usr/bin/", "usr/sbin/", "usr/local/bin/", "opt/aiops/bin/")
    return [place + tool for place in places for tool in TOOLS if place + tool in paths]


def row(name: str, goal: str, measured: float, kept: bool, n: int = 1) -> bool:
    """Print one figure."""
    print(json.dumps({"row": name, "n": n, "goal": goal, "measured": measured}), flush=True)
    return kept


def main() -> int:
    """Build, look, tell."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    usual = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    arguments.add_argument("--base", default=usual)
    arguments.add_argument("--tag", default=f"aiops-agent:{project()[0]}")
    arguments.add_argument("--once", action="store_true")
    asked = arguments.parse_args()
    try:
        return 0 if _look(asked.tag, asked.base, once=asked.once) else 1
    except ImageError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1


def _look(tag: str, base: str, *, once: bool) -> bool:
    version, extras = project()
    lay_out(extras)
    build(tag, base)
    inside = listing(tag)
    size = int(docker("image", "inspect", "--format", "{{.Size}}", tag)) / 1e6
    kept = [row("image: MB unpacked", f"<= {MOST_MB}", round(size, 1), size <= MOST_MB)]
    tools = left_tools(inside)
    kept += [row("image: tools to build with that are left", "0", len(tools), not tools)]
    packages = _sbom(tag, version)
    kept += [row("image: packages listed (CycloneDX)", "> 0", packages, packages > 0)]
    seconds = start_seconds(tag)
    goal = f"<= {MOST_SECONDS:g}"
    kept += [row("image: seconds to ready", goal, round(seconds, 2), seconds <= MOST_SECONDS)]
    if not once:
        again = f"{tag}-again"
        build(again, base, anew=True)
        odd = differences(inside, listing(again))
        docker("rmi", again)
        sys.stderr.writelines(f"differs: {path}\n" for path in odd[:20])
        name = "image: paths that differ between two builds"
        kept += [row(name, "0", len(odd), not odd, n=len(inside))]
    # What the first stages left is twice the size of the image.
    docker("image", "prune", "--force", "--filter", f"label={OURS}=stage")
    print(f"image: {tag} is built; {CONTEXT.relative_to(ROOT)}/sbom.cdx.json lists what it holds")
    return all(kept)


def _sbom(tag: str, version: str) -> int:
    """Write the list of what is inside, and return how many packages that are."""
    program = (ROOT / "tools" / "sbom.py").read_text(encoding="utf-8")
    options = ("--rm", "--interactive", f"--label={OURS}=", "--entrypoint", "python")
    text = docker("run", *options, tag, "-", "aiops-agent", version, stdin=program)
    (CONTEXT / "sbom.cdx.json").write_text(text + "\n", encoding="utf-8")
    told: dict[str, Any] = json.loads(text)
    return len(told["components"])


if __name__ == "__main__":
    sys.exit(main())
