"""A command that has said its answer ends, whatever hangs in its process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aiops_agent.interfaces.cli.call import Call
from aiops_agent.interfaces.cli.exits import Exit

LONGEST = 60.0  # seconds for an interpreter to start, on a busy machine
START = """
import asyncio, functools, sys, threading
from concurrent.futures import ThreadPoolExecutor
from aiops_agent.interfaces.cli import leaving, main
from aiops_agent.interfaces.cli.call import Call
from aiops_agent.interfaces.cli.exits import Exit
soon = functools.partial(leaving.at_the_latest, seconds=0.2)
"""
# A worker that waits for what never comes, as a library's does for a loop that has ended.
A_THREAD = """
ThreadPoolExecutor(thread_name_prefix="stuck").submit(threading.Event().wait)
sys.argv = ["aiops", "--version"]
main.at_the_latest = {leaving}
main.program()
"""
A_TASK = """
async def stubborn():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

async def work():
    task = asyncio.ensure_future(stubborn())
    await asyncio.sleep(0)
    print("aiops said " + "x" * 100_000)
    return Exit.WAITING

sys.exit(Call(leaving={leaving}).run(work()))
"""


@contextmanager
def started(script: str, leave: str) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-u", "-c", START + script.replace("{leaving}", leave)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_code_is_known_before_the_loop_ends() -> None:
    codes: list[int] = []

    async def work() -> Exit:
        assert codes == []
        return Exit.WAITING

    assert Call(leaving=codes.append).run(work()) is Exit.WAITING
    assert codes == [Exit.WAITING]


@pytest.mark.slow
@pytest.mark.parametrize(("script", "code"), [(A_THREAD, Exit.DONE), (A_TASK, Exit.WAITING)])
def test_what_hangs_does_not_hold_up_the_end(script: str, code: Exit) -> None:
    with started(script, "soon") as process:
        said, errors = process.communicate(timeout=LONGEST)

    assert process.returncode == code
    assert said.startswith("aiops ")
    assert said.endswith("\n")
    assert errors.startswith("Ended 0.2 s after the work: MainThread")
    assert (script is A_THREAD) == ("stuck" in errors)


@pytest.mark.slow
@pytest.mark.parametrize("script", [A_THREAD, A_TASK])
def test_without_it_the_process_never_ends(script: str) -> None:
    with started(script, "lambda code: None") as process:
        assert process.stdout is not None
        if script is A_THREAD:
            assert process.stdout.readline().startswith("aiops ")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=5)
