"""aiops-agent: an autonomous AI Ops engineer that asks before it acts."""

__version__ = "0.1.0"
