"""What people do with memory, on what is kept."""

from pathlib import Path

from aiops_agent.adapters.cold_storage import NAME, ColdFile
from aiops_agent.bootstrap.records import Records
from aiops_agent.memory.casebook import Casebook
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.ports.store import Store


def casebook(opened: Records, state: Path, store: Store | None = None) -> Casebook:
    """Return it, on the records' own store if none is given; other readers do without."""
    return Casebook(
        memory=ArchiveMemory(store or opened.store),
        now=opened.now,
        clean=lambda text: opened.redactor.clean(text).text,
        cold=ColdFile(state / NAME),
    )
