"""A process that imports everything once and forks a victim per line of its input.

Each line is a job; the answer is how its process ended: `0`, `-9`, or what went wrong.
"""

import os
import signal
import sys
import traceback
from pathlib import Path

from tests.kill.job import STOPPED, Job
from tests.kill.victim import live

LONGEST_SECONDS = 60  # then the process ends as if hung, and the run is wrong


def main() -> None:
    """Fork, wait, answer, until the input ends."""
    for line in sys.stdin:
        job = Job.read(line)
        child = os.fork()
        if not child:
            born(job)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def born(job: Job) -> None:
    """Live as a process of one's own; what goes wrong is left in a file."""
    code = 1
    signal.alarm(LONGEST_SECONDS)
    try:
        sys.stderr = (Path(job.folder) / "stderr.txt").open("a", buffering=1)
        code = 0 if live(job) else STOPPED
    except BaseException:  # noqa: BLE001 -- the forked child may not fall back into the parent's loop
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
