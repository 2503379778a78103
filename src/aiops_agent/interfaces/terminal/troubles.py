"""What a platform says by itself is wrong: each with the words behind it and the next step."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from aiops_agent.domain.trouble import PlatformTrouble
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.palette import BAD, QUIET, STRONG, WARN

MOST_SHOWN = 20  # on one screen; `--output json` has all


def troubles(found: Sequence[PlatformTrouble]) -> list[RenderableType]:
    """Return some lines for each trouble, the worst first."""
    lines: list[RenderableType] = []
    for one in found[:MOST_SHOWN]:
        mark = ("✗ ", BAD) if one.harm else ("! ", WARN)
        many = f" and {one.instances - 1} more" if one.instances > 1 else ""
        whose = [tell(one.service, STRONG)] if one.service else []
        head = joined([*whose, tell(f"{one.subject}{many}", QUIET)])
        lines.append(Text.assemble(mark, head))
        lines.append(Text.assemble("  ", tell(one.words)))
        if one.last_words:
            said = " ⏎ ".join(one.last_words.splitlines())
            lines.append(Text.assemble("  ", say("last words: ", QUIET), tell(said, QUIET)))
        lines.append(Text.assemble("  ", say("next: ", STRONG), tell(one.step)))
    if len(found) > MOST_SHOWN:
        lines.append(tell(f"! and {len(found) - MOST_SHOWN} more; see: --output json", WARN))
    return lines
