"""The first lines: what runs here, and what of it is real."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
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
    seed: int | None = None,
    services: int = 0,
    simulated: bool = True,
    command: str = "aiops demo",
) -> RenderableType:
    """Return the command and title left, SIMULATED SHOP and seed right, one honest sentence."""
    return _Header(title, seed, services, simulated, command)


@dataclass(frozen=True)
class _Header:
    title: str
    seed: int | None
    services: int
    simulated: bool
    command: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it; the narrower, the fewer facts, never a second line."""
        yield self._top(options.max_width)
        if self.simulated:
            yield tell(HONEST, QUIET)
        yield Rule(style=QUIET)

    def _top(self, width: int) -> Text:
        left = Text.assemble((self.command, STRONG), "  ", say(self.title))
        right = self._facts(tier(width))
        left.truncate(max(width - right.cell_len - 1, 1), overflow="ellipsis", pad=True)
        return Text.assemble(left, " ", right)

    def _facts(self, room: Tier) -> Text:
        facts = [f"{self.services} services"] if self.services and room is not Tier.NARROW else []
        facts += [f"seed {self.seed}"] if self.seed is not None else []
        facts += ["no key, no cluster"] if self.simulated and room is Tier.WIDE else []
        words = say(" · ".join(facts), QUIET)
        if not self.simulated:
            return words
        return Text.assemble((" SIMULATED SHOP ", "reverse"), " ", words)
