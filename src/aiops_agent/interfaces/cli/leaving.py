"""A command that has said its answer ends, whatever still hangs in its process.

What was to be kept is kept by then: writes are committed where they are made, sends in flight were
waited for, stories go on where they are resumed. What may hang is a thread of a library that waits
for a loop which has ended: Python joins it for ever.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

Leaving: TypeAlias = Callable[[int], None]

LONGEST = 30.0  # seconds; the engine's own threads are given ten


def stay(_code: int) -> None:
    """Let Python wait as long as it likes: a command may be called inside of another program."""


def at_the_latest(code: int, seconds: float = LONGEST) -> None:
    """End this process with a code after so many seconds, unless it has ended by itself."""

    def end() -> None:
        threading.Event().wait(seconds)
        hanging = [one.name for one in threading.enumerate() if not one.daemon]
        with suppress(OSError, ValueError):  # nobody may read any more
            names = ", ".join(hanging)
            sys.stderr.write(f"Ended {seconds:g} s after the work: {names} hung.\n")
            sys.stderr.flush()
        with suppress(OSError, ValueError, AttributeError):  # a closed pipe leaves no output
            sys.stdout.flush()
        os._exit(code)

    threading.Thread(target=end, name="leaving", daemon=True).start()
