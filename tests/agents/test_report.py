"""The report: twelve chapters, honest gaps, harmless text, no names where none belong."""

import asyncio
import json
import re
from datetime import timedelta

import pytest
import yaml

from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.report import report
from aiops_agent.domain.alert import NO_ALERTS, AlertList
from aiops_agent.domain.answer import Author, AuthorKind, Effort, Usage
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Ending, Incident, Status
from aiops_agent.domain.payload import ApprovalDecided, EventType, VerificationSample
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.remediation import Recovery
from tests.contracts.samples import a_kept_alert
from tests.interfaces.terminal import canned
from tests.interfaces.terminal.hostile import HOSTILE
from tests.reasoning.world import Remembered

TITLES = [
    "1. Summary",
    "2. Impact",
    "3. Timeline",
    "4. What triggered it",
    "5. Contributing factors",
    "6. What we ruled out and how",
    "7. What we still do not know",
    "8. Resolution and verification",
    "9. Detection",
    "10. What went well, what went wrong, where we got lucky",
    "11. Action items",
    "12. How the agent did",
    "Appendix",
]
NO_ENVIRONMENT = None  # the report looks at nothing but the incident and its events


def written(
    incident: Incident = canned.RESOLVED,
    events: tuple[Event, ...] = canned.EVENTS,
    alerts: AlertList = NO_ALERTS,
) -> Postmortem:
    """Return the report of an incident."""
    briefing = Briefing(incident, NO_ENVIRONMENT, Remembered(), canned.START, alerts=alerts)  # type: ignore[arg-type]  # unused
    return asyncio.run(report(briefing, events))


def chapter(text: str, title: str) -> str:
    """Return one chapter of the Markdown."""
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def front(text: str) -> dict[str, object]:
    """Return the front matter, read as YAML."""
    loaded = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(loaded, dict)
    return loaded


def test_it_has_front_matter_and_all_chapters_in_order() -> None:
    """As people know them from other reports."""
    text = written().markdown

    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == TITLES
    assert list(front(text)) == [
        *("id", "title", "severity", "services", "environment", "outcome", "ending", "started"),
        *("detected", "mitigated", "resolved", "ttd", "ttm", "ttr", "cost_usd", "model", "partial"),
        "status",
    ]


def test_times_come_from_the_data_and_it_stays_a_draft() -> None:
    """Detected 1:30 after the beginning, mitigated at the first good sample, resolved behind it."""
    matter = front(written().markdown)

    assert (matter["ttd"], matter["ttm"], matter["ttr"]) == ("1:30", "2:10", "3:41")
    assert (matter["status"], matter["cost_usd"], matter["model"]) == ("draft", 0, None)


def test_equal_input_gives_equal_bytes() -> None:
    """A report can be made again and compared."""
    assert written() == written()


def test_the_machine_form_says_the_same() -> None:
    """JSON all the way down, with every chapter."""
    data = json.loads(json.dumps(written().data))

    assert data["apiVersion"] == "aiops-agent/v1"
    assert data["timeline"]["events"][0]["what"] == canned.EVENTS[0].message
    assert data["appendix"]["evidence"]["E1.1"]["points"]
    assert data["not_known"]["points"] == ["why the traffic rose"]


def test_every_reference_leads_to_a_heading_of_the_same_page() -> None:
    """The anchors are those that Markdown viewers make of the headings."""
    text = written().markdown
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}

    linked = set(re.findall(r"\]\(#([^)]*)\)", text))

    assert linked
    assert linked <= made


def test_what_was_seen_again_and_again_is_one_row() -> None:
    look = canned.EVENTS[1]
    later = look.model_copy(update={"at": look.at + timedelta(seconds=30)})

    rows = written(events=(look, later)).data["timeline"]["events"]

    assert len(rows) == 1
    assert rows[0]["what"].endswith(f"(2 times, the last at {later.at:%H:%M:%S})")


def test_people_are_named_in_the_audit_only() -> None:
    """Blameless: elsewhere it is a person."""
    text = written().markdown

    before, audit = text.split("### Who answered")
    assert "alex" not in before
    assert "approved by a person" in chapter(text, "3. Timeline")
    assert "alex" in audit


def test_nothing_known_is_said_and_not_invented() -> None:
    """An incident of which nothing was found."""
    text = written(canned.OPEN.model_copy(update={"triage": None}), ()).markdown

    for title in TITLES[1:8]:
        assert "_nothing known_" in chapter(text, title)
    assert "Ongoing." in chapter(text, "1. Summary")


def test_a_failed_attempt_is_told_with_its_undo() -> None:
    """Wrong turns are in the chapter on the agent, and what went wrong."""
    attempt = canned.ESCALATED.attempts[0].model_copy(update={"refuted": canned.OVERLOAD.key})
    incident = canned.ESCALATED.model_copy(update={"attempts": (attempt,)})

    text = written(incident).markdown

    assert "Taken back: applied." in chapter(text, "8. Resolution and verification")
    assert "Attempt 1 did not help" in chapter(text, TITLES[9])
    assert "wrong turns: 1" in chapter(text, TITLES[11])
    assert front(text)["ttr"] is None


