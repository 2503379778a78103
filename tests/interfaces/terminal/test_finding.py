"""A finding, a chart, a look and a status fit each width, and say what they show."""

from datetime import timedelta

import pytest

from aiops_agent.domain.diagnosis import Certainty, TriageVerdict
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.investigated import Investigated
from aiops_agent.domain.service_status import EnvironmentNow, ServiceNow, SignalNow
from aiops_agent.domain.telemetry import ServiceName, Signal, Window
from aiops_agent.interfaces.terminal import status
from aiops_agent.interfaces.terminal.chart import chart
from aiops_agent.interfaces.terminal.evidence import root_cause
from aiops_agent.interfaces.terminal.finding import finding, query
from aiops_agent.interfaces.terminal.investigated import investigated
from tests.interfaces.terminal import canned
from tests.interfaces.terminal.drawing import WIDTHS, drawn, terminal, written
from tests.interfaces.terminal.hostile import HOSTILE

QUERY = 'histogram_quantile(0.95, sum by (le) (rate(http_seconds_bucket{service="pay"}[1m])))'
CERTAIN = Certainty(
    raised=("payments-api gets more requests (E2)",),
    lowered=("the errors of orders are not seen", "why the traffic rose"),
    settle=("an error metric for orders",),
)
DIAGNOSIS = canned.DIAGNOSIS.model_copy(update={"certainty": CERTAIN})
FOUND = canned.FINDINGS[0].model_copy(
    update={"source": "prometheus", "query": QUERY, "values": (0.12, 2.9)}
)
LOOK = Investigated(
    environment=EnvironmentRef.parse("docker:shop"),
    service=canned.PAYMENTS,
    at=canned.START,
    triage=canned.TRIAGE,
    diagnosis=DIAGNOSIS,
    left_out=("HighMemory (cart)",),
)
START = canned.START


def seconds(value: float) -> str:
    return f"{value:.1f} s"


def test_a_chart_shows_levels_the_beginning_and_both_ends() -> None:
    shown = Window(start=START, end=START + timedelta(minutes=4))
    lines = chart((1.0,) * 6 + (4.0,) * 6, shown, START + timedelta(minutes=2),
                  words=seconds, width=40, height=4)  # fmt: skip

    text = [line.plain for line in lines]
    assert text[0] == "4.0 s ┤" + " " * 17 + "█" * 16
    assert text[3] == "0.0 s ┤" + "█" * 33
    assert text[4].index("▲") == len("4.0 s ┤") + 16
    assert text[5].split() == ["03:04:02", "03:08:02"]


