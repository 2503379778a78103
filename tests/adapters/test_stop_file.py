"""The file `STOP` holds sending whatever it is, and when it cannot be looked for."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aiops_agent.adapters.stop_file import StopFile
from aiops_agent.domain.errors import StoreError

NOW = datetime(2026, 11, 27, 21, 0, tzinfo=UTC)
KINDS: dict[str, Callable[[Path], object]] = {
    "empty": Path.touch,
    "with a reason": lambda path: path.write_text("bad release\nmore\n"),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00\x1b[31m"),
    "large": lambda path: path.write_bytes(b"x" * 10_000_000),
    "a folder": Path.mkdir,
    "a dangling link": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a pipe that nobody writes": os.mkfifo,
}


def test_without_the_file_nothing_is_held(tmp_path: Path) -> None:
    assert StopFile(tmp_path / "STOP")() == ""
    assert StopFile(tmp_path / "missing" / "STOP")() == ""
    (tmp_path / "STOP.txt").touch()
    (tmp_path / "NONSTOP").touch()
    assert StopFile(tmp_path / "STOP")() == ""


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_bears_the_name_holds(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "STOP"
    KINDS[kind](path)
    why = StopFile(path)()
    assert why.startswith(f"stopped by the file {path}")
    assert why.isprintable()
    assert len(why) < 1000
    assert ("bad release" in why) is (kind == "with a reason")


def test_what_cannot_be_looked_for_holds(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in place of the folder")
    assert "cannot be seen" in StopFile(tmp_path / "state" / "STOP")()
    assert "cannot be seen" in StopFile(tmp_path / ("x" * 300) / "STOP")()


def test_a_file_put_says_who_when_and_why_and_a_first_one_stays(tmp_path: Path) -> None:
    file = StopFile(tmp_path / "new" / "STOP")
    file.put("alex", NOW, "bad release")
    file.put("kim", NOW, "the same")
    assert file().endswith("STOP: alex at 2026-11-27 21:00:00 UTC: bad release")
    (tmp_path / "plain").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        StopFile(tmp_path / "plain" / "STOP").put("alex", NOW, "")
