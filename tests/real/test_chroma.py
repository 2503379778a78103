"""A real Chroma server finds what ours find; away, restarted or emptied, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from aiops_agent.adapters.chroma.section import ChromaSettings
from aiops_agent.adapters.chroma.server import ChromaServer
from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.errors import CopyError
from aiops_agent.memory.copied import Copying, VectorCopy
from aiops_agent.memory.index import CaseIndex
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.ports.meaning import Whose
from aiops_agent.ports.nearest import CopiedVector
from tests.adapters.minilm.test_minilm import folder_of
from tests.contracts.samples import a_case

from .chroma import Chroma
from .product import Product

WIDTH, MANY, QUESTIONS = 64, 450, 12


class Drawn:
    """Texts of the same words lie together; each word has a place that is drawn from it."""

    name = "drawn"
    quick = True

    def embed(self, texts: Sequence[str], whose: Sequence[Whose] = ()) -> npt.NDArray[np.float32]:
        rows = [sum(map(_place, text.lower().split()), np.zeros(WIDTH)) for text in texts]
        found = np.array(rows, np.float32).reshape(len(rows), WIDTH)
        unit: npt.NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


def _place(word: str) -> npt.NDArray[np.float64]:
    return np.random.default_rng(list(word.encode())).standard_normal(WIDTH)


@pytest.fixture
def chroma(tmp_path: Path) -> Iterator[Chroma]:
    server = Chroma(tmp_path)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    engine = make_engine(f"sqlite:///{tmp_path / 'aiops.db'}")
    upgrade(engine)
    yield SqlStore(engine)
    engine.dispose()


@pytest.fixture
def server(chroma: Chroma) -> Iterator[ChromaServer]:
    settings = {"url": chroma.url, "timeout": "20s"}
    opened = ChromaServer(ChromaSettings.model_validate(settings))
    yield opened
    opened.close()


def opened(store: SqlStore, server: ChromaServer) -> tuple[ArchiveMemory, VectorCopy]:
    copy = VectorCopy(server, store, Drawn(), "aiops")
    return ArchiveMemory(store, embedder=Drawn(), copy=copy), copy


def fill(memory: ArchiveMemory, first: int, count: int) -> None:
    words = ["pool", "disk", "token", "queue", "cache", "shard", "lease", "probe", "quota", "route"]
    cases = [
        a_case(
            id=f"INC-{first + one:04}",
            title=f"{words[one % 10]} {words[one // 10 % 10]} word{one // 100} number{first + one}",
            summary="",
        )
        for one in range(count)
    ]
    memory.remember_all(cases)


def agrees(memory: ArchiveMemory, *, first: int = 0) -> float:
    """Return the share of answers that are those of our own vectors."""
    own, same, asked = ArchiveMemory(memory.store, embedder=Drawn()), 0, 0
    for one in range(QUESTIONS):
        text = f"what of the number{first + one * 7} and its lease"
        ours = [str(hit.case.id) for hit in own.search(text)]
        same += len(set(ours) & {str(hit.case.id) for hit in memory.search(text)})
        asked += len(ours)
    return same / asked


def test_it_finds_what_ours_find_over_a_restart_an_absence_and_a_loss(
    store: SqlStore, chroma: Chroma, server: ChromaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, copy = opened(store, server)
    fill(memory, 0, MANY)
    assert copy.sync() == Copying(held=MANY, put=MANY, removed=0)
    with monkeypatch.context() as patch:
        patch.setattr(CaseIndex, "place", lambda *_: pytest.fail("our own vectors were scanned"))
        memory.search("the quota of the number77")
    assert agrees(memory) >= 0.95  # it finds neighbours by an approximation

    chroma.stop()
    fill(memory, MANY, 10)
    with store.begin() as work:
        work.archive.forget("INC-0007", "pat", a_case().ended_at)
    with pytest.raises(CopyError, match="cannot be reached"):
        copy.sync()
    assert agrees(memory, first=MANY - 100) == 1.0

    chroma.start()
    assert copy.sync() == Copying(held=MANY + 9, put=10, removed=1)
    _, other = opened(store, server)  # another process of ours lists what is there
    assert other.sync() == Copying(held=MANY + 9, put=0, removed=0)
    assert agrees(memory, first=MANY - 100) >= 0.95

    server.drop(copy.name)
    assert agrees(memory) == 1.0
    assert copy.sync() == Copying(held=MANY + 9, put=MANY + 9, removed=0)
    assert copy.standing() == (MANY + 9, MANY + 9)


def test_vectors_come_back_and_a_collection_of_others_stays(
    store: SqlStore, server: ChromaServer
) -> None:
    memory, copy = opened(store, server)
    fill(memory, 0, 250)
    copy.sync()
    with store.begin() as work:
        for _, case in work.archive.unread("no model", 250):
            work.archive.add(case, None, "")  # as in a store that only the cases were brought to
    assert copy.pull() == 250
    with store.read() as view:
        assert len(view.archive.vectors("drawn")) == 250

    theirs = server.make("theirs-drawn")
    server.put(theirs, [CopiedVector("a", np.ones(3, np.float32), "docker", told=True, words="x")])
    other = VectorCopy(server, store, Drawn(), "theirs")
    with pytest.raises(CopyError, match="did not make"):
        other.sync()
    assert (server.count(theirs), list(server.keys(theirs))) == (1, ["a"])
    with pytest.raises(CopyError, match="dimension"):  # of three numbers, and ours have more
        other.sync(take_over=True)
    found = server.near(theirs, np.ones(3, np.float32), 5, families=("docker",), told=True)
    assert found in ((), ("a",))


def test_people_use_it_by_command(tmp_path: Path, chroma: Chroma, server: ChromaServer) -> None:
    (tmp_path / "pages").mkdir()
    for number in range(3):
        page = f"# Outage {number} of web\n\nOn 2026-03-0{number + 1} web was slow.\n"
        (tmp_path / "pages" / f"{number}.md").write_text(page)
    beside = {"url": chroma.url, "timeout": "20s"}
    settings = {"minilm": str(folder_of(tmp_path / "model")), "chroma": beside}
    product = Product(tmp_path, {"apiVersion": "aiops-agent/v1", "memory": settings})
    ran = product.aiops("memory", "import", "pages")
    assert ran.code == 0, ran
    ran = product.aiops("memory", "chroma", "push")
    assert "Chroma has 3 vectors: 3 put, 0 removed." in ran.err, ran
    assert len(product.aiops("memory", "search", "slow", "-o", "json").data) == 3
    told = [one for one in product.aiops("doctor", "-o", "json").data if one["name"] == "vectors"]
    assert "has 3 of 3 vectors" in told[0]["words"], told
    name = product.aiops("memory", "search", "slow", "-o", "json").data[0]["case"]["id"]
    ran = product.aiops("memory", "forget", name)
    assert "from there when" not in ran.err, ran
    assert server.count(server.found("aiops-all-MiniLM-L6-v2")) == 2
    assert "0 cases have" in product.aiops("memory", "chroma", "pull").err
    chroma.stop()
    assert len(product.aiops("memory", "search", "slow", "-o", "json").data) == 2
    name = product.aiops("memory", "search", "slow", "-o", "json").data[0]["case"]["id"]
    assert "when `aiops serve` reaches it" in product.aiops("memory", "forget", name).err
    chroma.start()
    ran = product.aiops("memory", "chroma", "push")
    assert "Chroma has 1 vectors: 0 put, 1 removed." in ran.err, ran
