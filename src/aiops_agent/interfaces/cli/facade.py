"""What the command line needs of the application; bootstrap builds it, tests play it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from aiops_agent.domain.checkup import Checkup
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import IncidentId
from aiops_agent.domain.survey import ServiceSurvey
from aiops_agent.workflow.commands import Commands
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.intake import Intake
from aiops_agent.workflow.queries import Queries


class Scenario(Protocol):
    """One way to break the shop."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""

    @property
    def title(self) -> str:
        """What it is, in plain words."""


class Engine(Protocol):
    """Runs stories as long as it is open."""

    async def intake(self, environment: EnvironmentRef, /) -> Sequence[IncidentId]:
        """Turn waiting alerts into incidents and start their stories; return the open ones."""

    async def start(self, incident_id: IncidentId, /) -> None:
        """Start the story of an incident, at most once ever."""

    async def broken(self, incident_id: str, /) -> str:
        """Return why the story of an incident died, or ""; it never should."""


class Demo(Protocol):
    """Founds shops and breaks them."""

    def begin(self, scenario: str, seed: int, /, *, remember: bool) -> EnvironmentRef:
        """Found a shop, let it break, keep its alert; return the shop's environment. Blocking."""


class ConsoleApplication(Protocol):
    """Everything, built from settings."""

    @property
    def queries(self) -> Queries:
        """What may be asked."""

    @property
    def commands(self) -> Commands:
        """What may be told to do."""

    @property
    def intake(self) -> Intake:
        """Where alerts come in."""

    @property
    def feed(self) -> Feed:
        """The events of this store, for whoever follows them."""

    @property
    def scenarios(self) -> Sequence[Scenario]:
        """The ways to break the shop; the first is the default."""

    @property
    def demo(self) -> Demo:
        """What breaks shops."""

    def engine(self, role: str, /) -> AbstractAsyncContextManager[Engine]:
        """Open the engine as "shop" or "serve"; raises BusyError when another process has it."""

    def works(self, role: str, /) -> str:
        """Return the process id that runs the engine of a role on this store, or ""."""

    async def survey(self) -> Sequence[ServiceSurvey]:
        """Return what can be seen of each service; raises SourceError."""

    async def doctor(self) -> Sequence[Checkup]:
        """Look at everything that is configured, and return what was found."""

    def close(self) -> None:
        """Give the database back."""
