"""An answer given by creating a file: private, regular, owned by us, and consumed once.

The file of request INC-0042.1 is `INC-0042.1.approve`. It holds one line, `approve DIGEST` or
`reject DIGEST why`; the digest ties it to the plan that was shown.
"""

import os
import pwd
import re
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from aiops_agent.domain.approval import Decision, Surface
from aiops_agent.domain.errors import ApprovalError

SUFFIX = ".approve"
MAX_BYTES = 4096  # a digest and a reason take a few hundred
_REQUEST = re.compile(r"[A-Z]{2,8}-[0-9]{1,12}\.[0-9]{1,3}")
_LINE = re.compile(r"(approve|reject) +([0-9a-f]{64})(?: +(\S[^\r\n]*?))?\s*")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def approval_line(path: Path, digest: str) -> str:
    """Return the shell line that creates the approving file, readable by its owner only."""
    return f"(umask 077; printf 'approve {digest}\\n' > {shlex.quote(str(path))})"


@dataclass(frozen=True)
class ApprovalFiles:
    """The folder in which answers appear."""

    folder: Path

    def path(self, request: str) -> Path:
        """Return where the answer to a request would be."""
        return self.folder / f"{request}{SUFFIX}"

    def open_folder(self) -> None:
        """Make sure that the folder is there, for its owner only. Raises ApprovalError."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ApprovalError(f"{self.folder} cannot be made: {error.strerror}.") from error

    def waiting(self) -> tuple[str, ...]:
        """Return the requests for which an answer is there and not empty, by name."""
        try:
            names = [entry.name for entry in os.scandir(self.folder) if _written(entry)]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ApprovalError(f"{self.folder} cannot be read: {error.strerror}.") from error
        requests = (name.removesuffix(SUFFIX) for name in sorted(names) if name.endswith(SUFFIX))
        return tuple(request for request in requests if _REQUEST.fullmatch(request))

    def take(self, request: str, at: datetime) -> Decision | None:
        """Consume the answer to a request; None when there is none (any more).

        Raises ApprovalError with the reason when the file does not count. It is consumed then too,
        unless the folder is to blame.
        """
        if request not in self.waiting():
            return None
        with self._opened() as folder:
            # Whoever renames it has it: no two readers can take the same answer.
            taken = f".{request}.{uuid4().hex}.taken"
            try:
                os.rename(f"{request}{SUFFIX}", taken, src_dir_fd=folder, dst_dir_fd=folder)
            except FileNotFoundError:
                return None
            try:
                return _decision(_content(taken, folder), at)
            finally:
                # Somebody may have made a folder of that name: under its new one it is out of
                # the way.
                with suppress(IsADirectoryError):
                    os.unlink(taken, dir_fd=folder)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            folder = os.open(self.folder, flags)
        except OSError as error:
            raise ApprovalError(f"{self.folder} cannot be opened: {error.strerror}.") from error
        try:
            _private(os.fstat(folder), str(self.folder))
            yield folder
        except OSError as error:
            raise ApprovalError(f"The approval file failed: {error.strerror}.") from error
        finally:
            os.close(folder)


def _written(entry: "os.DirEntry[str]") -> bool:
    # A shell creates a file empty and then writes its one line: empty is not there yet.
    try:
        return entry.is_symlink() or entry.is_dir() or entry.stat().st_size > 0
    except FileNotFoundError:
        return False


def _content(name: str, folder: int) -> bytes:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        opened = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        raise ApprovalError("The approval file is a link or cannot be read.") from error
    try:
        seen = os.fstat(opened)
        if not stat.S_ISREG(seen.st_mode) or seen.st_nlink != 1:
            raise ApprovalError("The approval file is not a regular file of its own.")
        _private(seen, "The approval file")
        content = os.read(opened, MAX_BYTES + 1)
    finally:
        os.close(opened)
    if len(content) > MAX_BYTES:
        raise ApprovalError(f"The approval file is larger than {MAX_BYTES} bytes.")
    return content


def _private(seen: os.stat_result, what: str) -> None:
    if seen.st_uid != os.geteuid():
        raise ApprovalError(f"{what} is not owned by the user who runs this process.")
    if seen.st_mode & _OTHERS_WRITE:
        raise ApprovalError(f"{what} can be written by others; use umask 077.")


def _decision(content: bytes, at: datetime) -> Decision:
    line = _LINE.fullmatch(content.decode("utf-8", "replace"))
    if line is None:
        raise ApprovalError(
            "The approval file must hold one line, `approve DIGEST` or `reject DIGEST why`."
        )
    return Decision(
        digest=line[2],
        approve=line[1] == "approve",
        by=_user(os.geteuid()),
        surface=Surface.FILE,
        at=at,
        reason=line[3] or "",
    )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a number without a name
        return f"uid {uid}"
