"""Backup and restore of the store of some settings."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from aiops_agent.adapters.sql import upkeep
from aiops_agent.domain.lease import EXECUTOR
from aiops_agent.settings.sections import Settings
from aiops_agent.workflow.lock import beside, lock


def backup(settings: Settings, target: Path) -> int:
    """Copy the store while it is used; return the bytes."""
    return upkeep.backup(settings.store.url, target)


def restore(settings: Settings, source: Path, by: str) -> Path:
    """Put a backup in place of the store, unless a process works on it: BusyError says which."""
    file = upkeep.file_of(settings.store.url)
    with ExitStack() as held:
        for role in ("serve", "shop", EXECUTOR):
            held.enter_context(lock(beside(file, role), "the engine"))
        return upkeep.restore(settings.store.url, source, by=by, at=datetime.now(UTC))
