"""The schema: what is searched for is a column, the rest of a value is its JSON document."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, MetaData, Table

from aiops_agent.adapters.sql.plain import CleanText, Utc

METADATA = MetaData()
NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts in INTEGER keys only


def _number() -> Column[int]:
    """The order of arrival; never used twice."""
    return Column("number", NUMBER, primary_key=True, autoincrement=True)


def _text(name: str) -> Column[str]:
    return Column(name, CleanText, nullable=False)


def _document() -> Column[object]:
    return Column("document", JSON, nullable=False)


INBOX = Table(
    "inbox",
    METADATA,
    _number(),
    _text("source"),
    _text("environment"),
    _text("digest"),
    _text("body"),
    _text("rejected"),
    Column("handled", Boolean, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("received_at", Utc, nullable=False),
    _document(),
    Index("ix_inbox_same", "source", "environment", "digest", unique=True),
    Index("ix_inbox_waiting", "handled", "received_at"),
    sqlite_autoincrement=True,
)
COUNTERS = Table(
    "counters",
    METADATA,
    Column("name", CleanText, primary_key=True),
    Column("value", Integer, nullable=False),
)
INCIDENTS = Table(
    "incidents",
    METADATA,
    _number(),
    _text("id"),
    _text("environment"),
    _text("status"),
    Column("ended", Boolean, nullable=False),
    Column("summary", JSON, nullable=False),
    _document(),
    Index("ix_incidents_id", "id", unique=True),
    Index("ix_incidents_open", "ended", "environment"),
    sqlite_autoincrement=True,
)
ALERTS = Table(
    "alerts",
    METADATA,
    _number(),
    _text("environment"),
    _text("key"),
    _text("incident"),
    _text("brought_with"),
    _document(),
    Index("ix_alerts_incident", "incident", "key", unique=True),
    Index("ix_alerts_key", "environment", "key"),
    sqlite_autoincrement=True,
)
ALERT_GROUPS = Table(
    "alert_groups",
    METADATA,
    Column("digest", CleanText, primary_key=True),
    _document(),
)
EVENTS = Table(
    "events",
    METADATA,
    _number(),
    _text("key"),
    _text("incident"),
    Column("written_at", Utc, nullable=False),
    _document(),
    Index("ix_events_key", "key", unique=True),
    Index("ix_events_incident", "incident", "number"),
    sqlite_autoincrement=True,
)
CURSORS = Table(
    "cursors",
    METADATA,
    Column("subscriber", CleanText, primary_key=True),
    Column("event", NUMBER, nullable=False),
)
APPROVALS = Table(
    "approvals",
    METADATA,
    _number(),
    _text("id"),
    _text("incident"),
    _text("digest"),
    _text("state"),
    Column("summary", JSON, nullable=False),
    _document(),
    Index("ix_approvals_id", "id", unique=True),
    Index("ix_approvals_incident", "incident"),
    Index("ix_approvals_state", "state"),
    sqlite_autoincrement=True,
)
LEDGER = Table(
    "ledger",
    METADATA,
    _number(),
    _text("operation"),
    _text("incident"),
    _text("plan"),
    Column("undo", Boolean, nullable=False),
    Column("ordinal", Integer, nullable=False),
    _text("state"),
    Column("armed_at", Utc, nullable=False),
    _document(),
    Index("ix_ledger_operation", "operation", unique=True),
    Index("ix_ledger_plan", "incident", "plan"),
    Index("ix_ledger_armed_at", "armed_at"),
    sqlite_autoincrement=True,
)
CASES = Table(
    "cases",
    METADATA,
    _number(),
    _text("id"),
    _text("family"),
    Column("ended_at", Utc, nullable=False),
    _document(),
    Column("postmortem", JSON(none_as_null=True), nullable=True),
    Index("ix_cases_id", "id", unique=True),
    Index("ix_cases_family", "family", "ended_at"),
    sqlite_autoincrement=True,
)
TOKENS = Table(
    "tokens",
    METADATA,
    _number(),
    _text("name"),
    _document(),
    Index("ix_tokens_name", "name", unique=True),
    sqlite_autoincrement=True,
)
