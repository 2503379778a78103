"""The first lines: what runs here, and what of it is real."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.rule import Rule
from rich.text import Text

from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.palette import QUIET, STRONG
from aiops_agent.interfaces.terminal.screen import Tier, tier

HONEST = (
    "The shop is simulated; its physics, the evidence, the policy, the fix and the checks "
    "really run. No language model is used. Times are shop time."
)


@dataclass(frozen=True)
class Header:
    """The command and title left, SIMULATED SHOP and seed right, and one honest sentence."""

    title: str
    seed: int
    command: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it; the narrower, the fewer facts, never a second line."""
        wide = tier(options.max_width) is Tier.WIDE
        facts = f"seed {self.seed} · no key, no cluster" if wide else f"seed {self.seed}"
        right = Text.assemble((" SIMULATED SHOP ", "reverse"), " ", say(facts, QUIET))
        left = Text.assemble((self.command, STRONG), "  ", say(self.title))
        room = max(options.max_width - right.cell_len - 1, 1)
        left.truncate(room, overflow="ellipsis", pad=True)
        yield Text.assemble(left, " ", right)
        yield tell(HONEST, QUIET)
        yield Rule(style=QUIET)
