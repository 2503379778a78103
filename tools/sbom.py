"""What is inside: a CycloneDX 1.5 list of the Python and Debian packages of this system.

usage: python3 tools/sbom.py NAME VERSION     prints JSON; equal systems print equal lists

It runs inside an image, where there is no pip to ask, and needs nothing but Python.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

DPKG = Path("/var/lib/dpkg/status")
RELEASE = Path("/etc/os-release")


def python_packages() -> Iterator[dict[str, Any]]:
    """Yield what is installed for this interpreter."""
    for one in distributions():
        name = re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower()
        found: dict[str, Any] = {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{one.version}",
            "name": name,
            "version": one.version,
            "purl": f"pkg:pypi/{name}@{quote(one.version)}",
        }
        if licence := _licence(one):
            found["licenses"] = [licence]
        yield found


def _licence(one: Distribution) -> dict[str, Any] | None:
    """Return the licence as the package declares it: an expression, or its first words."""
    if expressions := one.metadata.get_all("License-Expression"):
        return {"expression": expressions[0]}
    classified = [
        text.rpartition(" :: ")[2]
        for text in one.metadata.get_all("Classifier") or ()
        if text.startswith("License ::")
    ]
    words = [text.strip() for text in one.metadata.get_all("License") or () if text.strip()]
    told = classified or [text.splitlines()[0][:100] for text in words]
    return {"license": {"name": told[0]}} if told else None


def debian_packages(status: str, distribution: str) -> Iterator[dict[str, Any]]:
    """Yield what dpkg's status file says is installed."""
    for block in status.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", block, re.MULTILINE))
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, version = fields["Package"], fields["Version"]
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={fields['Architecture']}"
        if distribution:
            purl += f"&distro={distribution}"
        found = {"bom-ref": purl, "name": name, "version": version, "purl": purl}
        yield {"type": "library", **found}


def bom(name: str, version: str) -> dict[str, Any]:
    """Return the whole list; it holds no time and no random number."""
    release = RELEASE.read_text(encoding="utf-8") if RELEASE.is_file() else ""
    told = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', release, re.MULTILINE))
    distribution = "-".join(filter(None, (told.get("ID"), told.get("VERSION_ID"))))
    status = DPKG.read_text(encoding="utf-8") if DPKG.is_file() else ""
    found = [*python_packages(), *debian_packages(status, distribution)]
    ours = {"type": "container", "bom-ref": name, "name": name, "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": ours},
        "components": sorted(found, key=lambda one: one["bom-ref"]),
    }


if __name__ == "__main__":
    json.dump(bom(*sys.argv[1:3]), sys.stdout, indent=1, sort_keys=True)
