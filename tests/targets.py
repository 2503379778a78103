"""Targets of actions in the environments that tests make up."""

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.remediation import Target


def at(name: str, environment: str = "shop:a") -> Target:
    """Return a service as a target."""
    return Target(environment=EnvironmentRef.parse(environment), name=name)
