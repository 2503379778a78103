"""To which environment an alert belongs: by its path, else by its labels, else to the only one."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.value import Value


class Claim(Value):
    """An environment, and the labels that an alert of it carries; none claims nothing."""

    environment: EnvironmentRef
    labels: dict[str, str] = {}


@dataclass(frozen=True)
class Routed:
    """The environment, or None with the reason in a sentence."""

    environment: EnvironmentRef | None
    why: str = ""


@dataclass(frozen=True)
class Routes:
    """All environments that alerts may be meant for."""

    claims: tuple[Claim, ...]

    def route(
        self, labels: Mapping[str, str], name: str = "", allowed: tuple[EnvironmentRef, ...] = ()
    ) -> Routed:
        """Return where an alert belongs. `name` is that of the path; `allowed` is the token's.

        No `allowed` means all. What is not allowed is as if it were not there.
        """
        open_to = [one for one in self.claims if not allowed or one.environment in allowed]
        if name:
            for one in open_to:
                if one.environment.name == name:
                    return Routed(one.environment)
            hint = did_you_mean(name, tuple(one.environment.name for one in open_to))
            return Routed(None, f"There is no environment {name!r} for this sender.{hint}")
        carried = set(labels.items())
        claimed = [one for one in self.claims if one.labels and one.labels.items() <= carried]
        found = [one.environment for one in open_to if one in claimed]
        if len(found) == 1:
            return Routed(found[0])
        if len(open_to) == 1 and not claimed:
            return Routed(open_to[0].environment)
        if found:
            names = ", ".join(one.name for one in found)
            return Routed(None, f"Several environments claim it by its labels: {names}.")
        wanted = sorted({label for one in open_to for label in one.labels})
        hint = f"labels that decide: {', '.join(wanted)}" if wanted else "no environment has labels"
        return Routed(None, f"No environment claims it; {hint}.")