def test_a_rejection_is_told_with_its_reason() -> None:
    """Nothing was run, and the reason is for the next plan."""
    no = canned.DECISION.model_copy(update={"approve": False, "reason": "not during the sale"})
    decided = next(e for e in canned.EVENTS if e.type is EventType.APPROVAL_DECIDED)
    payload = decided.payload.model_copy(update={"decision": no})
    event = decided.model_copy(update={"payload": payload})

    text = written(canned.WAITING, (event,)).markdown

    assert "rejected plans: 1" in chapter(text, TITLES[11])
    assert "not during the sale" in chapter(text, TITLES[11])
    assert "Not run." in chapter(text, TITLES[7])


@pytest.mark.parametrize(
    ("surface", "kind"),
    [(Surface.FLAG, "rule"), (Surface.POLICY, "rule"), (Surface.FILE, "rule")],
)
def test_what_no_person_decided_is_no_person(surface: Surface, kind: str) -> None:
    events = tuple(_answered(event, surface, kind) for event in canned.EVENTS)

    text = written(events=events).markdown

    assert "A person decided" not in text
    assert "A person decided" in written().markdown
    assert "a person" not in chapter(text, TITLES[11]).split("| agent |")[1]


def _answered(event: Event, surface: Surface, kind: str) -> Event:
    if not isinstance(event.payload, ApprovalDecided):
        return event
    by = Effort(by=Author(kind=AuthorKind(kind), name=str(surface)))
    decision = event.payload.decision.model_copy(update={"surface": surface})
    payload = event.payload.model_copy(update={"decision": decision})
    return event.model_copy(update={"payload": payload, "effort": by})


def test_a_hand_over_says_that_it_still_hurts_whose_it_is_and_where_to_look() -> None:
    alerts = AlertList(shown=(a_kept_alert(labels={"alertname": "Slow", "team": "pay"}),), total=1)
    bad = canned.VERIFICATION.model_copy(update={"recovery": Recovery.NOT_RECOVERED})
    sample = VerificationSample(attempt=1, verification=bad)
    events = (canned.EVENTS[0], canned.EVENTS[0].model_copy(update={"payload": sample}))

    text = written(canned.ESCALATED, events, alerts).markdown

    assert "The impact was ongoing at the hand-over." in chapter(text, TITLES[0])
    told = chapter(text, TITLES[7]).split("### Hand-over")[1]
    assert "Impact ongoing at hand-over" in told
    assert "Owner: pay." in told
    assert "Next: find out why the traffic rose." in told
    assert front(text)["mitigated"] is None


def test_a_stop_gap_says_so_at_the_end() -> None:
    attempt = canned.RESOLVED.attempts[0]
    assert attempt.plan is not None
    plan = attempt.plan.model_copy(update={"stop_gap": True})
    attempts = (attempt.model_copy(update={"plan": plan}),)

    text = written(canned.RESOLVED.model_copy(update={"attempts": attempts})).markdown

    assert "a stop-gap: the cause stays" in chapter(text, TITLES[0])


