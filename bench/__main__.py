"""Measure against the promised limits; exits 1 when one is exceeded."""

import os
import sys

from bench import idle, install, startup, story
from bench.row import report

PARTS = (startup, install, story, idle)


def main() -> int:
    """Measure part after part, saying which; print all rows at the end."""
    rows = []
    for part in PARTS:
        print(f"measuring: {(part.__doc__ or '').strip()}", file=sys.stderr)
        rows.extend(part.rows())
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    return 0 if report(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
