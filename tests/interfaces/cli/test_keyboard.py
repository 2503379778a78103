"""Only a line that was typed after the question is an answer: on a real terminal."""

import asyncio
import os
import pty
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

import pytest

from aiops_agent.interfaces.cli import keyboard
from aiops_agent.interfaces.cli.keyboard import NotTyped
from tests import seams

PASTED, OVER = "\x1b[200~", "\x1b[201~"  # as a terminal marks what is pasted


@dataclass
class Terminal:
    """A terminal without echo: a person's end, and ours."""

    hand: int
    ours: TextIO

    def type(self, keys: str | bytes) -> None:
        os.write(self.hand, keys.encode() if isinstance(keys, str) else keys)

    def asked(self, do: Callable[[], None]) -> str | None:
        """Ask once; `do` is done when the question is on the screen."""

        async def scene() -> str | None:
            return await asyncio.wait_for(keyboard.ask(self.ours, do), 20)

        return asyncio.run(scene())

    def answered(self, keys: str | bytes) -> str | None:
        """Ask once, and type these keys when asked."""
        return self.asked(lambda: self.type(keys))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setattr(keyboard, "SETTLE_SECONDS", 0.02)
    hand, ours = pty.openpty()
    quiet = termios.tcgetattr(ours)
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(ours, termios.TCSANOW, quiet)
    with os.fdopen(ours) as stream:
        there = Terminal(hand, stream)
        yield there
    os.close(there.hand)


@pytest.mark.parametrize("typed", ["y", "", "n", " r not on a Friday ", "ja, für später", "y y"])
def test_a_typed_line_is_returned_as_it_is(terminal: Terminal, typed: str) -> None:
    assert terminal.answered(f"{typed}\n") == typed


NO_ANSWERS: dict[str, str | bytes] = {
    "a block": "y\nls\n",
    "a block without an end": "y\nls",
    "a block of answers": "y\ny\ny\n",
    "an empty line behind": "y\n\n",
    "an empty line before": "\ny\n",
    "one key behind": "y\ny",
    "the end of input behind": "y\ny\x04",
    "a marked paste": f"{PASTED}y{OVER}\n",
    "a marked block": f"{PASTED}y\nls\n{OVER}",
    "a marked line": f"{PASTED}y\n{OVER}",
    "a paste in a reason": f"r {PASTED}because\n{OVER}",
    "the end of input in a line": "y\x04",
    "a zero behind": "y\x00\n",
    "a zero before": "\x00y\n",
    "blanks to beyond the edge": "y" + " " * 2000 + "\n",
    "more than a terminal takes": "y" + " " * 6000 + "n\n",
    "many letters": "y" * 5000 + "\n",
    "no text": b"\xff\xfe\n",
    "half a letter": b"y\xc3\n",
    "a hidden mark": "y\u200b\n",
    "text turned around": "\u202ey\n",
    "a blank that is none": "y\u00a0\n",
    "a tabulator": "y\t\n",
    "a separator of another age": "y\x1d\n",
    "a colour": "\x1b[31my\n",
}


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_was_not_typed_as_one_line_is_no_answer_and_is_gone(
    terminal: Terminal, name: str
) -> None:
    with pytest.raises(NotTyped, match="nothing is decided"):
        terminal.answered(NO_ANSWERS[name])
    assert terminal.answered("n\n") == "n"


@pytest.mark.parametrize("early", ["y\n", "y", "y\ny\n", "\n", f"{PASTED}y\n", "\x04", "y\x04"])
def test_what_was_typed_before_the_question_does_not_count(terminal: Terminal, early: str) -> None:
    terminal.type(early)
    assert terminal.answered("\n") == ""


def test_a_block_that_comes_in_parts_answers_no_later_question_either(
    terminal: Terminal,
) -> None:
    def paste() -> None:
        loop = asyncio.get_running_loop()
        for number, part in enumerate(("y\n", "ls\n", "y\n", "y\n", "y")):
            loop.call_later(number * 0.01, terminal.type, part)

    with pytest.raises(NotTyped, match="More came at once"):
        terminal.asked(paste)
    assert terminal.answered("\n") == ""


def test_a_terminal_that_closes_answers_nothing(terminal: Terminal) -> None:
    assert terminal.answered("\x04") is None

    def close() -> None:
        os.close(terminal.hand)
        terminal.hand = os.open(os.devnull, os.O_RDONLY)

    assert terminal.asked(close) is None


def test_the_terminal_is_left_as_it_was(terminal: Terminal) -> None:
    before = termios.tcgetattr(terminal.ours)
    terminal.answered("y\n")
    with pytest.raises(NotTyped):
        terminal.answered("y\nls")
    assert termios.tcgetattr(terminal.ours) == before


def test_a_question_that_is_taken_back_reads_no_more(terminal: Terminal) -> None:
    async def scene() -> None:
        asking = asyncio.ensure_future(keyboard.ask(terminal.ours, lambda: None))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})

    asyncio.run(scene())
    assert terminal.answered("n\n") == "n"


def test_a_keyboard_that_forgets_nothing_is_caught(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.FORGET.plant(monkeypatch, lambda _terminal: None)
    terminal.type("y\n")
    assert terminal.asked(lambda: None) == "y"  # what was typed before the question


def test_a_keyboard_that_looks_at_whole_lines_only_is_caught(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.MORE_TYPED.plant(monkeypatch, lambda _terminal: False)
    assert terminal.answered("y\nls") == "y"  # a pasted block


def test_a_keyboard_that_takes_any_line_is_caught(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.FLAW_OF_LINE.plant(monkeypatch, lambda _content: "")
    assert terminal.answered("y\x04") == "y"  # nobody pressed Enter
