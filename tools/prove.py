"""The long counted proofs, two at a time; what is done is remembered, so a cut run goes on.

usage: tools/prove.py [STAGE...] [--list] [--again] [--seed N] [--folder FOLDER] [--jobs N]
Each stage is a command. One line per stage tells its counts; exits 1 when one failed. A stage is
done for one state of the source: after a change of code it runs again. Those that use all cores, or
measure how long something takes, run alone, after the others.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).parents[1]
HOME = ROOT / "build" / "prove"  # git does not see it, `make clean` takes it away
FAULTS = HOME / "faults-{source}"  # answers to the faults of a run that was cut off
SOURCES = ("src", "bench", "tools", "tests", "pyproject.toml", "requirements.lock")
MOST_MINUTES = 60
JOBS = min(2, os.cpu_count() or 1)


@dataclass(frozen=True)
class Stage:
    """One proof; `{seed}` and `{source}` in its command are replaced. It may take so many minutes.

    One that `waits` for real servers needs little of the machine, and that at once: it runs beside
    the others, which give way to it.
    """

    name: str
    command: tuple[str, ...]
    minutes: int
    alone: bool = False
    waits: bool = False


@dataclass(frozen=True)
class Result:
    """How a stage ended, for which source and seed."""

    stage: str
    source: str
    seed: int
    code: int
    seconds: float
    rows: int
    missed: int
    cases: int

    def __str__(self) -> str:
        verdict = "ok" if not self.code else f"FAILED ({self.code})"
        counts = f"{self.rows} rows, {self.cases:,} cases, {self.missed} missed"
        return f"{self.stage:<12} {verdict:<12} {counts:<44} {self.seconds:7.0f} s"


def stages() -> tuple[Stage, ...]:
    """Return all stages, the long ones first: so two lanes end together."""
    bench = (sys.executable, "-m", "bench")
    tests = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    seeded = ("--seed", "{seed}")
    found = [
        Stage("hostile", (*bench, "hostile", *seeded), 40),
        Stage("airlock", (*bench, "airlock", *seeded), 30),
        Stage("clocks", (*bench, "clocks", *seeded), 10),
        Stage("patterns", (*bench, "patterns", *seeded), 20),
        Stage("behaviours", (*bench, "behaviours", *seeded), 15),
        Stage("outcomes", (sys.executable, "tools/outcomes.py", "--seeds", "1-10"), 15),
        Stage("kills", (*bench, "kills", *seeded), 15),
        Stage("hands", (*bench, "hands", *seeded), 10),
        Stage("cluster-hands", (*bench, "cluster-hands", *seeded), 10),
        Stage("laws", (*bench, "laws", *seeded), 10),
        Stage("notices", (*bench, "notices", *seeded), 15),
        Stage("leaks", (*bench, "leaks", *seeded), 5),
        Stage("orders", (*bench, "orders", *seeded), 5),
        Stage("secrets", (*bench, "secrets", *seeded), 5),
        Stage("door", (*bench, "door", *seeded), 5),
        Stage("watch", (*bench, "watch", *seeded), 20),
        Stage("storms", (*bench, "storms", *seeded), 10),
        Stage("crowd", (*bench, "crowd", *seeded), 15, alone=True),
        Stage("bodies", (*bench, "bodies", *seeded), 10, alone=True),
        Stage("stops", (*bench, "stops", *seeded), 20, alone=True),
        Stage(
            "long",
            (*tests, "-m", "long and not real", "-n", "2", "--timeout", "600"),
            15,
            alone=True,
        ),
    ]
    if os.geteuid() == 0:  # what needs real servers installs and starts them
        names = ("strangers", "outages", "senders")
        some = tuple(f"tests/real/test_{name}.py" for name in names)
        chosen = (*some, "-m", "real", "-k", "well or rolled_back or silence", "-n", "3")
        chosen = (*chosen, "--timeout", "2400")
        real = ("env", "AIOPS_TEST_HEALTHY=1200", "AIOPS_TEST_SECONDS=2700", "tests/real/run.sh")
        found.append(Stage("real", (*real, *chosen), 45, waits=True))
        drawn = ("AIOPS_TEST_RUNS=3", "AIOPS_TEST_SEED={seed}", f"AIOPS_TEST_FOLDER={FAULTS}")
        chosen = ("tests/real/run.sh", "tests/real/test_faults.py", "-m", "real", "-n", "2")
        # Eleven minutes, and until then it waits for the real parts, which serve one run at a time.
        found.append(Stage("faults", ("env", *drawn, *chosen), MOST_MINUTES, waits=True))
    cases = os.environ.get("CASES")
    if cases:  # recorded conversations lie outside of the checkout
        found.insert(0, Stage("recordings", (*bench, "recordings", "--cases", cases), 5))
    return tuple(found)


def main() -> int:
    """Run what is asked for and not yet done."""
    parser = argparse.ArgumentParser(description="Run the long counted proofs.")
    parser.add_argument("stages", nargs="*", help="all when none is named")
    parser.add_argument("--list", action="store_true", help="say which there are")
    parser.add_argument("--again", action="store_true", help="also those that are done")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=HOME, help="where results are kept")
    parser.add_argument("--jobs", type=int, default=JOBS, help="stages at a time")
    asked = parser.parse_args()
    known = {stage.name: stage for stage in stages()}
    if unknown := [name for name in asked.stages if name not in known]:
        print(f"prove: no stage is called {unknown[0]}; there are {', '.join(known)}.")
        return 2
    if asked.list:
        for stage in known.values():
            print(f"{stage.name:<12} at most {stage.minutes} min: {' '.join(stage.command)}")
        return 0
    chosen = [known[name] for name in asked.stages or known]
    return prove(chosen, asked.folder, asked.seed, again=asked.again, jobs=asked.jobs)


def prove(
    chosen: list[Stage], folder: Path, seed: int, *, again: bool = False, jobs: int = JOBS
) -> int:
    """Run the stages, keep each result at once, print all of them; return the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    source, writing, began = fingerprint(ROOT), Lock(), time.monotonic()

    def one(stage: Stage) -> Result:
        with writing:
            known = None if again else kept(folder, stage, source, seed)
        done = known or run(stage, folder, source, seed)
        with writing:
            if known is None:
                with (folder / "results.jsonl").open("a") as file:
                    file.write(json.dumps(asdict(done)) + "\n")
            print(done, flush=True)
        return done

    waiting = [stage for stage in chosen if stage.waits]
    working = [stage for stage in chosen if not (stage.waits or stage.alone)]
    with ThreadPoolExecutor(max(1, len(waiting))) as beside, ThreadPoolExecutor(jobs) as pool:
        waited = beside.map(one, waiting)
        results = [*pool.map(one, working), *waited]
    results += [one(stage) for stage in chosen if stage.alone]
    failed = [one.stage for one in results if one.code]
    total, minutes = sum(one.cases for one in results), (time.monotonic() - began) / 60
    print(
        f"prove: {len(results)} stages, {total:,} cases, {minutes:.0f} min, failed: {failed or 0}"
    )
    return 1 if failed else 0


