"""COMMAND LINE: one file per noun or journey; each turns its words into one call on the service."""
