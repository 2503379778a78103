"""Words become vectors at Gemini only when `models:` says so; what leaves is on record."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from pydantic import SecretStr

from aiops_agent.adapters.models.embedding import REST, WIDTH, GeminiEmbedder, embedding_ref
from aiops_agent.adapters.models.section import Lineup, ModelSettings
from aiops_agent.bootstrap.casebook import remembering
from aiops_agent.bootstrap.copying import memory_checkups
from aiops_agent.bootstrap.records import Records
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.model import Budget, ModelError, Trouble
from aiops_agent.domain.redact import Redactor
from aiops_agent.ports.meaning import Whose
from aiops_agent.settings.sections import Settings
from tests.adapters.models.loopback import Book, refused

PLACE = EnvironmentRef(kind="docker", name="prod")
OURS = Whose("INC-0001", PLACE)
VECTOR = [0.0] * (WIDTH - 2) + [3.0, 4.0]
MODEL = "gemini-embedding-001"


class Gemini:
    """A server that speaks the published format of batchEmbedContents and embedContent."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.seen = list(answers), list[tuple[str, Any]]()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        self.seen.append((request.url.path, body))
        if self.answers:
            told = self.answers.pop(0)
            if isinstance(told, Exception):
                raise told
            return told if isinstance(told, httpx2.Response) else httpx2.Response(200, json=told)
        one = {"values": VECTOR}
        if request.url.path.endswith(":batchEmbedContents"):
            return httpx2.Response(200, json={"embeddings": [one for _ in body["requests"]]})
        return httpx2.Response(200, json={"embedding": one})


def embedder(
    server: Gemini, book: Book, *, keys: bool = True, clock: Sequence[float] = (0.0,), **given: Any
) -> GeminiEmbedder:
    section = ModelSettings(embeddings=MODEL, **given)
    lineup = Lineup(section, {"gemini": SecretStr("a-key-of-gemini")} if keys else {})
    ref = embedding_ref(lineup)
    assert ref is not None
    return GeminiEmbedder(
        lineup,
        ref,
        book,
        lambda: datetime(2026, 11, 28, tzinfo=UTC),
        Redactor(["hunter2-is-secret"]),
        network=lambda: httpx2.MockTransport(server),
        clock=lambda: clock[0],
    )


def sent_by(server: Gemini) -> str:
    return json.dumps([body for _, body in server.seen])


def test_each_text_is_a_request_on_record_as_it_left_and_its_cost_is_counted() -> None:
    server, book = Gemini(), Book()
    rows = embedder(server, book).embed(("slow: password hunter2-is-secret", "full"), (OURS, OURS))
    assert rows.shape == (2, WIDTH)
    assert np.allclose(rows[0][-2:], [0.6, 0.8])
    assert "hunter2" not in sent_by(server)
    assert [call.sent for call in book.calls] == [body for _, body in server.seen]
    (one, _) = book.calls
    assert (one.incident, one.environment, one.agent) == ("INC-0001", PLACE, "memory")
    assert one.redactions == 1
    assert "RETRIEVAL_DOCUMENT" in sent_by(server)
    assert one.usage.input > 0
    assert one.usage.cost is not None
    assert 0 < one.usage.cost < 0.0001


def test_a_question_is_sent_as_one_and_is_on_record_without_an_incident() -> None:
    server, book = Gemini(), Book()
    embedder(server, book).embed(("is it slow",))
    assert "RETRIEVAL_QUERY" in sent_by(server)
    assert book.calls[0].incident == "memory"


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (refused(403), Trouble.KEY),
        (refused(404, "NOT_FOUND"), Trouble.UNKNOWN_MODEL),
        (refused(503), Trouble.OVERLOAD),
        (httpx2.ReadTimeout("late"), Trouble.SILENCE),
        ({"embeddings": [{"values": [1.0, 2.0]}]}, Trouble.SHAPE),
        ({"embeddings": []}, Trouble.SHAPE),
        ({"embeddings": [{"values": [0.0] * WIDTH}]}, Trouble.SHAPE),
        ({"embeddings": "none"}, Trouble.SHAPE),
        ({}, Trouble.SHAPE),
        (httpx2.Response(200, content=b"<html>"), Trouble.SHAPE),
        (httpx2.Response(302, headers={"location": "http://elsewhere.test"}), Trouble.SHAPE),
    ],
)
def test_what_is_no_vector_is_an_error_on_record_and_it_is_left_alone_for_a_while(
    answer: Any, trouble: Trouble
) -> None:
    server, book, clock = Gemini(answer), Book(), [0.0]
    made = embedder(server, book, clock=clock)
    with pytest.raises(ModelError) as caught:
        made.embed(("slow",), (OURS,))
    assert caught.value.trouble is trouble
    assert [call.trouble for call in book.calls] == [caught.value.trouble]
    with pytest.raises(ModelError, match="failed a moment ago"):
        made.embed(("slow",), (OURS,))
    assert len(server.seen) == 1
    clock[0] = REST
    assert made.embed(("another",), (OURS,)).shape == (1, WIDTH)
    if trouble is Trouble.SHAPE:  # it may be the text: it holds up no other
        with pytest.raises(ModelError):
            made.embed(("slow",), (OURS,))
    else:
        made.embed(("slow",), (OURS,))


def test_nothing_is_sent_without_a_key_or_beyond_the_budget() -> None:
    server, book = Gemini(), Book()
    with pytest.raises(ModelError, match="has no key: set GEMINI_API_KEY"):
        embedder(server, book, keys=False).embed(("slow",), (OURS,))
    asks = Whose("INC-0001", PLACE, asks=True)
    for budget, whose in ((Budget(usd=1e-9), asks), (Budget(usd_per_day=1e-9), OURS)):
        with pytest.raises(ModelError, match="budget for models is gone"):
            embedder(server, book, budget=budget).embed(("slow",), (whose,))
    assert server.seen == []
    assert embedding_ref(Lineup(ModelSettings(), {"gemini": SecretStr("x" * 20)})) is None


def test_only_gemini_s_models_are_spoken_to() -> None:
    section = ModelSettings(embeddings="text-embedding-3-small")
    with pytest.raises(SettingsError, match="only Gemini's are spoken to"):
        embedding_ref(Lineup(section, {}))


def test_the_doctor_asks_for_one_word() -> None:
    server, book = Gemini(), Book()
    assert embedder(server, book).check().health is Health.OK
    told = embedder(server, book, keys=False).check()
    assert (told.health, told.remedy) == (
        Health.PROBLEM,
        "set GEMINI_API_KEY or models.api_key",
    )


def looked_at(folder: Path, **models: Any) -> list[Checkup]:
    """Return what `aiops doctor` finds of memory under such `models:`, without any key."""
    settings = Settings(state_dir=folder, models=ModelSettings(**models))
    opened = Records(settings)
    try:
        return memory_checkups(remembering(settings, opened, opened.store))
    finally:
        opened.close()


def test_the_doctor_looks_at_the_model_of_meaning_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (found,) = looked_at(tmp_path, embeddings=MODEL)
    assert (found.group, found.name) == ("models", f"gemini:{MODEL}")
    assert (found.health, found.remedy != "") == (Health.PROBLEM, True)
    assert looked_at(tmp_path) == [], "planted: none is set"
