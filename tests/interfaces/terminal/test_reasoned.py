"""How a model's opinion looks beside the statistics, and what the approver is shown of a critic."""

from rich.console import RenderableType

from aiops_agent.domain.approval import Opinion, Ruling, Verdict
from aiops_agent.domain.diagnosis import CauseKind, Confidence
from aiops_agent.domain.reasoning import (
    Assertion,
    CheckedClaim,
    Direction,
    Gap,
    SecondOpinion,
    Stand,
    Suspect,
)
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.interfaces.terminal.plan import plan
from aiops_agent.interfaces.terminal.reasoned import second_opinion
from tests.contracts.samples import a_plan
from tests.interfaces.terminal.drawing import terminal

SUSPECT = Suspect(kind=CauseKind.HANG, service=ServiceName("payments-db"))
CLAIM = Assertion(subject="web", signal="latency", direction=Direction.UP, evidence="E1")


def drawn(shown: RenderableType) -> str:
    console = terminal(100)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def an_opinion(**other: object) -> SecondOpinion:
    given = {
        "by": "model x",
        "first": SUSPECT,
        "after": None,
        "claims": (
            CheckedClaim(claim=CLAIM, words="latency rose [E1]"),
            CheckedClaim(claim=CLAIM, words="memory rose [E2]\x1b[2J", wrong="E2 shows same"),
        ),
        "not_known": (Gap(subject="web", what="inside"),),
        "stand": Stand.DISAGREES,
        "engine": "capacity of payments-api",
        "lowered": Confidence.HIGH,
    }
    return SecondOpinion.of({**given, **other})


def test_a_disagreement_shows_both_what_is_unsupported_and_what_follows() -> None:
    text = drawn(second_opinion(an_opinion(), Confidence.MEDIUM)).replace("│", " ")
    text = " ".join(text.split())
    for mark in (
        "Second opinion: DISAGREES",
        "capacity of payments-api",
        "hang of payments-db · before it saw the statistics · model x",
        "not known · which counts for nothing",
        "because latency rose [E1]",
        "unsupported memory rose [E2]",
        "E2 shows same",
        "what happens inside web",
        "MEDIUM",
        "a person decides, whatever policy says",
    ):
        assert mark in text, mark


def test_nothing_of_a_model_moves_the_cursor() -> None:
    raw = drawn(second_opinion(an_opinion(by="model \x1b[2J"), Confidence.MEDIUM))
    assert "\x1b[2J" not in raw


def test_agreement_and_not_known_ask_for_nobody() -> None:
    agreed = an_opinion(stand="agrees", after=SUSPECT, lowered=None)
    nobody = an_opinion(stand="not_known", first=None, lowered=None)
    for opinion in (agreed, nobody):
        text = drawn(second_opinion(opinion, Confidence.HIGH))
        assert "a person decides" not in text
        assert "confidence" not in text


def test_the_approver_sees_the_critic_s_objection_and_what_was_said_beside() -> None:
    objection = 'model x objects: freeze.md: "No restarts on Fridays."'
    asks = Opinion(rule="propose-asks", ruling=Ruling.ASK, reason="mode propose")
    critic = Opinion(rule="critic", ruling=Ruling.ASK, reason=objection)
    apart = Opinion(
        rule="disagreement-asks", ruling=Ruling.ASK, reason="statistics say x, a model y"
    )
    verdict = Verdict(
        ruling=Ruling.ASK,
        reason="mode propose",
        opinions=(asks, critic, apart),
        beside=("model x would do none of the candidates",),
    )
    text = " ".join(drawn(plan(a_plan(), verdict, waiting=True)).replace("│", " ").split())
    assert "No restarts on Fridays." in text
    assert "disagree statistics say x, a model y" in text
    assert "also said model x would do none of the candidates" in text
