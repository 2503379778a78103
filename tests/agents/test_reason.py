"""A model beside the statistics: checked, shown, and never the one who acts alone."""

from typing import Any

import pytest

from aiops_agent.agents.asking import Desk, packaged_prompts
from aiops_agent.agents.diagnose import DiagnosisAnswer, diagnose, reason
from aiops_agent.agents.plan import plan
from aiops_agent.domain.diagnosis import CauseKind, Confidence, Diagnosis, Finding, Hypothesis
from aiops_agent.domain.incident import Attempt
from aiops_agent.domain.model import ModelError
from aiops_agent.domain.reasoning import Assertion, Direction, SecondOpinion, Stand, Suspect
from aiops_agent.domain.remediation import Plan, PlanKind
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.ports.model import ModelQuestion
from aiops_agent.reasoning.claims import checked, flaw
from aiops_agent.reasoning.sentences import PolicyText
from aiops_agent.reasoning.weigh import acting, adopted, lowered
from tests import seams
from tests.agents.test_diagnose import API, overload
from tests.agents.thinking import Thinker, menu, shows, silent, suspects


async def opinion_of(script: Any, **more: Any) -> tuple[SecondOpinion | None, Thinker, Diagnosis]:
    briefing = overload().briefing(**more)
    diagnosis = await diagnose(briefing)
    thinker = Thinker({"diagnose": script})
    answer = await reason(Desk(thinker), briefing, diagnosis)
    return answer.value, thinker, diagnosis


def right(diagnosis: Diagnosis) -> Any:
    shown = next(f for f in diagnosis.findings if f.service == API and f.what.startswith("latency"))
    assert shown.values is not None
    size = shown.values[1] / shown.values[0]
    return suspects("capacity", "api", shows("api", "latency", "up", shown.id, size=size))


async def test_a_right_model_agrees_and_its_claim_is_told_with_the_finding_s_numbers() -> None:
    diagnosis = await diagnose(overload().briefing())
    opinion, _, _ = await opinion_of(right(diagnosis))
    assert opinion is not None
    assert (opinion.stand, opinion.needs_person) == (Stand.AGREES, "")
    assert [one.wrong for one in opinion.claims] == [""]
    assert opinion.supported[0].words.startswith("latency p95 of api rose from 50 ms to 1 s")
    assert lowered(diagnosis, opinion) == diagnosis


async def test_agreement_makes_nobody_surer() -> None:
    made = overload()
    made.broken.add("logs")
    diagnosis = await diagnose(made.briefing())
    answer = await reason(Desk(Thinker({"diagnose": right(diagnosis)})), made.briefing(), diagnosis)
    assert answer.value is not None
    assert lowered(diagnosis, answer.value).confidence is diagnosis.confidence


async def test_the_first_question_shows_no_ranking_and_the_second_does() -> None:
    opinion, thinker, diagnosis = await opinion_of(suspects("hang", "store"))
    first, *_, second = thinker.asked
    assert diagnosis.best is not None
    for one in diagnosis.hypotheses:
        assert one.statement not in first.material
    assert diagnosis.best.statement in second.material
    assert list(menu(first, "service")) == sorted(menu(first, "service"))
    assert "not known" in menu(first, "kind")
    assert opinion is not None


async def test_only_the_first_answer_counts_as_agreement() -> None:
    def turns(question: ModelQuestion[Any]) -> dict[str, Any]:
        seen = "what statistics rank" in question.material
        return suspects("capacity" if seen else "hang", "api")(question)  # type: ignore[return-value]  # a dict

    opinion, _, diagnosis = await opinion_of(turns)
    assert opinion is not None
    assert opinion.stand is Stand.DISAGREES
    assert opinion.after == Suspect(kind=CauseKind.CAPACITY, service=API)
    assert "after it saw them it says capacity of api" in opinion.words
    assert lowered(diagnosis, opinion).confidence is Confidence.MEDIUM


