"""Kubernetes: what runs in a cluster, how it is, and what became of it. Read only."""
