"""An approval file counts once, and only when nobody else can have written it."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aiops_agent.adapters.approval_file import ApprovalFiles, approval_line
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.errors import ApprovalError

NOW = datetime(2026, 11, 19, 3, tzinfo=UTC)
DIGEST = "ab" * 32
REQUEST = "INC-0001.1"


@pytest.fixture
def files(tmp_path: Path) -> ApprovalFiles:
    files = ApprovalFiles(tmp_path / "approvals")
    files.open_folder()
    return files


def write(
    files: ApprovalFiles, content: str | bytes = f"approve {DIGEST}\n", mode: int = 0o600
) -> Path:
    path = files.path(REQUEST)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def test_the_printed_line_creates_a_file_that_counts_once(files: ApprovalFiles) -> None:
    subprocess.run(["sh", "-c", approval_line(files.path(REQUEST), DIGEST)], check=True)

    decision = files.take(REQUEST, NOW)

    assert decision
    assert (decision.approve, decision.digest, decision.surface) == (True, DIGEST, Surface.FILE)
    assert files.take(REQUEST, NOW) is None
    assert list(files.folder.iterdir()) == []


def test_a_no_carries_its_reason(files: ApprovalFiles) -> None:
    write(files, f"reject {DIGEST} not on a Friday")

    decision = files.take(REQUEST, NOW)

    assert decision
    assert (decision.approve, decision.reason) == (False, "not on a Friday")


def test_a_path_with_odd_characters_is_quoted(tmp_path: Path) -> None:
    files = ApprovalFiles(tmp_path / "it's a $(folder)")
    files.open_folder()

    subprocess.run(["sh", "-c", approval_line(files.path(REQUEST), DIGEST)], check=True)

    assert files.waiting() == (REQUEST,)


def test_an_empty_file_is_not_there_yet(files: ApprovalFiles) -> None:
    path = write(files, "")

    assert files.waiting() == ()
    assert files.take(REQUEST, NOW) is None
    assert path.exists()


def test_sixteen_readers_take_one_answer(files: ApprovalFiles) -> None:
    write(files)

    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: files.take(REQUEST, NOW), range(16)))

    assert sum(decision is not None for decision in taken) == 1


def _link(files: ApprovalFiles) -> None:
    target = files.folder / "real"
    write(files).rename(target)
    files.path(REQUEST).symlink_to(target)


def _second_name(files: ApprovalFiles) -> None:
    os.link(write(files), files.folder / "other")


def _open_folder_to_all(files: ApprovalFiles) -> None:
    write(files)
    files.folder.chmod(0o777)


REFUSED = {
    "a link": (_link, "a link"),
    "a second name": (_second_name, "regular file"),
    "a folder": (lambda f: f.path(REQUEST).mkdir(), "regular file"),
    "writable by the group": (lambda f: write(f, mode=0o660), "written by others"),
    "writable by all": (lambda f: write(f, mode=0o602), "written by others"),
    "a folder open to all": (_open_folder_to_all, "written by others"),
    "too large": (lambda f: write(f, f"approve {DIGEST}" + " " * 5000), "larger than"),
    "other words": (lambda f: write(f, "yes please"), "one line"),
    "no digest": (lambda f: write(f, "approve"), "one line"),
    "a short digest": (lambda f: write(f, "approve abcd1234"), "one line"),
    "two lines": (lambda f: write(f, f"approve {DIGEST}\nreject {DIGEST}"), "one line"),
    "no text": (lambda f: write(f, b"\xff\x00"), "one line"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_does_not_count_is_refused_with_its_reason(
    files: ApprovalFiles, name: str
) -> None:
    make, told = REFUSED[name]
    make(files)

    with pytest.raises(ApprovalError, match=told):
        files.take(REQUEST, NOW)


def test_a_refused_file_is_consumed(files: ApprovalFiles) -> None:
    write(files, "yes please")

    with pytest.raises(ApprovalError):
        files.take(REQUEST, NOW)

    assert files.take(REQUEST, NOW) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(files: ApprovalFiles) -> None:
    os.chown(write(files), 12345, -1)

    with pytest.raises(ApprovalError, match="not owned"):
        files.take(REQUEST, NOW)


def test_a_pipe_is_refused_without_waiting(files: ApprovalFiles) -> None:
    os.mkfifo(files.path(REQUEST))

    assert files.waiting() == ()  # it has no size: never opened


def test_other_names_are_left_alone(files: ApprovalFiles) -> None:
    (files.folder / "..evil.approve").write_text("x")
    (files.folder / "INC-1.approve").write_text("x")

    assert files.waiting() == ()
    assert files.take("../INC-0001.1", NOW) is None
