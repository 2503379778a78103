"""What happens between a death and the next process, and whether that process sent what it may."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.errors import AiopsError, ApprovalError
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Action, ActionKind
from aiops_agent.ports.store import View
from aiops_agent.simulator.journal import effects
from tests.kill.job import FROZEN, HELPS, LATER, TAKEN_BACK, Job

SOMEBODY = "SOMEBODY"
STOPPED_SECONDS = 3.0  # a process lives so long under the stop


class Then(StrEnum):
    """What happened."""

    LATE = "resumed 11 minutes later"
    TAKEN = "taken over"
    CHANGED = "target changed"
    FROZEN = "frozen"
    STOPPED = "sending stopped"


@dataclass(frozen=True)
class AtDeath:
    """What the store and the shop held when the process died, and something happened."""

    decided: frozenset[str]  # approvals that had their answer
    sending: frozenset[str]  # operations of which a send had begun
    done: frozenset[str]  # operations that the shop had


def happens(job: Job, then: Then) -> AtDeath:
    """Let it happen to the store, the shop or the settings of a job whose process has died."""
    (Path(job.folder) / "then.txt").touch()
    desk = desk_of(job)
    try:
        with desk.store.read() as view:
            seen = _at_death(job, view)
        incident = next((one.id for one in desk.queries.incidents()), None)
        if then is Then.LATE:
            (Path(job.folder) / LATER).touch()
        if then is Then.FROZEN:
            (Path(job.folder) / FROZEN).touch()
        if then is Then.STOPPED:
            desk.commands.switch(stopped=True, by="alex")
        if then is Then.TAKEN and incident:
            with suppress(AiopsError):  # it has ended
                desk.commands.take_over(incident, "alex", "mine")
        if then is Then.CHANGED:
            asyncio.run(_somebody_restarts(desk))
        return seen
    finally:
        desk.close()


def desk_of(job: Job) -> Application:
    """Return the application of a job without its engine, by the job's clock."""
    return application(job.settings(), Overrides(now=job.now))


def _at_death(job: Job, view: View) -> AtDeath:
    decided = frozenset(one.id for one in view.approvals.listed() if one.decision)
    sending = frozenset(i.operation for i in intents(view) if i.state is IntentState.SENDING)
    return AtDeath(decided, sending, done(job))


def intents(view: View) -> list[Intent]:
    """Return every row of the ledger."""
    found: list[Intent] = []
    for short in view.approvals.listed():
        for undo in (False, True):
            found += view.ledger.of_plan(short.incident, short.digest, undo=undo)
    return found


def done(job: Job) -> frozenset[str]:
    """Return the operations that the shop has, of ours."""
    shops = Path(job.folder) / "shops"
    names = [folder.name for folder in shops.iterdir()] if shops.exists() else []
    lines = [one for name in names for one in effects(shops / name)]
    return frozenset(one.id for one in lines if not one.id.startswith(SOMEBODY))


async def _somebody_restarts(desk: Application) -> None:
    for incident in desk.queries.incidents():
        latest = desk.queries.approvals()
        request = desk.queries.approval(latest[0].id) if latest else None
        if request is None:
            return
        target = request.prepared.steps[0].action.target
        platform = desk.places.platform(incident.environment)
        restart = Action(kind=ActionKind("restart_service"), target=target)
        (asked,) = (await platform.prepare(restart, SOMEBODY)).requests
        await platform.send(asked)


def wrong_sends(job: Job, then: Then, seen: AtDeath) -> list[str]:
    """Return what was sent since though it may not have been; what was begun may be finished."""
    desk = desk_of(job)
    try:
        with desk.store.read() as view:
            rows = {one.operation: one for one in intents(view)}
    finally:
        desk.close()
    wrong = []
    for operation in done(job) - seen.done - seen.sending:
        row = rows.get(operation)
        if row is None:
            wrong.append(f"{operation} is in no ledger")
            continue
        asked_anew = ".".join(operation.split(".")[:2]) not in seen.decided
        if row.undo or then is Then.STOPPED or (asked_anew and then is not Then.FROZEN):
            continue  # after the stop it may begin again, in time
        wrong.append(f"{operation} was sent though {then}")
    return wrong


def sent_under_stop(job: Job, seen: AtDeath, live: threading.Thread) -> list[str]:
    """Wait under the stop, say what was sent, and let sending begin again."""
    live.join(STOPPED_SECONDS)
    sent = sorted(done(job) - seen.done)
    desk = desk_of(job)
    with suppress(AiopsError, ApprovalError):
        desk.commands.switch(stopped=False, by="alex")
    desk.close()
    return [f"{operation} was sent under the stop" for operation in sent]


def plot_of(point: Point) -> str:
    """Return the plot in which a point is passed."""
    return TAKEN_BACK if point in (Point.UNDO_ARMED, Point.UNDONE) else HELPS
