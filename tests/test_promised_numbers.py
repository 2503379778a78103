"""The numbers that people rely on, in one list: to change one is to change a promise.

What is only a matter of tuning is not here.
"""

from datetime import timedelta

import pytest

from aiops_agent import correlate
from aiops_agent.domain.sending import CLOSED_FOR
from aiops_agent.memory import copied
from aiops_agent.safety import permit, send, times
from aiops_agent.safety.rules import wide_blast_radius
from aiops_agent.workflow import (
    alarm,
    bodies,
    commands,
    consent,
    copying,
    dispatch,
    engine,
    feed,
    hold,
    inquiries,
    intake,
    leading,
    lease,
    loops,
    patience,
    pruning,
    ready,
    receive,
    recorder,
    regroup,
    releases,
    resolve,
    signals,
    traces,
    watch_look,
    watching,
    wording,
)
from aiops_agent.workflow.deps import Terms

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TERMS = Terms()

PROMISED = {
    "a yes begins nothing after": (permit.USE_WITHIN, 10 * MINUTE),
    "a clock may go back by": (times.CLOCK_SLACK, 5 * SECOND),
    "a service is closed after two failures for": (CLOSED_FOR, HOUR),
    "a question is open for": (TERMS.expires, 15 * MINUTE),
    "alerts of one cause arrive within": (TERMS.window, 5 * MINUTE),
    "what fires so soon after an end fires again": (TERMS.flap_window, HOUR),
    "a repetition after a recovery is its echo for": (correlate.ECHO, 10 * MINUTE),
    "incidents of one body": (receive.MOST_APART, 20),
    "telemetry that cannot be read is waited for": (TERMS.blind, 10 * MINUTE),
    "an alert is dated by arrival when it claims to be older than": (bodies.OLDEST, 6 * HOUR),
    "attempts of an incident": (TERMS.max_attempts, 3),
    "targets that are a wide blast radius": (wide_blast_radius.MANY_TARGETS, 3),
    "sends of what is safe to repeat": (send.MOST_SENDS, 5),
    "looks at a platform that does not answer": (send.LOOKS, 6),
    "times a process that is held up asks for one send": (send.MOST_ASKS, 5),
    "seconds between permission and send": (send.AT_ONCE, 0.5),
    "a process that leads shows no sign of life for": (lease.TERM, 8 * SECOND),
    "notices that go alone in a minute": (dispatch.PER_MINUTE, 5),
    "a digest goes at most each": (dispatch.MINUTE, MINUTE),
    "what comes together is gathered for": (dispatch.GATHER, 10 * SECOND),
    "notices for which a digest stands": (dispatch.DIGEST_MOST, 250),
    "lines of a digest": (wording.LINES, 50),
    "an image is good after": (releases.WELL, 10 * MINUTE),
    "a good image is noted each": (releases.AGAIN, HOUR),
    "a deadman's alert is silent after": (TERMS.deadman, 10 * MINUTE),
    "what was dismissed and fires on is looked at each": (watching.LOOK_AGAIN, 15 * MINUTE),
    "senders are asked each, s": (watching.LOOK_SECONDS, 60.0),
    "signals are looked at each, s": (signals.LOOK_SECONDS, 30.0),
    "what is as usual again is over after": (watch_look.OVER, 3 * MINUTE),
    "what a platform says opens an incident after": (watch_look.HELD, 5 * MINUTE),
    "what nobody sees any more is listed for": (watch_look.LOST_SIGHT, HOUR),
    "alerts that a person may move": (regroup.MOST_ALERTS, 20_000),
    "checkpoints are pruned each, s": (pruning.PRUNE_SECONDS, 3600.0),
    "a copy of the vectors is compared each, s": (copying.COPY_SECONDS, 30.0),
    "a vector server that failed is asked again after, s": (copied.REST, 30.0),
    "runbooks that are shown beside a plan": (recorder._MOST_RUNBOOKS, 3),
    "digits that name a plan": (wording._DIGITS, 12),
    "an idle store is looked at each": (feed.IDLE, SECOND),
    "times a question is asked anew": (consent.MOST_ASKED, 5),
    "alerts of a body that are worked on before others": (intake.PART, 20_000),
    "characters of a reason": (commands.LONGEST_REASON, 200),
    "notes of an incident": (commands.MOST_NOTES, 20),
    "facts that are quoted without a model": (inquiries.MOST_QUOTED, 6),
    "readiness is answered within, s": (ready.PATIENCE_SECONDS, 1.0),
    "an answer on readiness is as fresh as, s": (ready.FRESH_SECONDS, 1.0),
    "a loop that fails is logged each, s": (loops.LOG_SECONDS, 60.0),
    "a loop hangs after, s": (loops.SILENT_SECONDS, 60.0),
    "people are told of a loop in trouble after, s": (alarm.ALARM_SECONDS, 60.0),
    "a send in flight may end within, s": (engine.LONGEST_SEND_SECONDS, 20.0),
    "a story that died is missed after, s": (engine.GRACE_SECONDS, 10.0),
    "traces are sent at the end within, s": (engine.LAST_TRACES_SECONDS, 6.0),
    "a held plan is looked at each, s": (hold.LOOK_SECONDS, 10.0),
    "a store that came back is noticed within, s": (patience.LONGEST_PAUSE, 15.0),
    "a collector that is away is asked each, s": (traces.LONGEST_PAUSE_SECONDS, 60.0),
    "a store that is away is asked again after, s": (patience.FIRST_PAUSE, 0.2),
    "an incident's report is waited for": (feed.GRACE, 6 * SECOND),
    "an undo is tried for": (resolve.UNDO_TRIES * resolve.UNDO_PAUSE, 600.0),
}


@pytest.mark.parametrize("what", PROMISED)
def test_a_promised_number_stays(what: str) -> None:
    is_now, promised = PROMISED[what]
    assert is_now == promised


def test_a_stop_counts_within_a_second() -> None:
    """From the permission to the send, and from a hand on the bell to a look."""
    assert send.AT_ONCE + engine.POLL_SECONDS < 1.0
    assert timedelta(milliseconds=100) >= feed.LIVELY


def test_a_lease_outlives_three_renewals_that_fail_and_a_takeover_fifteen_seconds() -> None:
    term = lease.TERM.total_seconds()
    assert 3 * leading.RENEW_SECONDS < term <= 4 * leading.RENEW_SECONDS
    # Who stands by sees it silent at two looks; then it launches and goes on with what was left.
    assert term + 2 * leading.LOOK_SECONDS + engine.MONITOR_SECONDS <= 15.0
