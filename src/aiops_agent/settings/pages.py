"""OwnPages that replace packaged ones: prompts of agents, and policy for the critic."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.reasoning.sentences import PolicyText

LONGEST_PROMPT = 6000  # characters: it is sent with every question
LONGEST_POLICY = 12_000  # characters of a page
MOST_POLICIES = 20  # pages: the critic reads all of them each time


@dataclass(frozen=True)
class OwnPages:
    """Prompts by the agent's name and pages of policy; `flaws` says what cannot be used."""

    prompts: dict[str, str] = field(default_factory=dict)
    policies: tuple[PolicyText, ...] = ()
    flaws: tuple[str, ...] = ()


def read_pages(prompts: Path | None, policies: Path | None, agents: Collection[str]) -> OwnPages:
    """Read both folders; what is not given is packaged. Each flaw is a sentence."""
    flaws: list[str] = []
    own = {page.stem: text for page, text in _read(prompts, LONGEST_PROMPT, flaws)}
    strange = (name for name in own if name not in agents)
    flaws += [f"{prompts}/{n}.md: there is no agent {n!r}.{_near(n, agents)}" for n in strange]
    written = [
        PolicyText(name=page.name, text=text)
        for page, text in _read(policies, LONGEST_POLICY, flaws)
    ]
    if policies is not None and not written and not flaws:
        flaws.append(f"{policies} holds no page of policy (*.md).")
    if len(written) > MOST_POLICIES:
        flaws.append(f"{policies} holds {len(written)} pages; at most {MOST_POLICIES} are read.")
    return OwnPages(own, tuple(written[:MOST_POLICIES]), tuple(flaws))


def _read(folder: Path | None, longest: int, flaws: list[str]) -> Iterator[tuple[Path, str]]:
    if folder is None:
        return
    if not folder.is_dir():
        flaws.append(f"There is no folder {folder}.")
        return
    for page in sorted(folder.glob("*.md")):
        try:
            text = page.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            flaws.append(f"{page} cannot be read: {error}.")
            continue
        if not text or len(text) > longest:
            flaws.append(f"{page} has {len(text)} characters; 1 to {longest} can be used.")
        else:
            yield page, text


def _near(name: str, agents: Collection[str]) -> str:
    return did_you_mean(name, sorted(agents))
