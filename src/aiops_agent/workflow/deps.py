"""What the workflow of an incident needs from outside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.agents.briefing import Pace
from aiops_agent.agents.crew import Crew
from aiops_agent.domain.alert import REPLICA_LABELS
from aiops_agent.domain.point import Mark, unmarked
from aiops_agent.ports.memory import Memory
from aiops_agent.ports.store import Store
from aiops_agent.ports.telemetry import Environments
from aiops_agent.safety.assess import Rule
from aiops_agent.safety.execute import Executor


@dataclass(frozen=True)
class Terms:
    """Bounds of an incident's workflow. `expires` is wall time; the rest is environment time."""

    max_attempts: int = 3
    expires: timedelta = timedelta(minutes=15)
    window: timedelta = timedelta(minutes=5)  # alerts of one cause arrive within it
    cooldown: timedelta = timedelta(minutes=10)  # a repeat after the end opens nothing
    replica_labels: frozenset[str] = frozenset(REPLICA_LABELS)  # of no alert's identity
    blind: timedelta = timedelta(minutes=10)  # how long unreadable telemetry is waited for
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True)
class Deps:
    """Everything that an incident's workflow uses; `now` is wall time."""

    store: Store
    environments: Environments
    executor: Executor
    memory: Memory
    crew: Crew
    rules: Sequence[Rule]
    now: Callable[[], datetime]
    terms: Terms = field(default_factory=Terms)
    mark: Mark = unmarked
