"""What we changed and did not take back stands on the incident's page, with its way back."""

from aiops_agent.domain.incident import Incident
from aiops_agent.domain.remediation import EffectState
from aiops_agent.interfaces.terminal.page import incident

from . import canned
from .drawing import drawn

STILL = "still so"


def page(shown: Incident) -> str:
    return "\n".join(drawn(incident(shown, (), 120), 120))


def test_what_stands_is_shown_with_its_way_back() -> None:
    assert STILL in page(canned.RESOLVED)
    assert "way back: shop scale payments-api --replicas 2" in page(canned.RESOLVED)


def test_what_was_taken_back_or_never_done_is_not_shown() -> None:
    assert STILL not in page(canned.ESCALATED)
    assert STILL not in page(canned.WAITING)


def test_taking_back_that_was_refused_leaves_it_standing() -> None:
    (effect,) = canned.OUTCOME.effects
    refused = effect.model_copy(update={"state": EffectState.REFUSED})
    tried = canned.OUTCOME.model_copy(update={"effects": (refused,)})
    attempt = canned.ATTEMPT.model_copy(update={"undo": tried})

    assert STILL in page(canned.ESCALATED.model_copy(update={"attempts": (attempt,)}))
