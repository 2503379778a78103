"""Does a database open as promised, and are its troubles told in our words?"""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from aiops_agent.adapters.sql import engine as database
from aiops_agent.adapters.sql.engine import CONNECTIONS, explained, make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import STUCK, SqlStore
from aiops_agent.domain.errors import SettingsError, StoreError
from tests.contracts.samples import an_event, an_incident


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_sqlite_opens_durably_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "store.db"
    engine = make_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    engine.dispose()

    assert found == ["wal", 2, 30_000, 1]
    assert (mode(path.parent), mode(path)) == (0o700, 0o600)


def rows_elsewhere(path: Path) -> int:
    """Count the rows of `t` in another process, which closes the file behind it."""
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        " print(*c.execute('SELECT count(*) FROM t').fetchone()); c.close()"
    )
    words = [sys.executable, "-c", program, str(path)]
    return int(subprocess.run(words, capture_output=True, check=True).stdout)


def written_and_seen(path: Path, meanwhile: Callable[[], object]) -> int:
    """Write a row before and behind what happens; return how many another process sees."""
    engine = make_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    meanwhile()
    assert rows_elsewhere(path) == 1
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (2)")
    seen = rows_elsewhere(path)
    engine.dispose()
    return seen


def test_a_second_engine_on_a_file_takes_no_lock_from_the_first(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    assert written_and_seen(path, lambda: make_engine(f"sqlite:///{path}")) == 2


def test_to_open_and_close_the_file_would_lose_what_is_written(tmp_path: Path) -> None:
    """A planted defect, and why nobody here may do so."""
    path = tmp_path / "store.db"
    assert written_and_seen(path, lambda: os.close(os.open(path, os.O_RDWR))) == 1


@pytest.mark.parametrize("what", ["folder", "of another"])
def test_what_is_no_file_of_ours_is_refused_unopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    path = tmp_path / "store.db"
    if what == "folder":
        path.mkdir()
    else:
        path.touch()
        monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StoreError, match="cannot be made or written"):
        make_engine(f"sqlite:///{path}")


def test_every_sqlite_knows_the_time_below_a_second(tmp_path: Path) -> None:
    """DBOS asks for unixepoch('subsec') on Python 3.12, whatever SQLite it came with."""
    engine = make_engine(f"sqlite:///{tmp_path}/store.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a, at DEFAULT (unixepoch('subsec') * 1000))")
        connection.exec_driver_sql("INSERT INTO t (a) VALUES (1)")
        milliseconds = connection.exec_driver_sql("SELECT at FROM t").scalar()
    engine.dispose()

    assert milliseconds is not None
    assert milliseconds > 1.7e12


@pytest.mark.parametrize("url", ["mysql://a/b", "nonsense", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_is_no_lasting_store_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="sqlite"):
        make_engine(url)


def test_a_folder_that_cannot_be_made_is_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match="cannot be made or written"):
        make_engine(f"sqlite:///{tmp_path}/file/store.db")


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("database is locked", "another process"),
        ("canceling statement due to lock timeout", "another process"),
        ("database or disk is full", "free some space"),
        ("attempt to write a readonly database", "read-only"),
        ("unable to open database file", "cannot be opened"),
        ("file is not a database", "damaged"),
        ("connection failed: connection refused\nmore", "does not let us in"),
        ("connection failed: FATAL:  sorry, too many clients already", "raise its max_connections"),
        ("FATAL: remaining connection slots are reserved for", "raise its max_connections"),
        ("QueuePool limit of size 4 overflow 0 reached, connection timed out", "overloaded"),
        ("failed to resolve host 'x': Name or service not known", "does not let us in"),
        ("CHECK constraint failed", "refused a record"),
        ("", "refused a record"),
    ],
)
def test_each_trouble_of_a_database_is_one_sentence_on_one_line(cause: str, words: str) -> None:
    text = str(explained(OperationalError("SELECT 1", {}, Exception(cause))))

    assert words in text
    assert "\n" not in text


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"no database at all, just text " * 100)
    engine = make_engine(f"sqlite:///{path}")

    with pytest.raises(StoreError, match="damaged"):
        upgrade(engine)


