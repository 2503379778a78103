"""Looks that change nothing: no store, no action, no message; an import contract keeps it so."""
