"""The follower prints lines and blocks in order, and keeps the footer out of the way."""

import io

import pytest
from rich.console import Console

from aiops_agent.domain.answer import Author, AuthorKind, Effort, Usage
from aiops_agent.domain.approval import ApprovalState, Ruling
from aiops_agent.domain.event import Event
from aiops_agent.domain.payload import EventType
from aiops_agent.interfaces.terminal import follow
from aiops_agent.interfaces.terminal.follow import Follower
from aiops_agent.interfaces.terminal.footer import Footer, LiveFooter
from tests.contracts.payloads import PAYLOADS
from tests.interfaces.terminal import canned
from tests.interfaces.terminal.drawing import blocks, drawn, followed, terminal, written


def _place(lines: list[str], text: str) -> int:
    return next(place for place, shown in enumerate(lines) if text in shown)


def test_blocks_come_in_the_order_of_the_story() -> None:
    """Evidence, cause, plan, checks, dashboard, report, next."""
    lines = followed(terminal(104))

    marks = ["Evidence", "Root cause", "[APPROVAL REQUIRED]", "Check", "resolved in 2:11"]
    places = [_place(lines, mark) for mark in [*marks, "aiops report INC-0001", "Next"]]
    assert places == sorted(places)


def test_the_dashboard_has_time_calls_tokens_and_cost() -> None:
    """Also when there is no language model."""
    text = "\n".join(followed(terminal(104)))

    for mark in (
        "wait for you 0:00  0:22",
        "calls tokens  cost",
        "cost $0.00",
        "no language model",
    ):
        assert mark in text


@pytest.mark.parametrize(("price", "cost"), [(0.005, "cost $0.03"), (None, "price unknown")])
def test_the_dashboard_adds_up_what_a_model_used(price: float | None, cost: str) -> None:
    """Per agent and in all; a price that is not known is no zero."""
    used = Usage(requests=2, input=900, output=100, cost=price)
    author = Author(kind=AuthorKind.MODEL, name="large-1")
    effort = Effort(by=author, usage=used, took=3.0)
    events = tuple(
        event.model_copy(update={"effort": effort})
        if event.agent in ("diagnose", "plan")
        else event
        for event in canned.EVENTS
    )
    thinking = sum(event.effort is effort for event in events)

    lines = followed(terminal(120), events)

    assert any(cost in line and f"large-1: {2 * thinking} calls" in line for line in lines)
    assert any(" plan " in line and " 1000 " in line for line in lines)
    assert any(f"{2 * thinking} {1000 * thinking}" in " ".join(line.split()) for line in lines)


def test_what_one_look_after_another_says_is_said_once() -> None:
    """What comes between says it anew."""
    looks = [
        canned.EVENTS[1].model_copy(update={"message": said})
        for said in ("no harm", "no harm", "harm", "no harm", "no harm", "no harm")
    ]

    lines = followed(terminal(100), tuple(looks))

    clock = f"{canned.EVENTS[1].at:%H:%M:%S}"
    told = [line.split(maxsplit=3)[3] for line in lines if line.startswith(clock)]
    assert [one.split("  ")[0].strip() for one in told] == [
        "no harm",
        "as before",
        "harm",
        "no harm",
        "as before, 2 times",
    ]


def test_an_escalation_tells_everything_known() -> None:
    """What was tried, what is believed, what is not known, what stays changed."""
    text = "\n".join(followed(terminal(120), incident=canned.ESCALATED))

    for mark in ("needs a person", "not recovered", "taken back: applied", "why the traffic rose"):
        assert mark in text
    assert "escalated after 2:11" in text


def test_an_incident_that_waits_has_no_dashboard() -> None:
    """Leaving while a person is asked is no end."""
    lines = followed(terminal(80), canned.EVENTS[:11], canned.WAITING)

    assert "[APPROVAL REQUIRED]" in "\n".join(lines)
    assert "Where the time went" not in "\n".join(lines)


def test_a_plan_that_policy_decides_is_shown_with_its_verdict() -> None:
    """Nobody is asked, so nothing is marked as required."""
    verdict = canned.VERDICT.model_copy(update={"ruling": Ruling.DENY})
    event = next(e for e in canned.EVENTS if e.type is EventType.POLICY_DECIDED)
    payload = event.payload.model_copy(update={"verdict": verdict})

    shown = blocks().below(event.model_copy(update={"payload": payload}), 100)

    assert "deny" in "\n".join(drawn(shown[0], 100))


