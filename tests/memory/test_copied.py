"""A server beside finds near vectors; it can lie, lag or be away, and nothing comes of that."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import CopyError
from aiops_agent.domain.postmortem import CaseSource
from aiops_agent.memory import copied
from aiops_agent.memory.copied import REST, TAIL, Copying, VectorCopy
from aiops_agent.memory.index import CaseIndex
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.ports.memory import RecallQuery
from aiops_agent.workflow.copying import CopyUpkeep
from tests import seams
from tests.chroma import FakeChroma
from tests.contracts.samples import a_case, an_incident
from tests.memory.test_meanings import Meant, found, keep

TITLES = ("latency of the till", "certificate ran out", "the disk is full", "nothing of note")
ASKED = ("everybody has to wait", "browsers do not trust us", "no space")


@pytest.fixture
def chroma() -> FakeChroma:
    return FakeChroma()


@pytest.fixture
def memory(store: SqlStore, chroma: FakeChroma) -> ArchiveMemory:
    made = opened(store, chroma)
    for number, title in enumerate(TITLES):
        keep(made, number, title)
    return made


def opened(store: SqlStore, chroma: FakeChroma, model: Meant | None = None) -> ArchiveMemory:
    """Return memory as another process would open it."""
    embedder = model or Meant()
    copy = VectorCopy(chroma.server(), store, embedder, "aiops", clock=lambda: 0.0)
    return ArchiveMemory(store, embedder=embedder, copy=copy)


def copy_of(memory: ArchiveMemory) -> VectorCopy:
    assert memory.copy is not None
    return memory.copy


def rows_of(chroma: FakeChroma) -> dict[str, Any]:
    (rows,) = chroma.rows.values()
    return rows


def same_as_without(memory: ArchiveMemory) -> bool:
    """Whether it finds what our own vectors find."""
    own = ArchiveMemory(memory.store, embedder=Meant())
    return all(memory.search(one) == own.search(one) for one in ASKED)


@contextmanager
def own_vectors_hidden(memory: ArchiveMemory) -> Iterator[None]:
    """Let nothing be found but what the server names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CaseIndex, "place", lambda *_: pytest.fail("our own vectors were scanned"))
        yield


def test_what_the_server_finds_is_what_our_own_vectors_find(
    memory: ArchiveMemory, chroma: FakeChroma
) -> None:
    assert copy_of(memory).sync() == Copying(held=4, put=4, removed=0)
    with own_vectors_hidden(memory):
        answers = [memory.search(one) for one in ASKED]
    own = ArchiveMemory(memory.store, embedder=Meant())
    assert answers == [own.search(one) for one in ASKED]
    assert [found(memory, one)[0] for one in ASKED] == ["INC-0000", "INC-0001", "INC-0002"]
    assert chroma.asked[-1].endswith("/query")


def test_the_server_gets_vectors_and_no_word_of_a_case(
    memory: ArchiveMemory, chroma: FakeChroma
) -> None:
    copy_of(memory).sync()
    text = repr(rows_of(chroma))
    assert not [word for title in (*TITLES, "INC-") for word in title.split() if word in text]


def test_what_it_has_not_yet_is_found_and_what_changed_is_found_as_it_is(
    memory: ArchiveMemory,
) -> None:
    copy_of(memory).sync()
    keep(memory, 7, "latency of the shop")
    keep(memory, 0, "the disk of the till is full")
    with own_vectors_hidden(memory):
        assert found(memory, "everybody has to wait") == ["INC-0007"]
    assert same_as_without(memory)
    assert copy_of(memory).sync() == Copying(held=5, put=2, removed=1)
    assert copy_of(memory).sync() == Copying(held=5, put=0, removed=0)


def test_an_incident_recalls_only_what_people_told_in_its_kind_of_environment(
    memory: ArchiveMemory,
) -> None:
    told = {"service": "x", "alert_names": (), "signal": None, "cause": "unknown"}
    keep(memory, 8, "latency of the till", **told, source=CaseSource.IMPORTED)
    copy_of(memory).sync()
    place = EnvironmentRef.parse("docker:other")
    asking = RecallQuery(
        incident=an_incident(id="INC-0009", environment=place, title="everybody has to wait")
    )
    with own_vectors_hidden(memory):
        hits = memory.recall(asking)
    assert hits == ArchiveMemory(memory.store, embedder=Meant()).recall(asking)
    assert "told in words that mean about the same" in hits[0].reasons


def broken(
    memory: ArchiveMemory, chroma: FakeChroma, answer: Callable[[], httpx2.Response]
) -> None:
    copy_of(memory).sync()
    chroma.instead = lambda path, _body: answer() if path.endswith("/query") else None


def away() -> httpx2.Response:
    raise httpx2.ConnectError("refused")


def slow() -> httpx2.Response:
    raise httpx2.ReadTimeout("late")