def test_healing_by_itself_is_luck() -> None:
    """No action of ours helped."""
    healed = canned.OPEN.model_copy(
        update={
            "status": Status.RESOLVED,
            "ending": Ending.HEALED,
            "recovery": Recovery.RECOVERED,
            "ended_at": canned.DONE,
        }
    )

    text = written(healed, canned.EVENTS[:1]).markdown

    assert "with no action of ours" in chapter(text, TITLES[9])
    assert front(text)["ttm"] == front(text)["ttr"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_make_no_markup_no_link_and_no_control_character(text: str) -> None:
    """In every field that the outside writes."""
    finding = canned.FINDINGS[3].model_copy(
        update={"what": text, "before": text, "now": text, "source": text, "query": text}
    )
    found = canned.DIAGNOSIS.model_copy(
        update={"findings": (finding,), "not_known": (text,), "sequence": (text,)}
    )
    attempt = canned.ATTEMPT.model_copy(update={"diagnosis": found})
    incident = canned.RESOLVED.model_copy(
        update={"title": text, "note": text, "alert_names": (text,), "attempts": (attempt,)}
    )
    events = tuple(e.model_copy(update={"message": text}) for e in canned.EVENTS)

    page = written(incident, events).markdown

    assert all(char.isprintable() or char == "\n" for char in page)
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == TITLES
    outside_code = re.sub(r"(`+).*?\1", "", page.split("\n---\n", 1)[1])
    assert not re.search(r"(?<!\\)<|(?<!\\)!\[|\]\((?!#)|https?://|\bwww\.", outside_code)
    assert front(page)["id"] == "INC-0001"


def test_a_cause_is_ruled_out_or_contributes_but_never_both() -> None:
    """What anything speaks against is no contributing factor."""
    open_rival = canned.LEAK.model_copy(
        update={"statement": "a noisy neighbour.", "evidence": (), "held": 1, "contradicted": 0}
    )
    found = canned.DIAGNOSIS.model_copy(
        update={"hypotheses": (canned.OVERLOAD, canned.LEAK, open_rival)}
    )
    attempt = canned.ATTEMPT.model_copy(update={"diagnosis": found})

    text = written(canned.RESOLVED.model_copy(update={"attempts": (attempt,)})).markdown

    assert "a noisy neighbour" in chapter(text, TITLES[4])
    assert "runs out of memory" not in chapter(text, TITLES[4])
    assert "runs out of memory" in chapter(text, TITLES[5])


def test_a_change_is_the_trigger_and_no_sign_to_alert_on() -> None:
    """Earlier detection is about what telemetry showed first."""
    best = canned.OVERLOAD.model_copy(update={"change": "Release 2.4.1"})
    found = canned.DIAGNOSIS.model_copy(
        update={"hypotheses": (best,), "sequence": ("03:02 Release 2.4.1", "03:03 latency rises")}
    )
    attempt = canned.ATTEMPT.model_copy(update={"diagnosis": found})

    text = written(canned.RESOLVED.model_copy(update={"attempts": (attempt,)})).markdown

    assert "Suspected change: Release 2.4.1" in chapter(text, TITLES[3])
    told = chapter(text, TITLES[8])
    assert "An alert on the first sign would have fired earlier: 03:03 latency rises" in told


def test_alerts_are_shown_with_all_they_brought() -> None:
    """Labels, annotations, links and group, as text; the rest of a storm is counted."""
    alerts = AlertList(
        shown=tuple(a_kept_alert(key=f"k{number}") for number in range(30)), total=1000
    )

    text = written(alerts=alerts).markdown.split("### Alerts\n")[1].split("\n### ")[0]

    assert "980 more alerts" in text
    assert "#### 20" in text
    assert "#### 21" not in text
    for brought in (
        "alertname=HighLatency, service=payments-api",
        "summary=p95 above 500 ms",
        "http://prometheus.test/graph?g0.expr=up",
        "https://wiki.test/slow",
        "http://alertmanager.test:9093",
        "aiops",
    ):
        assert f"{brought}" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_of_an_alert_stay_words(text: str) -> None:
    """Whatever a sender puts into labels, annotations, names or its group."""
    alert = a_kept_alert(
        labels={text: text, "alertname": text},
        annotations={text: text},
        group_labels={text: text},
        receiver=text,
    )

    page = written(alerts=AlertList(shown=(alert,), total=1)).markdown

    assert all(char.isprintable() or char == "\n" for char in page)
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == TITLES
    outside_code = re.sub(r"(`+).*?\1", "", page.split("\n---\n", 1)[1])
    assert not re.search(r"(?<!\\)<|(?<!\\)!\[|\]\((?!#)|https?://|\bwww\.", outside_code)


def test_efforts_are_added_up_by_agent_and_author() -> None:
    """Calls, tokens and cost are summed from the events, never written by hand."""
    model = Author(kind=AuthorKind.MODEL, name="gpt-x")
    usage = Usage(requests=2, input=900, output=100, cost=0.25)
    effort = Effort(by=model, usage=usage, took=1.5, notes=("statistics say a leak",))
    told = [e for e in canned.EVENTS if e.type is EventType.DIAGNOSIS_READY]
    events = tuple(told[0].model_copy(update={"effort": effort, "key": key}) for key in "ab")

    report = written(events=events)

    agent = chapter(report.markdown, TITLES[11])
    assert (front(report.markdown)["cost_usd"], front(report.markdown)["model"]) == (0.5, "gpt-x")
    assert "Language model: gpt-x; 4 calls, 2000 tokens" in agent
    assert "diagnose: statistics say a leak" in agent
    assert report.data["agent"]["efforts"] == [
        {
            "agent": "diagnose",
            "answered by": "model gpt-x",
            "own work": "3.00 s",
            "language model": "4 calls, 2000 tokens, $0.50",
        }
    ]


def test_an_unknown_price_is_said_and_is_no_zero() -> None:
    """One answer without a price leaves the sum without one."""
    model = Author(kind=AuthorKind.MODEL, name="local")
    effort = Effort(by=model, usage=Usage(requests=1, cost=None))
    event = canned.EVENTS[0].model_copy(update={"effort": effort})

    text = written(events=(event,)).markdown

    assert front(text)["cost_usd"] is None
    assert "1 calls, 0 tokens, price unknown" in chapter(text, TITLES[11])


def test_without_a_model_the_zeros_are_counted() -> None:
    """Statistics cost time, and no calls."""
    text = chapter(written().markdown, TITLES[11])

    assert "Language model: none; 0 calls, 0 tokens" in text
    assert "statistics" in text