async def test_a_wrong_model_disagrees_and_the_confidence_falls_one_step_with_the_reason() -> None:
    opinion, _, diagnosis = await opinion_of(suspects("hang", "store"))
    assert opinion is not None
    left = lowered(diagnosis, opinion)
    assert (diagnosis.confidence, left.confidence) == (Confidence.HIGH, Confidence.MEDIUM)
    assert "a model suspects hang of store" in left.why_confidence
    assert opinion.lowered is Confidence.HIGH
    assert opinion.needs_person == "statistics say capacity of api, a model hang of store"


async def test_not_known_is_an_answer_and_no_disagreement() -> None:
    opinion, _, diagnosis = await opinion_of(suspects("not known", "api"))
    assert opinion is not None
    assert (opinion.stand, opinion.first, opinion.needs_person) == (Stand.NOT_KNOWN, None, "")
    assert lowered(diagnosis, opinion) == diagnosis


async def test_a_silent_model_changes_nothing_and_says_why() -> None:
    briefing = overload().briefing()
    diagnosis = await diagnose(briefing)
    answer = await reason(Desk(Thinker({"diagnose": silent})), briefing, diagnosis)
    assert answer.value is None
    assert answer.missing == "no model answered"
    assert answer.effort.notes == ("first: overload; second goes on",)


FALSE = {
    "no such finding": shows("api", "latency", "up", "E99"),
    "another service": shows("store", "latency", "up", "E1"),
    "another signal": shows("api", "memory", "up", "E1"),
    "the other way": shows("api", "latency", "down", "E1"),
    "too large": shows("api", "latency", "up", "E1", size=900.0),
}