HOSTILE: dict[str, Callable[[], httpx2.Response]] = {
    "away": away,
    "slow": slow,
    "refused": lambda: httpx2.Response(500, json={"message": "\x1b[2J boom"}),
    "other dimension": lambda: httpx2.Response(400, json={"message": "dimension 4, got 3"}),
    "no json": lambda: httpx2.Response(200, content=b"<html>"),
    "null": lambda: httpx2.Response(200, json=None),
    "no list": lambda: httpx2.Response(200, json={"ids": "INC-0001"}),
    "odd keys": lambda: httpx2.Response(200, json={"ids": [[1, None, {}]]}),
    "two answers": lambda: httpx2.Response(200, json={"ids": [[], []]}),
    "foreign keys": lambda: httpx2.Response(200, json={"ids": [["INC-0666", "9-x", "1e9-a"]]}),
    "old keys": lambda: httpx2.Response(200, json={"ids": [["1-0", "2-0", "3-0"]]}),
    "nothing": lambda: httpx2.Response(200, json={"ids": [[]]}),
    "moved": lambda: httpx2.Response(302, headers={"location": "http://elsewhere.test/"}),
    "huge": lambda: httpx2.Response(200, content=b"[" * (33 * 2**20)),
    "many keys": lambda: httpx2.Response(200, json={"ids": [[f"{n}-a" for n in range(5000)]]}),
    "deep": lambda: httpx2.Response(200, content=b"[" * 100_000),
    "digits": lambda: httpx2.Response(200, json={"ids": [["9" * 400 + "-a", "²-a", "-1-a"]]}),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_whatever_a_server_answers_we_find_what_our_own_vectors_find(
    memory: ArchiveMemory, chroma: FakeChroma, how: str
) -> None:
    broken(memory, chroma, HOSTILE[how])
    assert same_as_without(memory)


def test_a_server_that_names_the_wrong_ones_changes_no_score(
    memory: ArchiveMemory, chroma: FakeChroma
) -> None:
    """It may leave some out; what it names is compared anew."""
    copy_of(memory).sync()
    every = list(rows_of(chroma))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chroma, "_query", lambda *_: {"ids": [every[::-1]]})
        assert same_as_without(memory)
        patch.setattr(chroma, "_query", lambda *_: {"ids": [every[3:]]})
        assert found(memory, "everybody has to wait") == []


