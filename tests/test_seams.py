"""Every seam is there, and a test plants a defect at it."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from tests import seams
from tests.seams import Seam

HERE = Path(__file__).parent
SEAMS = {name: seam for name, seam in vars(seams).items() if isinstance(seam, Seam)}
GIVEN = ("EXECUTOR", "MARK", "CREW")  # an argument of the composition, nothing is replaced


def texts() -> str:
    """All tests but this file and the seams."""
    files = [f for f in HERE.rglob("*.py") if f.name not in ("seams.py", "test_seams.py")]
    return "\n".join(file.read_text("utf-8") for file in files)


@pytest.mark.parametrize("seam", SEAMS.values(), ids=str)
def test_a_seam_exists(seam: Seam) -> None:
    names = set(dir(seam.owner))
    if is_dataclass(seam.owner):
        names |= {field.name for field in fields(seam.owner)}

    assert seam.name in names
    assert seam.shows


def test_no_seam_takes_the_name_of_another() -> None:
    written = (HERE / "seams.py").read_text("utf-8")

    assert len(re.findall(r"^[A-Z_]+ = Seam\(", written, re.MULTILINE)) == len(SEAMS)


def test_a_defect_is_planted_at_every_seam() -> None:
    written = texts()

    idle = [name for name in SEAMS if name not in GIVEN and f"seams.{name}" not in written]
    assert idle == []


def test_every_seam_of_the_composition_is_given_by_a_test() -> None:
    written = texts()

    assert [name for name in GIVEN if f"{SEAMS[name].name}=" not in written] == []
