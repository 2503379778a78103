"""The stop switch and the breakers as people move them."""

from datetime import timedelta

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.bootstrap.controls import sending_checkups
from aiops_agent.domain.checkup import Health
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.workflow.commands import Commands
from aiops_agent.workflow.queries import Queries
from tests.safety.plans import NOW

HERE, ELSEWHERE = EnvironmentRef.parse("docker:local"), EnvironmentRef.parse("docker:other")


def desk(store: SqlStore) -> Commands:
    def nobody(*_given: object) -> object:
        raise AssertionError

    return Commands(store, lambda: NOW, nobody, nobody, nobody, nobody, nobody, nobody)  # type: ignore[arg-type] # not called


def failed(store: SqlStore, service: str, environment: EnvironmentRef = HERE) -> None:
    with store.begin() as work:
        breaker = work.sending.breaker(environment, ServiceName(service))
        work.sending.put(breaker.failing("INC-0001", NOW).failing("INC-0002", NOW))


def test_stop_and_start_are_kept_with_who_when_and_why(store: SqlStore) -> None:
    commands, queries = desk(store), Queries(store)
    assert queries.sending().stopped == ""
    commands.switch(stopped=False, by="lee")  # it is on already
    commands.switch(stopped=True, by="alex", reason=" bad\n release ")
    commands.switch(stopped=True, by="kim", reason="again")  # it is off already
    assert "stopped by alex at 2026-11-24 09:30:00 UTC: bad release" in queries.sending().stopped
    commands.switch(stopped=False, by="kim")
    assert queries.sending().stopped == ""
    moves = [(one.stopped, one.by, one.at) for one in queries.sending().moves]
    assert moves == [(False, "kim", NOW), (True, "alex", NOW)]
    with pytest.raises(UsageError, match="200 characters"):
        commands.switch(stopped=True, by="kim", reason="x" * 201)


def test_the_file_is_told_beside_the_switch(store: SqlStore) -> None:
    desk(store).switch(stopped=True, by="alex")
    both = Queries(store, lambda: "stopped by the file X").sending().stopped
    assert both == "stopped by alex at 2026-11-24 09:30:00 UTC; stopped by the file X"


def test_a_reset_opens_one_service_of_one_environment_and_says_who(store: SqlStore) -> None:
    commands = desk(store)
    failed(store, "web")
    failed(store, "web-1")
    opened = commands.reset("web", "alex")
    assert (opened.closed(NOW), opened.failed, opened.opened_by) == (False, (), "alex")
    left = {str(one.service): one.closed(NOW) for one in Queries(store).sending().breakers}
    assert left == {"web": False, "web-1": True}
    failed(store, "web")
    failed(store, "web", ELSEWHERE)
    with pytest.raises(UsageError, match="--environment"):
        commands.reset("web", "alex")
    assert commands.reset("web", "alex", ELSEWHERE).environment == ELSEWHERE


@pytest.mark.parametrize("name", ["we", "WEB", "", "web%", "orders"])
def test_another_name_opens_nothing(store: SqlStore, name: str) -> None:
    failed(store, "web")
    with pytest.raises(UsageError, match="nothing to open"):
        desk(store).reset(name, "alex")
    assert Queries(store).sending().breakers[0].closed(NOW)


def test_the_doctor_says_that_nothing_is_sent_and_what_is_closed(store: SqlStore) -> None:
    queries = Queries(store)
    (on,) = sending_checkups(queries, NOW)
    assert (on.health, on.words) == (Health.OK, "is on")
    failed(store, "web")
    desk(store).switch(stopped=True, by="alex")
    off, closed = sending_checkups(queries, NOW)
    assert (off.health, off.remedy) == (Health.PROBLEM, "aiops sending start")
    assert off.words.startswith("NOTHING IS SENT: stopped by alex")
    assert closed.remedy == "aiops sending reset web"
    assert len(sending_checkups(queries, NOW + timedelta(hours=1))) == 1