def kept(folder: Path, stage: Stage, source: str, seed: int) -> Result | None:
    """Return the newest good result of the stage for this source and seed."""
    file = folder / "results.jsonl"
    if not file.exists():
        return None
    found = [Result(**json.loads(line)) for line in file.read_text().splitlines() if line]
    same = [
        one
        for one in found
        if (one.stage, one.source, one.seed, one.code) == (stage.name, source, seed, 0)
    ]
    return same[-1] if same else None


def run(stage: Stage, folder: Path, source: str, seed: int) -> Result:
    """Run one stage; its output is kept beside the results."""
    known = {"{seed}": str(seed), "{source}": source}
    command = [_filled(part, known) for part in stage.command]
    if not (stage.waits or stage.alone):
        command = ["nice", "-n", "10", *command]
    out, began = folder / f"{stage.name}.out", time.monotonic()
    with out.open("w") as output, (folder / f"{stage.name}.err").open("w") as errors:
        try:
            code = subprocess.run(
                command,
                cwd=ROOT,
                stdout=output,
                stderr=errors,
                check=False,
                timeout=stage.minutes * 60,
            ).returncode
        except subprocess.TimeoutExpired:
            code = 124
    rows = list(_rows(out))
    cases = sum(int(row.get("n", 0)) for row in rows)
    missed = (folder / f"{stage.name}.err").read_text().count("missed: ")
    took = time.monotonic() - began
    return Result(stage.name, source, seed, code, took, len(rows), missed, cases)


def _filled(part: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        part = part.replace(name, value)
    return part


def _rows(out: Path) -> list[dict[str, Any]]:
    lines = out.read_text("utf-8", "replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"row"')]


def fingerprint(root: Path) -> str:
    """Return a short hash of all source, so that a result belongs to what it proved."""
    seen = hashlib.sha256()
    for name in SOURCES:
        place = root / name
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                seen.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return seen.hexdigest()[:16]


if __name__ == "__main__":
    raise SystemExit(main())
