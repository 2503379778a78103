"""One whole incident as nouns and events: payments-api is overloaded and scaled."""

from datetime import UTC, datetime, timedelta

from aiops_agent.domain.alert import AlertNews, Severity
from aiops_agent.domain.answer import STATISTICS, Effort, Usage
from aiops_agent.domain.approval import (
    ApprovalRequest,
    ApprovalState,
    Decision,
    Opinion,
    Ruling,
    Surface,
    Verdict,
)
from aiops_agent.domain.diagnosis import (
    CauseKind,
    Confidence,
    Diagnosis,
    Evidence,
    Finding,
    Hypothesis,
    Stance,
    Triage,
    TriageVerdict,
)
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Attempt, Ending, Incident, IncidentId, Status
from aiops_agent.domain.model import ModelCall, ModelRef, Trouble
from aiops_agent.domain.payload import (
    ActionFinished,
    ActionStarted,
    AlertReceived,
    ApprovalDecided,
    ApprovalPending,
    DiagnosisReady,
    EvidenceAdded,
    IncidentOpened,
    IncidentResolved,
    Payload,
    PlanProposed,
    PolicyDecided,
    ReportWritten,
    TriageDone,
    VerificationDone,
    VerificationSample,
)
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    Alternative,
    BlastRadius,
    Check,
    Comparison,
    Criterion,
    Effect,
    EffectState,
    Outcome,
    Plan,
    PlanKind,
    Precedent,
    Prepared,
    PreparedPlan,
    Recovery,
    Request,
    Risk,
    Target,
    Verification,
)
from aiops_agent.domain.telemetry import ServiceName, Signal, Window
from tests.targets import at

PAYMENTS, WEB = ServiceName("payments-api"), ServiceName("web")
START = datetime(2026, 11, 19, 3, 4, 2, tzinfo=UTC)
BEGAN = START - timedelta(seconds=90)
FLAT = tuple(0.12 + 0.004 * (i % 3) for i in range(18))
RISE = (*FLAT, 0.3, 0.8, 1.4, 2.0, 2.6, 2.9)
CALM = tuple(41 + (i % 4) for i in range(24))


def _finding(
    number: int, what: str, change: tuple[str, str], signal: Signal | None, *, changed: bool = True
) -> Finding:
    return Finding(
        id=f"E{number}",
        service=PAYMENTS,
        what=what,
        before=change[0],
        now=change[1],
        source="shop" if signal else "logs",
        query=f'{what}{{service="payments-api"}}',
        signal=signal,
        trend=RISE if changed else CALM,
        changed=changed,
    )


FINDINGS = (
    _finding(1, "latency p95", ("120 ms", "2.9 s"), Signal.LATENCY),
    _finding(2, "requests per second", ("41/s", "97/s"), Signal.TRAFFIC),
    _finding(3, "saturation", ("52%", "118%"), Signal.SATURATION),
    _finding(4, "log: accept queue is full, dropping a connection", ("0", "602/min"), None),
    _finding(5, "memory in use", ("41%", "42%"), Signal.MEMORY, changed=False),
    _finding(6, "pool wait p95", ("2 ms", "2 ms"), Signal.POOL_WAIT, changed=False),
)


def _evidence(finding: str, stance: Stance) -> Evidence:
    return Evidence(finding=finding, stance=stance, why="as predicted")


