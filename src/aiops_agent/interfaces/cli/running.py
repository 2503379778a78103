"""Run asynchronous work of a command, and leave properly when a person interrupts it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiops_agent.interfaces.cli.call import Call
from aiops_agent.interfaces.cli.exits import Exit


def run(call: Call, work: Coroutine[Any, Any, Exit]) -> Exit:
    """Return the code of the work. Ctrl-C lets a send in flight finish; a second one does not."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        call.out.print()
        if call.following:
            call.note(
                f"Interrupted. {call.following} is kept as it stands; go on with: "
                f"{call.program} incident resume {call.following}"
            )
        return Exit.INTERRUPTED
    finally:
        call.close()
