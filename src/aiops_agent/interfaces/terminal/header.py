"""The first lines: what runs here, and what of it is real."""

from rich.console import Group
from rich.rule import Rule
from rich.text import Text

from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.palette import QUIET, STRONG
from aiops_agent.interfaces.terminal.screen import Tier, tier

NONE, SOME = "No language model is used.", "Language models reason beside arithmetic."
SCRIPTED = (
    "The model is scripted: no language model, but a program on this machine that answers by rule."
)
HONEST = (
    "The shop is simulated; its physics, the evidence, the policy, the fix and the checks "
    "really run. {models} Times are shop time."
)


def header(title: str, seed: int, command: str, width: int, *, models: str = NONE) -> Group:
    """Return the command and title left, SIMULATED SHOP and seed right, and one honest sentence.

    The narrower, the fewer facts, never a second line.
    """
    needs = "no key, no cluster" if models in (NONE, SCRIPTED) else "no cluster"
    facts = f"seed {seed} · {needs}" if tier(width) is Tier.WIDE else f"seed {seed}"
    right = Text.assemble((" SIMULATED SHOP ", "reverse"), " ", say(facts, QUIET))
    left = Text.assemble((command, STRONG), "  ", say(title))
    left.truncate(max(width - right.cell_len - 1, 1), overflow="ellipsis", pad=True)
    return Group(
        Text.assemble(left, " ", right),
        tell(HONEST.format(models=models), QUIET),
        Rule(style=QUIET),
    )
