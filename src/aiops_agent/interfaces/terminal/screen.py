"""The screen: how wide it is, and whether it takes colour, movement and questions."""

import io
import sys
from enum import IntEnum
from functools import partial
from typing import IO

from rich.console import Console

SPARK_CELLS = {0: 0, 1: 12, 2: 20}


class Tier(IntEnum):
    """How much room there is: under 72 columns, 72 to 99, 100 and more."""

    NARROW = 0
    MEDIUM = 1
    WIDE = 2


def tier(width: int) -> Tier:
    """Return the tier of a width in columns."""
    if width < 72:
        return Tier.NARROW
    return Tier.MEDIUM if width < 100 else Tier.WIDE


def screen(
    file: IO[str] | None = None, *, colour: bool | None = None, width: int | None = None
) -> Console:
    """Return a console that never reads markup; plain when piped, dumb, or without colour.

    `colour` False forces plain; None asks the terminal, NO_COLOR and FORCE_COLOR.
    """
    stream = file or sys.stdout
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "")
    if isinstance(stream, io.TextIOWrapper) and not encoding.startswith("utf"):
        stream.reconfigure(errors="replace")  # a character that it lacks must not end us
    make = partial(Console, file=file, width=width, markup=False, emoji=False, highlight=False)
    console = make()
    coloured = console.is_terminal and not console.is_dumb_terminal and not console.no_color
    return console if coloured and colour is not False else make(color_system=None)


def is_live(console: Console) -> bool:
    """Whether lines may move: a real terminal that takes colour, so also cursor commands."""
    return bool(console.color_system) and console.is_terminal and console.file.isatty()
