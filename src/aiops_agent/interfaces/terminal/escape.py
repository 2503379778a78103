"""From any text to rich text: sanitised, and never read as markup."""

from rich.text import Text

from aiops_agent.domain.text import safe
from aiops_agent.interfaces.terminal.palette import BAD, QUIET


def say(text: str, style: str = "") -> Text:
    """Return one line with controls, bidi and hidden characters shown as escapes."""
    return Text(safe(text), style=style, no_wrap=True, overflow="ellipsis")


def tell(text: str, style: str = "") -> Text:
    """Return the same for a place that wraps, such as a panel."""
    return Text(safe(text), style=style)


def joined(parts: list[Text], between: str = " · ") -> Text:
    """Return the parts that hold something, with `between` in grey between them."""
    whole = Text()
    for part in (part for part in parts if part.plain):
        whole.append(between if whole.plain else "", style=QUIET).append_text(part)
    return whole


def problem(sentence: str) -> Text:
    """Return an error for a person: one sentence, marked by a sign and not by colour alone."""
    return Text.assemble(("✗ ", BAD), tell(sentence))
