"""Whatever happens in whatever order, each notice is told, superseded, given up, or waits."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.outbox import OutboxState
from tests import seams
from tests.workflow.place import Place
from tests.workflow.town import Receiver, Town, audited, entries

EXAMPLES = settings(max_examples=40, stateful_step_count=25)


@cache
def empty() -> Path:
    """Return an empty store to copy."""
    path = Path(tempfile.mkdtemp()) / "store.db"
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


class Bookkeeping(RuleBasedStateMachine):
    """A town, a receiver, and an observer after each move."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "store.db"
        shutil.copy(empty(), path)
        self.engine = make_engine(f"sqlite:///{path}")
        self.place = Place(SqlStore(self.engine))
        self.town = Town(self.place)
        self.phone = Receiver(self.place)
        self.phone.notices.dispatch.begin()
        self.loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    @rule(severity=st.sampled_from([Severity.SEV1, Severity.SEV3]), many=st.integers(1, 4))
    def asks(self, severity: Severity, many: int) -> None:
        for _ in range(many):
            self.town.asks(severity=severity)

    @rule(many=st.integers(1, 9))
    def storms(self, many: int) -> None:
        self.town.storms([Severity.SEV3] * many)

    @precondition(lambda self: self.town.waiting)
    @rule(data=st.data(), move=st.sampled_from(["answers", "withdraws", "ends"]))
    def moves(self, data: st.DataObject, move: str) -> None:
        getattr(self.town, move)(data.draw(st.sampled_from(sorted(self.town.waiting))))

    @rule(seconds=st.sampled_from([1, 12, 61, 400, 1000, 90_000, -30]))
    def waits(self, seconds: int) -> None:
        self.place.clock.go(seconds=seconds)
        if seconds > 0:  # a clock set back is noted by another: it withdraws the questions
            self.town.looks()
        self.town.waiting = {
            name: asked for name, asked in self.town.waiting.items() if self._pending(asked)
        }

    @rule(up=st.booleans(), retry=st.booleans(), dies=st.booleans(), loses=st.booleans())
    def fares(self, up: bool, retry: bool, dies: bool, loses: bool) -> None:
        self.phone.up, self.phone.retry = up, retry
        self.phone.dies, self.phone.loses = dies, loses

    @rule()
    def turns(self) -> None:
        self.run(self.phone.turn())

    @invariant()
    def everything_is_accounted_for(self) -> None:
        found = audited(self.phone)
        # A clock that is set back makes minutes and ages of its own.
        told = ("lost", "doubled keys beyond crashes", "not said on the bus")
        assert {name: found[name] for name in told} == dict.fromkeys(told, 0)
        assert not found["told although not so"]
        ended = [one for one in entries(self.place) if one.state is not OutboxState.WAITING]
        assert all(one.why for one in ended if one.state is not OutboxState.TOLD)

    def teardown(self) -> None:
        self.loop.close()
        self.engine.dispose()
        self.folder.cleanup()

    def _pending(self, request: str) -> bool:
        with self.place.store.read() as view:
            found = view.approvals.get(request)
        return found is not None and found.state.value == "pending"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_notice_is_accounted_for_after_any_moves() -> None:
    run_state_machine_as_test(Bookkeeping, settings=EXAMPLES)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_entry_that_ends_without_a_word_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(
        _self: object, work: Any, entry: Any, state: OutboxState, why: str, *_: object
    ) -> None:
        work.outbox.put(entry.model_copy(update={"state": state, "why": why}))

    seams.END.plant(monkeypatch, silent)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Bookkeeping, settings=EXAMPLES)