OVERLOAD = Hypothesis(
    kind=CauseKind.CAPACITY,
    service=PAYMENTS,
    statement="payments-api gets 2.4 times its usual traffic, more than 2 replicas can serve.",
    score=0.91,
    held=4,
    checks=4,
    evidence=(
        _evidence("E1", Stance.SYMPTOM),
        _evidence("E2", Stance.FOR),
        _evidence("E3", Stance.FOR),
        _evidence("E4", Stance.FOR),
    ),
)
LEAK = Hypothesis(
    kind=CauseKind.LEAK,
    service=PAYMENTS,
    statement="payments-api runs out of memory.",
    score=0.11,
    held=0,
    checks=3,
    contradicted=1,
    evidence=(_evidence("E5", Stance.AGAINST),),
)
DIAGNOSIS = Diagnosis(
    summary="payments-api is overloaded",
    hypotheses=(OVERLOAD, LEAK),
    findings=FINDINGS,
    confidence=Confidence.HIGH,
    why_confidence="4 of 4 predictions held · 1 rival ruled out · 0 contradictions",
    not_known=("why the traffic rose",),
    sequence=("traffic rose 03:02:32", "latency rose 03:03:01", "alert 03:04:02"),
    began=BEGAN,
    shown=Window(start=START - timedelta(minutes=6), end=START + timedelta(seconds=4)),
)
TRIAGE = Triage(
    verdict=TriageVerdict.CONFIRMED,
    severity=Severity.SEV2,
    service=PAYMENTS,
    signal=Signal.LATENCY,
    impact="more than 1 in 20 payments-api requests is slower than 300 ms",
    reason="latency p95 is 2.9 s, usually 120 ms",
    began=BEGAN,
)
CRITERION = Criterion(
    service=PAYMENTS,
    signal=Signal.LATENCY,
    comparison=Comparison.BELOW,
    level=0.3,
    hold=timedelta(seconds=60),
    within=timedelta(minutes=5),
    at_alert=2.9,
    words="payments-api latency p95 < 300 ms for 60 s within 5 min",
)
SCALE = Action(
    kind=ActionKind("scale_pods"), target=at(PAYMENTS, "shop:demo"), wished={"replicas": 5}
)
PLAN = Plan(
    kind=PlanKind.ACT,
    actions=(SCALE,),
    reason="traffic is 2.4 times the usual and every replica is full",
    expected="saturation falls to about 50%",
    hypothesis=OVERLOAD.key,
    criteria=(CRITERION,),
    alternatives=(
        Alternative(
            actions=(Action(kind=ActionKind("restart_service"), target=at(PAYMENTS, "shop:demo")),),
            drawback="it did not help in INC-2026-02; an overloaded service gets worse for a while",
        ),
        Alternative(text="hand over to a person", drawback="users wait meanwhile"),
    ),
    precedents=(
        Precedent(
            incident="INC-2026-01",
            ended_at=datetime(2026, 1, 14, tzinfo=UTC),
            action=SCALE,
            noun="scaling",
            recovery=Recovery.RECOVERED,
        ),
    ),
)
STEP = Prepared(
    action=SCALE,
    requests=(
        Request(
            operation="INC-0001.1.1.1",
            words="scale payments-api to 5 replicas (generation 7)",
            payload={},
            repeatable=True,
        ),
    ),
    precondition={"generation": 7},
    inverse=Action(
        kind=ActionKind("scale_pods"), target=at(PAYMENTS, "shop:demo"), wished={"replicas": 2}
    ),
    blast=BlastRadius(
        services=(PAYMENTS, WEB),
        replicas=3,
        interrupts=False,
        words="3 new replicas beside 2; running ones are not touched",
    ),
    do="scale payments-api to 5 replicas",
    risk=Risk.LOW,
    hazard="the number of replicas changes",
    run="shop scale payments-api --replicas 5",
    undo="shop scale payments-api --replicas 2",
)
PREPARED = PreparedPlan(
    incident="INC-0001",
    environment=EnvironmentRef.parse("shop:demo"),
    attempt=1,
    plan=PLAN,
    steps=(STEP,),
)
VERDICT = Verdict(
    ruling=Ruling.ASK,
    reason="a change of a running system needs a person",
    opinions=(
        Opinion(
            rule="risky_needs_human",
            ruling=Ruling.ASK,
            reason="a change of a running system needs a person",
        ),
    ),
)
DECISION = Decision(
    digest=PREPARED.digest,
    approve=True,
    by="alex",
    surface=Surface.TERMINAL,
    at=START + timedelta(seconds=29),
)
REQUEST = ApprovalRequest(
    id="INC-0001.1",
    incident="INC-0001",
    digest=PREPARED.digest,
    prepared=PREPARED,
    verdict=VERDICT,
    state=ApprovalState.PENDING,
    asked_at=START + timedelta(seconds=7),
    expires_at=START + timedelta(minutes=15, seconds=7),
    remind_at=START + timedelta(minutes=7),
)
DONE = START + timedelta(seconds=38)
OUTCOME = Outcome(
    effects=(
        Effect(
            operation="INC-0001.1.1.1",
            words="scale payments-api to 5 replicas (generation 7)",
            state=EffectState.APPLIED,
            at=DONE,
        ),
    ),
    started=DONE,
    finished=DONE,
)
VERIFICATION = Verification(
    recovery=Recovery.RECOVERED,
    checks=(
        Check(
            criterion=CRITERION,
            now=0.131,
            recovery=Recovery.RECOVERED,
            trend=(2.9, 2.7, 1.4, 0.6, 0.2, 0.14, 0.13, 0.13),
            inside=START + timedelta(seconds=40),
        ),
    ),
    reason="1 of 1 criteria held for 60 s",
    at=START + timedelta(seconds=130),
)
ATTEMPT = Attempt(
    number=1,
    diagnosis=DIAGNOSIS,
    plan=PLAN,
    prepared=PREPARED,
    approval=REQUEST.id,
    outcome=OUTCOME,
    verification=VERIFICATION,
    verdict=VERDICT,
)
OPEN = Incident(
    id=IncidentId("INC-0001"),
    environment=EnvironmentRef.parse("shop:demo"),
    title="payments-api experiencing latency spikes",
    subject=Target(environment=EnvironmentRef.parse("shop:demo"), name=PAYMENTS),
    alert_names=("LatencyHigh",),
    summary="payments-api experiencing latency spikes",
    severity=Severity.SEV2,
    started_at=BEGAN,
    opened_at=START,
    triage=TRIAGE,
)
WAITING = OPEN.model_copy(
    update={
        "status": Status.AWAITING_APPROVAL,
        "attempts": (ATTEMPT.model_copy(update={"outcome": None, "verification": None}),),
    }
)
RESOLVED = OPEN.model_copy(
    update={
        "status": Status.RESOLVED,
        "note": "payments-api is overloaded; scaled to 5 replicas",
        "attempts": (ATTEMPT,),
        "recovery": Recovery.RECOVERED,
        "ended_at": START + timedelta(seconds=131),
    }
)
_NOT_HELPED = VERIFICATION.model_copy(
    update={"recovery": Recovery.NOT_RECOVERED, "reason": "latency p95 is still 2.7 s"}
)
ESCALATED = RESOLVED.model_copy(
    update={
        "status": Status.ESCALATED,
        "note": "3 attempts did not help",
        "attempts": (ATTEMPT.model_copy(update={"verification": _NOT_HELPED, "undo": OUTCOME}),),
        "recovery": Recovery.NOT_RECOVERED,
    }
)