@pytest.mark.parametrize("values", [(), (1.0,), (0.0,) * 24, (-3.0, 5.0), (7.0,) * 200])
@pytest.mark.parametrize("width", [5, 18, 20, 80])
def test_a_chart_of_anything_stays_within_its_width(values: tuple[float, ...], width: int) -> None:
    shown = Window(start=START, end=START + timedelta(minutes=4))
    for began in (None, START, START + timedelta(minutes=3, seconds=59)):
        lines = chart(values, shown, began, words=seconds, width=width)
        assert all(line.cell_len <= max(width, 30) for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_finding_fits_and_tells_all_of_itself(width: int) -> None:
    lines = drawn(finding("INC-0001, attempt 1", FOUND, DIAGNOSIS, width), width)

    assert all(len(line) <= width for line in lines)
    text = " ".join(" ".join(lines).split())
    for told in ("120 ms → 2.9 s", "24 times", "began 03:02:32", "symptom of the trouble",
                 "INC-0001, attempt 1", "would settle an error metric for orders"):  # fmt: skip
        assert told in text


def test_a_finding_of_a_log_has_no_chart_and_says_what_was_read() -> None:
    lines = drawn(finding("INC-0001, attempt 1", canned.FINDINGS[3], DIAGNOSIS, 80), 80)

    assert not any("┤" in line for line in lines)
    assert [line.plain for line in query(canned.FINDINGS[3])][1] == "what was read:"


def test_a_query_to_be_pasted_stays_one_line_on_a_narrow_terminal() -> None:
    console = terminal(40)
    for line in query(FOUND):
        console.print(line, soft_wrap=True)

    assert written(console) == ["", "query, to be pasted into Prometheus:", QUERY]


def test_the_cause_says_what_raised_lowered_and_would_settle_it() -> None:
    text = " ".join(" ".join(drawn(root_cause(DIAGNOSIS), 120)).split())

    assert "raised by payments-api gets more requests (E2)" in text
    assert "lowered by the errors of orders are not seen · 1 of what is not known" in text
    assert "would settle an error metric for orders" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_a_look_fits_each_width(width: int) -> None:
    lines = drawn(investigated(LOOK, width), width)

    assert all(len(line) <= width for line in lines)
    assert sum("┤" in line for line in lines) == (0 if width < 72 else 8)  # two charts
    assert any("also firing HighMemory (cart)" in line for line in lines)


def test_a_look_without_anything_to_read_says_so() -> None:
    update = {"triage": None, "diagnosis": None, "missing": ("The metrics are away.",)}
    lines = drawn(investigated(LOOK.model_copy(update=update), 80), 80)

    assert "! The metrics are away." in lines


def test_nobody_is_told_of_a_doubt_about_an_alert_that_does_not_exist() -> None:
    unseen = canned.TRIAGE.model_copy(update={"verdict": TriageVerdict.UNSEEN})
    lines = drawn(investigated(LOOK.model_copy(update={"triage": unseen}), 80), 80)

    assert not any("neither confirmed" in line for line in lines)


def a_status(name: str = "payments-api", words: str = "p95 above the objective") -> EnvironmentNow:
    bad = SignalNow(signal=Signal.LATENCY, now=2.9, usual=0.12, words=words)
    well = SignalNow(signal=Signal.ERRORS, now=0.001, usual=0.001)
    return EnvironmentNow(
        environment=EnvironmentRef.parse("docker:shop"),
        at=START,
        usual=Window(start=START - timedelta(hours=2), end=START),
        services=(
            ServiceNow(service=ServiceName(name), signals=(bad, well), severity=3.0),
            ServiceNow(service=ServiceName("a-service-with-a-very-long-name-indeed")),
        ),
        left_out=3,
        missing=("logs are away",),
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_a_status_fits_each_width_and_shows_the_usual(width: int) -> None:
    lines = drawn(status.environment(a_status(), width), width)

    assert all(len(line) <= width for line in lines)
    assert any("2.9 s (120 ms)" in line for line in lines)
    assert any(line.startswith("✗  payments-api") for line in lines)
    assert "✗ payments-api: p95 above the objective" in lines
    assert "! 3 more services were not read." in lines


def test_what_is_not_seen_is_never_told_to_be_well() -> None:
    blind = a_status().model_copy(update={"services": (ServiceNow(service=ServiceName("x")),)})

    lines = drawn(status.environment(blind, 80), 80)

    assert not any("Nothing that is seen deviates" in line for line in lines)
    assert "! neither latency nor errors are seen of x" in lines


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_reach_no_terminal(text: str) -> None:
    shown = FOUND.model_copy(update={"what": text, "query": text, "service": text})
    certain = Certainty(raised=(text,), lowered=(text,), settle=(text,))
    made = DIAGNOSIS.model_copy(update={"certainty": certain, "findings": (shown,)})
    look = LOOK.model_copy(update={"diagnosis": made, "left_out": (text,), "service": text})
    pieces = (
        finding(text, shown, made, 80),
        investigated(look, 80),
        status.environment(a_status(text, text), 80),
        status.waiting([(text, text)]),
        *query(shown),
    )

    for piece in pieces:
        assert all(char.isprintable() for char in "".join(drawn(piece, 80)))
