"""What the owner of a service promises, as people write it."""

from aiops_agent.domain.telemetry import Objective
from aiops_agent.ports.spellings import PromisedSeconds, PromisedShare


class Promise(Objective):
    """Latency as 300ms, errors as 1% or as a share below 1."""

    latency: PromisedSeconds | None = None
    errors: PromisedShare | None = None
