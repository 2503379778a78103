"""ROOF: one room per audience; each turns its words into one call on the service."""
