"""The sockets: what we need from outside, in our own words.

Reading, remembering, talking. The power to change a system is not here but in `actions.platform`.
"""
