"""NOUNS of the field: immutable values, no I/O, no clock, no vendor.

A word belongs here when two rooms need to say it to each other. How we come to believe it
(verbs) lives upstairs.
"""
