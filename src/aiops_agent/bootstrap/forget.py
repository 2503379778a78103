"""An incident is forgotten everywhere: memory, the records of the store, checkpoints of stories."""

from aiops_agent.bootstrap.records import Records
from aiops_agent.memory.casebook import Casebook
from aiops_agent.workflow import pruning


def forget(opened: Records, book: Casebook, name: str, by: str) -> str:
    """Return its id; raises UsageError. Killed between the two, `aiops serve` removes the rest."""
    gone = book.forget(name, by)
    pruning.erase(opened.database, gone)
    return gone
