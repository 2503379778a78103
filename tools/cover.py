"""How well do the tests know the two rooms that must not err: safety and workflow?

usage: tools/cover.py [--mutants N] [--seed N]     by hand: with mutants it takes its time.
Prints JSON lines {row, n, goal, measured}; exits 1 below a goal. Survivors are listed on stderr.
What was found is kept in .coverage.d, so that a run that was cut off goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from queue import Queue

import coverage

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from aiops_agent.evaluation.goals import Goal  # noqa: E402 -- the same
from bench.told import tell  # noqa: E402 -- the same
from tools.cover_contexts import SECONDS  # noqa: E402 -- the root is on the path only now
from tools.mutants import Mutant, mutants  # noqa: E402 -- the same

ROOMS = ("safety", "workflow")
LINES_GOAL, KILLED_GOAL = 90.0, 85.0  # percent
KEPT = ROOT / ".coverage.d"
WORKERS = 2
MOST_DRY_SECONDS = 3600
QUICK_SECONDS = 0.05
LIKELY_SECONDS = 1.0  # a test of the mutant's own file that is slower has no precedence
MOST_SECONDS = 60.0  # of tests for one mutant, in their order: what they miss has survived
# They hold what is defined word for word, and so run no line of it: asked for every constant.
WORD_FOR_WORD = ("tests/test_promised_numbers.py", "tests/workflow/test_names.py")
PORTIONS = (10, 50)  # tests; most mutants die in the first, and only what is asked is collected


@dataclass(frozen=True)
class Lines:
    """What a run of all tests told: which lines ran, by which tests, and how long each took."""

    counted: dict[str, tuple[int, int]]  # room: statements, of them run
    tests: dict[str, dict[int, set[str]]]  # file: line: ids
    seconds: dict[str, float]

    def of(self, mutant: Mutant, sources: Mapping[str, str]) -> list[str]:
        """Return the tests that can see a mutant: its file's own and the fastest first."""
        found = self._that_run(mutant, sources)
        # Lines that a shared fixture runs count for the first test that asked for it: the quick
        # ones of the same file look at what it did.
        files = {_file(test) for test in found}
        quick = (test for test, took in self.seconds.items() if took < QUICK_SECONDS)
        found |= {test for test in quick if _file(test) in files}
        own = f"/test_{Path(mutant.path).stem}.py"
        if not found:  # run in another process, or by no test: by whose name do we know it?
            found = {test for test in self.seconds if _file(test).endswith(own)}
        if mutant.kind == "constant":
            found |= set(WORD_FOR_WORD)

        def order(test: str) -> tuple[bool, float, str]:
            took = self.seconds.get(test, 0.0)
            return not (_file(test).endswith(own) and took < LIKELY_SECONDS), took, test

        return sorted(found, key=order)

    def _that_run(self, mutant: Mutant, sources: Mapping[str, str]) -> set[str]:
        """Return the tests that run its line, or lines that use the name which is defined there."""
        of_file = self.tests.get(mutant.path, {})
        found = set(of_file.get(mutant.line, ()))
        if mutant.within != (0, 0):
            found |= _in(of_file, mutant.within)
        elif mutant.named:
            word = re.compile(rf"\b{re.escape(mutant.named)}\b")
            for path, text in sources.items():
                for number, line in enumerate(text.splitlines(), 1):
                    if word.search(line):
                        found |= self.tests.get(path, {}).get(number, set())
        return found

    def affordable(self, mutant: Mutant, sources: Mapping[str, str]) -> list[str]:
        """Return the first of those tests, as many as take MOST_SECONDS, and at least one."""
        tests = self.of(mutant, sources)
        spent = accumulate(self.seconds.get(test, 0.0) for test in tests)
        fast = [test for test, sofar in zip(tests, spent, strict=True) if sofar <= MOST_SECONDS]
        return fast or tests[:1]


def _file(test: str) -> str:
    return test.partition("::")[0]


def _portions(tests: Sequence[str]) -> Iterator[Sequence[str]]:
    for first, end in pairwise((0, *PORTIONS, len(tests))):
        if tests[first:end]:
            yield tests[first:end]


def _in(of_file: Mapping[int, set[str]], lines: tuple[int, int]) -> set[str]:
    return {
        test for line, tests in of_file.items() if lines[0] <= line <= lines[1] for test in tests
    }


