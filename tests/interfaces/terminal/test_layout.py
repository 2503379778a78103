"""Tables never wrap, nothing is wider than the screen, and narrow screens lose the right things."""

from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.console import RenderableType

from aiops_agent.domain.sparkline import BARS
from aiops_agent.domain.stats import stats_of
from aiops_agent.domain.trace import trace_of
from aiops_agent.interfaces.terminal import listing, page, sums
from aiops_agent.interfaces.terminal.closing import closing, escalation
from aiops_agent.interfaces.terminal.escape import joined, say
from aiops_agent.interfaces.terminal.evidence import evidence, root_cause, verification
from aiops_agent.interfaces.terminal.header import header
from aiops_agent.interfaces.terminal.plan import PlanQuestion, question
from aiops_agent.interfaces.terminal.screen import Tier, tier
from aiops_agent.interfaces.terminal.timeline import line
from aiops_agent.interfaces.terminal.waterfall import waterfall
from tests.interfaces.terminal import canned
from tests.interfaces.terminal.drawing import WIDTHS, drawn, followed, terminal

PIECES: dict[str, Callable[[int], RenderableType]] = {
    "evidence": lambda width: evidence(canned.DIAGNOSIS, width),
    "cause": lambda _: root_cause(canned.DIAGNOSIS),
    "verification": lambda width: verification(canned.VERIFICATION, width),
    "escalation": lambda _: escalation(canned.ESCALATED),
    "closing": lambda width: closing(canned.RESOLVED, canned.EVENTS, width, next_commands=("a",)),
    "waterfall": lambda width: waterfall(
        trace_of(canned.RESOLVED, canned.EVENTS, canned.CALLS), width
    ),
    "stats": lambda width: sums.stats(stats_of([(canned.EVENTS, canned.CALLS)]), width),
    "closing with models": lambda width: closing(
        canned.RESOLVED, canned.EVENTS, width, calls=canned.CALLS
    ),
    "incidents": lambda width: listing.incidents(
        [canned.WAITING.in_short, canned.RESOLVED.in_short], width
    ),
    "approvals": lambda width: listing.approvals([canned.REQUEST.in_short], canned.START, width),
    "incident": lambda width: page.incident(canned.ESCALATED, canned.EVENTS, width),
    "approval": lambda _: page.approval(canned.REQUEST, canned.START),
    "header": lambda width: header("a scenario with a long title" * 3, 1, "aiops demo", width),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PIECES)
def test_no_piece_is_wider_than_the_screen(name: str, width: int) -> None:
    """At every tier."""
    lines = drawn(PIECES[name](width), width)

    assert lines
    assert max(cell_len(text) for text in lines) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_every_event_is_one_line(width: int) -> None:
    """The timeline never wraps, also with wide characters."""
    wide = canned.EVENTS[0].model_copy(update={"message": "日本語" * 60})

    for event in (*canned.EVENTS, wide):
        assert len(drawn(line(event, width=width), width)) == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_tables_have_as_many_lines_as_rows(width: int) -> None:
    """One head and one line per finding, per check and per incident."""
    assert len(drawn(evidence(canned.DIAGNOSIS, width), width)) == 1 + len(canned.FINDINGS)
    assert len(drawn(verification(canned.VERIFICATION, width), width)) == 2 + 1
    two = listing.incidents([canned.RESOLVED.in_short, canned.ESCALATED.in_short], width)
    assert len(drawn(two, width)) == 3


@pytest.mark.parametrize(
    ("width", "room"),
    [(60, Tier.NARROW), (71, Tier.NARROW), (72, Tier.MEDIUM), (99, Tier.MEDIUM), (100, Tier.WIDE)],
)
def test_tiers_change_at_72_and_100(width: int, room: Tier) -> None:
    """Under 72, 72 to 99, 100 and more."""
    assert tier(width) is room


def test_narrow_drops_the_sparkline_and_medium_the_source() -> None:
    """20 bars, 12 bars, none."""
    bars = {
        width: sum(char in BARS for char in drawn(evidence(canned.DIAGNOSIS, width), width)[1])
        for width in (60, 80, 104)
    }
    heads = {w: drawn(evidence(canned.DIAGNOSIS, w), w)[0] for w in (80, 104)}

    assert bars == {60: 0, 80: 12, 104: 20}
    assert "from" in heads[104]
    assert "from" not in heads[80]


@pytest.mark.parametrize("width", [72, 80, 104, 120])
def test_no_signal_name_is_cut_from_72_columns_on(width: int) -> None:
    """A log line may be cut; a signal's name may not."""
    rows = drawn(evidence(canned.DIAGNOSIS, width), width)[1:]

    for finding, row in zip(canned.FINDINGS, rows, strict=True):
        if finding.signal is not None:
            assert f"{finding.service} {finding.what}" in row


@pytest.mark.parametrize("width", [80, 104, 120])
def test_the_marker_stands_above_the_first_bar_that_rises(width: int) -> None:
    """▼ is where the trouble began."""
    head, row = drawn(evidence(canned.DIAGNOSIS, width), width)[:2]

    place = head.index("▼")
    assert set(row[place - 6 : place - 1]) == {BARS[0]}
    assert set(row[place : place + 6]) & set(BARS[1:])


@pytest.mark.parametrize("width", WIDTHS)
def test_the_question_is_one_line_with_default_no_and_the_time_left(width: int) -> None:
    """The hints that do not fit are left out."""
    lines = drawn(question(PlanQuestion.APPLY, canned.START - canned.BEGAN, width), width)

    assert len(lines) == 1
    assert lines[0].startswith("Apply plan? [y/N]")
    assert "1:30 left" in lines[0]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_whole_story_fits_and_uses_no_full_block(width: int) -> None:
    """Neighbouring bars must not fuse into a wall."""
    lines = followed(terminal(width))

    assert max(cell_len(text) for text in lines) <= width
    assert "█" not in "".join(lines)


def test_joining_leaves_each_part_its_ink() -> None:
    """Only what stands between is grey; empty parts leave no trace."""
    whole = joined([say("a", "bold"), say(""), say("b")])

    assert whole.plain == "a · b"
    assert whole.style == ""
    assert [(s.start, s.end, str(s.style)) for s in whole.spans] == [(0, 1, "bold"), (1, 4, "dim")]


def test_models_take_no_room_from_the_clocks() -> None:
    """Also when their price is not known, and their names are long."""
    calls = [
        call.model_copy(update={"usage": call.usage.model_copy(update={"cost": None})})
        for call in canned.CALLS
    ]
    text = "\n".join(drawn(closing(canned.RESOLVED, canned.EVENTS, 104, calls=calls), 104))

    assert "wait for you 0:00  0:22" in text
    assert "cost price unknown" in text
    assert "gemini:gemini-3.8-flash: 1 calls" in text
