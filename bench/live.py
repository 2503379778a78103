"""Three incidents of the built-in shop with the real models of this environment, under a cost cap.

`python -m bench live [--usd N]`. It costs money: a key must be set, or `AIOPS_MODELS_BASE_URL` name
a server. What is measured is that it works and what it costs, not whether the models are right.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiops_agent.adapters.models.section import KEY_NAMES
from aiops_agent.evaluation.goals import Goal
from bench.told import tell

SCENARIOS = ("traffic-surge", "slow-release", "third-party-outage")
ENDED = (0, 5, 6, 7)  # the exit codes of an incident that has ended
PLACE = "AIOPS_MODELS_BASE_URL"


def main(arguments: Sequence[str]) -> int:
    """Run the incidents; 1 when one does not end, no model answers or too much is spent."""
    parser = argparse.ArgumentParser(prog="python -m bench live", description=__doc__)
    parser.add_argument("--usd", type=float, default=0.15, help="at most so much, for all of it")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    keys = [name for names in KEY_NAMES.values() for name in names]
    if not any(os.environ.get(name) for name in (*keys, PLACE)):
        print(f"not run: set {' or '.join(keys)}; it costs at most --usd.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "AIOPS_STATE_DIR": folder, "AIOPS_NO_INPUT": "1"}
        environ["AIOPS_MODELS_BUDGET_USD_PER_DAY"] = str(given.usd)
        codes = [_lived(name, given.seed, environ, Path(folder)) for name in SCENARIOS]
        stats = json.loads(_aiops("stats", "-o", "json", environ=environ, folder=folder).stdout)
    return tell(_goals(codes, stats, given.usd))


def _lived(scenario: str, seed: int, environ: Mapping[str, str], folder: Path) -> int:
    words = ("demo", scenario, "--yes", "--seed", str(seed))
    done = _aiops(*words, environ=environ, folder=folder)
    print(f"{scenario}: exit {done.returncode}\n{done.stderr}", file=sys.stderr)
    return done.returncode


def _aiops(
    *words: str, environ: Mapping[str, str], folder: Path | str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aiops_agent.interfaces.cli.main", *words]
    return subprocess.run(
        command,
        check=False,
        env=dict(environ),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1200,
    )


def _goals(codes: Sequence[int], stats: Any, usd: float) -> Iterator[Goal]:
    used = [agent["usage"] for agent in stats["agents"]]
    asked = sum(usage["requests"] for usage in used)
    failed = sum(agent["failed"] for agent in stats["agents"])
    known = [usage["cost"] for usage in used if usage["cost"] is not None]
    ended = sum(code in ENDED for code in codes)
    yield Goal("incidents that ended", len(codes), ended, f">= {len(codes)}")
    yield Goal("requests to models that were answered", asked, asked - failed, ">= 1")
    yield Goal("tokens in and out", asked, sum(u["input"] + u["output"] for u in used))
    yield Goal("USD spent, of known prices", asked, sum(known), f"<= {usd:g}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
