"""One line from the terminal, without holding up anything else; it can be cancelled."""

import asyncio
import os
import termios
from typing import TextIO

MOST = 4096  # bytes: a terminal hands over no longer line


def forget_typed(stream: TextIO) -> None:
    """Drop what was typed before the question was on the screen."""
    termios.tcflush(stream.fileno(), termios.TCIFLUSH)


async def line(stream: TextIO) -> str | None:
    """Return the next line without its end, or None when the terminal closed.

    Cancelling leaves nothing read and nothing registered.
    """
    loop = asyncio.get_running_loop()
    read: asyncio.Future[bytes] = loop.create_future()

    def ready() -> None:
        # A terminal gives one line at a time, so nothing of the next one is taken.
        try:
            content = os.read(stream.fileno(), MOST)
        except OSError:  # the terminal is gone
            content = b""
        if not read.done():
            read.set_result(content)

    loop.add_reader(stream.fileno(), ready)
    try:
        content = await read
    finally:
        loop.remove_reader(stream.fileno())
    return content.decode("utf-8", "replace").rstrip("\r\n") if content else None
