"""Whatever models say, together or alone, no verdict becomes milder."""

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_agent.domain.approval import STRICTNESS, Opinion, Ruling
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.reasoning import SecondOpinion, Stand, Suspect
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.registry import RULES
from aiops_agent.safety.assess import Case, assess
from tests import seams
from tests.contracts.samples import NOW, a_plan

SUSPECTS = st.none() | st.builds(
    Suspect, kind=st.sampled_from(CauseKind), service=st.sampled_from([ServiceName("web")])
)
OPINIONS = st.builds(
    SecondOpinion,
    by=st.text(max_size=10),
    first=SUSPECTS,
    after=SUSPECTS,
    stand=st.sampled_from(Stand),
    adopted=SUSPECTS,
    engine=st.text(max_size=10),
)
CRITICS = st.none() | st.builds(
    Opinion,
    rule=st.sampled_from(["critic", "small-and-reversible", "default"]),
    ruling=st.sampled_from(Ruling),
    reason=st.text(max_size=10),
    said=st.tuples(st.text(max_size=10)),
)


def case(mode: Mode, reasoned: SecondOpinion | None = None, *dissent: str) -> Case:
    return Case(a_plan(), mode, NOW, 9, reasoned=reasoned, dissent=dissent)


@given(
    mode=st.sampled_from(Mode),
    opinion=OPINIONS,
    critic=CRITICS,
    dissent=st.text(max_size=10),
    rules=st.sets(st.sampled_from(RULES)),
)
def test_two_colluding_models_loosen_nothing(
    mode: Mode,
    opinion: SecondOpinion,
    critic: Opinion | None,
    dissent: str,
    rules: set[Callable[[Case], Opinion | None]],
) -> None:
    alone = assess(case(mode), rules)
    beside = assess(case(mode, opinion, dissent), rules, critic)
    assert STRICTNESS[beside.ruling] >= STRICTNESS[alone.ruling]


def test_a_disagreement_and_a_lone_suspect_ask_in_every_mode() -> None:
    web = Suspect(kind=CauseKind.HANG, service=ServiceName("web"))
    apart = SecondOpinion(by="m", first=web, after=web, stand=Stand.DISAGREES, engine="x")
    lone = apart.model_copy(update={"adopted": web})
    for mode, opinion in product(Mode, (apart, lone)):
        assert assess(case(mode, opinion), RULES).ruling is not Ruling.ALLOW
    agreed = apart.model_copy(update={"stand": Stand.AGREES})
    assert assess(case(Mode.ACT, agreed), RULES).ruling is Ruling.ALLOW


def test_a_critic_without_an_objection_is_no_reason_of_a_verdict() -> None:
    critic = Opinion(rule="critic", ruling=Ruling.ALLOW, reason="fine", said=("it is small",))
    alone, beside = assess(case(Mode.ACT), RULES), assess(case(Mode.ACT), RULES, critic)
    assert (beside.opinions, beside.rule) == (alone.opinions, alone.rule)
    assert beside.beside == ("it is small",), "what it says is told all the same"


def test_a_milder_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.STRICTNESS.plant(monkeypatch, dict.fromkeys(Ruling, 0))
    critic = Opinion(rule="critic", ruling=Ruling.DENY, reason="no")
    assert assess(case(Mode.ACT), RULES, critic).ruling is Ruling.ALLOW, "the defect must show"
