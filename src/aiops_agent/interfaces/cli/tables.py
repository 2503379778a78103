"""What the doctor and the survey saw, and plain facts, line by line."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.survey import ServiceSurvey
from aiops_agent.domain.telemetry import GOLDEN
from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.layout import GAP, table
from aiops_agent.interfaces.terminal.palette import BAD, GOOD, QUIET, STRONG, WARN

_MARKS = {
    Health.OK: ("✓", GOOD),
    Health.NOTE: ("!", WARN),
    Health.PROBLEM: ("✗", BAD),
    Health.OFF: ("·", QUIET),
}


def facts(rows: Sequence[tuple[str, str]]) -> Group:
    """Return name and value, one pair per line; a long value wraps and is never cut."""
    room = max((len(name) for name, _ in rows), default=0) + GAP
    return Group(
        *[Text.assemble((say(name).plain.ljust(room), QUIET), tell(value)) for name, value in rows]
    )


def checkups(found: Sequence[Checkup]) -> Group:
    """Return what the doctor saw, group by group, what is off in one line, and the counts."""
    lines: list[RenderableType] = []
    on = [one for one in found if one.health is not Health.OFF]
    for group in dict.fromkeys(one.group for one in on):
        lines.append(say(group, STRONG))
        for one in (one for one in on if one.group == group):
            sign, ink = _MARKS[one.health]
            text = Text.assemble((f"  {sign} ", ink), say(f"{one.name}  {one.words}"))
            text.no_wrap = False
            lines.append(text)
            lines += [say(f"      {one.remedy}", QUIET)] if one.remedy else []
    off = [one.name for one in found if one.health is Health.OFF]
    if off:
        lines.append(say(f"off: {', '.join(off)}  (not configured, nothing to fix)", QUIET))
    count = {health: sum(one.health is health for one in found) for health in Health}
    problems, notes = count[Health.PROBLEM], count[Health.NOTE]
    counts = Text.assemble(
        f"{count[Health.OK]} ok, ",
        (f"{problems} problem{'' if problems == 1 else 's'}", BAD if problems else ""),
        f", {notes} note{'' if notes == 1 else 's'}",
    )
    return Group(*lines, Text(), counts)


def surveys(found: Sequence[ServiceSurvey], width: int) -> Group:
    """Return what can be seen of each service, and below what is missing."""
    if not found:
        return Group(say("No services were found."))
    heads = ["SERVICE", "UP", "SIGNALS", "CALLED BY", "LOGS", "CHANGES"]
    rows = [_survey(one) for one in found]
    gaps = []
    for one in (one for one in found if one.missing):
        gaps.append(Text.assemble(("! ", WARN), say(f"{one.service}: {'; '.join(one.missing)}")))
        gaps += [say(f"    {line}", QUIET) for line in one.snippets]
    declared = any(one.snippets for one in found)
    hint = [say("Declare what is missing in aiops.yaml, see docs/metrics.md.", QUIET)]
    return Group(table(heads, rows, width), *gaps, *(hint if declared else []))


def _survey(one: ServiceSurvey) -> list[Text]:
    seen = {source.signal for source in one.signals}
    golden = "".join(signal.value[0].upper() if signal in seen else "-" for signal in GOLDEN)
    others = len(seen - set(GOLDEN))
    return [
        say(one.service, STRONG),
        say("?" if one.replicas is None else str(one.replicas)),
        say(golden + (f" +{others}" if others else ""), BAD if one.blind else ""),
        say(", ".join(one.callers) or "-"),
        say(one.logs or "-"),
        say(one.changes or "-"),
    ]
