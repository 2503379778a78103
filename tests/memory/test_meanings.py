"""Words are found by what they mean, where a model is there; nothing else changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from aiops_agent.adapters.sql.archive import SqlArchive
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.model import ModelError, Trouble
from aiops_agent.domain.postmortem import CaseSource
from aiops_agent.memory.recall import AT_ONCE, ArchiveMemory
from aiops_agent.ports.meaning import Whose
from aiops_agent.ports.memory import RecallQuery
from tests.contracts.samples import a_case, an_incident

MEANT = ("slow wait latency", "certificate trust browser", "disk full space")


@dataclass
class Meant:
    """A model that knows three meanings; texts of none lie beside all."""

    name: str = "three"
    quick: bool = True
    read: list[str] = field(default_factory=list)

    def embed(self, texts: Sequence[str], whose: Sequence[Whose] = ()) -> npt.NDArray[np.float32]:
        self.read += texts
        found = np.zeros((len(texts), len(MEANT) + 1), np.float32)
        for row, text in zip(found, texts, strict=True):
            for place, words in enumerate(MEANT):
                row[place] = sum(text.lower().count(one) for one in words.split())
            row[-1] = not row.any()
        unit: npt.NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


@pytest.fixture
def memory(store: SqlStore) -> ArchiveMemory:
    return ArchiveMemory(store, embedder=Meant())


def keep(memory: ArchiveMemory, number: int, title: str, **facts: object) -> None:
    case = a_case(id=f"INC-{number:04}", title=title, summary="", **facts)
    memory.remember(case, None)


def found(memory: ArchiveMemory, words: str) -> list[str]:
    return [str(hit.case.id) for hit in memory.search(words)]


def test_words_that_share_nothing_are_found_by_meaning(memory: ArchiveMemory) -> None:
    keep(memory, 1, "latency of the till")
    keep(memory, 2, "certificate of the front ran out")
    assert found(memory, "browsers do not trust us") == ["INC-0002"]
    (hit,) = memory.search("everybody has to wait")
    assert hit.reasons == ("means about the same",)
    assert found(ArchiveMemory(memory.store), "everybody has to wait") == []


def test_a_name_that_was_given_out_comes_first_whatever_is_meant(memory: ArchiveMemory) -> None:
    keep(memory, 1, "ORA-00942 while disk space was low")
    keep(memory, 2, "latency of the till")
    assert found(memory, "slow with ORA-00942")[0] == "INC-0001"


def test_what_another_process_keeps_changes_and_forgets_is_seen_at_once(
    memory: ArchiveMemory,
) -> None:
    other = ArchiveMemory(memory.store, embedder=Meant())
    keep(other, 1, "latency of the till")
    assert found(memory, "wait") == ["INC-0001"]
    keep(other, 1, "disk of the till is full")
    assert found(memory, "wait") == []
    assert found(memory, "no space") == ["INC-0001"]
    with other.store.begin() as work:
        work.archive.forget("INC-0001", "pat", a_case().ended_at)
    assert found(memory, "no space") == []
    with memory.store.read() as view:
        assert view.archive.vectors("three") == ()


def test_what_was_kept_without_a_model_or_by_another_is_read_once(store: SqlStore) -> None:
    old = ArchiveMemory(store)
    for number in range(AT_ONCE + 3):
        keep(old, number, "latency of the till" if number % 2 else "the disk is full")
    model = Meant()
    memory = ArchiveMemory(store, embedder=model)
    assert len(memory.search("everybody has to wait", limit=100)) == (AT_ONCE + 3) // 2
    count = len(model.read)
    memory.search("everybody has to wait")
    assert len(model.read) == count + 1  # the question alone
    newer = ArchiveMemory(store, embedder=Meant(name="four"))
    assert found(newer, "no space")
    assert not found(ArchiveMemory(store, embedder=Meant(name="none")), "nothing of it")


def test_who_lacks_a_vector_is_asked_only_when_something_changed(
    memory: ArchiveMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, whole = [], SqlArchive.unread

    def unread(archive: SqlArchive, model: str, *rest: Any) -> object:
        asked.append(model)
        return whole(archive, model, *rest)

    monkeypatch.setattr(SqlArchive, "unread", unread)
    keep(memory, 1, "latency of the till")
    found(memory, "wait")
    asked.clear()
    assert found(memory, "wait") == ["INC-0001"]
    assert asked == []
    keep(ArchiveMemory(memory.store), 2, "the disk is full")
    assert found(memory, "no space") == ["INC-0002"]
    assert asked


def test_what_changed_while_it_was_read_gets_no_place(memory: ArchiveMemory) -> None:
    keep(memory, 1, "latency of the till")
    with memory.store.read() as view:
        (row,) = view.archive.vectors("three")
    keep(memory, 1, "disk of the till is full")
    with memory.store.begin() as work:
        work.archive.place("three", [(row.case, row.vector)])
    assert found(memory, "wait") == []


def test_an_incident_recalls_what_people_told_in_other_words(memory: ArchiveMemory) -> None:
    told = {"service": "x", "alert_names": (), "signal": None, "cause": "unknown"}
    keep(memory, 1, "latency of the till", **told, source=CaseSource.IMPORTED)
    keep(memory, 2, "certificate ran out", **told, source=CaseSource.IMPORTED)
    place = EnvironmentRef.parse("docker:other")
    asking = an_incident(id="INC-0009", environment=place, title="everybody has to wait")
    (hit,) = memory.recall(RecallQuery(incident=asking))
    assert hit.case.id == "INC-0001"
    assert "told in words that mean about the same" in hit.reasons
    assert ArchiveMemory(memory.store).recall(RecallQuery(incident=asking)) == ()


def test_many_that_are_brought_in_have_their_vectors_in_the_same_transaction(
    memory: ArchiveMemory,
) -> None:
    titles = ("latency of the till", "certificate ran out", "the disk is full")
    cases = [a_case(id=f"INC-{n:04}", title=one, summary="") for n, one in enumerate(titles)]
    with memory.store.begin() as work:
        work.archive.forget("INC-0002", "pat", a_case().ended_at)
    memory.remember_all([*cases, cases[0]])
    with memory.store.read() as view:
        assert len(view.archive.vectors("three")) == 2
        assert view.archive.unread("three", 9) == ()
    assert found(memory, "browsers do not trust us") == ["INC-0001"]
    assert found(memory, "no space") == []


@dataclass
class Away(Meant):
    """A model at a server that answers so many texts and then none."""

    quick: bool = False
    left: int = 0

    def embed(self, texts: Sequence[str], whose: Sequence[Whose] = ()) -> npt.NDArray[np.float32]:
        if self.left < len(texts):
            raise ModelError("It is away.", Trouble.SILENCE)
        self.left -= len(texts)
        return super().embed(texts)


def test_while_a_model_is_away_words_and_names_are_found_and_nothing_is_lost(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    model = Away()
    memory = ArchiveMemory(store, embedder=model)
    keep(memory, 1, "latency of the till")
    memory.remember_all([a_case(id="INC-0002", title="certificate ran out", summary="")])
    assert found(memory, "certificate") == ["INC-0002"]
    place = EnvironmentRef.parse("docker:other")
    asking = an_incident(id="INC-0009", environment=place)
    assert memory.recall(RecallQuery(incident=asking))  # by names
    assert caplog.records[0].message == "memory does without meaning"
    model.left = 1  # of two: what was paid for is kept
    memory.keep_up()
    with store.read() as view:
        assert len(view.archive.vectors("three")) == 1
    model.left = 9
    memory.keep_up()
    assert found(memory, "everybody has to wait") == ["INC-0001"]
    assert found(memory, "browsers do not trust us") == ["INC-0002"]
    assert model.left == 6
