"""A bearer token as we keep it: never the secret itself."""

import hashlib
from datetime import datetime

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.value import Value


class Token(Value):
    """`secret` is the SHA-256 (hex) of the token's text."""

    name: str
    secret: str
    created_at: datetime
    revoked_at: datetime | None = None
    environments: tuple[EnvironmentRef, ...] = ()  # that it may address; none means all


def hashed(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()
