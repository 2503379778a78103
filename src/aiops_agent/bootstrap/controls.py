"""What the doctor says of the stop switch, of closed services, and of what waits."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from aiops_agent import __version__
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.duration import spelled
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.incident import Status
from aiops_agent.domain.outbox import OutboxStanding
from aiops_agent.domain.text import shell
from aiops_agent.safety.limits import closed_words
from aiops_agent.settings.sections import Settings
from aiops_agent.workflow.queries import Queries

LOOK_BACK = timedelta(hours=24)  # what was given up earlier is in the timelines


def sending_checkups(queries: Queries, now: datetime) -> tuple[Checkup, ...]:
    """Say whether anything is sent, and which services are closed; a stop is a problem."""
    try:
        standing = queries.sending()
    except StoreError as error:  # then nothing is sent either
        return (_checkup("sending", Health.PROBLEM, queries.halted() or str(error)),)
    closed = [one for one in standing.breakers if one.closed(now)]
    notes = [
        _checkup(
            f"breaker {one.service}",
            Health.NOTE,
            f"{one.environment}: {closed_words(one)}",
            shell("aiops", "sending", "reset", one.service),
        )
        for one in closed
    ]
    if not standing.stopped:
        return (_checkup("sending", Health.OK, "is on"), *notes)
    remedies = []
    if standing.moves and standing.moves[0].stopped:
        remedies.append("aiops sending start")
    if standing.file:
        remedies.append("remove the file")
    words = f"NOTHING IS SENT: {standing.stopped}"
    return (_checkup("sending", Health.PROBLEM, words, "; ".join(remedies)), *notes)


def executor_checkups(settings: Settings, queries: Queries, now: datetime) -> tuple[Checkup, ...]:
    """Say for each environment whether an executor of its own lives; () where there is none."""
    if not settings.executor.separate:
        return ()
    return tuple(
        _checkup(
            f"executor {one.ref}",
            Health.PROBLEM if away else Health.OK,
            away or "lives: aiops execute takes what is armed",
        )
        for one in settings.resolved
        if one.sources.any
        for away in [queries.executor(one.ref, __version__, now)]
    )


def waiting_checkups(settings: Settings, queries: Queries, now: datetime) -> tuple[Checkup, ...]:
    """Return what waits to be worked on or told, and for whom; raises StoreError."""
    backlog, unbegun = queries.backlog(), queries.standing()[0].get(Status.OPEN, 0)
    said = (
        f"{backlog.bodies} bodies with {backlog.alerts} alerts" if backlog.bodies else "",
        f"{unbegun} open incidents whose story has not begun" if unbegun else "",
    )
    words = f"waiting: {' and '.join(filter(None, said))}"
    remedy = "aiops serve works on them, the oldest first"
    stories = (_checkup("stories", Health.NOTE, words, remedy),) if any(said) else ()
    return (*stories, *executor_checkups(settings, queries, now), *outbox_checkups(queries, now))


def outbox_checkups(queries: Queries, now: datetime) -> tuple[Checkup, ...]:
    """Say of each receiver what waits and what was given up of late; raises StoreError."""
    return tuple(
        Checkup(
            group="notify",
            name=f"outbox {one.receiver}",
            health=Health.NOTE,
            words="; ".join(filter(None, _told_of(one, now))),
            remedy="aiops serve tells what waits; the incidents' timelines name what was given up",
        )
        for one in queries.outbox(now - LOOK_BACK)
        if one.waiting or one.given_up
    )


def _told_of(one: OutboxStanding, now: datetime) -> Iterator[str]:
    if one.oldest is not None:
        age = spelled(timedelta(seconds=max(int((now - one.oldest).total_seconds()), 0)))
        yield f"{one.waiting} notices wait, the oldest for {age}{one.why and f': {one.why}'}"
    if one.given_up:
        yield f"{one.given_up} were NOT told within the last {spelled(LOOK_BACK)}"


def _checkup(name: str, health: Health, words: str, remedy: str = "") -> Checkup:
    return Checkup(group="core", name=name, health=health, words=words, remedy=remedy)
