"""Whose a file is: what decides about us belongs to us or root, and nobody else can write it.

Every folder on the way counts: who can write one can put another file in its place. Access lists
beyond owner, group and others are not looked at.
"""

import grp
import os
import pwd
import shlex
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

MOST_LINKS = 40  # as the kernel's; beyond it they go in a circle
_MOST_SHOWN = 3  # flaws of one message; mending those often mends the rest


@dataclass(frozen=True)
class Ourselves:
    """Who we are: a user and the groups that have no other member."""

    uid: int = field(default_factory=os.geteuid)
    groups: frozenset[int] = field(default_factory=lambda: _own_groups(os.geteuid()))


def flaw(path: Path, ourselves: Ourselves | None = None) -> str:
    """Return why others can change what is at `path`, and what mends it; "" when they cannot.

    What is not there yet is judged by the folders on its way.
    """
    us, end = ourselves or Ourselves(), path.absolute()
    try:
        for step, seen in _steps(end):
            if why := _flaw(step, seen, us, last=_same(seen, end)):
                return why if step == end else f"{why} ({end} depends on it)"
    except OSError as error:
        return f"{end} cannot be looked at: {error.strerror or error}"
    return ""


def flaws_below(
    folder: Path, ending: str = "", ourselves: Ourselves | None = None, *, but: str = ""
) -> Iterator[str]:
    """Yield the same for a folder and each file in and below it whose name ends so.

    One of the name `but` directly in it does not count.
    """
    us = ourselves or Ourselves()
    if why := flaw(folder, us):
        yield why
        return
    try:
        found = (entry for entry in os.scandir(folder) if entry.name != but)
        entries = sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield f"{folder} cannot be looked at: {error.strerror}"
        return
    for entry in entries:
        where = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from flaws_below(where, ending, us)
        elif not where.name.endswith(ending):
            continue
        elif entry.is_symlink():
            yield from filter(None, (flaw(where, us),))
        else:
            yield from _of_entry(where, us)


def message(flaws: Iterable[str]) -> str:
    """Return the first flaws as lines, each a sentence; "" when there is none."""
    found = list(flaws)
    more = [f"... and {len(found) - _MOST_SHOWN} more."] if len(found) > _MOST_SHOWN else []
    return "\n".join([*(f"{one}." for one in found[:_MOST_SHOWN]), *more])


def _of_entry(where: Path, us: Ourselves) -> Iterator[str]:
    try:
        why = _flaw(where, where.lstat(), us, last=True)
    except FileNotFoundError:  # gone meanwhile, as journals of a database are
        return
    if why:
        yield why


def _steps(end: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield every folder, link and file on the way, from the root on, as far as it is there."""
    here, left, links = Path(end.anchor), [*reversed(end.parts[1:])], 0
    yield here, here.lstat()
    while left:
        part = left.pop()
        if part == "..":
            here = here.parent  # holds no link: those were followed
            continue
        step = here / part
        try:
            seen = step.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return
        yield step, seen
        if not stat.S_ISLNK(seen.st_mode):
            here = step
            continue
        links += 1
        if links > MOST_LINKS:
            raise OSError(None, "its links go in a circle")
        target = step.readlink()
        here = Path(target.anchor) if target.is_absolute() else here
        left += reversed(target.parts[1:] if target.is_absolute() else target.parts)


def _same(seen: os.stat_result, end: Path) -> bool:
    try:
        found = end.stat()
    except OSError:  # not there yet: every step is on its way
        return False
    return (seen.st_dev, seen.st_ino) == (found.st_dev, found.st_ino)


def _flaw(step: Path, seen: os.stat_result, us: Ourselves, *, last: bool) -> str:
    if seen.st_uid not in (0, us.uid):
        mend = f"chown {_name(us.uid)} {shlex.quote(str(step))}"
        return f"{step} belongs to {_name(seen.st_uid)} and decides about us; run: {mend}"
    others = seen.st_mode & stat.S_IWOTH
    group = seen.st_mode & stat.S_IWGRP and seen.st_gid not in us.groups
    # Of a sticky folder nobody can take away what is ours, and the next step is looked at.
    passed = not last and stat.S_ISDIR(seen.st_mode) and seen.st_mode & stat.S_ISVTX
    if stat.S_ISLNK(seen.st_mode) or passed or not (others or group) or _read_only(step):
        return ""
    whom = ("g" if group else "") + ("o" if others else "")
    return f"{step} can be written by others; run: chmod {whom}-w {shlex.quote(str(step))}"


def _read_only(step: Path) -> bool:
    """Whether its file system is mounted so, as a pod's configuration is."""
    return bool(os.statvfs(step).f_flag & os.ST_RDONLY)


def _own_groups(uid: int) -> frozenset[int]:
    """Return our groups in which nobody else is known, as a pod's fsGroup and a user's own are."""
    own = (os.getegid(), *os.getgroups())
    return frozenset(number for number in own if not _members(number) - {_name(uid)})


def _members(number: int) -> set[str]:
    try:
        return set(grp.getgrgid(number).gr_mem)
    except KeyError:  # a number without a name: the pod's
        return set()


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a number without a name
        return str(uid)
