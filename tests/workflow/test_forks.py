"""Where the story forks behind a yes: what is sent, what is withdrawn, and who goes on."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from aiops_agent.domain.errors import ApprovalError, NotPermitted, OverLimit
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.remediation import Effect, EffectState, Outcome
from aiops_agent.workflow import hold, resolve
from aiops_agent.workflow.executor_steps import Kept
from aiops_agent.workflow.hold import Waiting
from aiops_agent.workflow.questions import TAKEN_OVER
from aiops_agent.workflow.recorder import IncidentEnded
from aiops_agent.workflow.resolve import ResolveIncident
from tests.safety.plans import NOW

WAITING = Waiting(incident="INC-0001", attempt=1, request="INC-0001.1")
DONE, SKIPPED = EffectState.APPLIED, EffectState.SKIPPED


@dataclass
class Script:
    """Gives each step its result by its name, or raises it; a person may have taken it over."""

    said: dict[str, Any]
    taken: bool = False
    names: list[str] = field(default_factory=list)

    async def __call__(self, name: str, _work: Any, *_given: Any) -> Any:
        self.names.append(name)
        result = self.said.get(name)
        if isinstance(result, Exception):
            raise result
        return result

    async def stop_if_taken(self, _incident: str) -> None:
        if self.taken:
            raise IncidentEnded(Ending.TAKEN_OVER, TAKEN_OVER)

    def mark(self, _point: object) -> None:
        pass

    def __getattr__(self, _name: str) -> None:
        """Whatever it would call is in the script."""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    made = Script({"remains": Kept(), "executed": NOW})
    for room in (resolve, hold):
        monkeypatch.setattr(room, "step", made)
    return made


async def executed(script: Script) -> Any:
    """Execute an approved plan; return what comes of it, as the end of the incident too."""
    story: Any = object.__new__(ResolveIncident)
    story._deps = story._record = story._gate = story._executor = story._looks = script
    try:
        return await story._execute(WAITING)
    except IncidentEnded as end:
        return end.ending, end.note


def outcome(*states: EffectState, part: str = "") -> Outcome:
    effects = tuple(
        Effect(operation=str(n), words="scale", state=one, note="frozen", part=part, at=NOW)
        for n, one in enumerate(states)
    )
    return Outcome(effects=effects, started=NOW, finished=NOW)


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(
    ("sent", "ends", "withdrawn"),
    [
        (NotPermitted("policy denies it."), None, True),
        (OverLimit("too many actions."), (None, "too many actions; nothing was run"), True),
        (ApprovalError("It is void."), (Ending.EXPIRED, "It is void. Nothing was run."), True),
        (outcome(SKIPPED, SKIPPED), None, True),
        (outcome(DONE, SKIPPED), (outcome(DONE, SKIPPED), NOW), False),
    ],
)
async def test_whoever_took_it_over_has_it_where_sending_stopped(
    script: Script, sent: object, ends: object, withdrawn: bool, taken: bool
) -> None:
    script.said["execute"], script.taken = sent, taken

    assert await executed(script) == ((Ending.TAKEN_OVER, TAKEN_OVER) if taken else ends)
    assert ("withdraw" in script.names) is withdrawn


@pytest.mark.parametrize(
    "sent", [outcome(DONE, DONE), outcome(DONE, SKIPPED, part="one"), outcome()]
)
async def test_what_was_sent_whole_or_torn_is_judged_whoever_took_it_over(
    script: Script, sent: Outcome
) -> None:
    """A target that is half changed is taken back first."""
    script.said["execute"], script.taken = sent, True
    assert await executed(script) == (sent, NOW)
    assert "withdraw" not in script.names


async def test_what_nobody_can_tell_is_for_a_person(script: Script) -> None:
    script.said["execute"] = outcome(DONE, EffectState.UNKNOWN)
    assert (await executed(script))[0] is Ending.UNKNOWN


async def test_that_the_remains_could_not_be_read_is_kept_too(script: Script) -> None:
    script.said |= {"execute": outcome(DONE), "remains": Kept(missing="no logs")}
    await executed(script)
    assert script.names == ["remains", "kept", "started", "execute", "executed"]
