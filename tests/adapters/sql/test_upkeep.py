"""Is damage seen at a start, and does a backup that is put back send and tell nothing again?"""

import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from aiops_agent.adapters.sql import upkeep
from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.bootstrap import upkeep as keeping
from aiops_agent.bootstrap.application import application
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.errors import BusyError, StoreError, UsageError
from aiops_agent.domain.ledger import IntentState
from aiops_agent.settings.sections import Settings
from aiops_agent.workflow.lock import beside, lock
from tests.contracts.samples import an_approval, an_entry, an_event, an_incident, an_intent

NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A store with something in every part that counts."""
    made = make_engine(f"sqlite:///{tmp_path}/aiops.db")
    upgrade(made)
    with SqlStore(made).begin() as work:
        work.incidents.put(an_incident())
        work.events.append_all([an_event(f"e{n}", message="x" * 2000) for n in range(300)])
        work.events.advance("notify:x", 7)
        work.approvals.ask(an_approval())
        work.ledger.arm([an_intent()])
        work.outbox.add(an_entry("k1"))
    yield made
    made.dispose()


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/aiops.db"


def spoil(path: Path) -> None:
    """Overwrite pages in the middle."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 3 // 4096 * 4096)
        file.write(os.urandom(4096 * 12))


def test_a_whole_file_is_looked_through(engine: Engine) -> None:
    assert upkeep.look_through(engine)


def test_a_file_that_takes_too_long_is_looked_through_in_part(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_STEPS", 10)
    times = iter([0.0, *[99.0] * 10_000])
    assert not upkeep.look_through(engine, 1.0, lambda: next(times))


async def test_damage_is_told_at_a_start_with_the_way_out(engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    spoil(tmp_path / "aiops.db")

    async def start() -> None:
        async with application(Settings(state_dir=tmp_path)).engine("serve"):
            raise AssertionError("it must not start")

    with pytest.raises(StoreError, match="aiops store restore BACKUP"):
        await start()


def test_a_backup_is_made_while_others_write_and_is_whole(engine: Engine, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    with SqlStore(engine).begin() as work:
        work.events.append(an_event("not committed"))
        assert upkeep.backup(url(tmp_path), target) == target.stat().st_size
    assert target.stat().st_mode & 0o777 == 0o600
    copy = sqlite3.connect(target)
    assert copy.execute("SELECT count(*) FROM events").fetchone() == (300,)
    copy.close()
    assert not target.with_name("copy.db-wal").exists()
    with pytest.raises(UsageError, match="there already"):
        upkeep.backup(url(tmp_path), target)


def test_a_backup_of_a_damaged_store_is_none(engine: Engine, tmp_path: Path) -> None:
    engine.dispose()
    spoil(tmp_path / "aiops.db")
    with pytest.raises(StoreError):
        upkeep.backup(url(tmp_path), tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_what_is_put_back_sends_and_tells_nothing_again(engine: Engine, tmp_path: Path) -> None:
    upkeep.backup(url(tmp_path), tmp_path / "copy.db")
    with SqlStore(engine).begin() as work:
        work.events.append(an_event("later"))
    engine.dispose()
    old = upkeep.restore(url(tmp_path), tmp_path / "copy.db", by="alex", at=NOW)
    assert old.exists()
    again = make_engine(url(tmp_path))
    try:
        with SqlStore(again).read() as view:
            assert view.events.last() == view.events.cursor("notify:x") == 300
            (move,) = view.sending.switched(1)
            assert (move.stopped, move.by, move.reason) == (True, "alex", "restored from copy.db")
            request, intent = an_approval(), an_intent()
            found = view.approvals.get(request.id)
            assert found is not None
            assert found.state is ApprovalState.EXPIRED
            (kept,) = view.ledger.of_plan(intent.incident, intent.plan, undo=intent.undo)
            assert kept.state is IntentState.UNKNOWN
            assert view.outbox.due("phone", NOW) == ()
        assert upkeep.look_through(again)
    finally:
        again.dispose()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 500, None])
def test_what_is_no_backup_changes_nothing(
    engine: Engine, tmp_path: Path, content: bytes | None
) -> None:
    wrong = tmp_path / "wrong.db"
    if content is not None:
        wrong.write_bytes(content)
    before = (tmp_path / "aiops.db").read_bytes()
    with pytest.raises((UsageError, StoreError)):
        upkeep.restore(url(tmp_path), wrong, by="alex", at=NOW)
    assert (tmp_path / "aiops.db").read_bytes() == before


@pytest.mark.parametrize("role", ["serve", "shop"])
def test_a_store_that_is_worked_on_is_not_replaced(
    engine: Engine, tmp_path: Path, role: str
) -> None:
    keeping.backup(Settings(state_dir=tmp_path), tmp_path / "copy.db")
    with (
        lock(beside(tmp_path / "aiops.db", role), "aiops"),
        pytest.raises(BusyError, match=str(os.getpid())),
    ):
        keeping.restore(Settings(state_dir=tmp_path), tmp_path / "copy.db", "alex")
