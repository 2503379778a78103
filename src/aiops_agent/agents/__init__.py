"""VOICES: each turns one typed question into one typed answer.

They read through a briefing and return nouns. They may import neither actions nor safety: a voice
has no hands.
"""
