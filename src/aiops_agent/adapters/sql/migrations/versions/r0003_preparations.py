"""Plans that an executor of its own makes ready."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "preparations",
        sa.Column("number", number, primary_key=True, autoincrement=True),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_preparations_incident", "preparations", ["incident"], unique=True)
    op.create_index("ix_preparations_waiting", "preparations", ["answered", "environment"])
    op.create_index("ix_ledger_state", "ledger", ["state"])


def downgrade() -> None:
    op.drop_index("ix_ledger_state", "ledger")
    op.drop_table("preparations")
