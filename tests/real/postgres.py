"""A PostgreSQL of a test's own, that can be stopped, held up and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from .processes import Process, free_port, until

BINARIES = Path("/usr/lib/postgresql/15/bin")
START_SECONDS = 20.0
FAST = signal.SIGINT  # what `pg_ctl stop -m fast` sends


class Postgres:
    """One server in a folder of its own; leaving the `with` block ends it and removes the folder.

    `stop` is the fast way: open transactions are rolled back and connections closed. `held` is a
    server that answers nothing, while its machine still does.
    """

    def __init__(self, most: int = 100) -> None:
        # Below /tmp: its user may not enter a folder of pytest's.
        self.folder = Path(tempfile.mkdtemp(prefix="aiops-postgres-"))
        self.port = free_port()
        self.most = most
        self._process: Process | None = None
        shutil.chown(self.folder, "postgres")
        command = [*_AS_POSTGRES, str(BINARIES / "initdb"), "-A", "trust", "-U", "postgres"]
        made = subprocess.run(
            [*command, "-N", "-D", str(self.data)], check=False, capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        """The address for an ordinary user, who gets none of the connections kept for the owner."""
        return f"postgresql://aiops@127.0.0.1:{self.port}/aiops"

    def start(self) -> None:
        """Start it, with the data it had, and wait until it lets somebody in."""
        command = [str(BINARIES / "postgres"), "-D", str(self.data), "-k", str(self.folder)]
        options = ["-h", "127.0.0.1", "-p", str(self.port), "-c", f"max_connections={self.most}"]
        log = self.folder / "postgres.log"
        # No shell in between: the process id is that of the server itself.
        self._process = Process([*_AS_POSTGRES, *command, *options], log)
        until(self._ready, START_SECONDS, "PostgreSQL to let somebody in")

    def make_database(self) -> None:
        """Make the database and its owner, who is no superuser."""
        self.sql("CREATE ROLE aiops LOGIN", "CREATE DATABASE aiops OWNER aiops")

    def stop(self) -> None:
        """Stop it at once: what is open is rolled back."""
        assert self._process is not None
        self._process.stop(ask=FAST)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let it answer nothing inside: each of its processes stands still."""
        assert self._process is not None
        server = self._process.pid
        # The server stands first and goes on last: while it stands it buries no child, so that no
        # id of a connection that ends meanwhile goes away or to somebody else.
        os.kill(server, signal.SIGSTOP)
        connections = children(server)
        for pid in connections:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in (*connections, server):
                os.kill(pid, signal.SIGCONT)

    def sql(self, *statements: str) -> str:
        """Run statements as the superuser, and return what they answer."""
        words = [word for one in statements for word in ("-c", one)]
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", "postgres"]
        ran = subprocess.run(
            [str(BINARIES / "psql"), "-Atq", *where, *words],
            check=False,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def _ready(self) -> bool:
        command = [str(BINARIES / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process is not None:
            self._process.stop(ask=FAST)
        shutil.rmtree(self.folder, ignore_errors=True)


def children(pid: int) -> list[int]:
    """Return the ids of the processes that this one has started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


_AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
