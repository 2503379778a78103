"""A bearer token as we keep it: never the secret itself."""

import hashlib
import re
from datetime import datetime

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.value import Value

CONFIGURED = "server.token"  # the name of the token that the configuration brings
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Token(Value):
    """`secret` is the SHA-256 (hex) of the token's text."""

    name: str
    secret: str
    created_at: datetime
    revoked_at: datetime | None = None
    environments: tuple[EnvironmentRef, ...] = ()  # that it may address; none means all


def token_name(text: str) -> bool:
    """Whether a token may be called so: a name is typed, listed, logged and compared."""
    return _NAME.fullmatch(text) is not None


def hashed(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()
