"""The durable engine below the workflows: its checkpoints, and how it is opened, closed, woken.

A step's result is a typed value here and plain JSON in the store, never pickle.

Three names are for ever, because waiting incidents are found by them: the application version (else
an upgrade strands them), the application's name, which tells the roles apart, and the name of the
workflows' instance. What may change is the version in a workflow's own name: `incident.v2` beside
`incident.v1` until that has drained.
"""

import asyncio
import inspect
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, NoReturn, ParamSpec, TypeVar, cast, get_type_hints, overload

from dbos import DBOS, DBOSClient, DBOSConfig, Serializer
from dbos import error as dbos_error
from dbos._serialization import DefaultSerializer
from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine

from aiops_agent.domain.errors import AiopsError
from aiops_agent.domain.value import Document, Json, Value
from aiops_agent.workflow.patience import SLEEP, patiently

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

VERSION = "aiops"
APPLICATION = "aiops-{role}"
POLL_SECONDS = 0.25  # a person does not notice it
VALUE, ERROR = "$value", "$error"  # the one key of a checkpoint as stored


@overload
async def step(
    name: str, work: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs
) -> R: ...
@overload
async def step(name: str, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...
async def step(name: str, work: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:
    """Run the work once, blocking work in a thread, and checkpoint what it returns or raises.

    The work's return annotation is the type in which a replay gives the value back. Errors of ours
    come back as what they are, others as RuntimeError. While the store is away the work waits for
    it, for ever: a full disk over a weekend is no reason to drop an incident.
    """

    async def run() -> Any:
        if inspect.iscoroutinefunction(work):
            return await work(*args, **kwargs)
        return await asyncio.to_thread(work, *args, **kwargs)

    return await checkpoint(name, run, returned(work))


async def checkpoint(name: str, work: Callable[[], Awaitable[R]], kind: Any) -> R:
    """Run work as a checkpointed step whose result is of a kind (a type)."""

    async def run() -> "Checkpoint[R]":
        return Checkpoint(await patiently(name, work), kind)

    return value_of(await DBOS.run_step_async({"name": name}, run), kind)


class OnceSteps:
    """Once, for one run of one agent: each finished call is a step of the agent's workflow.

    Steps are found again by their order, calls by their name. After a crash an agent may ask
    something else than before, since telemetry has moved on: what is finished is then kept aside
    until it is asked for, and the new call is made.
    """

    def __init__(self) -> None:
        self._finished: dict[str, Finished] = {}
        self._turn = asyncio.Lock()  # calls side by side would not find their steps again

    async def __call__(self, name: str, call: Callable[[], Awaitable[R]], kind: type[R], /) -> R:
        """Return the answer of the finished call of that name, or make the call."""
        written: Any = kind

        async def make() -> Finished:
            try:
                answer = adapter(written).dump_python(await call(), mode="json")
                return Finished(name=name, answer=answer)
            except AiopsError as error:
                return Finished(name=name, error=_written(error)[ERROR])

        async with self._turn:
            while name not in self._finished:
                found = await checkpoint("once", make, Finished)
                self._finished[found.name] = found
        if (error := self._finished[name].error) is not None:
            raise _error(error)
        return cast("R", adapter(written).validate_python(self._finished[name].answer))


class Finished(Value):
    """A call that an agent has made, with its answer or the error of ours that it raised."""

    name: str
    answer: Json = None
    error: Document | None = None


class Checkpoint(Generic[R]):
    """A fresh value on its way into the store; `kind` is the type that writes it down."""

    def __init__(self, value: R, kind: Any) -> None:
        self.value, self.kind = value, kind

    def document(self) -> Json:
        """Return the value as plain JSON data."""
        return adapter(self.kind).dump_python(self.value, mode="json")


class Stored:
    """A value as it came from the store, not yet given its type again."""

    def __init__(self, content: Json) -> None:
        self.content = content


def value_of(kept: Checkpoint[R] | Stored, kind: Any) -> R:
    """Return the fresh value as it is, or a stored one validated as of its kind."""
    if isinstance(kept, Checkpoint):
        return kept.value
    return cast("R", adapter(kind).validate_python(kept.content))


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return what writes and reads values of a type; building one is slow."""
    return TypeAdapter(kind)


def returned(work: Callable[..., object]) -> Any:
    """Return the type that a function says it returns."""
    return _returned(getattr(work, "__func__", work))


@cache
def _returned(function: Callable[..., object]) -> Any:
    return get_type_hints(function)["return"]


class PlainJson(Serializer):
    """JSON for values and errors; what is neither JSON nor a checkpoint is refused."""

    def name(self) -> str:
        """Return the name stored beside each value."""
        return "aiops_json_1"

    def serialize(self, data: Any) -> str:
        """Return `data` as JSON text; raises TypeError for what is not JSON."""
        if isinstance(data, dict) and len(data) == 1 and not {VALUE, ERROR}.isdisjoint(data):
            raise TypeError(f"{data!r:.80} would be read back as a checkpoint.")
        return json.dumps(data, separators=(",", ":"), default=_written)

    def deserialize(self, serialized_data: str) -> Any:
        """Return JSON data, a Stored value, or an error to raise."""
        data = json.loads(serialized_data)
        if not isinstance(data, dict):
            return data
        if set(data) == {VALUE}:
            return Stored(data[VALUE])
        if set(data) == {ERROR}:
            return _error(data[ERROR])
        if set(data) == {"args", "kwargs"}:
            data["args"] = tuple(data["args"])  # DBOS puts the instance in front of it
        return data


def _written(value: object) -> Document:
    if isinstance(value, Checkpoint):
        return {VALUE: value.document()}
    if isinstance(value, Stored):  # a child's result, on its way into the parent's row
        return {VALUE: value.content}
    if isinstance(value, BaseException):
        own = [kind.__name__ for kind in type(value).__mro__ if issubclass(kind, AiopsError)]
        kinds = own or [type(value).__name__]
        return {ERROR: {"kinds": kinds, "text": str(value), "more": vars(value) if own else {}}}
    raise TypeError(f"{type(value).__qualname__} is not plain JSON.")


def _error(stored: Document) -> Exception:
    """Rebuild an error of ours as the nearest kind that is known; others are RuntimeErrors."""
    known = _tree(AiopsError)
    found = next((known[kind] for kind in stored["kinds"] if kind in known), None)
    if found is None:
        return RuntimeError(f"{stored['kinds'][0]}: {stored['text']}")
    error = found.__new__(found)
    error.args = (stored["text"],)
    vars(error).update(stored["more"])
    return error


def _tree(kind: type[AiopsError]) -> dict[str, type[AiopsError]]:
    below = (_tree(one) for one in kind.__subclasses__())
    return {kind.__name__: kind} | {name: one for part in below for name, one in part.items()}


@dataclass
class Durable:
    """DBOS on our own database engine."""

    engine: Engine
    _launched: bool = False
    _client: DBOSClient | None = None
    _once: threading.Lock = field(default_factory=threading.Lock)

    def launch(self, role: str, executor: str) -> None:
        """Start as an executor that no other process ever was; `adopt` then goes on with a role.

        Call it inside a loop.
        """
        self._launched = True
        SLEEP.begin()
        DBOS(config=self._config(role, executor))
        DBOS.launch()

    def close(self) -> None:
        """Stop, if it was launched; what is unfinished is adopted by the next one of the role."""
        if self._launched:
            # A workflow that is cut off here is nobody's error: the next one goes on with it.
            logging.getLogger("dbos").setLevel(logging.CRITICAL)
            SLEEP.end()
            DBOS.destroy()
        self._launched = False

    def wake(self, connection: Connection, incident: str, key: str) -> None:
        """Tell a workflow that something changed, inside the caller's transaction.

        One that has not begun yet is told nothing: it reads everything when it begins.
        """
        with suppress(dbos_error.DBOSNonExistentWorkflowError), connection.begin_nested():
            self._sender().send_in_transaction(
                connection, incident, "look", "wake", idempotency_key=key
            )

    def _sender(self) -> DBOSClient:
        with self._once:
            if self._client is None:
                self._client = DBOSClient(
                    system_database_engine=self.engine,
                    serializer=PlainJson(),
                )
            return self._client

    def _config(self, role: str, executor: str) -> DBOSConfig:
        return {
            "name": APPLICATION.format(role=role),
            "system_database_url": self.engine.url.render_as_string(hide_password=False),
            "system_database_engine": self.engine,
            "executor_id": executor,
            "application_version": VERSION,
            "serializer": PlainJson(),
            "notification_listener_polling_interval_sec": POLL_SECONDS,
            "scheduler_polling_interval_sec": 300.0,
            "log_level": "ERROR",
        }


async def adopt() -> None:
    """Go on with what other processes of this role left under way, by the one that leads.

    Each workflow gets a new owner's token, so an old owner that still lives checkpoints nothing.
    """
    known = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
    left = [one.workflow_id for one in known if one.executor_id != DBOS.executor_id]
    if left:
        log.info("goes on with workflows of another process", extra={"count": len(left)})
        await DBOS.resume_workflows_async(left)


def _unpickled(_serializer: DefaultSerializer, _text: str) -> NoReturn:
    raise TypeError("A pickle is not read: it could run anything.")


# DBOS picks the reader by a column of the row, so whoever can write a row could have us unpickle.
DefaultSerializer.deserialize = _unpickled  # type: ignore[assignment]  # DBOS has no switch
