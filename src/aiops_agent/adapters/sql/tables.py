"""The schema: what is searched for is a column, the rest of a value is its JSON document."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
)
from sqlalchemy.types import TypeEngine

from aiops_agent.adapters.sql.plain import CleanText, PackedJson, Utc

METADATA = MetaData()
NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts in INTEGER keys only


def _table(name: str, *parts: Column[Any] | Index) -> Table:
    """Return a table whose rows are numbered as they arrive; no number is used twice."""
    number = Column("number", NUMBER, primary_key=True, autoincrement=True)
    return Table(name, METADATA, number, *parts, sqlite_autoincrement=True)


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, CleanText, nullable=False) for name in names]


def _some(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, nullable=False)


INBOX = _table(
    "inbox",
    *_texts("source", "environment", "digest", "body", "rejected"),
    _some("handled", Boolean),
    *(_some(name, Integer) for name in ("seen", "part", "size")),
    _some("progress", JSON),
    _some("received_at", Utc),
    _some("document", PackedJson),
    Index("ix_inbox_same", "source", "environment", "digest", "part", unique=True),
    Index("ix_inbox_waiting", "handled", "received_at"),
)
COUNTERS = Table(
    "counters",
    METADATA,
    Column("name", CleanText, primary_key=True),
    _some("value", Integer),
)
INCIDENTS = _table(
    "incidents",
    *_texts("id", "environment", "status", "service"),
    _some("opened_at", Utc),
    *(_some(name, Boolean) for name in ("ended", "active", "condensed")),
    _some("summary", JSON),
    _some("document", PackedJson),
    Index("ix_incidents_id", "id", unique=True),
    Index("ix_incidents_open", "ended", "environment"),
    Index("ix_incidents_active", "active", "environment"),
    Index("ix_incidents_service", "ended", "environment", "service"),
    Index("ix_incidents_old", "condensed", "active", "opened_at"),
)
ALERTS = _table(
    "alerts",
    *_texts("environment", "key", "incident", "brought_with"),
    _some("document", PackedJson),
    Index("ix_alerts_incident", "incident", "key", unique=True),
    Index("ix_alerts_key", "environment", "key"),
)
ALERT_GROUPS = Table(
    "alert_groups",
    METADATA,
    Column("digest", CleanText, primary_key=True),
    _some("document", JSON),
)
EVENTS = _table(
    "events",
    *_texts("key", "incident"),
    _some("written_at", Utc),
    _some("document", PackedJson),
    Index("ix_events_key", "key", unique=True),
    Index("ix_events_incident", "incident", "number"),
)
CURSORS = Table(
    "cursors",
    METADATA,
    Column("subscriber", CleanText, primary_key=True),
    _some("event", NUMBER),
)
OUTBOX = _table(
    "outbox",
    *_texts("receiver", "key", "incident", "state", "message"),
    _some("at", Utc),
    Column("urgent_from", Utc, nullable=True),
    _some("document", JSON),
    Index("ix_outbox_key", "receiver", "key", unique=True),
    Index("ix_outbox_state", "receiver", "state", "at"),
    Index("ix_outbox_incident", "receiver", "incident", "state"),
)
APPROVALS = _table(
    "approvals",
    *_texts("id", "incident", "digest", "state"),
    _some("summary", JSON),
    _some("document", JSON),
    Index("ix_approvals_id", "id", unique=True),
    Index("ix_approvals_incident", "incident"),
    Index("ix_approvals_state", "state"),
)
REFUSED = _table(
    "refused_answers",
    *_texts("incident"),
    _some("document", JSON),
    Index("ix_refused_answers_incident", "incident"),
)
LEDGER = _table(
    "ledger",
    *_texts("operation", "incident", "plan"),
    _some("undo", Boolean),
    _some("ordinal", Integer),
    *_texts("state"),
    _some("armed_at", Utc),
    _some("document", JSON),
    Index("ix_ledger_operation", "operation", unique=True),
    Index("ix_ledger_plan", "incident", "plan"),
    Index("ix_ledger_armed_at", "armed_at"),
    Index("ix_ledger_state", "state"),
)
PREPARATIONS = _table(
    "preparations",
    *_texts("incident", "environment"),
    _some("answered", Boolean),
    _some("document", JSON),
    Index("ix_preparations_incident", "incident", unique=True),
    Index("ix_preparations_waiting", "answered", "environment"),
)
SWITCHES = _table("switches", _some("document", JSON))
ARMED = _table(
    "armed",
    *_texts("environment", "service"),
    _some("at", Utc),
    Index("ix_armed_at", "environment", "at"),
)
BREAKERS = _table(
    "breakers",
    *_texts("environment", "service"),
    _some("document", JSON),
    Index("ix_breakers_service", "environment", "service", unique=True),
)
CLOCKS = Table(
    "clocks",
    METADATA,
    Column("name", CleanText, primary_key=True),
    _some("at", Utc),
)
CLAIMS = _table(
    "claims",
    *_texts("target", "incident"),
    _some("document", JSON),
    Index("ix_claims_target", "target", unique=True),
    Index("ix_claims_incident", "incident"),
)
LEASES = Table(
    "leases",
    METADATA,
    Column("name", CleanText, primary_key=True),
    _some("document", JSON),
)
HEARTBEATS = _table(
    "heartbeats",
    *_texts("environment", "key"),
    _some("document", JSON),
    Index("ix_heartbeats_key", "environment", "key", unique=True),
)
WATCHES = _table(
    "watches",
    *_texts("environment"),
    _some("document", JSON),
    Index("ix_watches_environment", "environment", unique=True),
)
GOOD_RELEASES = _table(
    "good_releases",
    *_texts("environment", "service", "image_id"),
    _some("document", JSON),
    Index("ix_good_releases_image", "environment", "service", "image_id", unique=True),
)
CASES = _table(
    "cases",
    *_texts("id", "family", "environment", "terms"),
    _some("ended_at", Utc),
    _some("document", PackedJson),
    Column("postmortem", PackedJson, nullable=True),
    Index("ix_cases_id", "id", unique=True),
    Index("ix_cases_family", "family", "ended_at"),
)
# Where the words of a case stand among meanings: by the number of the case, so that a changed case
# has none until it is read again.
VECTORS = _table(
    "vectors",
    _some("case", NUMBER),
    *_texts("model"),
    _some("vector", LargeBinary),
    Index("ix_vectors_case", "case", unique=True),
)
# Which collection of a server beside holds a copy of them, so that none but ours is written to.
COPIES = Table(
    "copies",
    METADATA,
    Column("name", CleanText, primary_key=True),
    _some("document", JSON),
)
FORGOTTEN = Table(
    "forgotten",
    METADATA,
    Column("id", CleanText, primary_key=True),
    *_texts("by"),
    _some("at", Utc),
    _some("document", JSON),
)
TOKENS = _table(
    "tokens",
    *_texts("name"),
    _some("document", JSON),
    Index("ix_tokens_name", "name", unique=True),
)
CALLS = _table(
    "model_calls",
    *_texts("incident", "model"),
    _some("started_at", Utc),
    _some("usage", JSON),
    _some("document", JSON),
    Index("ix_model_calls_incident", "incident"),
    Index("ix_model_calls_started_at", "started_at"),
)
