"""What was sent is shown whole, harmless, and with its redactions in ink."""

import pytest

from aiops_agent.domain.naming import MARK
from aiops_agent.interfaces.terminal import sent as shown
from aiops_agent.interfaces.terminal.sent import sent
from tests.interfaces.terminal import canned
from tests.interfaces.terminal.drawing import drawn
from tests.interfaces.terminal.hostile import HOSTILE

BODY = {"contents": [{"text": "one\ntwo " + "x" * 300}], "system": f"key={MARK}", "n": 3, "e": []}
CALL = canned.CALLS[0].model_copy(update={"sent": BODY, "redactions": 1})


def test_every_value_of_the_body_is_shown_whole() -> None:
    text = "".join(drawn(sent("INC-0001", [CALL]), 100)).replace("\n", "")

    assert "contents[0].text: one" in text
    assert text.count("x") >= 300
    assert "n: 3" in text
    assert "e: []" in text
    assert CALL.place in text
    assert "1 redacted" in text


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("https://generativelanguage.googleapis.com", "left this machine"),
        ("http://127.0.0.1:4000", "went to servers on this machine"),
        ("http://127.0.0.1.example.org", "left this machine"),
        ("http://[", "left this machine"),
    ],
)
def test_what_stayed_on_this_machine_is_not_said_to_have_left_it(place: str, words: str) -> None:
    call = CALL.model_copy(update={"place": place})
    assert words in "".join(drawn(sent("INC-0001", [call]), 100))


def test_redactions_are_marked() -> None:
    marked = shown._marked(f"key={MARK}, {MARK}")
    assert len(marked.spans) == 2


def test_nothing_sent_is_said() -> None:
    assert "Nothing was sent" in "".join(drawn(sent("INC-0001", []), 80))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_emit_no_control_character(text: str) -> None:
    call = CALL.model_copy(update={"sent": {text: text}, "answered_by": text, "place": text})
    lines = drawn(sent("INC-0001", [call]), 80)
    assert all(char.isprintable() for line in lines for char in line)
