"""Faults that were kept are judged by what is said of them today, and nothing kept is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.domain.diagnosis import Confidence
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.investigated import Investigated
from bench import struck
from tests.interfaces.terminal import canned

NAMED = canned.DIAGNOSIS.hypotheses[0].service


def a_fault(victim: str, confidence: Confidence = Confidence.MEDIUM) -> struck.Struck:
    truth: dict[str, Any] = {"fault": "frozen callee", "victim": victim, "right": [victim]}
    truth |= {"named": "orders", "kind": "hang", "confidence": "low"}
    found = Investigated(
        environment=EnvironmentRef.parse("docker:chains"),
        service=canned.PAYMENTS,
        at=canned.START,
        diagnosis=canned.DIAGNOSIS.model_copy(update={"confidence": confidence}),
    )
    return struck.Struck("1-0-0", truth, found)


def test_a_wrong_service_with_high_misses_both_goals() -> None:
    right, wrong = a_fault(NAMED, Confidence.HIGH), a_fault("nobody", Confidence.HIGH)

    assert [goal.met for goal in struck.rows([right] * 8)] == [True, True]
    assert [goal.met for goal in struck.rows([right, wrong])] == [False, False]
    assert [goal.met for goal in struck.rows([right, a_fault("nobody")])] == [False, True]


def test_an_answer_is_told_beside_the_one_of_then() -> None:
    assert a_fault("nobody").words.startswith("1-0-0: frozen callee of nobody: then hang of orders")


def test_where_nothing_is_kept_nothing_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert struck.main(["--kept", str(tmp_path)]) == 2
    assert "keeps no fault" in capsys.readouterr().err


def test_what_is_not_asked_for_starts_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "truth.json").write_text(json.dumps([{"fault": "leak to OOM"}]))

    assert struck.again(tmp_path, "frozen") == []
