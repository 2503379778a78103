"""What a killed process leaves behind: all that was committed, nothing else."""

import os
import signal
import subprocess
import sys

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore

VICTIM = """
import os, signal, sys
from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from tests.contracts.samples import an_event
engine = make_engine(sys.argv[1])
upgrade(engine)
store = SqlStore(engine)
with store.begin() as work:
    for key in ("e1", "e2", "e3"):
        work.events.append(an_event(key))
    work.events.advance("bell", work.events.after(0)[1].id)
with store.begin() as work:
    work.events.append(an_event("lost"))
    work.events.advance("bell", 999)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_cursor_goes_on_where_a_killed_process_committed_it(store_url: str) -> None:
    command = [sys.executable, "-c", VICTIM, store_url]
    killed = subprocess.run(command, env={**os.environ, "PYTHONPATH": "."}, check=False)
    engine = make_engine(store_url)
    upgrade(engine)
    with SqlStore(engine).begin() as work:
        left = work.events.after(work.events.cursor("bell"))
        all_of_them = work.events.after(0)
    engine.dispose()

    assert killed.returncode == -signal.SIGKILL
    assert [event.key for event in left] == ["e3"]
    assert [event.key for event in all_of_them] == ["e1", "e2", "e3"]
