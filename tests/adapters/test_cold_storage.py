"""Originals of merged cases: no writer loses what another one puts into the file."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from aiops_agent.adapters.cold_storage import ColdFile
from aiops_agent.domain.postmortem import KeptCase
from tests import seams
from tests.contracts.samples import a_case


def kept(name: str) -> KeptCase:
    return KeptCase(case=a_case(id=name))


@contextmanager
def unlocked(_self: ColdFile) -> Iterator[None]:
    yield


def let_in(lock: Path) -> bool:
    """Whether another process could have the lock now: it is of an opened file, not a process."""
    with lock.open("a") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@pytest.mark.parametrize("planted", [False, True])
def test_what_another_puts_while_the_file_is_written_anew_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: bool
) -> None:
    file = ColdFile(tmp_path / "cold.jsonl")
    file.put([kept("INC-0001"), kept("INC-0002")])
    other = Thread(target=lambda: ColdFile(file.file).put([kept("INC-0003")]))
    replaced = Path.replace

    def meanwhile(new: Path, target: Path) -> Path:
        other.start()
        if let_in(tmp_path / "cold.jsonl.lock"):
            other.join()
        return replaced(new, target)

    monkeypatch.setattr(Path, "replace", meanwhile)
    if planted:
        seams.COLD_ALONE.plant(monkeypatch, unlocked)
    file.remove(["INC-0001"])
    other.join()
    left = {str(one.case.id) for one in file.read(["INC-0001", "INC-0002", "INC-0003"])}
    assert (left == {"INC-0002", "INC-0003"}) is not planted
