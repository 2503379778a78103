"""A plan that another process makes ready, since only that one has rights at the platform."""

from datetime import datetime

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.remediation import Plan, PreparedPlan
from aiops_agent.domain.value import Document, Value


class Preparation(Value):
    """One question to the executor, and its answer: the plan made ready, or why it cannot be.

    `asked_at` is wall time by the store's clock.
    """

    incident: str
    attempt: int
    environment: EnvironmentRef
    plan: Plan
    asked_at: datetime
    prepared: PreparedPlan | None = None
    flaw: str = ""

    @property
    def answered(self) -> bool:
        """Whether the executor has said something."""
        return self.prepared is not None or bool(self.flaw)

    def fits(self, other: "Preparation") -> bool:
        """Whether both ask for the same plan of the same attempt."""
        return _question(self) == _question(other)


def _question(one: Preparation) -> Document:
    return one.model_dump(mode="json", include={"incident", "attempt", "environment", "plan"})
