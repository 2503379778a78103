"""Everything durable, on SQLite or PostgreSQL: one schema, one transaction at a time."""
