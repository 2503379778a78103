"""What memory says of an action is said of that action, not of words that look like it."""

from datetime import UTC, datetime

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.remediation import Action, ActionKind, Alternative, Precedent, Recovery
from aiops_agent.memory.advise import beside_memory, precedents
from aiops_agent.memory.odds import standing
from tests.targets import at

RESTART, SCALE = ActionKind("restart_service"), ActionKind("scale_pods")


def tried(kind: ActionKind, recovery: Recovery) -> Precedent:
    return Precedent(
        incident=f"INC-{kind}",
        ended_at=datetime(2026, 3, 5, tzinfo=UTC),
        action=Action(kind=kind, target=at("web")),
        noun="it",
        recovery=recovery,
    )


def test_words_that_begin_like_an_action_are_not_taken_for_one() -> None:
    known = (tried(RESTART, Recovery.RECOVERED),)
    said = Alternative(text="restart_service of every caller", drawback="they are well")

    weighed, praised = beside_memory((said,), known, set(), CauseKind.CAPACITY)

    assert weighed == said
    assert (praised.actions, praised.text) == ((), "it")  # told, and nothing to take up
    assert "telemetry contradicts: evidence points to capacity" in praised.drawback


def test_an_action_that_is_rejected_carries_what_memory_says() -> None:
    known = (tried(RESTART, Recovery.WORSE),)
    said = Alternative(actions=(known[0].action,), drawback="it is busy")

    (weighed,) = beside_memory((said,), known, set(), CauseKind.CAPACITY)

    assert weighed.drawback == "it is busy; it did not help in INC-restart_service (March)"


def test_what_helped_stands_above_what_failed_and_both_are_cited() -> None:
    known = (tried(SCALE, Recovery.RECOVERED), tried(RESTART, Recovery.NOT_RECOVERED))

    assert standing({SCALE}, known) > 0 > standing({RESTART}, known)
    assert precedents({SCALE}, known) == known
    assert precedents(set(), known) == ()
