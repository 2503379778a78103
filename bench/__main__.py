"""Measure against the promised limits; exits 1 when one is exceeded.

Without an argument all that takes minutes; `python -m bench NAME --seed N` one of the long ones, as
lines of JSON.
"""

import importlib
import os
import sys

from bench import idle, install, startup, story
from bench.row import report

PARTS = (startup, install, story, idle)
LONG = {  # a name, and the module whose `main(arguments)` measures it
    "airlock": "bench.airlock",
    "alerts": "bench.alerts",
    "clocks": "bench.clocks",
    "cluster-audit": "bench.cluster_audit",
    "cluster-hands": "bench.cluster_hands",
    "cluster-watch": "bench.cluster_watch",
    "cluster-rights": "bench.cluster_rights",
    "crowd": "bench.crowd",
    "diagnosis": "bench.diagnosis",
    "stops": "bench.stops",
    "door": "bench.door",
    "hands": "bench.hands",
    "hostile": "bench.hostile",
    "notices": "bench.notices",
    "orders": "bench.orders",
    "belief": "bench.belief",
    "bodies": "bench.bodies",
    "constants": "bench.constants",
    "patterns": "bench.patterns",
    "recordings": "bench.recordings",
    "public": "bench.public",
    "rca": "bench.rca",
    "secrets": "bench.planted",
    "kubernetes": "bench.kubernetes",
    "laws": "bench.laws",
    "leaks": "bench.planted_house",
    "behaviours": "bench.behaviours",
    "kills": "bench.kills",
    "live": "bench.live",
    "memory": "bench.memory",
    "metrics": "bench.metrics",
    "storms": "bench.storms",
    "struck": "bench.struck",
    "watch": "bench.watch",
}


def main() -> int:
    """Measure part after part, saying which; print all rows at the end."""
    if arguments := sys.argv[1:]:
        return one(arguments[0], arguments[1:])
    rows = []
    for part in PARTS:
        print(f"measuring: {(part.__doc__ or '').strip()}", file=sys.stderr)
        rows.extend(part.rows())
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    return 0 if report(rows) else 1


def one(name: str, arguments: list[str]) -> int:
    """Measure one of the long ones."""
    if name not in LONG:
        print(
            f"bench: no measurement is called {name}; there are {', '.join(LONG)}", file=sys.stderr
        )
        return 2
    code: int = importlib.import_module(LONG[name]).main(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
