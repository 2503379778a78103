"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    *("inbox", "incidents", "alerts", "events"),
    *("approvals", "ledger", "claims", "tokens", "cases", "vectors", "copies", "forgotten"),
)
TOLD = ("cursors", "outbox")
CONTROLS = ("switches", "armed", "breakers", "clocks", "leases")
WHEN = sa.DateTime(timezone=True)
PACKED = sa.JSON().with_variant(sa.LargeBinary(), "sqlite")


def upgrade() -> None:
    _incoming()
    _alerts()
    _story()
    _telling()
    _permission()
    _controls()
    _memory()


def downgrade() -> None:
    for name in (*TABLES, *CONTROLS, *TOLD, "alert_groups", "counters"):
        op.drop_table(name)


def _table(name: str, *columns: sa.Column[object]) -> None:
    number = sa.Column("number", NUMBER, primary_key=True, autoincrement=True)
    op.create_table(name, number, *columns, sqlite_autoincrement=True)


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)


def _some(name: str, kind: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)  # type: ignore[arg-type] # any type of column


def _incoming() -> None:
    _table(
        "inbox",
        *map(_text, ("source", "environment", "digest", "body", "rejected")),
        _some("handled", sa.Boolean()),
        *(_some(name, sa.Integer()) for name in ("seen", "part", "size")),
        _some("progress", sa.JSON()),
        _some("received_at", WHEN),
        _some("document", PACKED),
    )
    same = ["source", "environment", "digest", "part"]
    op.create_index("ix_inbox_same", "inbox", same, unique=True)
    op.create_index("ix_inbox_waiting", "inbox", ["handled", "received_at"])


def _alerts() -> None:
    _table(
        "alerts",
        *map(_text, ("environment", "key", "incident", "brought_with")),
        _some("document", PACKED),
    )
    op.create_index("ix_alerts_incident", "alerts", ["incident", "key"], unique=True)
    op.create_index("ix_alerts_key", "alerts", ["environment", "key"])
    op.create_table(
        "alert_groups",
        sa.Column("digest", sa.Text(), primary_key=True),
        _some("document", sa.JSON()),
    )


def _story() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.Integer(), nullable=False),
    )
    _table(
        "incidents",
        *map(_text, ("id", "environment", "status", "service")),
        _some("opened_at", WHEN),
        *(_some(name, sa.Boolean()) for name in ("ended", "active", "condensed")),
        _some("summary", sa.JSON()),
        _some("document", PACKED),
    )
    op.create_index("ix_incidents_id", "incidents", ["id"], unique=True)
    op.create_index("ix_incidents_open", "incidents", ["ended", "environment"])
    op.create_index("ix_incidents_active", "incidents", ["active", "environment"])
    op.create_index("ix_incidents_service", "incidents", ["ended", "environment", "service"])
    op.create_index("ix_incidents_old", "incidents", ["condensed", "active", "opened_at"])
    _table(
        "events",
        *map(_text, ("key", "incident")),
        _some("written_at", WHEN),
        _some("document", PACKED),
    )
    op.create_index("ix_events_key", "events", ["key"], unique=True)
    op.create_index("ix_events_incident", "events", ["incident", "number"])


def _telling() -> None:
    op.create_table(
        "cursors",
        sa.Column("subscriber", sa.Text(), primary_key=True),
        sa.Column("event", NUMBER, nullable=False),
    )
    _table(
        "outbox",
        *map(_text, ("receiver", "key", "incident", "state", "message")),
        _some("at", WHEN),
        sa.Column("urgent_from", WHEN, nullable=True),
        _some("document", sa.JSON()),
    )
    op.create_index("ix_outbox_key", "outbox", ["receiver", "key"], unique=True)
    op.create_index("ix_outbox_state", "outbox", ["receiver", "state", "at"])
    op.create_index("ix_outbox_incident", "outbox", ["receiver", "incident", "state"])


def _permission() -> None:
    _table(
        "approvals",
        *map(_text, ("id", "incident", "digest", "state")),
        _some("summary", sa.JSON()),
        _some("document", sa.JSON()),
    )
    op.create_index("ix_approvals_id", "approvals", ["id"], unique=True)
    op.create_index("ix_approvals_incident", "approvals", ["incident"])
    op.create_index("ix_approvals_state", "approvals", ["state"])
    _table("refused_answers", _text("incident"), _some("document", sa.JSON()))
    op.create_index("ix_refused_answers_incident", "refused_answers", ["incident"])
    _table(
        "ledger",
        *map(_text, ("operation", "incident", "plan")),
        _some("undo", sa.Boolean()),
        _some("ordinal", sa.Integer()),
        _text("state"),
        _some("armed_at", WHEN),
        _some("document", sa.JSON()),
    )
    op.create_index("ix_ledger_operation", "ledger", ["operation"], unique=True)
    op.create_index("ix_ledger_plan", "ledger", ["incident", "plan"])
    op.create_index("ix_ledger_armed_at", "ledger", ["armed_at"])
    _table("claims", *map(_text, ("target", "incident")), _some("document", sa.JSON()))
    op.create_index("ix_claims_target", "claims", ["target"], unique=True)
    op.create_index("ix_claims_incident", "claims", ["incident"])
    _table("tokens", _text("name"), _some("document", sa.JSON()))
    op.create_index("ix_tokens_name", "tokens", ["name"], unique=True)


def _controls() -> None:
    _table("switches", _some("document", sa.JSON()))
    _table("armed", *map(_text, ("environment", "service")), _some("at", WHEN))
    op.create_index("ix_armed_at", "armed", ["environment", "at"])
    _table("breakers", *map(_text, ("environment", "service")), _some("document", sa.JSON()))
    op.create_index("ix_breakers_service", "breakers", ["environment", "service"], unique=True)
    op.create_table("clocks", sa.Column("name", sa.Text(), primary_key=True), _some("at", WHEN))
    name = sa.Column("name", sa.Text(), primary_key=True)
    op.create_table("leases", name, _some("document", sa.JSON()))
    _table("heartbeats", *map(_text, ("environment", "key")), _some("document", sa.JSON()))
    op.create_index("ix_heartbeats_key", "heartbeats", ["environment", "key"], unique=True)
    _table("watches", _text("environment"), _some("document", sa.JSON()))
    op.create_index("ix_watches_environment", "watches", ["environment"], unique=True)
    keys = ("environment", "service", "image_id")
    _table("good_releases", *map(_text, keys), _some("document", sa.JSON()))
    op.create_index("ix_good_releases_image", "good_releases", [*keys], unique=True)


def _memory() -> None:
    _table(
        "cases",
        *map(_text, ("id", "family", "environment", "terms")),
        _some("ended_at", WHEN),
        _some("document", PACKED),
        sa.Column("postmortem", PACKED, nullable=True),
    )
    op.create_index("ix_cases_id", "cases", ["id"], unique=True)
    op.create_index("ix_cases_family", "cases", ["family", "ended_at"])
    _table("vectors", _some("case", NUMBER), _text("model"), _some("vector", sa.LargeBinary()))
    op.create_index("ix_vectors_case", "vectors", ["case"], unique=True)
    which = sa.Column("name", sa.Text(), primary_key=True)
    op.create_table("copies", which, _some("document", sa.JSON()))
    name = sa.Column("id", sa.Text(), primary_key=True)
    audit = (_text("by"), _some("at", WHEN), _some("document", sa.JSON()))
    op.create_table("forgotten", name, *audit)
