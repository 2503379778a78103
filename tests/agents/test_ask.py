"""A model answers from facts that it cites; what they do not show is sent back, then struck."""

from typing import Any

import pytest

from aiops_agent.agents.ask import CheckedAnswer, ask
from aiops_agent.agents.asking import Desk
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.inquiry import CitedFact
from tests import seams
from tests.agents.test_diagnose import overload
from tests.agents.thinking import Thinker

FACTS = (
    CitedFact(id="E1", text="api latency p95: 50 ms → 1 s"),
    CitedFact(id="#3", text="09:30:00 plan: scale_pods api replicas=4"),
)


def answers(*sentences: tuple[str, tuple[str, ...]], gaps: tuple[str, ...] = ()) -> Any:
    made = [{"text": text, "cites": list(cites)} for text, cites in sentences]
    return lambda _question: {"sentences": made, "not_known": list(gaps)}


async def answered(script: Any, question: str = "why?") -> tuple[Answer[CheckedAnswer], Thinker]:
    thinker = Thinker({"ask": script})
    briefing = overload().briefing()
    return await ask(Desk(thinker), briefing, question, FACTS, ["1. Who? — Nobody."]), thinker


async def test_a_supported_sentence_stands_with_what_it_cites() -> None:
    script = answers(("The latency of api rose to 1 s.", ("E1",)), gaps=("who did it",))
    answer, thinker = await answered(script)

    assert answer.value is not None
    assert [one.wrong for one in answer.value.sentences] == [""]
    assert answer.value.not_known == ("who did it",)
    [asked] = thinker.asked
    assert "1. Who? — Nobody." in asked.material
    assert "E1  api latency p95" in asked.material


async def test_an_unsupported_one_is_sent_back_once_and_then_struck() -> None:
    wrong = answers(("The latency of api rose to 7 s.", ("E1",)), ("It rose; latency.", ("E1",)))
    answer, thinker = await answered(wrong)

    assert answer.value is not None
    assert len(thinker.asked) == 2
    assert "7 stands in nothing that it cites" in thinker.sent_back[0][0]
    assert [bool(one.wrong) for one in answer.value.sentences] == [True, False]


async def test_an_id_that_is_in_no_menu_is_no_answer() -> None:
    thinker_answer = answers(("Latency rose.", ("E99",)))
    with pytest.raises(ValueError, match="E99"):
        await answered(thinker_answer)


async def test_what_a_tool_tells_can_be_cited_by_its_own_id() -> None:
    _, thinker = await answered(answers())
    [asked] = thinker.asked
    signal = next(tool for tool in asked.tools if tool.name == "signal")
    wanted = signal.arguments.of({"service": "api", "signal": "latency"})
    told = await signal.read(wanted)
    checked = asked.check(
        asked.shape.of({"sentences": [{"text": "Latency of api is up.", "cites": ["T1"]}]})
    )
    unread = asked.check(
        asked.shape.of({"sentences": [{"text": "Latency of api is up.", "cites": ["T2"]}]})
    )

    assert told.startswith("T1  ")
    assert checked == ()
    assert "there is no T2" in unread[0]


async def test_orders_in_a_sentence_move_no_cursor() -> None:
    answer, _ = await answered(answers(("Latency rose \x1b[2J\u202e.", ("E1",))))

    assert answer.value is not None
    assert "\x1b" not in answer.value.sentences[0].text


async def test_without_an_answer_it_says_why() -> None:
    answer, _ = await answered(lambda _question: None)

    assert (answer.value, answer.missing) == (None, "no model answered")


async def test_a_check_that_is_taken_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: whatever cites something stands."""
    wrong = answers(("Use restart_service on mail: latency is 7 s.", ("E1",)))
    sound, _ = await answered(wrong)
    seams.UNSUPPORTED.plant(monkeypatch, lambda *_: "")
    spoilt, _ = await answered(wrong)

    assert sound.value is not None
    assert spoilt.value is not None
    assert sound.value.sentences[0].wrong
    assert not spoilt.value.sentences[0].wrong
