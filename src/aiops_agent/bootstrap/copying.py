"""The copy of the vectors at a server: built, looked at, and what people do with it."""

from aiops_agent.adapters.chroma.server import ChromaServer
from aiops_agent.adapters.models.embedding import GeminiEmbedder
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import AiopsError, CopyError, SettingsError, UsageError
from aiops_agent.memory.copied import Copying, VectorCopy
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.ports.meaning import Embedder
from aiops_agent.ports.store import Store
from aiops_agent.settings.memory import MemorySettings


def vector_copy(
    settings: MemorySettings, store: Store, model: Embedder | None
) -> VectorCopy | None:
    """Return the copy of the vectors at a server, None where there is none.

    Raises SettingsError where nothing makes vectors.
    """
    if settings.chroma is None:
        return None
    if model is None:
        raise SettingsError(
            "memory.chroma finds vectors, and nothing makes any: set memory.minilm or "
            "models.embeddings."
        )
    return VectorCopy(ChromaServer(settings.chroma), store, model, settings.chroma.collection)


def memory_checkups(memory: ArchiveMemory) -> list[Checkup]:
    """Look at what memory asks of others: who makes vectors, and who finds them; blocking."""
    model, copy = memory.embedder, memory.copy
    found = [model.check()] if isinstance(model, GeminiEmbedder) else []
    return [*found, copy_checkup(copy)] if copy is not None else found


def copy_checkup(copy: VectorCopy) -> Checkup:
    """Say what answers there, and whether it has all of our vectors; blocking."""
    health, remedy = Health.OK, ""
    try:
        version, (there, ours) = copy.server.version(), copy.standing()
        words = f"{copy.server.address}: {version} has {there} of {ours} vectors"
        if there != ours:
            health, remedy = Health.NOTE, "aiops memory chroma push, unless `aiops serve` runs"
    except AiopsError as error:
        health, words = Health.PROBLEM, f"{error} Our own vectors are scanned meanwhile."
    return Checkup(group="core", name="vectors", health=health, words=words, remedy=remedy)


def push(memory: ArchiveMemory, *, take_over: bool = False) -> Copying:
    """Make the copy like ours, with a vector for each case; raises CopyError."""
    copy = _copy_of(memory)
    memory.read_all()
    return copy.sync(take_over=take_over)


def pull(memory: ArchiveMemory) -> int:
    """Give cases without a vector that of the copy; return how many. Raises CopyError."""
    return _copy_of(memory).pull()


def still_copied(memory: ArchiveMemory) -> str:
    """Take from the copy what is no longer ours; return why that failed, "" when it did not."""
    try:
        if memory.copy is not None:
            memory.copy.sync()
    except CopyError as error:
        return str(error)
    return ""


def _copy_of(memory: ArchiveMemory) -> VectorCopy:
    if memory.copy is None:
        raise UsageError("No Chroma is set: say memory: {chroma: {url: ADDRESS}} in aiops.yaml.")
    return memory.copy