def event(
    payload: Payload,
    seconds: float,
    message: str,
    *,
    refs: tuple[str, ...] = (),
    took: float | None = None,
    wall: float | None = None,
) -> Event:
    """Return an event `seconds` after the alert in environment time, `wall` in wall time."""
    return Event(
        key=f"INC-0001:{payload.type}:{seconds}",
        incident="INC-0001",
        environment=EnvironmentRef.parse("shop:demo"),
        payload=payload,
        message=message,
        refs=refs,
        at=START + timedelta(seconds=seconds),
        written_at=START + timedelta(days=5, seconds=seconds if wall is None else wall),
        effort=None if took is None else Effort(by=STATISTICS, took=took),
    )


_SEVERITY = Severity.SEV2
EVENTS = (
    event(
        AlertReceived(news=AlertNews.JOINED, alert="k1", name="LatencyHigh"),
        0,
        "LatencyHigh critical · 3 alerts → 1 incident",
        wall=0,
    ),
    event(
        IncidentOpened(alert="k1", name="LatencyHigh", service="payments-api", severity=_SEVERITY),
        0,
        "payments-api experiencing latency spikes",
        wall=0,
    ),
    event(TriageDone(triage=TRIAGE), 0, f"SEV2 · confirmed · {TRIAGE.impact}", took=0.1, wall=0.2),
    *(
        event(
            EvidenceAdded(attempt=1, finding=f),
            0.1 * n,
            f"{f.service} {f.what} {f.before} → {f.now}",
            refs=(f.id,),
            wall=0.5,
        )
        for n, f in enumerate(FINDINGS[:4], start=1)
    ),
    event(
        DiagnosisReady(attempt=1, diagnosis=DIAGNOSIS),
        1,
        "payments-api is overloaded (high confidence)",
        refs=("E1", "E2", "E3", "E4"),
        took=0.3,
        wall=0.6,
    ),
    event(
        PlanProposed(attempt=1, plan=PLAN), 1, f"{SCALE.text}: {PLAN.reason}", took=0.05, wall=0.7
    ),
    event(
        PolicyDecided(attempt=1, digest=PREPARED.digest, verdict=VERDICT),
        1,
        f"ask · rule risky_needs_human · {VERDICT.reason}",
        wall=0.8,
    ),
    event(
        ApprovalPending(approval=REQUEST.id, digest=REQUEST.digest, expires_at=REQUEST.expires_at),
        1,
        "plan 1 waits for a person",
        wall=1,
    ),
    event(
        ApprovalDecided(approval=REQUEST.id, decision=DECISION, waited=22.0),
        1,
        f"approved by a person (terminal) · plan {REQUEST.digest[:12]}",
        wall=23,
    ),
    event(ActionStarted(attempt=1, step=1, action=SCALE), 1, STEP.run, wall=23),
    event(
        ActionFinished(attempt=1, action=SCALE, risk=STEP.risk, outcome=OUTCOME),
        1,
        "scale payments-api to 5 replicas (generation 7): applied",
        took=0.2,
        wall=23.2,
    ),
    event(
        VerificationSample(attempt=1, verification=VERIFICATION),
        61,
        "not recovered · latency p95 is 640 ms",
        wall=23.4,
    ),
    event(
        VerificationDone(attempt=1, recovery=Recovery.RECOVERED, verification=VERIFICATION),
        130,
        "recovered · 1 of 1 criteria held for 60 s",
        took=0.1,
        wall=23.6,
    ),
    event(
        IncidentResolved(ending=Ending.FIXED, severity=_SEVERITY),
        131,
        "resolved: scaled to 5 replicas",
        wall=23.7,
    ),
    event(ReportWritten(), 131, "report kept", wall=23.8),
)
LITE = ModelRef(provider="gemini", name="gemini-3.5-flash-lite")
_DIAGNOSED = next(e for e in EVENTS if isinstance(e.payload, DiagnosisReady))