def measure(tests: Sequence[str] = ()) -> Lines:
    """Run the tests under coverage, unless this very tree was measured already."""
    stamp, data = KEPT / "tree", KEPT / "data"
    tree = _digest(_files("src", "tests", "pyproject.toml")) + " ".join(tests)
    if not (stamp.exists() and stamp.read_text() == tree and data.exists()):
        shutil.rmtree(KEPT / "parts", ignore_errors=True)
        (KEPT / "parts").mkdir(parents=True)
        environ = {
            **os.environ,
            "COVERAGE_FILE": str(KEPT / "parts" / "data"),
            "COVERAGE_CORE": "ctrace",  # the one that can tell tests apart on every Python
            SECONDS: str(KEPT / "seconds"),
        }
        words = ["-m", "coverage", "run", "-m", "pytest", "-q", "-n", "2"]
        command = [sys.executable, *words, "-p", "tools.cover_contexts", *tests]
        if subprocess.run(
            command, check=False, cwd=ROOT, env=environ, stdout=sys.stderr
        ).returncode:
            raise SystemExit("cover: the tests fail; mend them first.")
        joined = coverage.Coverage(data_file=str(data), config_file=str(ROOT / "pyproject.toml"))
        joined.combine([str(KEPT / "parts")])
        joined.save()
        stamp.write_text(tree)
    return _read(data)


def _read(data: Path) -> Lines:
    read = coverage.Coverage(data_file=str(data), config_file=str(ROOT / "pyproject.toml"))
    read.load()
    counted, tests = {}, {}
    for room in ROOMS:
        statements = run = 0
        for file in _room(room):
            _, known, _, missing, _ = read.analysis2(str(file))
            statements, run = statements + len(known), run + len(known) - len(missing)
            contexts = read.get_data().contexts_by_lineno(str(file))
            name = file.relative_to(ROOT).as_posix()
            tests[name] = {line: {one for one in ids if one} for line, ids in contexts.items()}
        counted[room] = (statements, run)
    return Lines(counted, tests, json.loads((KEPT / "seconds").read_text()))


