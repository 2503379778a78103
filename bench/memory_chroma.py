"""Many vectors with a Chroma server beside: how long to copy and ask, and whether it agrees."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from aiops_agent.adapters.chroma.section import ChromaSettings
from aiops_agent.adapters.chroma.server import ChromaServer
from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.evaluation.goals import Goal
from aiops_agent.memory.copied import VectorCopy
from aiops_agent.memory.meanings import HALF
from aiops_agent.memory.recall import ArchiveMemory
from bench.memory_speed import BATCH, Given
from bench.memory_words import told

ASKED = 60  # questions


def goals(many: int, url: str, rng: random.Random) -> Iterator[Goal]:
    """Yield seconds and milliseconds; the collection is removed at the end."""
    with TemporaryDirectory(prefix="aiops-chroma-") as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'aiops.db'}")
        upgrade(engine)
        store, model = SqlStore(engine), Given(rng)
        server = ChromaServer(ChromaSettings.model_validate({"url": url, "timeout": "30s"}))
        copy = VectorCopy(server, store, model, f"bench-{rng.getrandbits(32):08x}")
        beside = ArchiveMemory(store, embedder=model, copy=copy)
        for first in range(0, many, BATCH):
            last = min(first + BATCH, many)
            beside.remember_all(told(one, f"trouble {one}") for one in range(first, last))
        try:
            began = time.perf_counter()
            copy.sync()
            took = time.perf_counter() - began
            yield Goal(f"seconds to copy {many} vectors to Chroma", many, took)
            yield from _asked(store, model, beside, copy)
        finally:
            server.drop(copy.name)
            engine.dispose()


def _asked(
    store: SqlStore, model: Given, beside: ArchiveMemory, copy: VectorCopy
) -> Iterator[Goal]:
    own, took = ArchiveMemory(store, embedder=model), {"own": [0.0], "Chroma": [0.0]}
    own.search("anything", 1)  # takes all of them in
    beside.search("anything", 1)
    with store.read() as view:
        rows = view.archive.vectors(model.name)
    every = np.stack([np.frombuffer(row.vector, HALF) for row in rows]).astype(np.float32)
    same = 0
    for _ in range(ASKED):
        vector = model.embed(("anything",))[0]
        for name, memory in (("own", own), ("Chroma", beside)):
            began = time.perf_counter()
            memory.search("anything", 10)
            took[name].append(1000 * (time.perf_counter() - began))
        found = copy.near(vector) or ()
        with store.read() as view:
            near = copy.scored(view.archive, vector, found) or {}
        best = np.argsort(every @ vector)[-10:]
        same += sum(rows[one].case in near for one in best)
    for name, times in took.items():
        yield Goal(f"milliseconds of a search by {name}, p50", ASKED, median(times[1:]))
    yield Goal("of the ten nearest, named by Chroma", 10 * ASKED, same / (10 * ASKED))
