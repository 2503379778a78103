"""Prometheus: which series are a service's signals, and what they say."""
