"""HANDS, described: what can be done to a system, one file per action, and the write port.

Here stand kinds, bounds, risks and words. Sending is the executor's (safety), how a vendor does it
is the adapter's.
"""
