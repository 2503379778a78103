"""The measurement of how alerts are read notices what is read wrongly."""

import gzip
import json
from pathlib import Path

import pytest
import yaml

from bench import alerts, false_alarms

RULE = {"id": "a1", "source": "one/x", "alert": "Slow", "group": "g", "labels": {},
        "annotations": {},
        "expr": "histogram_quantile(0.95, http_request_duration_seconds_bucket) > 1"}  # fmt: skip
TRUTH = {"id": "a1", "source": "one/x", "alert": "Slow",
         "labels": {"alertname": "Slow", "service": "pay"},
         "subject": {"kind": "service", "name": "pay"}, "claim": "latency",
         "may_be_contradicted_by": ["latency"]}  # fmt: skip


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the false alarms the first of each service: all of them take seconds."""
    first = {one.service: one for one in reversed(list(false_alarms.alarms()))}
    monkeypatch.setattr(false_alarms, "alarms", first.values)


def measured(
    folder: Path, capsys: pytest.CaptureFixture[str], *more: str, **other: object
) -> tuple[int, dict[str, float]]:
    with gzip.open(folder / "rules.jsonl.gz", "wt") as lines:
        lines.write(json.dumps(RULE) + "\n")
    truth = {"world": {"services": ["pay"]}, "alerts": [{**TRUTH, **other}]}
    (folder / "expected.yaml").write_text(yaml.safe_dump(truth))
    code = alerts.main(["--cases", str(folder), *more])
    rows = map(json.loads, capsys.readouterr().out.splitlines())
    return code, {one["row"]: one["measured"] for one in rows}


def test_a_right_reading_reaches_the_goals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, rows = measured(tmp_path, capsys)
    assert code == 0
    assert rows["claim right (rules port)"] == 1
    assert rows["refutable ones that still can be (generatorURL)"] == 1


def test_a_false_alarm_that_is_kept_and_an_outage_that_is_dismissed_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(false_alarms, "OUTAGES", {"well": false_alarms.WELL})
    code, rows = measured(tmp_path, capsys)
    assert code == 1
    assert rows["outages dismissed under the same alerts"] > 0
    monkeypatch.setattr(false_alarms, "WELL", {})
    code, rows = measured(tmp_path, capsys)
    assert (code, rows["false alarms dismissed"]) == (1, 0)


def test_a_wrong_reading_misses_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, rows = measured(tmp_path, capsys, claim="queue", may_be_contradicted_by=[])
    assert code == 1
    assert rows["claim right (rules port)"] == 0
    assert rows["wrongly dismissable (generatorURL)"] == 1


def test_what_one_source_alone_shows_is_forgotten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, rows = measured(tmp_path, capsys, "--without", "each")
    assert rows["claim right, own source left out"] == 0
    assert rows["wrongly dismissable, own source left out"] == 0


def test_a_folder_without_cases_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert alerts.main(["--cases", str(tmp_path)]) == 2
    assert "expected.yaml" in capsys.readouterr().err
