"""Bearer tokens."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from aiops_agent.adapters.sql.rows import read
from aiops_agent.adapters.sql.tables import TOKENS
from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.domain.token import Token


@dataclass(frozen=True)
class SqlTokens:
    """ports.store.Tokens in one transaction."""

    connection: Connection

    def add(self, token: Token) -> None:
        """Add a token; raises UsageError when the name is taken, also by a revoked one."""
        if self._get(token.name) is not None:
            raise UsageError(f"There is a token named {token.name!r} already; choose another name.")
        self.connection.execute(insert(TOKENS).values(name=token.name, document=token.document()))

    def listed(self) -> tuple[Token, ...]:
        """Return all tokens, oldest first."""
        query = select(TOKENS.c.document).order_by(TOKENS.c.number)
        return tuple(read(Token, document) for document in self.connection.scalars(query))

    def revoke(self, name: str, at: datetime) -> None:
        """Revoke a token for ever; raises UsageError when there is none of that name."""
        token = self._get(name)
        if token is None:
            raise UsageError(f"There is no token named {name!r}; `aiops token list` shows all.")
        if token.revoked_at is not None:
            return
        revoked = token.model_copy(update={"revoked_at": at})
        swap = update(TOKENS).where(TOKENS.c.name == name).values(document=revoked.document())
        if self.connection.execute(swap).rowcount != 1:
            raise StoreError(f"The token {name!r} could not be revoked; try again.")

    def _get(self, name: str) -> Token | None:
        document = self.connection.scalar(select(TOKENS.c.document).where(TOKENS.c.name == name))
        return None if document is None else read(Token, document)
