"""What we log cannot command a terminal, and is not said over and over."""

import io
import logging

import pytest
from rich.console import Console

from aiops_agent.interfaces.cli.logs import log_to


@pytest.fixture
def written() -> io.StringIO:
    file = io.StringIO()
    log_to(Console(file=file), str, quiet=False, verbose=0)
    return file


def test_a_label_in_a_log_line_moves_no_cursor(written: io.StringIO) -> None:
    logging.getLogger("aiops_agent.x").warning("seen", extra={"label": "\x1b[2J\u202eevil\nline"})

    (line,) = written.getvalue().splitlines()
    assert line.startswith("warning aiops_agent.x seen label=")
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_the_same_line_is_said_once_a_minute(written: io.StringIO) -> None:
    for _ in range(5):
        logging.getLogger("aiops_agent.x").warning("the loop failed")

    assert len(written.getvalue().splitlines()) == 1


def test_a_traceback_is_one_line_after_the_other(written: io.StringIO) -> None:
    try:
        raise ValueError("\x1b[31m")
    except ValueError:
        logging.getLogger("aiops_agent.x").exception("failed")

    assert "ValueError" in written.getvalue()
    assert "\x1b" not in written.getvalue()


def test_the_engine_speaks_in_one_line_without_its_traceback(written: io.StringIO) -> None:
    """A full disk is told in a sentence, not in a hundred lines of somebody else's library."""
    try:
        raise OSError("database or disk is full\n(Background on this error)")
    except OSError:
        logging.getLogger("dbos").exception("Exception in workflow")

    (line,) = written.getvalue().splitlines()
    assert line.startswith("error dbos Exception in workflow: database or disk is full (")


def test_a_log_that_nobody_reads_any_more_holds_up_nothing(written: io.StringIO) -> None:
    """Such as a pipe that was closed: the story that logs goes on."""
    written.close()

    logging.getLogger("aiops_agent.x").warning("seen")
    logging.getLogger("dbos").error("seen")
