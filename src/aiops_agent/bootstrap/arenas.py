"""How many heaps the C library keeps for the threads of a process that lives long."""

import contextlib
import ctypes

ARENAS = 2  # one for the loop, one for threads: most wait for the database, not for memory
_M_ARENA_MAX = -8  # of malloc.h


def few_arenas() -> bool:
    """Have glibc keep two heaps and not eight for each core; return whether it does.

    What threads gave back stays in the heap that it came from, so that a process with many of them
    grew more than twice as fast. Another C library has no such heaps.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS))
    return False
