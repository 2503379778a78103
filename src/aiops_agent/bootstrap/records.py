"""What is kept, opened to be read: for who asks, and needs no engine, environment or model."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine as Database

from aiops_agent.adapters.sql.engine import CONNECTIONS, LEASE_CONNECTIONS, make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.adapters.stop_file import NAME as STOP
from aiops_agent.adapters.stop_file import StopFile
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.lease import Lease
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.token import CONFIGURED, Token, hashed
from aiops_agent.settings.owned import not_ours
from aiops_agent.settings.sections import Server, Settings, secrets
from aiops_agent.workflow.lease import seen
from aiops_agent.workflow.lock import beside, holder
from aiops_agent.workflow.queries import Queries


def wall_time() -> datetime:
    """Return the present time of this machine."""
    return datetime.now(UTC)


class Records:
    """The database of some settings, what may be asked of it, and what takes secrets out."""

    def __init__(self, settings: Settings, now: Callable[[], datetime] = wall_time) -> None:
        if flaws := not_ours(settings):
            raise SettingsError(flaws)
        self.now = now
        self.database: Database = make_engine(settings.store.url, CONNECTIONS - LEASE_CONNECTIONS)
        upgrade(self.database)
        self.stop_file = StopFile(settings.state_dir / STOP)
        self.own_clock = now is wall_time  # a test's time counts, and not a server's
        self.redactor = Redactor(secrets(settings))
        self.store = SqlStore(self.database, own_clock=self.own_clock)  # wakes no story
        self.queries = Queries(self.store, self.stop_file, self._tokens(settings.server))

    def _tokens(self, server: Server) -> tuple[Token, ...]:
        if server.token is None:
            return ()
        kept = hashed(server.token.get_secret_value())
        return (Token(name=CONFIGURED, secret=kept, created_at=self.now()),)

    def leader(self, role: str) -> Lease | None:
        """Return who works on the stories of a role on this store, or None."""
        path = lock_of(self.database, role)
        if path is not None and not holder(path):
            return None
        known, held = seen(self.store, role, self.now())
        return known if held else None

    def close(self) -> None:
        """Give the database back."""
        self.database.dispose()


def lock_of(database: Database, role: str) -> Path | None:
    """Return where the lock of a role lies; None for a server, which many machines reach."""
    file = database.url.database if database.dialect.name == "sqlite" else None
    return beside(Path(file), role) if file else None
