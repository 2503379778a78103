"""Everything that can be set in `aiops.yaml`, section by section, with its built-in value."""

from datetime import time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import platformdirs
from pydantic import Field, create_model

from aiops_agent.actions.catalogue import ActionSpec, B, P
from aiops_agent.domain.alert import REPLICA_LABELS
from aiops_agent.domain.declaration import Declaration
from aiops_agent.domain.duration import Pause, Span
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.policy import Freeze, Mode
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.telemetry import Objective, ServiceName
from aiops_agent.domain.value import Value
from aiops_agent.registry import ACTIONS
from aiops_agent.settings.spellings import (
    ActionName,
    LocalPath,
    Referred,
    Seconds,
    Secret,
    Share,
    TimeZone,
    WebAddress,
)


class Prometheus(Value):
    """Where signals are read."""

    url: WebAddress
    timeout: Span = timedelta(seconds=5)
    token_file: LocalPath | None = None  # read for each request, so that it may be renewed


class Docker(Value):
    """Where containers are read and changed; no `project` means every container."""

    socket: LocalPath = Path("/var/run/docker.sock")
    project: str = ""


class Sources(Value):
    """What is read; what is not named here is off."""

    prometheus: Prometheus | None = None
    docker: Docker | None = None


class Promise(Objective):
    """What the owner promises: latency as 300ms (or seconds), errors as 1% (or a share)."""

    latency: Seconds | None = None
    errors: Share | None = None


class ServiceSettings(Declaration):
    """What discovery cannot know of a service, or gets wrong."""

    objective: Promise = Promise()


class Approvals(Value):
    """How long a question waits for its answer."""

    expires: Span = timedelta(minutes=15)


class Webhook(Value):
    """An address that is told of what a person must know, signed when there is a secret."""

    url: WebAddress
    secret: Secret | None = None


class Notify(Value):
    """How people are told."""

    webhook: Webhook | None = None
    bell: bool = True


class Server(Value):
    """Where `aiops serve` listens."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8088, ge=0, le=65535)


class AlertSettings(Value):
    """What makes an alert the same alert: its labels, less those of the sender's replicas."""

    replica_labels: tuple[str, ...] = REPLICA_LABELS


class Story(Value):
    """How long an incident's steps look and wait, in the environment's time."""

    baseline: Span = timedelta(minutes=30)
    settle: Pause = timedelta(seconds=60)
    hold: Span = timedelta(seconds=60)
    within: Span = timedelta(minutes=5)
    watch: Span = timedelta(minutes=10)
    look: Span = timedelta(seconds=30)
    window: Span = timedelta(minutes=5)  # alerts of one cause this far apart are one incident
    max_attempts: int = Field(default=3, ge=1, le=3)


class ActionSections(Value):
    """How each action may be done: a section for every registered one that has bounds."""

    def section(self, spec: ActionSpec[P, B]) -> B:
        """Return the section of an action."""
        found = getattr(self, spec.kind, None)
        return found if isinstance(found, spec.bounds) else spec.bounds()

    def bounds(self) -> dict[ActionKind, Value]:
        """Return all sections by the action's name."""
        return {spec.kind: self.section(spec) for spec in ACTIONS}


if TYPE_CHECKING:  # the sections are the registry's, which no type checker can know
    Actions = ActionSections
else:
    Actions = create_model(
        "Actions",
        __base__=ActionSections,
        **{s.kind: (s.bounds, s.bounds()) for s in ACTIONS if s.bounds.model_fields},
    )


class FreezeSettings(Freeze):
    """A freeze as people write it: `from` and `to` are times of day such as 16:00."""

    actions: tuple[ActionName, ...] = ()
    start: time = Field(default=time(0), alias="from")
    end: time | None = Field(default=None, alias="to")
    timezone: TimeZone = "UTC"


class Policy(Value):
    """The calendar of freezes."""

    freeze: tuple[FreezeSettings, ...] = ()


class Store(Value):
    """Where everything durable is kept: SQLite, or PostgreSQL by postgresql+psycopg://."""

    url: Referred


def _own_state() -> Path:
    return platformdirs.user_state_path("aiops")


def _own_store(known: dict[str, Any]) -> Store:
    return Store(url=f"sqlite:///{known['state_dir']}/aiops.db")


def _environment(known: dict[str, Any]) -> EnvironmentRef:
    docker = known["sources"].docker if "sources" in known else None
    return EnvironmentRef(kind="docker", name=(docker and docker.project) or "local")


class Settings(Value):
    """Everything that can be set, with its built-in value."""

    apiVersion: Literal["aiops-agent/v1"] = "aiops-agent/v1"  # noqa: N815 -- the file's spelling
    mode: Mode = Mode.PROPOSE
    sources: Sources = Sources()
    environment: EnvironmentRef = Field(default_factory=_environment)
    services: dict[ServiceName, ServiceSettings] = {}
    approvals: Approvals = Approvals()
    notify: Notify = Notify()
    server: Server = Server()
    alerts: AlertSettings = AlertSettings()
    story: Story = Story()
    actions: Actions = Actions()
    policy: Policy = Policy()
    state_dir: LocalPath = Field(default_factory=_own_state)
    store: Store = Field(default_factory=_own_store)
