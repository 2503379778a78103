"""The first lines: what runs here, and what of it is real."""

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.palette import QUIET, STRONG
from aiops_agent.interfaces.terminal.screen import Tier, tier

HONEST = (
    "The shop is simulated; its physics, the evidence, the policy, the fix and the checks "
    "really run. No language model is used. Times are shop time."
)


def header(
    *,
    title: str,
    width: int,
    seed: int | None = None,
    services: int = 0,
    simulated: bool = True,
    command: str = "aiops demo",
) -> RenderableType:
    """Return the command and scenario left, SIMULATED SHOP and seed right, an honest sentence."""
    room = tier(width)
    facts = [f"{services} services"] if services and room is not Tier.NARROW else []
    facts += [f"seed {seed}"] if seed is not None else []
    facts += ["no key, no cluster"] if simulated and room is Tier.WIDE else []
    right = say(" · ".join(facts), QUIET)
    if simulated:
        right = Text.assemble((" SIMULATED SHOP ", "reverse"), " ", right)
    left = Text.assemble((command, STRONG), "  ", say(title))
    left.truncate(max(width - right.cell_len - 1, 1), overflow="ellipsis", pad=True)
    lines: list[RenderableType] = [Text.assemble(left, " ", right)]
    if simulated:
        lines.append(tell(HONEST, QUIET))
    return Group(*lines, Rule(style=QUIET))
