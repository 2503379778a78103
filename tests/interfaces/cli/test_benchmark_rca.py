"""`aiops benchmark rca`: figures on stdout, the rest on stderr."""

from pathlib import Path

from tests.evaluation.test_rca import data_set
from tests.interfaces.cli.conftest import Aiops


def test_it_answers_with_the_figures_that_programs_read(aiops: Aiops, tmp_path: Path) -> None:
    data_set(tmp_path / "made", range(2))

    ran = aiops("benchmark", "rca", str(tmp_path / "made"), "-o", "json")

    assert ran.code == 0
    assert isinstance(ran.data, dict)
    (only,) = ran.data["datasets"]
    assert list(only) == [
        *("dataset", "n", "ac1", "ac3", "ac5", "avg5", "named", "abstained", "cpu_ms")
    ]
    assert (only["dataset"], only["n"], only["ac1"]) == ("made", 2, 1.0)
    assert "made is done" in ran.err


def test_a_folder_without_answers_is_a_mistake_of_usage(aiops: Aiops, tmp_path: Path) -> None:
    ran = aiops("benchmark", "rca", str(tmp_path))

    assert ran.code == 2
    assert "truth.json" in ran.err
