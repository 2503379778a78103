"""The measurement of recorded answers counts right, and misses nothing that is planted."""

import json
from pathlib import Path

import pytest

from aiops_agent.adapters.models import tokens
from aiops_agent.domain.answer import Usage
from aiops_agent.domain.value import Json
from bench import recordings

GEMINI_PATH = "/v1beta/models/gemini-3.5-flash-lite:generateContent"


def row(path: str, response: Json, status: int = 200) -> Json:
    return {
        "source": "ours",
        "index": 0,
        "host": "example.test",
        "path": path,
        "status": status,
        "headers": {"content-type": "application/json"},
        "request": {},
        "response": response,
    }


ROWS = [
    row(
        GEMINI_PATH,
        {
            "candidates": [{"content": {"parts": [{"text": "Paris"}]}, "finishReason": "STOP"}],
            "usageMetadata": {
                "promptTokenCount": 7,
                "candidatesTokenCount": 1,
                "thoughtsTokenCount": 20,
                "totalTokenCount": 28,
            },
        },
    ),
    row(
        "/v1/chat/completions",
        {
            "choices": [{"message": {"content": "Paris"}, "finish_reason": ""}],
            "usage": {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109},
        },
    ),
    row(
        "/v1/chat/completions",
        ': a comment\n\ndata: {"choices":[{"delta":{"content":"Pa"}}]}\n\n'
        'data: {"choices":[{"delta":{"content":"ris"}}],"usage":{"total_tokens":3}}\n\n'
        "data: [DONE]\n\n",
    ),
    row(GEMINI_PATH, {"error": {"code": 404, "message": "no", "status": "NOT_FOUND"}}, 404),
]


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    (tmp_path / "any.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    return tmp_path


def measured(cases: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, float], str]:
    code = recordings.main(["--cases", str(cases), "--mutants", "20"])
    out, errors = capsys.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    return code, {one["row"]: one["measured"] for one in found}, errors


def test_good_and_odd_answers_reach_every_goal(
    cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, rows, errors = measured(cases, capsys)

    assert (code, errors) == (0, "")
    assert rows["openai: words and calls come through unchanged"] == 1
    assert rows["openai: tokens add up to the provider's total"] == 1


@pytest.mark.slow
def test_a_count_that_forgets_the_remainder_is_a_miss(
    cases: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(*, put: int, said: int, total: int, cached: int, thought: int) -> Usage:
        return Usage(input=put, output=said, cost=None)

    monkeypatch.setattr(tokens, "_usage", forgetful)

    code, rows, errors = measured(cases, capsys)

    assert code == 1
    assert rows["openai: tokens add up to the provider's total"] == 0
    assert "failed: openai: tokens add up" in errors


def test_a_folder_without_recordings_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recordings.main(["--cases", str(tmp_path)]) == 2
    assert "holds no" in capsys.readouterr().err
