"""BARO and N-Sigma from their authors' package: a program for an environment of its own.

It imports nothing of ours. Each line it reads names a file of one case (times, values by column,
services of the columns, the moment of the fault); it answers each with a line: by method the
services as ranked, and the milliseconds of CPU that took. `--prototype FOLDER SETS` instead runs
the code in FOLDER over folders of cases, with everything and with metrics alone.
"""

import importlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

METHODS = {"BARO": "robust_scorer", "N-Sigma": "nsigma"}


def ranked(file: str, times: int) -> Mapping[str, Any]:
    """Run both over one case; the fastest of so many times counts."""
    pandas = importlib.import_module("pandas")
    package = importlib.import_module("baro.root_cause_analysis")
    with np.load(file) as case:
        values, service = case["values"], case["service"]
        at, began = case["at"], float(case["began"])
    # A column's name is its service's up to the first "_": their convention.
    frame = pandas.DataFrame(values.T, columns=[f"{s}_{i}" for i, s in enumerate(service)])
    # As their own reader fills gaps (`baro.utility.read_data`).
    frame = frame.replace([np.inf, -np.inf], np.nan).ffill().fillna(0)
    frame.insert(0, "time", at)
    told: dict[str, Any] = {}
    for name, function in METHODS.items():
        method, spent, ranks = getattr(package, function), [], []
        for _ in range(times):
            start = time.process_time()
            ranks = method(frame.copy(), inject_time=began)["ranks"]
            spent.append((time.process_time() - start) * 1000.0)
        services = dict.fromkeys(int(column.split("_")[0]) for column in ranks)
        told[name] = {"services": list(services), "cpu_ms": min(spent)}
    return told


def by_prototype(folder: str, sets: str) -> Iterator[Mapping[str, Any]]:
    """Yield what the code in `folder` makes of each case: the truth's place, with what it saw."""
    sys.path.insert(0, folder)
    reader, engine = (importlib.import_module(name) for name in ("cases_io", "engine"))
    for one in sorted(Path(sets).iterdir()):
        for case in reader.load_dir(str(one)) if (one / "truth.json").exists() else ():
            alone = replace(case, graph=None, target=None)
            bare = replace(alone, spans=None, logs=None, changes=None)
            seen = {"everything": case, "no graph, no alert": alone, "metrics alone": bare}
            for what, given in seen.items():
                start = time.process_time()
                names = [row[0] for row in engine.rank(given)]
                spent = (time.process_time() - start) * 1000.0
                place = names.index(case.truth) + 1 if case.truth in names else 10**6
                yield {"case": case.id, "seen": what, "place": place, "cpu_ms": spent}


def main() -> None:
    """Answer until there is nothing more to read."""
    if sys.argv[1:2] == ["--prototype"]:
        for told in by_prototype(*sys.argv[2:4]):
            print(json.dumps(told), flush=True)
        return
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(ranked(asked["file"], asked["times"])), flush=True)


if __name__ == "__main__":
    main()
