"""The journal outlives processes: nothing written is lost, nothing torn is believed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aiops_agent.domain.errors import StoreError, UsageError
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.simulator.journal import ClockMoved, Created, Journal, Operation, create, opened

CREATED = Created(seed=1, scenario="traffic-surge", names={}, epoch="2026-11-19T02:00:00+00:00")
OPERATION = Operation(
    id="op.1",
    kind=ActionKind("scale_pods"),
    target="payments-api",
    wished={"replicas": 8},
    at=30.0,
    uid="u",
    generation=(1, 2),
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return create(tmp_path / "shop", CREATED)


def test_what_was_written_is_read_again(journal: Journal) -> None:
    journal.append(lambda: ClockMoved(30.0))
    journal.append(lambda: OPERATION)

    assert opened(journal.folder).lines == [CREATED, ClockMoved(30.0), OPERATION]


def test_a_torn_last_line_is_not_believed_and_then_cut_off(journal: Journal) -> None:
    journal.append(lambda: ClockMoved(30.0))
    with journal.path.open("ab") as file:
        file.write(b'{"record":"clockmoved","to":9')

    again = opened(journal.folder)
    again.append(lambda: ClockMoved(60.0))

    assert opened(journal.folder).lines == [CREATED, ClockMoved(30.0), ClockMoved(60.0)]


def test_another_holder_sees_what_was_appended(journal: Journal) -> None:
    other = opened(journal.folder)
    journal.append(lambda: ClockMoved(30.0))

    other.refresh()

    assert other.lines[-1] == ClockMoved(30.0)


def test_a_decision_not_to_write_writes_nothing(journal: Journal) -> None:
    before = journal.path.read_bytes()

    assert journal.append(lambda: None) is None
    assert journal.path.read_bytes() == before


def test_a_folder_holds_one_shop_only(journal: Journal) -> None:
    with pytest.raises(UsageError, match="holds a shop already"):
        create(journal.folder, CREATED)


def test_a_folder_without_a_shop_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no shop"):
        opened(tmp_path)


@pytest.mark.parametrize(
    "line", ["[]", "{}", "nonsense", '{"record":"clockmoved"}', '{"record":"x"}']
)
def test_a_line_that_is_not_ours_is_refused(line: str, journal: Journal) -> None:
    with journal.path.open("a") as file:
        file.write(line + "\n")

    with pytest.raises(StoreError, match="not ours"):
        opened(journal.folder)


WRITER = """
import pathlib, sys
from aiops_agent.simulator.journal import ClockMoved, opened
journal = opened(pathlib.Path(sys.argv[1]))
for place in range(25):
    line = ClockMoved(float(int(sys.argv[2]) * 100 + place))
    journal.append(lambda: line)
"""


def test_three_processes_appending_at_once_lose_no_line(journal: Journal) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(journal.folder), str(number)])
        for number in range(3)
    ]

    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    written = sorted(line["to"] for line in lines if line["record"] == "clockmoved")
    assert written == [float(n * 100 + place) for n in range(3) for place in range(25)]
