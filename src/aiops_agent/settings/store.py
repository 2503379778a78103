"""Section `store`: where everything durable is kept, and how long what nobody asks for any more."""

from datetime import timedelta

from aiops_agent.domain.duration import Span
from aiops_agent.domain.value import Value
from aiops_agent.ports.spellings import Referred


class StoreKeep(Value):
    """How long the store keeps what nobody asks for any more; incidents themselves stay."""

    checkpoints: Span = timedelta(days=1)  # of stories that have ended
    bodies: Span = timedelta(days=30)  # as they came: those that are handled or were rejected
    events: Span = timedelta(days=180)  # single looks, courses, talks with models


class StoreSettings(Value):
    """Where everything durable is kept: SQLite, or PostgreSQL by postgresql+psycopg://."""

    url: Referred
    keep: StoreKeep = StoreKeep()
