"""The line that a person types after a question is on the screen; nothing else is an answer."""

import asyncio
import os
import struct
import termios
from collections.abc import Callable
from fcntl import ioctl
from typing import TextIO

MOST = 4096  # bytes: a terminal hands over no longer line, and cuts off what is beyond
LONGEST = 1000  # characters of an answer with its reason
SETTLE_SECONDS = 0.2  # the rest of a pasted block is there by then, and nobody types on so soon
MARK_PASTES, LEAVE_PASTES = "\x1b[?2004h", "\x1b[?2004l"  # the terminal then says what is pasted
_SEVERAL = "More came at once than one line, as from a pasted block: nothing is decided."
_UNENDED = "The line was not ended by Enter: nothing is decided."
_TOO_LONG = f"An answer has at most {LONGEST} characters: nothing is decided."
_NOT_TYPED = "Pasted text or hidden characters are no answer: nothing is decided. Please type it."


class NotTyped(Exception):
    """Input that is no answer; the text says why, fit to be shown."""


async def ask(stream: TextIO, show: Callable[[], None]) -> str | None:
    """Show a question and return the line typed after it, or None when the terminal closed.

    Raises NotTyped, with all that came gone from the terminal. Cancelling answers nothing.
    """
    terminal = stream.fileno()
    _forget(terminal)
    show()
    content = await _line(terminal)
    if not content:
        return None
    await asyncio.sleep(SETTLE_SECONDS)
    flaw = _flaw(content) or (_SEVERAL if _waiting(terminal) else "")
    if flaw:
        await _until_quiet(terminal)
        raise NotTyped(flaw)
    return content.decode().removesuffix("\n")


def _flaw(content: bytes) -> str:
    """Say why a line is no answer, or nothing."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return _NOT_TYPED if len(content) < MOST else _TOO_LONG
    if len(text) > LONGEST:
        return _TOO_LONG
    if not text.endswith("\n"):  # Ctrl-D in the middle of a line
        return _UNENDED
    return "" if text.removesuffix("\n").isprintable() else _NOT_TYPED


async def _line(terminal: int) -> bytes:
    loop = asyncio.get_running_loop()
    read: asyncio.Future[bytes] = loop.create_future()

    def ready() -> None:
        # A terminal gives one line at a time, so nothing of the next one is taken.
        try:
            content = os.read(terminal, MOST)
        except OSError:  # the terminal is gone
            content = b""
        if not read.done():
            read.set_result(content)

    loop.add_reader(terminal, ready)
    try:
        return await read
    finally:
        loop.remove_reader(terminal)


def _forget(terminal: int) -> None:
    termios.tcflush(terminal, termios.TCIFLUSH)


async def _until_quiet(terminal: int) -> None:
    """Drop what comes until nothing does: the rest of a block must not meet the next question."""
    while True:
        _forget(terminal)
        await asyncio.sleep(SETTLE_SECONDS)
        if not _waiting(terminal):
            return


def _waiting(terminal: int) -> bool:
    """Whether more has been typed, also of a line that is not ended yet."""
    try:
        usual = termios.tcgetattr(terminal)
        by_key = [*usual]
        by_key[3] &= ~termios.ICANON  # by lines, the terminal hides one that is not ended
        termios.tcsetattr(terminal, termios.TCSANOW, by_key)
        try:
            count = ioctl(terminal, termios.FIONREAD, struct.pack("i", 0))
        finally:
            termios.tcsetattr(terminal, termios.TCSANOW, usual)
    except (OSError, termios.error):  # the terminal is gone
        return False
    return bool(struct.unpack("i", count)[0])
