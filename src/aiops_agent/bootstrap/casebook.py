"""What people do with memory, on what is kept."""

from aiops_agent.bootstrap.records import Records
from aiops_agent.memory.casebook import Casebook
from aiops_agent.memory.recall import ArchiveMemory


def casebook(opened: Records) -> Casebook:
    """Return it; it brings arithmetic that other readers do without."""
    memory = ArchiveMemory(opened.store)
    return Casebook(memory, opened.now, lambda text: opened.redactor.clean(text).text)
