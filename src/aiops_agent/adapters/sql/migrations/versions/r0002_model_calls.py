"""What was sent to language models."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "model_calls",
        sa.Column("number", number, primary_key=True, autoincrement=True),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("usage", sa.JSON(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_model_calls_incident", "model_calls", ["incident"])
    op.create_index("ix_model_calls_started_at", "model_calls", ["started_at"])


def downgrade() -> None:
    op.drop_table("model_calls")
