"""A cassette holds what was said and answered, without secrets, in the form to be played again."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from aiops_agent.adapters.models.cassette import exchanges
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.model import ModelCall, ModelRef
from aiops_agent.domain.redact import Redactor
from bench.recordings import read

SECRET = "hunter2-of-our-own"


def call(received: Any) -> ModelCall:
    return ModelCall(
        incident="INC-1",
        environment=EnvironmentRef(kind="shop", name="one"),
        agent="plan",
        ordinal=1,
        model=ModelRef(provider="openai", name="any"),
        place="http://127.0.0.1:80",
        path="/v1/chat/completions",
        status=200,
        sent={"model": "any"},
        received=received,
        started_at=datetime(2026, 11, 27, tzinfo=UTC),
        took=0.1,
    )


def test_a_cassette_is_redacted_and_can_be_played(tmp_path: Any) -> None:
    answer: Any = {"choices": [{"message": {"content": f"it is {SECRET}"}}]}
    called = {"functionCall": {"name": "look", "args": {"password": "summer"}}}
    answer["parts"] = [{**called, "thoughtSignature": "A=="}]
    calls = [call(answer), call(None), call("no JSON")]

    rows = list(exchanges(calls, Redactor([SECRET])))

    assert SECRET not in json.dumps(rows)
    assert "summer" not in json.dumps(rows), "the name says that it is one"
    assert "A==" in json.dumps(rows), "what a provider signed is its own"
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    played = list(read(tmp_path))
    assert [(one.status, one.provider) for one in played] == [(200, "openai")] * 2
    assert [row["index"] for row in rows] == [0, 1], "what was not answered is not in it"


def test_planted_a_cassette_as_it_came_holds_the_secret() -> None:
    (row,) = exchanges([call({"text": SECRET})], Redactor())
    with pytest.raises(AssertionError):
        assert SECRET not in json.dumps(row)
