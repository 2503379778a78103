"""The arrays that are scanned are the same, in however many steps cases came and went."""

import random

import numpy as np
import pytest

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.memory import scan
from aiops_agent.memory.index import CaseIndex, Found
from aiops_agent.memory.meanings import Meanings, packed
from aiops_agent.memory.scan import Postings
from aiops_agent.memory.terms import WEIGHTS, CaseTerms, terms_of
from aiops_agent.ports.archive import VectorRow
from tests.contracts.samples import NOW, a_case

NAMES = [f"{kind}.{number}" for kind in ("inside", "hurts", "cause") for number in range(9)]


def texts(count: int) -> list[list[str]]:
    dice = random.Random(count)
    return [dice.choices(NAMES, k=dice.randint(0, 12)) for _ in range(count)]


def filled(kept: list[list[str]], *pauses: int) -> Postings:
    postings = Postings()
    for number, text in enumerate(kept):
        if number in pauses:
            postings.bm25(("inside.1",))  # a question: what came so far is sorted in
        postings.add(text)
    return postings


@pytest.mark.parametrize("pauses", [(0,), (1,), (39,), (5, 6, 30)])
def test_what_came_between_questions_counts_as_if_all_had_come_at_once(
    pauses: tuple[int, ...],
) -> None:
    kept = texts(40)
    whole, parts = filled(kept), filled(kept, *pauses)
    asked = ["inside.1", "cause.3", "hurts.8", "hurts.8", "inside.never"]
    assert np.array_equal(whole.bm25(asked), parts.bm25(asked))
    assert np.array_equal(whole.overlap(asked, WEIGHTS), parts.overlap(asked, WEIGHTS))
    assert np.array_equal(whole.lengths, [len(one) for one in kept])
    for name in (*NAMES, "inside.never"):
        has = [float(name in one) for one in kept]
        assert parts.having(name).tolist() == has
        assert parts.spread(name) == pytest.approx(sum(has) / len(kept))


def test_many_are_sorted_in_together_before_anybody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = texts(40)
    whole = filled(kept)
    monkeypatch.setattr(scan, "TOGETHER", 7)
    parts = filled(kept)
    assert np.array_equal(whole.bm25(NAMES), parts.bm25(NAMES))


def test_few_and_many_are_compared_alike() -> None:
    vectors = np.random.default_rng(1).standard_normal((20, 8), np.float32)
    meanings = Meanings()
    meanings.add([VectorRow(n, n, "m", one) for n, one in enumerate(packed(vectors), start=1)])
    meanings.settle({number: number - 1 for number in range(1, 21) if number != 7})
    among = np.ones(20, np.float32)
    many = meanings.near(vectors[2], among)
    few = meanings.near(vectors[2], np.where(np.arange(20) < 5, among, 0.0).astype(np.float32))
    assert int(many.argmax()) == 2
    assert many[6] == 0.0
    assert few[:5] == pytest.approx(many[:5], rel=1e-3)
    assert not few[5:].any()


def keep(store: SqlStore, *numbers: int, cause: str = "leak") -> None:
    cases = [a_case(id=f"INC-{number:04}", cause=cause) for number in numbers]
    with store.begin() as work:
        kept = work.archive.add_all([(case, terms_of(case).text) for case in cases])
    assert set(kept) == {case.id for case in cases}


def found(index: CaseIndex, store: SqlStore) -> list[str]:
    with store.read() as view:
        index.refresh(view.archive)
    names = CaseTerms(names=("service=payments-api", "cause=leak"))
    alike: tuple[Found, ...] = index.alike(names, "docker", "", 2000)
    return sorted(one.id for one in alike)


def test_whatever_is_changed_or_removed_is_seen_and_all_of_it_may_go(store: SqlStore) -> None:
    index = CaseIndex()
    keep(store, 1, 2, 3)
    assert found(index, store) == ["INC-0001", "INC-0002", "INC-0003"]
    keep(store, 2, cause="hang")  # another number
    with store.begin() as work:
        assert work.archive.remove(["INC-0003", "INC-0009"]) == 1
    assert found(index, store) == ["INC-0001"]
    with store.begin() as work:
        work.archive.forget("INC-0001", "pat", NOW)
        work.archive.remove(["INC-0002"])
    assert found(index, store) == []
    keep(store, 4, 5)
    assert found(index, store) == ["INC-0004", "INC-0005"]


def test_an_index_that_is_mostly_dead_begins_anew(store: SqlStore) -> None:
    index = CaseIndex()
    keep(store, *range(1100))
    found(index, store)
    with store.begin() as work:
        work.archive.remove([f"INC-{number:04}" for number in range(5, 1100)])
    keep(store, 2000)
    assert found(index, store) == [*(f"INC-{number:04}" for number in range(5)), "INC-2000"]
