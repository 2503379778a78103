"""The chart through a real Helm, built by run.sh."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "deploy" / "chart"
# Built without its Makefile it takes every cluster for a Kubernetes 1.20.
HERE = ("--namespace", "ops", "--kube-version", "1.34.0")
Values = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """What Helm would send to a cluster, by kind."""

    objects: tuple[dict[str, Any], ...]

    def all(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the objects of some kinds."""
        return [one for one in self.objects if one["kind"] in kinds]

    def one(self, kind: str) -> dict[str, Any]:
        """Return the only object of a kind."""
        (found,) = self.all(kind)
        return found

    def named(self, kind: str, name: str) -> dict[str, Any]:
        """Return the only object of a kind and a name."""
        (found,) = (one for one in self.all(kind) if one["metadata"]["name"] == name)
        return found

    @property
    def pod(self) -> dict[str, Any]:
        """What the pods of the investigator are."""
        deployment = next(iter(self.all("Deployment")))
        spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> dict[str, Any]:
        (found,) = self.pod["containers"]
        return dict(found)


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Helm, which knows no cluster."""
    program = os.environ.get("AIOPS_TEST_HELM", "helm")
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(
        [program, *arguments], check=False, capture_output=True, text=True, env=environ, timeout=120
    )


def written(folder: Path, values: Values) -> Path:
    """Write values where Helm finds them; JSON is YAML."""
    path = folder / "values.yaml"
    path.write_text(json.dumps(values))
    return path


def template(folder: Path, values: Values, *more: str) -> subprocess.CompletedProcess[str]:
    """Render the chart for a release `aiops` in the namespace `ops`."""
    place = str(written(folder, values))
    return helm("template", "aiops", str(CHART), "--values", place, *HERE, *more)


def rendered(folder: Path, values: Values) -> Rendered:
    """Return what the chart becomes with these values; fails with Helm's words."""
    ran = template(folder, values)
    assert ran.returncode == 0, ran.stderr
    return Rendered(tuple(one for one in yaml.safe_load_all(ran.stdout) if one))