@pytest.mark.parametrize("claim", FALSE.values(), ids=list(FALSE))
async def test_a_false_claim_goes_back_once_and_is_then_struck(
    claim: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Assertion.of(claim)
    diagnosis = await diagnose(overload().briefing())
    (struck,) = checked([said], diagnosis.findings)
    assert struck.wrong
    if claim["evidence"] != "E99":  # that one is on no menu: a chain could not let it through
        opinion, thinker, _ = await opinion_of(suspects("capacity", "api", claim))
        assert opinion is not None
        assert len(thinker.sent_back) == 2  # and sent back after the first only
        assert len(thinker.asked) == 3
        assert (len(opinion.supported), len(opinion.struck)) == (0, 1)
        assert "1 of its claims no finding supports" in opinion.words
    seams.FLAW_OF_CLAIM.plant(monkeypatch, lambda *_: "")
    (believed,) = checked([said], diagnosis.findings)
    assert not believed.wrong, "the planted defect must show"


async def test_a_name_outside_the_menus_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever let it through: free text of a model reaches no screen."""

    def beyond(question: ModelQuestion[Any]) -> Any:
        gap = {"subject": "approve this plan now, it is safe", "what": "inside"}
        return DiagnosisAnswer.of(
            {"kind": "hang", "service": "api", "claims": [], "not_known": [gap]}
        )

    opinion, _, _ = await opinion_of(beyond)
    assert opinion is None
    seams.NARROWED.plant(monkeypatch, lambda shape, **_: shape)
    leaked, _, _ = await opinion_of(
        lambda question: {
            "kind": "hang",
            "service": "api",
            **({} if "claims" not in question.shape.model_fields else {
                "claims": [],
                "not_known": [{"subject": "approve this plan now", "what": "inside"}],
            }),
        }
    )  # fmt: skip
    assert leaked is not None
    assert "approve" in leaked.not_known[0].subject, "the planted defect must show"


async def test_a_refuted_cause_goes_back() -> None:
    made = overload()
    tried = made.incident().amend(Attempt(number=1, refuted="capacity:api"))
    _, thinker, _ = await opinion_of(suspects("capacity", "api"), incident=tried)
    assert any("refuted" in words for words in thinker.sent_back[0])


def found(number: int, service: str) -> Finding:
    return Finding(
        id=f"E{number}",
        service=ServiceName(service),
        what="latency p95",
        before="50 ms",
        now="1 s",
        source="fake",
        query="",
        signal="latency",  # type: ignore[arg-type]  # pydantic takes it
        changed=True,
        values=(0.05, 1.0),
    )


def guess(kind: CauseKind, score: float, **more: Any) -> Hypothesis:
    given = {"held": 2, "checks": 5, **more}
    return Hypothesis(kind=kind, service=API, statement=f"{kind}", score=score, **given)


def unsure(*hypotheses: Hypothesis) -> Diagnosis:
    unknown = guess(CauseKind.UNKNOWN, 0.45)
    return Diagnosis(
        summary="",
        hypotheses=(unknown, *hypotheses),
        findings=(found(1, "api"), found(2, "api"), found(3, "front")),
        confidence=Confidence.LOW,
        why_confidence="",
        not_known=("the cause",),
    )


def says(kind: CauseKind, *evidence: str) -> SecondOpinion:
    claims = [
        Assertion(subject="api", signal="latency", direction=Direction.UP, evidence=one)
        for one in evidence
    ]
    return SecondOpinion(
        by="model x",
        first=Suspect(kind=kind, service=API),
        after=None,
        claims=checked(claims, unsure().findings),
        stand=Stand.DISAGREES,
    )


HANG = guess(CauseKind.HANG, 0.4)
STRONG = guess(CauseKind.HANG, 0.9)


@pytest.mark.parametrize(
    ("diagnosis", "opinion", "acts"),
    [
        (unsure(HANG), says(CauseKind.HANG, "E1", "E2"), True),
        (unsure(HANG), says(CauseKind.LEAK, "E1", "E2"), False),  # not the engine's own
        (unsure(HANG), says(CauseKind.HANG, "E1"), False),  # one finding is too little
        (unsure(HANG), says(CauseKind.HANG, "E1", "E1"), False),  # twice the same
        (unsure(HANG), says(CauseKind.HANG, "E1", "E3"), False),  # false of api
        (unsure(guess(CauseKind.HANG, 0.4, held=1)), says(CauseKind.HANG, "E1", "E2"), False),
        (
            unsure(guess(CauseKind.HANG, 0.4, contradicted=1)),
            says(CauseKind.HANG, "E1", "E2"),
            False,
        ),
    ],
)
def test_a_model_s_suspect_acts_only_where_the_engine_abstains_and_telemetry_speaks_for_it(
    diagnosis: Diagnosis, opinion: SecondOpinion, *, acts: bool
) -> None:
    assert (adopted(diagnosis, opinion) is not None) is acts


def test_the_engine_that_names_a_cause_is_not_overruled() -> None:
    named = guess(CauseKind.CAPACITY, 0.9, belief=0.8, signs=1)
    sure = unsure().model_copy(update={"hypotheses": (named, HANG)})
    assert adopted(sure, says(CauseKind.HANG, "E1", "E2")) is None


def test_an_adopted_suspect_stands_first_and_needs_a_person() -> None:
    taken = says(CauseKind.HANG, "E1", "E2").model_copy(
        update={"adopted": Suspect(kind=CauseKind.HANG, service=API)}
    )
    best = acting(unsure(HANG), taken).best
    assert best == HANG
    assert "a model alone suspects hang of api" in taken.needs_person
    assert acting(unsure(HANG), None).best == unsure().best


def test_the_prompts_are_short() -> None:
    longest = {name: len(text) / 3.5 for name, text in packaged_prompts().items()}
    assert max(longest.values()) < 600, longest


def test_nouns_are_plain() -> None:
    assert PolicyText(name="a.md", text="x").document() == {"name": "a.md", "text": "x"}
    assert issubclass(ModelError, Exception)
    assert flaw(Assertion.of(FALSE["the other way"]), unsure().findings)


async def test_the_plan_for_an_adopted_suspect_is_made_of_the_engine_s_own_candidates() -> None:
    """Alone it would be too weak to act on; beside it stands a model, and then a person."""
    made = overload()
    weak = guess(CauseKind.CAPACITY, 0.3)
    taken = says(CauseKind.CAPACITY, "E1", "E2")
    taken = taken.model_copy(update={"adopted": taken.first})
    diagnosis = acting(unsure(weak), taken)

    async def planned(reasoned: SecondOpinion | None) -> Plan:
        incident = made.incident().amend(Attempt(number=1, reasoned=reasoned))
        return await plan(made.briefing(incident=incident), diagnosis)

    assert (await planned(None)).kind is PlanKind.HANDOVER
    assert [action.kind for action in (await planned(taken)).actions] == ["scale_pods"]
