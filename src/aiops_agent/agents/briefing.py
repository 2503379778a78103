"""What an agent may know and look up: read-only, gathered for one question."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.domain.alert import NO_ALERTS, AlertList
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.remediation import Offer
from aiops_agent.domain.runbook import RunbookHit
from aiops_agent.domain.telemetry import Window
from aiops_agent.ports.durable import Once, uncheckpointed
from aiops_agent.ports.memory import Memory
from aiops_agent.ports.telemetry import Environment
from aiops_agent.reasoning.harm import USUAL, HarmLimits

UNSURE_LOOKS = 2  # more, at a fresh alert, before an unsure diagnosis is taken as it is
UNSEEN_LOOKS = 6  # when telemetry does not answer, before one goes on without it


@dataclass(frozen=True)
class Pace:
    """How long to look and wait; all in environment time."""

    baseline: timedelta = timedelta(minutes=30)  # the healthy time that now is compared with
    settle: timedelta = timedelta(seconds=60)  # after an action, before the first look
    hold: timedelta = timedelta(seconds=60)  # how long it must stay good
    within: timedelta = timedelta(minutes=5)  # by when it must be good
    watch: timedelta = timedelta(minutes=10)  # how long something may take to heal by itself
    look: timedelta = timedelta(seconds=30)  # between two looks
    harm: HarmLimits = USUAL  # what is harm where no objective is set


@dataclass(frozen=True)
class Briefing:
    """One incident, the eyes of its environment, memory, and what could be done."""

    incident: Incident
    environment: Environment
    memory: Memory
    now: datetime
    menu: tuple[Offer, ...] = ()
    pace: Pace = Pace()
    alerts: AlertList = NO_ALERTS  # what others' monitoring said, all of it untrusted
    runbooks: tuple[RunbookHit, ...] = ()  # that fit, written by people; advice, no permission
    once: Once = uncheckpointed  # for calls that cost, such as a model's

    @property
    def baseline(self) -> Window:
        """The time before the trouble began."""
        began = self.incident.started_at
        return Window(start=began - self.pace.baseline, end=began)
