"""Untrusted text reaches the screen as text: no command, no markup, no second line."""

import io
import re

import pytest
from rich.console import Console

from aiops_agent.domain.alert import AlertList
from aiops_agent.domain.payload import DiagnosisReady
from aiops_agent.interfaces.terminal.evidence import evidence
from aiops_agent.interfaces.terminal.page import incident
from aiops_agent.interfaces.terminal.screen import screen
from aiops_agent.interfaces.terminal.timeline import line
from tests.contracts.samples import a_kept_alert
from tests.interfaces.terminal import canned
from tests.interfaces.terminal.drawing import drawn, followed, terminal
from tests.interfaces.terminal.hostile import HOSTILE, hostile_strings

STYLE = re.compile(r"\x1b\[[0-9;]*m")


def _poisoned(text: str) -> dict[str, object]:
    return {"title": text, "summary": text, "note": text, "alert_names": (text,)}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_whole_story_with_hostile_words_emits_no_control_character(text: str) -> None:
    """Titles, notes, messages and findings."""
    hurt = canned.ESCALATED.model_copy(update=_poisoned(text))
    finding = canned.FINDINGS[3].model_copy(update={"what": text, "now": text, "source": text})
    found = canned.DIAGNOSIS.model_copy(update={"findings": (finding,), "not_known": (text,)})
    events = [e.model_copy(update={"message": text}) for e in canned.EVENTS]
    ready = next(i for i, e in enumerate(events) if e.type == "diagnosis.ready")
    payload = DiagnosisReady(attempt=1, diagnosis=found)
    events[ready] = events[ready].model_copy(update={"payload": payload})

    lines = followed(terminal(100), tuple(events), hurt)

    assert all(char.isprintable() for char in "".join(lines))


@pytest.mark.parametrize("text", HOSTILE)
def test_an_alert_with_hostile_words_emits_no_control_character(text: str) -> None:
    """Labels, annotations, names, group and receiver; all that a sender writes."""
    alert = a_kept_alert(
        labels={text: text, "alertname": text},
        annotations={text: text},
        group_labels={text: text},
        receiver=text,
    )

    lines = drawn(incident(canned.OPEN, (), 80, AlertList(shown=(alert,), total=1)), 80)

    assert all(char.isprintable() for char in "".join(lines))


def test_alerts_are_shown_with_all_they_brought() -> None:
    """The first few in full, and the rest as a number."""
    found = AlertList(shown=tuple(a_kept_alert(key=f"{n}") for n in range(9)), total=3000)

    text = "\n".join(drawn(incident(canned.OPEN, (), 120, found), 120))

    for brought in (
        "firing",
        "HighLatency",
        "service=payments-api",
        "summary=p95 above 500 ms",
        "http://prometheus.test/graph?g0.expr=up",
        "https://wiki.test/slow",
        "http://alertmanager.test:9093",
        "and 2995 more alerts",
    ):
        assert brought in text


def test_thousands_of_hostile_messages_stay_one_line_each() -> None:
    """Also those that bring their own line ends."""
    texts = hostile_strings(1000)

    for text in texts:
        event = canned.EVENTS[0].model_copy(update={"message": text})
        assert len(drawn(line(event, width=80), 80)) == 1
    print(f"timeline: {len(texts)} hostile messages, one line each")


def test_markup_in_data_is_shown_and_not_obeyed() -> None:
    """Square brackets and emoji codes are text."""
    event = canned.EVENTS[0].model_copy(update={"message": "[bold red]x[/] :bomb: [link=y]z"})

    assert "[bold red]x[/] :bomb: [link=y]z" in drawn(line(event), 120)[0]


def test_colours_are_the_only_sequences_on_a_terminal() -> None:
    """What is coloured is coloured by us."""
    console = Console(file=io.StringIO(), width=100, force_terminal=True, markup=False)
    finding = canned.FINDINGS[3].model_copy(update={"what": "\x1b]8;;http://e\x1b\\ \x9b2J"})
    console.print(evidence(canned.DIAGNOSIS.model_copy(update={"findings": (finding,)}), 100))

    assert isinstance(console.file, io.StringIO)
    assert "\x1b" not in STYLE.sub("", console.file.getvalue())


@pytest.mark.parametrize(
    "variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {}], ids=["no-color", "dumb", "pipe"]
)
def test_no_sequences_without_colour_on_dumb_terminals_and_in_pipes(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file gets plain text, one whole line per event."""
    for name in ("NO_COLOR", "TERM", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    lines = followed(screen(io.StringIO()))

    assert "\x1b" not in "".join(lines)
    for event in canned.EVENTS:
        assert sum(event.message in text for text in lines) >= 1


def test_a_terminal_that_cannot_encode_gets_question_marks() -> None:
    """An ASCII terminal is no reason to fail."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    screen(stream).print(line(canned.EVENTS[0]))
    stream.flush()

    assert b"LatencyHigh" in raw.getvalue()
