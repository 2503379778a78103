"""The image's own checks: they see what they are there to see."""

import pytest

from tools import image, sbom

FILE = ("0", "0o644", "0:0", "abc")
STATUS = """\
Package: adduser
Status: install ok installed
Architecture: all
Version: 3.134

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u15
"""


@pytest.mark.parametrize(
    "other",
    [
        {"a": ("0", "0o644", "0:0", "abd")},
        {"a": ("0", "0o755", "0:0", "abc")},
        {"a": ("0", "0o644", "1:0", "abc")},
        {"a": ("2", "0o644", "0:0", "abc")},
        {},
        {"a": FILE, "b": FILE},
    ],
)
def test_builds_that_differ_are_told_apart(other: image.Listing) -> None:
    assert image.differences({"a": FILE}, {"a": FILE}) == []
    assert len(image.differences({"a": FILE}, other)) == 1


def test_a_compiler_or_installer_that_is_left_is_seen() -> None:
    assert image.left_tools({"usr/bin/python3": FILE, "usr/share/doc/gcc": FILE}) == []
    assert image.left_tools({"usr/bin/gcc": FILE, "opt/aiops/bin/pip": FILE}) == [
        "usr/bin/gcc",
        "opt/aiops/bin/pip",
    ]


def test_what_is_fetched_is_what_users_need_with_its_hashes() -> None:
    names = image.closure(image.project()[1])

    assert {"numpy", "pydantic-ai-slim", "opentelemetry-sdk", "uvicorn"} <= names
    assert not {"pytest", "mypy", "ruff", "hatchling"} & names
    lines = image.locked(names).splitlines()
    assert sum("==" in line for line in lines) == len(names)
    assert sum("--hash=sha256:" in line for line in lines) >= len(names)


def test_what_the_lock_lacks_is_told() -> None:
    with pytest.raises(image.ImageError, match="lacks no-such-thing"):
        image.locked({"numpy", "no-such-thing"})


def test_the_list_of_what_is_inside_names_debian_s_packages_and_ours() -> None:
    found = [one["purl"] for one in sbom.debian_packages(STATUS, "debian-12")]

    assert found == [
        "pkg:deb/debian/adduser@3.134?arch=all&distro=debian-12",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u15?arch=amd64&distro=debian-12",
    ]
    ours = {one["name"]: one for one in sbom.python_packages()}
    assert ours["aiops-agent"]["licenses"] == [{"expression": "Apache-2.0"}]
    assert "numpy" in ours