class Bench:
    """A copy of the tree in which mutants are tried, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._writes = folder, 0
        self._warm: subprocess.Popen[str] | None = None
        shutil.rmtree(folder, ignore_errors=True)
        for file in _files("."):
            to = folder / file.relative_to(ROOT)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, to)

    def passes(self, tests: Sequence[str]) -> bool:
        """Whether tests pass in this copy when nothing is changed: else all would seem to die."""
        return self._run(tests, MOST_DRY_SECONDS) == 0

    def dies(self, mutant: Mutant, tests: Sequence[str], limit: float) -> bool:
        """Whether a test fails, or does not end within `limit` seconds."""
        file = self._folder / mutant.path
        right = file.read_text("utf-8")
        try:
            self._write(file, mutant.text)
            return any(self._run(part, limit) != 0 for part in _portions(tests))
        finally:
            self._write(file, right)

    def _write(self, file: Path, text: str) -> None:
        """Write with a new second each time: compiled files go by it."""
        file.write_text(text, "utf-8")
        self._writes += 1
        os.utime(file, (self._writes * 10, self._writes * 10))

    def _run(self, tests: Sequence[str], limit: float) -> int:
        if self._warm is None or self._warm.poll() is not None:
            self._warm = self._warmed()
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        self._warm.stdin.write(json.dumps({"tests": list(tests), "limit": limit}) + "\n")
        self._warm.stdin.flush()
        return int(self._warm.stdout.readline() or -1)

    def _warmed(self) -> subprocess.Popen[str]:
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # none before a fork
        environ = {**os.environ, **threads, "PYTHONPATH": str(self._folder / "src")}
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", str(ROOT / "tools" / "warm.py")],
            cwd=self._folder,
            env={**environ, "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def close(self) -> None:
        """End the process that waits for mutants."""
        if self._warm is not None:
            self._warm.communicate()


@dataclass
class Trials:
    """What became of mutants, kept so that a cut-off run goes on; the dead stay dead."""

    lines: Lines
    sources: dict[str, str]

    def __post_init__(self) -> None:
        self._file = KEPT / "mutants.jsonl"
        self._tests = _digest(_files("tests"))
        self._known: dict[str, bool] = {}
        if self._file.exists():
            for line in self._file.read_text("utf-8").splitlines():
                row = json.loads(line)
                if row["died"] or row["tests"] == self._tests:
                    self._known[row["mutant"]] = row["died"]

    def run(self, chosen: Sequence[Mutant]) -> dict[str, bool]:
        """Return for each mutant whether it died."""
        benches: Queue[Bench] = Queue()
        left = [one for one in chosen if self._id(one) not in self._known]
        for number in range(min(WORKERS, len(left))):
            benches.put(Bench(KEPT / f"bench-{number}"))

        self._dry_run(left, benches)

        def one(mutant: Mutant) -> tuple[Mutant, bool]:
            tests = self.lines.affordable(mutant, self.sources)
            bench = benches.get()
            try:
                # Far above what they take, also on a busy machine: only what hangs is cut off.
                limit = 60 + 10 * sum(self.lines.seconds.get(test, 0.0) for test in tests)
                return mutant, bool(tests) and bench.dies(mutant, tests, limit)
            finally:
                benches.put(bench)

        with ThreadPoolExecutor(WORKERS) as pool, self._file.open("a", encoding="utf-8") as file:
            tried = [pool.submit(one, mutant) for mutant in left]
            for number, done in enumerate(as_completed(tried), 1):
                mutant, died = done.result()
                self._known[self._id(mutant)] = died
                row = {"mutant": self._id(mutant), "died": died, "tests": self._tests}
                file.write(json.dumps(row) + "\n")
                file.flush()
                if sys.stderr.isatty() or number % 20 == 0:
                    end = "\r" if sys.stderr.isatty() else "\n"
                    print(f"{number} of {len(left)}", end=end, file=sys.stderr, flush=True)
        while not benches.empty():
            benches.get().close()
        return {mutant.key: self._known[self._id(mutant)] for mutant in chosen}

    def _dry_run(self, mutants: Sequence[Mutant], benches: Queue[Bench]) -> None:
        asked = sorted(
            {test for one in mutants for test in self.lines.affordable(one, self.sources)}
        )
        stamp = hashlib.sha256(
            "\n".join([(KEPT / "tree").read_text(), *asked]).encode()
        ).hexdigest()
        if not asked or ((KEPT / "dry").exists() and (KEPT / "dry").read_text() == stamp):
            return
        size, ready = -(-len(asked) // benches.qsize()), list(benches.queue)
        parts = [asked[at : at + size] for at in range(0, len(asked), size)]
        with ThreadPoolExecutor(WORKERS) as pool:
            if not all(pool.map(Bench.passes, ready, parts)):
                raise SystemExit("cover: tests that pass here fail in a copy of the tree.")
        (KEPT / "dry").write_text(stamp)

    def _id(self, mutant: Mutant) -> str:
        return f"{hashlib.sha256(mutant.text.encode()).hexdigest()[:16]} {mutant.key}"


def main(argv: list[str]) -> int:
    """Measure, print the rows, list the survivors; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--room", choices=ROOMS, action="append", help="mutants of this room only")
    parser.add_argument("tests", nargs="*", help="paths, instead of all tests; to try it out")
    wanted = parser.parse_args(argv[1:])
    lines, kept = measure(wanted.tests), True
    for room, (statements, run) in lines.counted.items():
        kept &= _row(f"lines of {room} that run", statements, LINES_GOAL, run)
    if wanted.mutants:
        sources = _sources(ROOMS)
        every = [
            one for p, text in _sources(wanted.room or ROOMS).items() for one in mutants(p, text)
        ]
        draw = random.Random(wanted.seed)
        chosen = draw.sample(every, min(wanted.mutants, len(every)))
        died = Trials(lines, sources).run(chosen)
        for mutant in sorted(chosen, key=lambda one: (one.path, one.line)):
            if not died[mutant.key]:
                tests = len(lines.affordable(mutant, sources))
                print(f"survived {tests} tests: {mutant.key}", file=sys.stderr)
        kept &= _row("mutants that die", len(chosen), KILLED_GOAL, sum(died.values()))
    return 0 if kept else 1


def _row(name: str, n: int, goal: float, reached: int) -> bool:
    return not tell([Goal(name, n, round(100 * reached / max(n, 1), 1), f">= {goal:g}")])


def _room(room: str) -> list[Path]:
    return sorted((ROOT / "src" / "aiops_agent" / room).rglob("*.py"))


def _sources(rooms: Iterable[str]) -> dict[str, str]:
    files = (file for room in rooms for file in _room(room))
    return {file.relative_to(ROOT).as_posix(): file.read_text("utf-8") for file in files}


def _files(*places: str) -> list[Path]:
    """Return the files that git knows or would take up, below these places."""
    words = ["git", "ls-files", "-co", "--exclude-standard", "--", *places]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [file for name in sorted(set(listed.splitlines())) if (file := ROOT / name).is_file()]


def _digest(files: Iterable[Path]) -> str:
    made = hashlib.sha256()
    for file in files:
        made.update(f"{file}\0".encode() + file.read_bytes() + b"\0")
    return made.hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
