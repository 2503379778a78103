"""Nothing is installed that the lock does not pin and hash; see tools/lock.sh."""

import re
import shlex
import tomllib
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OURS = "aiops-agent"
OF_THE_ENVIRONMENT = {"pip", "setuptools", "wheel"}  # `python -m venv` brings them

# Supported Pythons on machines that people have, none of them this one.
MACHINES = [
    {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0", **machine}
    for minor in (11, 12, 13)
    for machine in (
        {"os_name": "posix", "sys_platform": "linux", "platform_machine": "aarch64"},
        {"os_name": "posix", "sys_platform": "darwin", "platform_machine": "arm64"},
        {"os_name": "nt", "sys_platform": "win32", "platform_machine": "AMD64"},
    )
]


def pinned(lock: str) -> dict[str, Requirement]:
    """Return what a lock pins by name; AssertionError names a line without version or hash."""
    found: dict[str, Requirement] = {}
    for line in re.sub(r" *\\\n *", " ", lock).splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        said, *options = line.split(" --")
        one = Requirement(said)
        assert re.fullmatch(r"==[^*,]+", str(one.specifier)), f"not pinned: {said}"
        assert options, f"no hash: {said}"
        assert all(re.fullmatch(r"hash=sha256:[0-9a-f]{64}", each) for each in options), said
        assert canonicalize_name(one.name) not in found, f"twice: {said}"
        found[canonicalize_name(one.name)] = one
    return found


def unpinned(installed: Iterable[tuple[str, str]], lock: str) -> list[str]:
    """Return what is installed and not in the lock, or in another version."""
    known = {name: str(one.specifier) for name, one in pinned(lock).items()}
    return sorted(
        f"{name}=={version}"
        for name, version in installed
        if name not in {OURS, *OF_THE_ENVIRONMENT} and known.get(name) != f"=={version}"
    )


def installed() -> list[tuple[str, str]]:
    """Return name and version of all that this Python can import."""
    return [(canonicalize_name(one.metadata["Name"]), one.version) for one in distributions()]


def wanted() -> list[Requirement]:
    """Return what pyproject.toml asks for: the product, its extras, the build back-end."""
    project = PROJECT["project"]
    lines = [*project["dependencies"], *PROJECT["build-system"]["requires"]]
    for extra in project["optional-dependencies"].values():
        lines += extra
    return [Requirement(line) for line in lines]


def test_every_line_of_the_lock_has_a_version_and_a_hash() -> None:
    assert len(pinned(LOCK)) >= 90


def test_all_that_is_installed_stands_in_the_lock() -> None:
    others = unpinned(installed(), LOCK)
    assert not others, f"not in requirements.lock, uninstall them or run tools/lock.sh: {others}"


def test_all_that_is_asked_for_is_locked_in_a_version_that_fits() -> None:
    known = pinned(LOCK)
    for one in wanted():
        locked = str(known[canonicalize_name(one.name)].specifier).removeprefix("==")
        assert one.specifier.contains(locked), f"{one} and {locked}: run tools/lock.sh"


@pytest.mark.parametrize("machine", MACHINES, ids=lambda one: f"{one['sys_platform']}")
def test_all_that_is_asked_for_is_locked_for_every_machine(machine: dict[str, str]) -> None:
    known = pinned(LOCK)
    there = {**default_environment(), **machine}
    for one in wanted():
        marker = known[canonicalize_name(one.name)].marker
        assert marker is None or marker.evaluate({key: str(there[key]) for key in there}), one


def test_the_build_back_end_is_pinned() -> None:
    asked = [Requirement(line) for line in PROJECT["build-system"]["requires"]]
    assert asked
    assert all(one.specifier == pinned(LOCK)[one.name].specifier for one in asked)


def test_constraints_say_what_the_lock_says() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    said = [Requirement(line) for line in lines if not line.startswith("#")]
    assert sorted(map(str, said)) == sorted(map(str, pinned(LOCK).values()))


def test_no_registry_is_named() -> None:
    for name in ("requirements.lock", "constraints.txt"):
        assert not re.search(r"://|--(?:index|extra|find|trusted)", (ROOT / name).read_text())


@pytest.mark.parametrize("tool", ["setup.sh", "wheel.sh"])
def test_what_installs_from_a_registry_checks_hashes_and_builds_nothing(tool: str) -> None:
    script = (ROOT / "tools" / tool).read_text().replace("\\\n", " ")
    calls = re.findall(r"(?:-m pip (?:install|download)|^ +with_pip -).*", script, re.MULTILINE)
    assert calls
    for call in calls:
        words = set(shlex.split(call.split("<")[0].split("||")[0]))
        hashed = {"--require-hashes", "--only-binary", ":all:"} <= words
        assert hashed or "--no-index" in words or '"$@"' in call, call


PLANTED = {
    "no hash": re.sub(r"(?m)^(rich==\S+) \\\n(?: +--hash.*\n)+", r"\1\n", LOCK),
    "no version": re.sub(r"(?m)^rich==", "rich>=", LOCK),
    "a weak hash": re.sub(r"(?m)^(rich==\S+ \\\n +--hash=)sha256:\w+", r"\1md5:0", LOCK),
}


@pytest.mark.parametrize("lock", PLANTED.values(), ids=PLANTED)
def test_a_planted_hole_in_the_lock_is_seen(lock: str) -> None:
    assert lock != LOCK
    with pytest.raises(AssertionError, match="rich"):
        pinned(lock)


@pytest.mark.parametrize("planted", [("a-stranger", "1.0"), ("rich", "0.1")])
def test_a_planted_stranger_is_seen(planted: tuple[str, str]) -> None:
    assert unpinned([*installed(), planted], LOCK) == ["==".join(planted)]