def test_a_server_that_is_believed_is_caught(
    memory: ArchiveMemory, chroma: FakeChroma, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: whatever it names is as near as can be."""
    copy_of(memory).sync()
    every = list(rows_of(chroma))
    monkeypatch.setattr(chroma, "_query", lambda *_: {"ids": [every[::-1]]})
    believed = {int(key.partition("-")[0]): 1.0 for key in every}
    seams.COMPARED.plant(monkeypatch, lambda *_: believed)
    assert not same_as_without(memory)


def test_a_server_that_failed_is_left_alone_for_a_while(
    memory: ArchiveMemory, chroma: FakeChroma
) -> None:
    now = [0.0]
    copy_of(memory).clock = lambda: now[0]
    broken(memory, chroma, slow)
    found(memory, "wait")
    count = len(chroma.asked)
    found(memory, "wait")
    assert len(chroma.asked) == count
    now[0] = REST
    found(memory, "wait")
    assert len(chroma.asked) == count + 1
    chroma.instead = lambda _path, _body: None
    copy_of(memory).sync()  # it answers again: it is asked at once
    with own_vectors_hidden(memory):
        assert found(memory, "everybody has to wait") == ["INC-0000"]


def test_nothing_is_lost_while_it_is_away_and_it_catches_up(
    memory: ArchiveMemory, chroma: FakeChroma, store: SqlStore
) -> None:
    copy_of(memory).sync()
    chroma.instead = lambda _path, _body: away()
    keep(memory, 7, "latency of the shop")
    with store.begin() as work:
        work.archive.forget("INC-0001", "pat", a_case().ended_at)
    with pytest.raises(CopyError, match=r"Chroma at http://chroma.test:8000 cannot be reached"):
        copy_of(memory).sync()
    assert same_as_without(memory)
    chroma.instead = lambda _path, _body: None
    # Another process, as after a restart of ours: it lists what is there.
    assert copy_of(opened(store, chroma)).sync() == Copying(held=4, put=1, removed=1)
    copy_of(memory).sync()  # does the same once more
    assert copy_of(memory).sync() == Copying(held=4, put=0, removed=0)
    assert len(rows_of(chroma)) == 4


@pytest.mark.parametrize("lost", ["all", "some", "the collection"])
def test_a_server_that_lost_vectors_gets_them_again(
    memory: ArchiveMemory, chroma: FakeChroma, store: SqlStore, lost: str
) -> None:
    copy_of(memory).sync()
    if lost == "the collection":
        chroma.rows.clear()
        chroma.names.clear()
    else:
        for key in list(rows_of(chroma))[: 4 if lost == "all" else 2]:
            rows_of(chroma).pop(key)
    rows = {"all": 4, "some": 2, "the collection": 4}
    assert same_as_without(opened(store, chroma)) or lost == "some"  # until it is looked at
    for copy in (copy_of(memory), copy_of(opened(store, chroma))):
        assert copy.sync() == Copying(held=4, put=rows.pop(lost, 0), removed=0)
    assert same_as_without(memory)


def test_what_others_put_into_our_collection_goes(
    memory: ArchiveMemory, chroma: FakeChroma
) -> None:
    copy_of(memory).sync()
    rows_of(chroma)["INC-0666"] = ([0.0] * 4, {"family": "docker", "told": True, "words": ""})
    assert copy_of(memory).sync().removed == 1
    assert "INC-0666" not in rows_of(chroma)


def test_a_collection_that_this_store_did_not_make_is_not_touched(
    memory: ArchiveMemory, chroma: FakeChroma
) -> None:
    theirs = chroma.server().make("aiops-three")
    chroma.rows[theirs]["theirs"] = ([1.0], {})
    with pytest.raises(CopyError, match="did not make: set another"):
        copy_of(memory).sync()
    with pytest.raises(CopyError, match="did not make"):
        copy_of(memory).standing()
    assert list(chroma.rows[theirs]) == ["theirs"]
    assert same_as_without(memory)
    assert copy_of(memory).sync(take_over=True) == Copying(held=4, put=4, removed=1)


def test_another_model_has_its_own_collection_and_that_of_the_old_one_goes(
    memory: ArchiveMemory, chroma: FakeChroma, store: SqlStore
) -> None:
    copy_of(memory).sync()
    newer = opened(store, chroma, Meant(name="other/model 2"))
    newer.read_all()
    assert copy_of(newer).sync() == Copying(held=4, put=4, removed=0)
    assert list(chroma.names) == ["aiops-other-model-2"]
    assert found(newer, "everybody has to wait") == ["INC-0000"]


def test_a_long_backlog_is_scanned_by_us_until_it_was_copied(
    memory: ArchiveMemory, chroma: FakeChroma, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert copied.TAIL == TAIL
    monkeypatch.setattr(copied, "TAIL", 1)
    copy_of(memory).sync()
    for number in (7, 8):
        keep(memory, number, "latency of the shop")
    count = len(chroma.asked)
    assert len(found(memory, "everybody has to wait")) == 3
    assert len(chroma.asked) == count


def test_vectors_come_back_from_the_server_for_the_same_words(
    memory: ArchiveMemory, chroma: FakeChroma, store: SqlStore
) -> None:
    copy_of(memory).sync()
    model = Meant()
    bare = opened(store, chroma, model)
    forget_vectors(store)
    keep(ArchiveMemory(store), 9, "words that it never saw")
    assert copy_of(bare).pull() == 4
    with store.read() as view:
        assert len(view.archive.vectors("three")) == 4
    assert found(bare, "everybody has to wait") == ["INC-0000"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([0.0, 0.0, 0.0, 1.0], "not taken"),
        ([1.0], "not taken"),
        (["x"], "in a shape that we cannot read"),
        ([None] * 4, ""),
        (None, ""),
        ([[1.0, 0.0, 0.0, 0.0]], ""),
    ],
)
def test_vectors_that_are_not_of_the_words_are_not_taken(
    memory: ArchiveMemory, chroma: FakeChroma, store: SqlStore, wrong: Any, said: str
) -> None:
    copy_of(memory).sync()
    forget_vectors(store)
    for key, (_, told) in rows_of(chroma).items():
        rows_of(chroma)[key] = (wrong, told)
    pull = copy_of(opened(store, chroma)).pull
    refused: contextlib.AbstractContextManager[object] = (
        pytest.raises(CopyError, match=said) if said else contextlib.nullcontext()
    )
    with refused:
        assert pull() == 0
    with store.read() as view:
        assert view.archive.vectors("three") == ()


def test_what_is_forgotten_leaves_the_server(memory: ArchiveMemory, chroma: FakeChroma) -> None:
    copy_of(memory).sync()
    with memory.store.begin() as work:
        work.archive.forget("INC-0002", "pat", a_case().ended_at)
    assert found(memory, "no space") == []
    copy_of(memory).sync()
    assert len(rows_of(chroma)) == 3


async def test_the_upkeep_says_once_why_it_fails_and_never_raises(
    memory: ArchiveMemory, chroma: FakeChroma, caplog: pytest.LogCaptureFixture
) -> None:
    chroma.instead = lambda _path, _body: away()
    upkeep = CopyUpkeep(copy_of(memory).sync)
    for _ in range(2):
        await upkeep.look()
    assert [one.message for one in caplog.records] == ["vectors are not copied"]
    chroma.instead = lambda _path, _body: None
    await upkeep.look()
    assert len(rows_of(chroma)) == 4


def forget_vectors(store: SqlStore) -> None:
    """Lose what was computed, as a store of another machine that only the cases were brought to."""
    with store.begin() as work:
        cases = [case for _, case in work.archive.unread("no model", 99)]
        for case in reversed(cases):
            work.archive.add(case, None, "")
