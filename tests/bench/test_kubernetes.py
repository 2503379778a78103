"""The measurement of findings can fail, and its own cases can be read."""

from pathlib import Path

import pytest

from aiops_agent.domain.trouble import TroubleKind
from bench import kubernetes
from tests.adapters.kubernetes.fake_cluster import NOW, FakeCluster
from tests.adapters.kubernetes.test_findings import crash, healthy

OWN = Path(kubernetes.__file__).parent / "faults"
RIGHT = "crash: { finding: crash_loop, step: [last lines], says: [exit code 3] }"


def test_our_own_cases_can_be_read_and_name_kinds_that_there_are() -> None:
    cases = kubernetes.read_cases(OWN)

    known = {str(kind) for kind in TroubleKind}
    assert len([one for one in cases if one.kinds]) >= 25
    assert {kind for one in cases for kind in one.kinds} <= known


def test_our_own_cases_as_a_real_cluster_showed_them_are_named() -> None:
    assert kubernetes.main([]) == 0


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        (f"{RIGHT}\nworks: {{}}", 0),
        (RIGHT.replace("exit code 3", "exit code 4"), 1),
        (RIGHT.replace("last lines", "restart"), 1),
        (RIGHT.replace("crash_loop", "image"), 1),
        ("crash: {}", 1),
        ("[]", 2),
        ("other: {}", 2),
    ],
)
def test_a_wrong_finding_a_wrong_step_and_a_false_alarm_are_misses(
    tmp_path: Path, expected: str, code: int
) -> None:
    broken = FakeCluster()
    broken.deployment("cart")
    crash(broken)
    for name in ("crash", "works"):
        (tmp_path / f"{name}.yaml").write_text("")
    (tmp_path / "expected.yaml").write_text(expected)
    kubernetes.record(tmp_path, NOW, {"crash": broken.state, "works": healthy().state})

    assert kubernetes.main(["--cases", str(tmp_path)]) == code
