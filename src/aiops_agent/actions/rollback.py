"""rollback_release: run the release of a service that ran before."""

from aiops_agent.actions.catalogue import ActionSpec, Parameters, Unbounded
from aiops_agent.domain.remediation import ActionKind, Risk


class RollbackParameters(Parameters):
    """The release by its name; `image` is its id where a platform knows releases by images."""

    release: str
    image: str = ""


ROLLBACK = ActionSpec(
    kind=ActionKind("rollback_release"),
    parameters=RollbackParameters,
    noun="a rollback",
    do="roll {target} back to release {release}",
    undo="run release {release} of {target} again",
    risk=Risk.MEDIUM,
    hazard="every replica is replaced by another release",
    platforms=frozenset({"shop", "docker", "kubernetes"}),
    bounds=Unbounded,
)
