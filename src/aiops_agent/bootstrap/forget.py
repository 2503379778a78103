"""An incident is forgotten everywhere: memory, the records of the store, checkpoints of stories."""

from aiops_agent.bootstrap.copying import still_copied
from aiops_agent.bootstrap.records import Records
from aiops_agent.memory.casebook import Casebook
from aiops_agent.workflow import pruning


def forget(opened: Records, book: Casebook, name: str, by: str) -> tuple[str, str]:
    """Return its id, and why its vector is still at a server, "" when it is not.

    Raises UsageError. Killed in between, `aiops serve` removes the rest.
    """
    gone = book.forget(name, by)
    pruning.erase(opened.database, gone)
    return gone, still_copied(book.memory)
