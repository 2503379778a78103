"""The figures of the engine on incidents with known causes are what they are called."""

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.value import Document
from aiops_agent.evaluation.rca import (
    RcaResult,
    as_json,
    as_text,
    auroc,
    avg5,
    benchmark,
    calibration,
    interval,
    within,
)
from aiops_agent.evaluation.rca_cases import cases
from aiops_agent.reasoning.observations import MetricKind
from tests.reasoning.systems import BEGAN, system


def case(seed: int) -> tuple[Document, Document]:
    """Return a case file and its answer."""
    seen, truth = system(seed)
    table = seen.table
    names = [
        [seen.services[s], seen.metrics[m]]
        for s, m in zip(table.service.tolist(), table.metric.tolist(), strict=True)
    ]
    return {
        "id": f"made/{seed}",
        "t_fault": BEGAN,
        "target": names[0],
        "graph": {seen.services[a]: [seen.services[b]] for a, b in seen.calls or ()},
        "columns": names,
        "time": table.at.tolist(),
        "values": table.values.tolist(),
        "spans": None,
        "logs": None,
    }, {"service": truth, "kind": "cpu"}


def write(path: Path, content: Document) -> None:
    """Write a case as the data sets have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(content).encode(), mtime=0))


def data_set(folder: Path, seeds: range) -> None:
    """Write a data set."""
    answers = {}
    for seed in seeds:
        content, answer = case(seed)
        write(folder / f"made_{seed}.json.gz", content)
        answers[content["id"]] = answer
    (folder / "truth.json").write_text(json.dumps(answers))


def result(place: float, belief: float = 0.5) -> RcaResult:
    return RcaResult("made", "one", "cpu", place, belief, 1.0, "a")


def test_every_set_below_a_folder_is_graded_and_one_without_answers_is_named(
    tmp_path: Path,
) -> None:
    data_set(tmp_path / "first", range(3))
    data_set(tmp_path / "second", range(3, 5))
    (tmp_path / "no answers").mkdir()
    told: list[str] = []

    report = benchmark(tmp_path, told.append)

    data = as_json(report)
    assert told == ["first", "second"]
    assert [(one["dataset"], one["n"], one["ac1"]) for one in data["datasets"]] == [
        ("first", 3, 1.0),
        ("second", 2, 1.0),
    ]
    assert data["skipped"] == ["no answers"]
    assert "| all | 5 | 1.000 (1.00-1.00) |" in as_text(report)
    assert "- no answers: skipped, it holds no truth.json" in as_text(report)


def test_a_folder_without_answers_or_a_broken_case_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"truth\.json"):
        benchmark(tmp_path, print)
    data_set(tmp_path / "made", range(1))
    (tmp_path / "made" / "made_0.json.gz").write_bytes(b"nothing")
    with pytest.raises(UsageError, match="gzipped JSON"):
        benchmark(tmp_path, print)


def test_what_several_cases_share_is_read_from_its_file(tmp_path: Path) -> None:
    content, answer = case(1)
    spans = {
        "services": ["service-0", "traced only"],
        "operations": ["GET /"],
        "service": [0, 1],
        "operation": [0, 0],
        "parent": [-1, 0],
        "trace": [0, 0],
        "start_us": [0, 10],
        "dur_us": [5000, 4000],
    }
    lines = {"services": ["service-0", "nobody"], "lines": [[0, 1, "ok"], [1, -1, "who"]]}
    write(tmp_path / "shared" / "base.json.gz", {"spans": spans, "logs": lines})
    content["spans"] = {"base": "shared/base", "fault": spans}
    content["logs"] = {"base": "shared/base", "fault": lines}
    write(tmp_path / "one.json.gz", content)
    (tmp_path / "truth.json").write_text(json.dumps({content["id"]: answer}))

    (only,) = cases(tmp_path)

    assert only.seen.services[-1] == "traced only"
    assert only.seen.usual is not None
    assert only.seen.usual.length_ms.tolist() == [5.0, 4.0]
    assert [line.text for line in only.seen.usual.lines] == ["ok"]
    assert only.seen.alert is not None
    assert only.seen.alert.kind is MetricKind.LATENCY


def test_shares_of_the_first_k_and_their_mean() -> None:
    results = [result(1), result(3), result(math.inf), result(5)]

    assert within(results, 1) == 0.25
    assert within(results, 3) == 0.5
    assert avg5(results) == pytest.approx((0.25 + 0.25 + 0.5 + 0.5 + 0.75) / 5)


def test_belief_that_is_right_as_often_as_it_says_is_calibrated() -> None:
    good = [result(1 if i < 9 else 2, 0.9) for i in range(10)]
    good += [result(1 if i < 1 else 2, 0.1) for i in range(10)]
    told = calibration(good)

    assert told.ece == pytest.approx(0.0)
    assert told.brier == pytest.approx(0.09)
    assert told.brier < told.constant
    assert [(one.n, round(one.right, 2)) for one in told.bins] == [(10, 0.1), (10, 0.9)]


def test_auroc_counts_pairs_and_the_interval_is_the_same_each_time() -> None:
    belief, right = np.array([0.1, 0.4, 0.4, 0.9]), np.array([0.0, 1.0, 0.0, 1.0])

    assert auroc(belief, right) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert math.isnan(auroc(belief, np.ones(4)))
    flags = [True] * 8 + [False] * 2
    assert interval(flags) == interval(flags)
    assert interval(flags)[0] < 0.8 < interval(flags)[1]
