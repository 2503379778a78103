"""Lives of incidents word for word, kept in files: what a person on call reads while it happens.

To change words on purpose: delete the file, run the test, read what it wrote.
"""

import re
from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path

from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.point import Point

KEPT = Path(__file__).parent / "timelines"
# Of wall time, of the bodies of this very shop, and of this machine.
CHANGING = re.compile(
    r"(\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d( UTC|\.[\d:+]+)"
    r"|\b[0-9a-f]{12,64}\b|/[\w/.-]*pytest-[\w/.-]+"
)
LONG = (EventType.ALERT_RECEIVED, EventType.EVIDENCE_ADDED)  # the same in most lives


def written(
    end: Incident,
    events: Sequence[Event],
    steps: Sequence[str] = (),
    passed: Sequence[Point] = (),
) -> str:
    """Return two lines for each event (who says what, citing what; its key), steps and end.

    With steps, which are a stored format, what most lives have in common is left out. `passed` are
    the points at which tests kill the process.
    """
    lines = []
    for event in (one for one in events if not steps or one.type not in LONG):
        cites = f" [{' '.join(event.refs)}]" if event.refs else ""
        lines.append(f"{event.phase} {event.type} {event.agent}: {event.message}{cites}")
        lines.append(f"    {event.key}")
    # How often it looks, waits and tries again is the machine's: each is named once.
    lines += [f"- {name}" for name in dict.fromkeys(steps) if not name.startswith("DBOS.")]
    lines += [f"* {point}" for point in dict.fromkeys(passed) if point is not Point.WAITING]
    lines.append(f"= {end.status} {end.ending} recovery {end.recovery}: {end.note}")
    for attempt in end.attempts:
        left = attempt.outcome.state if attempt.outcome else "nothing sent"
        lines.append(f"= attempt {attempt.number}: {left}, refuted {attempt.refuted or 'nothing'}")
    return CHANGING.sub("...", "\n".join(lines)) + "\n"


def check(name: str, now: str) -> None:
    """Compare with what is kept under a name."""
    file = KEPT / f"{name}.txt"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        file.write_text(now)
        raise AssertionError(f"{file.name} was written: read it, and keep it if it is right.")
    was = file.read_text()
    assert now == was, "\n".join(unified_diff(was.splitlines(), now.splitlines(), "kept", "now"))
