"""Chroma, a server that finds near vectors, over its HTTP API."""
