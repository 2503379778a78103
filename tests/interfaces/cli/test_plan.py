"""A plan as files: on stdout or in a folder, its kubectl line as a comment, nothing overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from aiops_agent.domain.patch_file import PatchFile
from aiops_agent.interfaces.cli import door
from tests.interfaces.cli.conftest import Aiops

TWO = (
    PatchFile(
        action="scale_pods web replicas=4",
        name="web-scale-pods.yaml",
        text="kind: Deployment\nspec:\n  replicas: 4\n",
        run="kubectl -n shop patch deployment web --patch-file web-scale-pods.yaml",
        notes=("Argo CD manages\nkind: Evil\x1b[2J",),
    ),
    PatchFile(action="delete_pod web pods=a", run="kubectl delete pod a"),
)


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    async def told(*_given: Any) -> tuple[PatchFile, ...]:
        return TWO

    monkeypatch.setattr(door, "patch_files", told)


def test_it_is_printed_as_yaml_with_what_a_reviewer_must_know(aiops: Aiops) -> None:
    ran = aiops("plan", "export", "INC-0001")
    assert ran.code == 0
    assert list(yaml.safe_load_all(ran.out)) == [
        {"kind": "Deployment", "spec": {"replicas": 4}},
        None,
    ]
    assert f"# by hand: {TWO[0].run}" in ran.out.splitlines()
    assert "# by hand: kubectl delete pod a" in ran.out.splitlines()
    assert "\x1b" not in ran.out


def test_a_folder_is_given_a_file_for_each_and_none_is_overwritten(
    aiops: Aiops, tmp_path: Path
) -> None:
    ran = aiops("plan", "export", "INC-0001", "--to", "out")
    [written] = (tmp_path / "out").iterdir()
    assert written.name == TWO[0].name
    assert yaml.safe_load(written.read_text())["spec"] == {"replicas": 4}
    assert f"out/{TWO[0].name}" in ran.err
    assert "kubectl delete pod a" in ran.out
    again = aiops("plan", "export", "INC-0001", "--to", "out")
    assert (again.code, "is there already" in again.err) == (2, True)


def test_a_program_is_given_json(aiops: Aiops) -> None:
    found = aiops("plan", "export", "INC-0001", "-o", "json").data
    assert [one["name"] for one in found] == [TWO[0].name, ""]
