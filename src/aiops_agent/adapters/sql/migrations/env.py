"""Run by alembic: migrates on the connection, and inside the transaction, it was given."""

from alembic import context

from aiops_agent.adapters.sql.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
