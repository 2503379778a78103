"""One engine per role and store."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aiops_agent.domain.errors import BusyError
from aiops_agent.workflow.lock import beside, holder, lock

HOLDER = """
import sys, time
from pathlib import Path
from aiops_agent.workflow.lock import holder, lock
with lock(Path(sys.argv[1]), "`aiops serve`"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_one_is_refused_with_the_process_id_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "serve.lock"
    with lock(path, "`aiops serve`"):
        with pytest.raises(BusyError, match=f"Process {os.getpid()} already runs `aiops serve`"):
            lock(path, "`aiops serve`").__enter__()
        with lock(tmp_path / "locks" / "shop.lock", "`aiops shop`"):
            pass
    with lock(path, "`aiops serve`"):
        pass


def test_a_lock_makes_its_folder_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "locks"
    with lock(folder / "serve.lock", "`aiops serve`"):
        assert folder.stat().st_mode & 0o077 == 0


def test_a_process_that_is_killed_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "serve.lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(BusyError, match=f"Process {holder.pid} "):
            lock(path, "`aiops serve`").__enter__()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with lock(path, "`aiops serve`"):
            assert path.read_text() == str(os.getpid())


def test_an_error_inside_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "serve.lock"
    with pytest.raises(RuntimeError), lock(path, "x"):
        raise RuntimeError
    with lock(path, "x"):
        pass


def test_it_is_told_who_holds_it_and_that_nobody_does(tmp_path: Path) -> None:
    path = tmp_path / "shop.lock"
    assert holder(path) == ""
    with lock(path, "x"):
        assert holder(path) == str(os.getpid())
    assert holder(path) == ""


def test_it_lies_beside_the_file_whatever_link_leads_there(tmp_path: Path) -> None:
    file, link = tmp_path / "real" / "store.db", tmp_path / "link.db"
    file.parent.mkdir()
    file.touch()
    link.symlink_to(file)
    assert beside(file, "serve") == beside(link, "serve") == file.with_name("store.db.serve.lock")
    assert beside(file, "shop") != beside(file, "serve")


def test_the_folder_of_a_lock_is_made_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "locks" / "serve.lock"
    with lock(path, "x"):
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_who_has_not_signed_yet_is_unknown_and_holds_it_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "serve.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert holder(path) == "unknown"
        with pytest.raises(BusyError, match="Process unknown already runs x on this store"):
            lock(path, "x").__enter__()
