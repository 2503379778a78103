"""Whole incidents on the shop."""