def test_a_replay_shows_a_plan_as_it_waited_then() -> None:
    """Without a time of expiry once it is answered."""
    used = canned.REQUEST.model_copy(update={"state": ApprovalState.USED})
    event = next(e for e in canned.EVENTS if e.type is EventType.APPROVAL_PENDING)

    text = "\n".join(drawn(blocks(request=used).below(event, 100)[0], 100))

    assert "[APPROVAL REQUIRED]" in text
    assert "expires" not in text


def test_a_block_whose_incident_is_gone_is_left_out() -> None:
    """The line of the event stands."""
    for kind in (EventType.POLICY_DECIDED, EventType.APPROVAL_PENDING, EventType.UNREADABLE):
        event = canned.event(PAYLOADS[kind], 1, "a sentence")
        assert blocks(incident=None, request=None).below(event, 80) == []


def test_many_incidents_are_lines_with_their_ids() -> None:
    """For `serve`: no blocks, no dashboard."""
    console = terminal(100)
    with Follower(console, blocks(), many=True) as follower:
        for event in canned.EVENTS:
            follower.feed(event)

    lines = written(console)
    assert len(lines) == len(canned.EVENTS)
    assert all(" INC-0001 " in text for text in lines)


def test_the_footer_shows_what_is_done_now_and_next() -> None:
    """Two lines within the width."""
    footer = Footer(lambda: 0.0)
    footer.note(canned.EVENTS[2])

    bar, status = drawn(footer, 100)

    assert "● alert" in bar
    assert "◐ triage" in bar
    assert "○ report" in bar
    assert "1 steps · ctrl-c pauses" in status


def test_the_footer_says_that_nothing_is_sent() -> None:
    footer = Footer(lambda: 0.0)
    footer.stopped = "stopped by alex"
    assert "NOTHING IS SENT: stopped by alex" in drawn(footer, 100)[1]


@pytest.mark.parametrize("width", [60, 72, 80, 104])
def test_the_footer_is_two_lines_at_every_width(width: int) -> None:
    """A third line would make it jump."""
    footer = Footer(lambda: 0.0)
    for event in canned.EVENTS:
        footer.note(event)
        lines = drawn(footer, width)
        assert len(lines) == 2
        assert max(map(len, lines)) <= width


def test_the_footer_is_gone_before_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the event that asks, nothing moves until the next event."""
    shown: list[str] = []
    monkeypatch.setattr(LiveFooter, "show", lambda _: shown.append("show"))
    monkeypatch.setattr(LiveFooter, "hide", lambda _: shown.append("hide"))
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    asking = [e for e in canned.EVENTS if e.type is EventType.APPROVAL_PENDING]
    monkeypatch.setattr(follow, "is_live", lambda _: True)
    follower = Follower(console, blocks())

    for event in (canned.EVENTS[2], *asking):
        follower.feed(event)

    assert shown == ["show", "hide"]


def test_a_live_footer_leaves_nothing_behind() -> None:
    """Transient: only the timeline stays in the scrollback."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    live = LiveFooter(console, Footer(lambda: 0.0))

    live.show()
    live.show()
    live.hide()
    live.hide()

    assert isinstance(console.file, io.StringIO)
    assert (
        console.file.getvalue().endswith("\x1b[1A\x1b[2K") or "\x1b[2K" in console.file.getvalue()
    )


def test_every_type_of_event_has_a_line() -> None:
    """No name in the public set is forgotten by the palette."""
    for kind in EventType:
        event: Event = canned.event(PAYLOADS[kind], 1, "a sentence")
        assert "a sentence" in followed(terminal(80), (event,), canned.WAITING)[0]


@pytest.mark.parametrize("kind", [EventType.APPROVAL_REFUSED, EventType.APPROVAL_ENDED])
def test_why_an_answer_does_not_count_is_never_cut(kind: EventType) -> None:
    """A person must be able to read the reason on a narrow screen."""
    why = "an answer by nobody (file) was refused: it can be written by others; use umask 077"
    event = canned.EVENTS[0].model_copy(update={"payload": PAYLOADS[kind], "message": why})

    lines = followed(terminal(60), (event,), canned.WAITING)

    assert "".join(lines).endswith("umask 077")


def test_whole_lines_are_not_cut_at_the_edge() -> None:
    """For those who asked to be told more."""
    console = terminal(60)
    follower = Follower(console, blocks(canned.WAITING), whole=True)
    follower.feed(canned.EVENTS[0].model_copy(update={"message": "x" * 100 + " end"}))

    assert "…" not in "".join(written(console))