def test_a_server_that_is_away_is_a_store_error() -> None:
    engine = make_engine("postgresql://nobody:secret@127.0.0.1:1/none")

    with pytest.raises(StoreError, match="does not let us in") as told:
        upgrade(engine)
    assert "secret" not in str(told.value)


def test_a_process_takes_few_connections_of_a_server_and_gives_up_one_that_is_gone() -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:1/none")
    assert isinstance(engine.pool, sa.QueuePool)
    assert (engine.pool.size(), engine.pool._max_overflow) == (CONNECTIONS, 0)
    taken = []
    sa.event.listen(engine, "do_connect", lambda *given: taken.append(given[3]))
    with pytest.raises(sa.exc.OperationalError):
        engine.connect()
    assert taken[0]["tcp_user_timeout"] <= 15_000


def test_nobody_queues_behind_a_turn_that_hangs(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, goes_on = SqlStore(engine), threading.Event()
    hangs = threading.Event()

    def hang() -> None:
        with store.begin():
            hangs.set()
            goes_on.wait(20)

    holder = threading.Thread(target=hang)
    holder.start()
    assert hangs.wait(20)
    monkeypatch.setitem(STUCK, engine.dialect.name, 0.0)
    with pytest.raises(StoreError, match="has not taken a record"), store.begin():
        pass
    monkeypatch.undo()
    goes_on.set()
    with store.begin() as work:  # it waits for its turn, and has one
        work.events.append(an_event("e1"))
    holder.join()


def test_a_full_disk_loses_the_transaction_and_says_so(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/store.db")
    upgrade(engine)
    sa.event.listen(engine, "checkout", lambda c, *_: c.execute("PRAGMA max_page_count=1"))
    engine.dispose()
    with pytest.raises(StoreError, match="disk"), SqlStore(engine).begin() as work:
        work.events.append(an_event("e1", message=Random(1).randbytes(500_000).hex()))
    with SqlStore(engine).begin() as work:
        assert work.events.after(0) == ()
    engine.dispose()


def test_a_record_of_another_version_is_told_and_not_raised_raw(engine: sa.Engine) -> None:
    store = SqlStore(engine)
    with store.begin() as work:
        work.incidents.put(an_incident())
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE incidents SET document = '{\"id\": 1}'"))
    with pytest.raises(StoreError, match="another version"), store.begin() as work:
        work.incidents.get("INC-0001")


def test_a_wake_up_is_given_the_open_transaction(engine: sa.Engine) -> None:
    woken = []
    store = SqlStore(engine, lambda connection, *what: woken.append((connection.closed, *what)))
    with store.begin() as work:
        work.wake("INC-0001", "k1")

    assert woken == [(False, "INC-0001", "k1")]


def test_two_connections_wait_for_each_other(engine: sa.Engine) -> None:
    other = make_engine(engine.url.render_as_string(hide_password=False))
    results: list[str] = []

    def draw() -> None:
        with SqlStore(other).begin() as work:
            results.append(work.incidents.new_id())

    with SqlStore(engine).begin() as work:
        thread = threading.Thread(target=draw)
        thread.start()
        results.append(work.incidents.new_id())
    thread.join()
    other.dispose()
    assert results == ["INC-0001", "INC-0002"]


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
@pytest.mark.real
def test_who_is_stopped_inside_a_transaction_holds_up_the_others_for_seconds_only(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_IDLE_MS", 300)
    engines = [make_engine(store_url), make_engine(store_url)]
    upgrade(engines[0])
    stopped, other = map(SqlStore, engines)

    def go_on() -> None:
        with stopped.begin() as work:
            work.incidents.new_id()
            with other.begin() as waited:  # until the server has ended the first
                assert waited.incidents.new_id() == "INC-0001"
            work.incidents.new_id()

    with pytest.raises(StoreError, match="does not let us in"):
        go_on()
    for engine in engines:
        engine.dispose()