def a_call(ordinal: int = 1, seconds: float = 0.2, **other: object) -> ModelCall:
    """Return a request for the diagnosis, so many seconds before it was told."""
    given = {
        "incident": "INC-0001",
        "environment": RESOLVED.environment,
        "agent": "diagnose",
        "ordinal": ordinal,
        "model": LITE,
        "answered_by": "gemini-3.5-flash-lite-001",
        "place": "https://provider.test:443",
        "sent": {"a": 1},
        "usage": Usage(requests=1, input=100, cached_input=20, output=30, reasoning=10, cost=0.01),
        "started_at": _DIAGNOSED.written_at - timedelta(seconds=seconds),
        "took": 0.05,
    }
    return ModelCall.model_validate({**given, **other})


CALLS = (
    a_call(tools=("signal",)),
    a_call(2, 0.1),
    a_call(3, -0.02, agent="plan", model=ModelRef(provider="gemini", name="gemini-3.8-flash")),
    a_call(4, -0.05, agent="plan", trouble=Trouble.OVERLOAD, why="503: try later"),
)
HOSTILE = (
    "\x1b[2J\x1b[H\x1b]0;owned\x07\x1b[31mAPPROVED\x1b[0m\rfake line\b\b\b",
    "user\u202egnp.exe \u2066rtl\u2069 zero\u200bwidth \ufeffbom",
    "[bold red]markup[/] [link=http://evil.example]x[/link] :bomb: \n\n# heading",
)
