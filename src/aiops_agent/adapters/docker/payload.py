"""A request to the engine as it is frozen: method, path, body, and the effect it is to have."""

from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from aiops_agent.domain.value import Document, Value

QUICK = timedelta(seconds=20)  # creating, connecting and starting move no data


Part: TypeAlias = tuple[str, ...]  # ("Env",), ("HostConfig", "LogConfig"), ("Labels", NAME)


class ContainerChange(StrEnum):
    """What must be seen when a request has landed."""

    RESTARTED = "restarted"  # started after it was armed
    CREATED = "created"  # exists and carries our operation
    CONNECTED = "connected"  # is on the network
    STARTED = "started"  # runs
    STOPPED = "stopped"  # does not run
    REMOVED = "removed"  # is gone


class Held(Value):
    """What is not stored and not shown: it is read again from the container that it is of.

    `parts` say where it stands in the body. `sha256` is of all of it as it was; when that has
    changed the request is not sent. `less` is the image whose defaults are left out, "" for none.
    """

    container: str
    parts: tuple[Part, ...]
    sha256: str
    less: str = ""


class Staying(Value):
    """Who must run on when a container is taken away: `least` of a service beside `leaving`."""

    service: str
    leaving: tuple[str, ...]
    least: int


class Payload(Value):
    """One request. `container` is the id or, for one that is yet to be made, the name.

    `started` is when it had started as the plan was made: a container that was started since is
    not what was looked at, and the request is not sent. "" asks nothing.
    """

    method: str
    path: str
    body: Document | None = None
    held: Held | None = None
    image_id: str = ""  # what the image in the body must still mean
    timeout: timedelta = QUICK
    effect: ContainerChange
    container: str
    started: str = ""
    staying: Staying | None = None
    network: str = ""
    operation: str = ""  # the label of the container that it makes, or that it made
    part: str = ""  # what it leaves whole only together with others; "" is the container alone
    instead: str = ""  # the id of the container whose place the one takes that it makes

    @property
    def words(self) -> str:
        """The request in a line."""
        return f"{self.method} {self.path}"
