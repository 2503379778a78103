"""A store that is away for a while ends no story and holds no thread of the durable engine long."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from dbos import _sys_db
from dbos import error as dbos_error
from psycopg import OperationalError as DriverError
from sqlalchemy.exc import OperationalError

from aiops_agent.domain.alert import AlertList
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.incident import Ending, Incident
from aiops_agent.domain.payload import EventType
from aiops_agent.workflow import patience
from aiops_agent.workflow.patience import SLEEP, ShortSleep
from aiops_agent.workflow.questions import Questions
from tests import seams
from tests.workflow.running import Run

T = TypeVar("T")
AWAY = StoreError("The database server does not let us in.")


def lived(folder: Path, patch: pytest.MonkeyPatch) -> Incident:
    """Live an incident during which each question finds the store away at first."""
    patch.setattr(patience, "FIRST_PAUSE", 0.0)
    right, known = Questions._read, set[str]()

    def read(self: Questions, incident_id: str) -> tuple[Incident, AlertList]:
        found = right(self, incident_id)
        if (moment := f"{found[0].status} {len(found[0].attempts)}") not in known:
            known.add(moment)
            raise AWAY
        return found

    seams.BRIEFED.plant(patch, read)
    answer = {EventType.APPROVAL_PENDING: lambda run: run.answer()}
    incident = Run(folder, when=answer).go()
    assert known
    return incident


def test_a_question_waits_for_a_store_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lived(tmp_path, monkeypatch).ending is Ending.FIXED


def test_a_question_that_does_not_wait_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def once(_name: str, work: Callable[[], Awaitable[T]]) -> T:
        return await work()

    seams.PATIENTLY.plant(monkeypatch, once)
    assert lived(tmp_path, monkeypatch).ending is not Ending.FIXED


class Server:
    """A database that is away so many times; what asks it is what DBOS asks through."""

    _is_sqlite = False

    def __init__(self, times: int) -> None:
        self.left = times

    @_sys_db.db_retry()
    def ask(self) -> str:
        """Answer once it is back."""
        self.left -= 1
        if self.left >= 0:
            raise OperationalError("SELECT 1", {}, DriverError("connection failed: refused"))
        return "here"


def test_the_durable_engine_notices_soon_that_a_server_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    assert vars(_sys_db)["time"] is SLEEP
    monkeypatch.setattr(SLEEP._over, "wait", slept.append)
    assert Server(12).ask() == "here"  # left alone it sleeps ten minutes in all
    assert (len(slept), max(slept)) == (12, patience.DBOS_PAUSE)


def test_a_durable_engine_that_sleeps_as_long_as_it_likes_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    seams.SLEEPS.plant(monkeypatch, time)
    assert Server(12).ask() == "here"
    assert max(slept) > patience.DBOS_PAUSE


def test_an_engine_that_closes_waits_for_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    closing = ShortSleep()
    closing.end()
    seams.SLEEPS.plant(monkeypatch, closing)
    with pytest.raises(dbos_error.DBOSException, match="closed"):
        Server(1_000_000).ask()
    assert closing.over
    closing.begin()
    assert not closing.over
