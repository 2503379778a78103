"""Where did each test of an earlier commit go? Every one has a successor today, or a reason.

usage: tools/testmap.py [--gather FILE...]   ids are those of pytest without parameters.
Exit 1: a test has neither, or its successor does not exist; 2: the history does not reach back.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
BEFORE = "b8af0be"  # the last commit before the house was made ready for more rooms
MOVED = ROOT / "tests" / "moved.tsv"  # old id, tab, new id or "reason: ..."; the last line counts
REASON = "reason: "

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: str, text: str) -> Iterator[str]:
    """Yield the ids of the tests in a file."""

    def below(body: list[ast.stmt], name: str) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                yield from below(node.body, f"{name}::{node.name}")
            elif isinstance(node, Function) and node.name.startswith("test_"):
                yield f"{name}::{node.name}"

    if path.rpartition("/")[2].startswith("test_"):
        yield from below(ast.parse(text, path).body, path)


def tests_before() -> list[str]:
    """Return the ids of all tests of the earlier commit; raises CalledProcessError without it."""
    listed = _git("ls-tree", "-r", "--name-only", BEFORE, "tests").split()
    files = [path for path in listed if path.endswith(".py")]
    return [one for path in files for one in functions(path, _git("show", f"{BEFORE}:{path}"))]


def tests_today() -> set[str]:
    """Return the ids of all tests that are here."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    texts = ((file.relative_to(ROOT).as_posix(), file.read_text("utf-8")) for file in files)
    return {one for path, text in texts for one in functions(path, text)}


def read_moves(text: str) -> dict[str, str]:
    """Return what became of each id; a later line wins over an earlier one."""
    lines = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {old.strip(): new.strip() for old, new in lines}


def successor(old: str, moves: Mapping[str, str]) -> str:
    """Follow the moves from an old id to the last name it got, or to a reason."""
    name, seen = old, {old}
    while name in moves and moves[name] not in seen:
        name = moves[name]
        seen.add(name)
    return name


def flaws(before: Iterable[str], moves: Mapping[str, str], today: set[str]) -> list[str]:
    """Return one sentence for each test that is lost, and for each line that says nothing."""
    known = [*before]
    told = {*known, *moves.values()}
    said = [f"{old}: it was no test of {BEFORE}" for old in moves if old not in told]
    for old in known:
        name = successor(old, moves)
        if name.startswith(REASON.strip()):
            if len(name) <= len(REASON):
                said.append(f"{old}: the reason is empty")
        elif name not in today:
            more = "" if name == old else f", its successor {name} does not exist"
            said.append(f"{old}: lost{more}; write a successor or a reason into {MOVED.name}")
    return said


def main(argv: list[str]) -> int:
    """Check the map, after gathering lines from files when there are any; print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gather", nargs="+", type=Path, default=[], metavar="FILE")
    gathered = parser.parse_args(argv[1:]).gather
    try:
        before = tests_before()
    except (OSError, subprocess.CalledProcessError):
        print(f"testmap: this clone has no {BEFORE}: fetch the whole history.", file=sys.stderr)
        return 2
    moves, today = read_moves(MOVED.read_text("utf-8")), tests_today()
    for file in gathered:
        moves |= read_moves(file.read_text("utf-8"))
    if gathered:
        _write({old: new for old, new in moves.items() if old != new})
    found = flaws(before, moves, today)
    for flaw in found:
        print(f"testmap: {flaw}", file=sys.stderr)
    ends = {old: successor(old, moves) for old in before}
    reasons = sum(end.startswith(REASON) for end in ends.values())
    same = sum(old == end for old, end in ends.items())
    new = len(today - {*ends.values()})
    print(
        f"testmap: {len(before)} tests of {BEFORE}: {same} kept their name, "
        f"{len(before) - same - reasons} have a successor, {reasons} a reason, "
        f"{len(found)} flaws; {len(today)} tests today, {new} of them new"
    )
    return 1 if found else 0


def _write(moves: Mapping[str, str]) -> None:
    head = f"# Where the tests of {BEFORE} went that have another name now; see tools/testmap.py\n"
    MOVED.write_text(head + "".join(f"{old}\t{moves[old]}\n" for old in sorted(moves)), "utf-8")


def _git(*words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return ran.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv))
