"""What every store promises, on every database at hand."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.adapters.sql.tables import LEDGER
from aiops_agent.domain.alert import AlertList, AlertState
from aiops_agent.domain.answer import STATISTICS, Effort
from aiops_agent.domain.approval import ApprovalState, RefusedAnswer, Surface
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import StoreError, Tampered, UsageError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Status
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.payload import Unreadable
from aiops_agent.domain.sending import Switch
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.token import Token
from aiops_agent.ports.store import Work
from tests import seams
from tests.contracts.samples import (
    NOW,
    a_case,
    a_delivery,
    a_kept_alert,
    a_report,
    an_alert,
    an_approval,
    an_event,
    an_incident,
    an_intent,
)

HERE, ELSEWHERE = EnvironmentRef.parse("docker:local"), EnvironmentRef.parse("docker:other")


class Stop(Exception):
    """Ends a transaction in the middle."""


@contextmanager
def broken_off(store: SqlStore) -> Iterator[Work]:
    """A transaction that an error ends."""
    with contextlib.suppress(Stop), store.begin() as work:
        yield work
        raise Stop


def race(threads: int, run: Callable[[], Any]) -> list[Any]:
    """Return what `run` gave in each of that many threads started together."""
    results: list[Any] = []
    start = threading.Barrier(threads)

    def one() -> None:
        start.wait()
        results.append(run())

    workers = [threading.Thread(target=one) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


def test_the_same_body_again_is_counted_and_waits_again(store: SqlStore) -> None:
    with store.begin() as work:
        first = work.inbox.keep(a_delivery())
        work.inbox.handled(first.id)
        assert work.inbox.waiting(10) == ()
    with store.begin() as work:
        again = work.inbox.keep(a_delivery(received_at=NOW + timedelta(minutes=5)))

        assert (again.id, again.seen) == (first.id, 2)
        assert work.inbox.waiting(10) == (again,)


def test_a_body_of_another_environment_is_another_delivery(store: SqlStore) -> None:
    with store.begin() as work:
        one = work.inbox.keep(a_delivery())
        other = work.inbox.keep(a_delivery(environment=EnvironmentRef.parse("docker:other")))

        assert one.id != other.id
        assert work.inbox.waiting(10) == (one, other)
        assert work.inbox.waiting(1) == (one,)


def test_a_rejected_body_never_waits(store: SqlStore) -> None:
    with store.begin() as work:
        kept = work.inbox.keep(a_delivery(rejected="no JSON", alerts=()))

        assert work.inbox.waiting(10) == ()
        assert work.inbox.rejected(10) == (kept,)


def test_incident_ids_count_up_and_a_rolled_back_id_is_free_again(store: SqlStore) -> None:
    with store.begin() as work:
        assert work.incidents.new_id() == "INC-0001"
    with broken_off(store) as work:
        assert work.incidents.new_id() == "INC-0002"
    with store.begin() as work:
        assert work.incidents.new_id() == "INC-0002"
        assert work.incidents.new_id() == "INC-0003"


def test_sixteen_threads_never_get_the_same_incident_id(store: SqlStore) -> None:
    def draw() -> str:
        with store.begin() as work:
            return work.incidents.new_id()

    assert len(set(race(16, draw))) == 16


def test_an_incident_comes_back_equal_and_is_replaced(store: SqlStore) -> None:
    opened = an_incident()
    moved = opened.move(Status.DIAGNOSING, "looks real", at=NOW)
    with store.begin() as work:
        assert work.incidents.get(opened.id) is None
        work.incidents.put(opened)
        assert work.incidents.get(opened.id) == opened
        work.incidents.put(moved)
    with store.begin() as work:
        assert work.incidents.loaded() == (moved,)
        assert work.incidents.listed() == (moved.in_short,)


def test_incidents_are_listed_newest_first_by_environment_and_openness(store: SqlStore) -> None:
    one = an_incident(id="INC-0001", environment=EnvironmentRef.parse("shop:a"))
    two = an_incident(id="INC-0002")
    ended = an_incident(id="INC-0003").move(Status.DISMISSED, "nothing", at=NOW)
    with store.begin() as work:
        for incident in (one, two, ended):
            work.incidents.put(incident)

        assert work.incidents.loaded(limit=2) == (ended, two)
        assert work.incidents.loaded(open_only=True) == (two, one)
        assert work.incidents.loaded(
            environment=EnvironmentRef.parse("docker:local"), open_only=True
        ) == (two,)
        assert work.incidents.listed() == (ended.in_short, two.in_short, one.in_short)
        assert work.incidents.listed(before="INC-0003", limit=1) == (two.in_short,)
        assert work.incidents.listed(before="INC-0001") == ()
        assert work.incidents.unended() == {Status.OPEN: 2}


def test_an_error_leaves_nothing_behind(store: SqlStore) -> None:
    with broken_off(store) as work:
        work.incidents.put(an_incident())
        work.events.append(an_event("e1"))
        work.approvals.ask(an_approval())
    with store.begin() as work:
        assert work.incidents.listed() == ()
        assert work.events.after(0) == ()
        assert work.approvals.listed() == ()


def test_a_transaction_inside_another_is_refused_at_once(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="defect"), store.begin(), store.begin():
        pass
    with store.begin() as work:
        assert work.incidents.listed() == ()


def test_an_event_is_written_once_per_key(store: SqlStore) -> None:
    with store.begin() as work:
        assert work.events.append(an_event("e1"))
        assert not work.events.append(an_event("e1", message="again"))
        (stored,) = work.events.after(0)

    assert (stored.message, stored.id > 0) == ("opened", True)
    assert stored.model_copy(update={"id": 0}) == an_event("e1")


def test_a_cursor_moves_forward_only_and_reads_what_is_beyond_it(store: SqlStore) -> None:
    with store.begin() as work:
        for number in range(5):
            work.events.append(an_event(f"e{number}", incident=f"INC-{number % 2}"))
        first, second, *_ = work.events.after(0)
        work.events.advance("bell", second.id)
        work.events.advance("bell", first.id)
    with store.begin() as work:
        cursor = work.events.cursor("bell")
        assert (cursor, work.events.cursor("nobody")) == (second.id, 0)
        assert [e.key for e in work.events.after(cursor)] == ["e2", "e3", "e4"]
        assert [e.key for e in work.events.after(0, incident="INC-1")] == ["e1", "e3"]
        assert [e.key for e in work.events.after(0, limit=1)] == ["e0"]


def test_a_reader_beside_sixteen_writers_skips_no_event(store: SqlStore) -> None:
    seen: list[str] = []
    done = threading.Event()

    def read() -> None:
        cursor, last = 0, False
        while not last:
            last = done.is_set()
            with store.begin() as work:
                for event in work.events.after(cursor):
                    seen.append(event.key)
                    cursor = event.id

    def write() -> None:
        name = threading.get_ident()
        for number in range(5):
            with store.begin() as work:
                work.events.append(an_event(f"{name}.{number}"))

    reader = threading.Thread(target=read)
    reader.start()
    race(16, write)
    done.set()
    reader.join()
    assert len(seen) == len(set(seen)) == 80


def test_only_one_of_sixteen_answers_counts(store: SqlStore) -> None:
    with store.begin() as work:
        work.approvals.ask(an_approval())

    def answer() -> bool:
        with store.begin() as work:
            approved = an_approval(state=ApprovalState.APPROVED)
            return work.approvals.change(approved, was=ApprovalState.PENDING)

    assert sorted(race(16, answer)) == [False] * 15 + [True]


def test_an_approval_of_another_digest_changes_nothing(store: SqlStore) -> None:
    with store.begin() as work:
        work.approvals.ask(an_approval())
        other = an_approval(digest="0" * 64, state=ApprovalState.APPROVED)

        assert not work.approvals.change(other, was=ApprovalState.PENDING)
        assert work.approvals.get("INC-0001.1") == an_approval()


def test_asking_again_returns_what_is_stored(store: SqlStore) -> None:
    rejected = an_approval(state=ApprovalState.REJECTED)
    with store.begin() as work:
        assert work.approvals.get("INC-0001.1") is None
        work.approvals.ask(an_approval())
        work.approvals.change(rejected, was=ApprovalState.PENDING)

        assert work.approvals.ask(an_approval()) == rejected


def test_approvals_are_listed_by_state_newest_first(store: SqlStore) -> None:
    first = an_approval()
    second = an_approval(id="INC-0001.2", state=ApprovalState.USED)
    with store.begin() as work:
        assert work.approvals.latest("INC-0001") is None
        work.approvals.ask(first)
        work.approvals.ask(second)

        assert work.approvals.listed() == (second.in_short, first.in_short)
        assert work.approvals.listed(before=second.id) == (first.in_short,)
        assert work.approvals.listed(states=[ApprovalState.PENDING]) == (first.in_short,)
        assert work.approvals.pending() == 1
        assert work.approvals.latest("INC-0001") == second


def test_refused_answers_are_kept_newest_first_with_hostile_words(store: SqlStore) -> None:
    words = ("first", "nul \x00 half \ud800 \u202e 'quote' $(x)", "third")
    kept = [
        RefusedAnswer(
            request=f"INC-000{number}.1",
            incident=f"INC-000{number}",
            plan="0" * 64,
            approve=None if number == 3 else True,
            by=said,
            surface=Surface.FILE,
            at=NOW,
            reason=said,
            why=said,
        )
        for number, said in enumerate(words, start=1)
    ]
    with store.begin() as work:
        for answer in kept:
            work.approvals.refuse(answer)
    with store.read() as view:
        found = view.approvals.refused()
        assert [one.request for one in found] == ["INC-0003.1", "INC-0002.1", "INC-0001.1"]
        assert found[0] == kept[2]
        assert view.approvals.refused(limit=2) == found[:2]
        assert view.approvals.refused(incident="INC-0002") == (found[1],)


def test_only_open_plans_are_found_by_the_first_digits(store: SqlStore) -> None:
    digests = ["ab" * 32, "ab" * 31 + "cd", "ba" * 32, "ab" * 30 + "0000"]
    states = [ApprovalState.PENDING, ApprovalState.APPROVED, ApprovalState.PENDING]
    with store.begin() as work:
        for number, digest in enumerate(digests):
            state = states[number] if number < 3 else ApprovalState.USED
            request = an_approval(id=f"INC-000{number}.1", digest=digest, state=state)
            work.approvals.ask(request)
        assert work.approvals.named("ab" * 6) == tuple(digests[:2])
        assert work.approvals.named("ab" * 31 + "c") == (digests[1],)
        for nothing in ("%" * 12, "_" * 12, "c" * 12):
            assert work.approvals.named(nothing) == ()


@pytest.mark.parametrize("column", ["state", "ordinal", "operation"])
def test_a_ledger_row_whose_columns_say_something_else_is_not_read(
    store: SqlStore, column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the planted defect: a row of which only the document is looked at."""
    with store.begin() as work:
        work.ledger.arm([an_intent()])
    other = {"state": "applied", "ordinal": 7, "operation": "INC-0009.1.1"}[column]
    with store._engine.begin() as connection:
        connection.execute(sa.update(LEDGER).values({column: other}))
    with pytest.raises(Tampered, match="was changed by somebody else"), store.read() as view:
        view.ledger.of_plan("INC-0001", "p1", undo=False)

    seams.WHOLE_ROW.plant(monkeypatch, lambda row: Intent.of(row.document))
    with store.read() as view:
        assert view.ledger.of_plan("INC-0001", "p1", undo=False) == (an_intent(),)


def test_an_armed_intent_is_left_as_it_is(store: SqlStore) -> None:
    sent = an_intent(state=IntentState.APPLIED, sends=1)
    with store.begin() as work:
        work.ledger.arm([an_intent()])
        assert work.ledger.change(sent, was=IntentState.ARMED)
        assert not work.ledger.change(sent, was=IntentState.ARMED)
        work.ledger.arm([an_intent(), an_intent("INC-0001.1.2", ordinal=2)])
        work.ledger.arm([])

        intents = work.ledger.of_plan("INC-0001", "p1", undo=False)
        assert intents == (sent, an_intent("INC-0001.1.2", ordinal=2))
        assert work.ledger.of_plan("INC-0001", "p1", undo=True) == ()


def test_only_one_of_sixteen_senders_takes_an_intent(store: SqlStore) -> None:
    with store.begin() as work:
        work.ledger.arm([an_intent()])

    def claim() -> bool:
        with store.begin() as work:
            sending = an_intent(state=IntentState.SENDING, sends=1)
            return work.ledger.change(sending, was=IntentState.ARMED)

    assert sorted(race(16, claim)) == [False] * 15 + [True]


def test_cases_come_by_family_newest_first_and_are_replaced(store: SqlStore) -> None:
    old = a_case(id="INC-0001", ended_at=NOW - timedelta(days=300))
    new = a_case(id="INC-0002")
    with store.begin() as work:
        work.archive.add(new, None)
        work.archive.add(a_case(id="INC-0001", summary="draft"), a_report())
        work.archive.add(old, None)
        work.archive.add(a_case(id="INC-0003", environment=EnvironmentRef.parse("shop:a")), None)

        assert work.archive.cases("docker") == (new, old)
        assert work.archive.cases("docker", limit=1) == (new,)
        assert work.archive.postmortem("INC-0001") == a_report()
        assert work.archive.postmortem("INC-0002") is None


def seen_twice(store: SqlStore) -> tuple[int, int]:
    """Return how many events one view holds before and after another thread adds one."""

    def add() -> None:
        with store.begin() as work:
            work.events.append(an_event(f"k{work.events.last() + 1}"))

    with store.read() as view:
        before = len(view.events.after(0))
        adding = threading.Thread(target=add)
        adding.start()
        adding.join()
        return before, len(view.events.after(0))


def test_a_view_is_one_moment_of_the_store(store: SqlStore) -> None:
    assert seen_twice(store) == (0, 0)
    assert seen_twice(store) == (1, 1)


def test_a_view_without_a_snapshot_is_caught(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted defect: each statement of a view is a transaction of its own."""

    @contextmanager
    def loose(connection: sa.Connection) -> Iterator[None]:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        yield

    seams.SNAPSHOT.plant(monkeypatch, loose)
    assert seen_twice(store) == (0, 1)


def read_while_writing(store: SqlStore, patience: float) -> bool:
    """Return whether a view opens, and sees what was committed, while a writer is at work."""
    done = threading.Event()

    def look() -> None:
        with store.read() as view:
            if view.events.after(0) == ():
                done.set()

    looking = threading.Thread(target=look)
    with store.begin() as work:
        work.events.append(an_event("k1"))
        looking.start()
        at_once = done.wait(patience)
    looking.join()
    return at_once


def test_a_view_waits_for_no_writer(store: SqlStore) -> None:
    assert read_while_writing(store, 20)


def test_a_view_that_takes_its_turn_is_caught(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted defect: whoever reads queues behind whoever writes."""
    seams.READ.plant(monkeypatch, SqlStore.begin)
    assert not read_while_writing(store, 0.3)


def written_through_a_view(store: SqlStore) -> bool:
    """Return whether a view lets an event through."""
    with contextlib.suppress(StoreError), store.read() as view:
        assert isinstance(view, Work)
        view.events.append(an_event("k1"))
    with store.begin() as work:  # the connection is as good as before
        work.events.append(an_event("k2"))
        return len(work.events.after(0)) == 2


def test_a_view_cannot_write(store: SqlStore) -> None:
    assert not written_through_a_view(store)


def test_a_view_that_can_write_is_caught(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted defect: a view is a transaction like any other."""
    seams.READ.plant(monkeypatch, SqlStore.begin)
    assert written_through_a_view(store)


def test_a_token_is_revoked_for_ever_and_its_name_stays_taken(store: SqlStore) -> None:
    token = Token(name="am", secret="ab" * 32, created_at=NOW)
    with store.begin() as work:
        work.tokens.add(token)
        work.tokens.revoke("am", NOW)
        work.tokens.revoke("am", NOW + timedelta(days=1))

        (kept,) = work.tokens.listed()
        assert kept.revoked_at == NOW
        with pytest.raises(UsageError, match="already"):
            work.tokens.add(token)
        with pytest.raises(UsageError, match="no token"):
            work.tokens.revoke("other", NOW)


def test_an_event_that_another_version_wrote_keeps_its_message_and_its_place(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = {**an_event("k2").document(), "payload": {"type": "future.thing", "of": "theirs"}}
    with monkeypatch.context() as planted, store.begin() as work:
        planted.setattr(Event, "document", lambda _: foreign)
        work.events.append(an_event("k2"))
    with store.begin() as work:
        work.events.append(an_event("k3"))
        lost, after = work.events.after(0)

    assert (lost.payload, lost.message) == (Unreadable(was="future.thing"), "opened")
    assert after.key == "k3"


def test_hostile_characters_and_numbers_are_stored_without_harm(store: SqlStore) -> None:
    hostile = "a\0b\ud800c\u202e\x1b]0;x\x07 \\u0000 €"
    alert = an_alert(labels={"x\0": hostile})
    event = an_event("k\0", message=hostile, effort=Effort(by=STATISTICS, took=float("inf")))
    with store.begin() as work:
        work.inbox.keep(a_delivery(body=hostile, alerts=(alert,)))
        (kept,) = work.inbox.waiting(1)
        work.events.append(event)
        (stored,) = work.events.after(0)

    clean = hostile.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
    assert (kept.body, kept.alerts[0].labels) == (clean, {"x\ufffd": clean})
    assert (stored.key, stored.message) == ("k\ufffd", clean)
    assert stored.effort == event.effort


def test_an_alert_comes_back_with_all_it_brought_and_is_replaced(store: SqlStore) -> None:
    first = a_kept_alert()
    later = first.model_copy(
        update={"state": AlertState.RESOLVED, "last_seen": NOW + timedelta(minutes=5)}
    )
    with store.begin() as work:
        work.alerts.put(HERE, (first,))
        assert work.alerts.of_incident("INC-0001").shown == (first,)
        work.alerts.put(HERE, (later,))
    with store.read() as view:
        assert view.alerts.of_incident("INC-0001") == AlertList(shown=(later,), total=1)


def test_thousands_of_alerts_are_found_by_key_each_of_its_newest_incident(store: SqlStore) -> None:
    alerts = [a_kept_alert(key=f"k{number}", receiver=f"{number % 3}") for number in range(1200)]
    newer = a_kept_alert(key="k7", incident="INC-0002")
    elsewhere = a_kept_alert(key="k8", incident="INC-0003")
    with store.begin() as work:
        work.alerts.put(HERE, alerts)
        work.alerts.put(HERE, (newer,))
        work.alerts.put(ELSEWHERE, (elsewhere,))
    with store.read() as view:
        found = view.alerts.newest(HERE, {"unknown", *(alert.key for alert in alerts)})
        first = view.alerts.of_incident("INC-0001", limit=3)

        assert len(found) == 1200
        assert (found["k7"], found["k8"]) == (newer, alerts[8])
        assert first == AlertList(shown=tuple(alerts[:3]), total=1200)
        assert view.alerts.newest(HERE, ()) == {}


def test_hostile_words_of_an_alert_are_kept_as_words(store: SqlStore) -> None:
    words = "\x1b[2J'; DROP TABLE alerts; --\u202e"
    alert = a_kept_alert(labels={words: words}, group_labels={words: words}, receiver=words)
    with store.begin() as work:
        work.alerts.put(HERE, (alert,))
        assert work.alerts.of_incident("INC-0001").shown == (alert,)


def test_many_events_at_once_keep_their_order_and_the_first_of_each_key(store: SqlStore) -> None:
    events = [an_event(f"e{number}") for number in range(1200)]
    with store.begin() as work:
        work.events.append(events[7])
        work.events.append_all([*events, an_event("e3", message="again")])
        work.events.append_all([])
    with store.read() as view:
        found = view.events.after(0, limit=2000)

        assert [event.key for event in found] == ["e7", *(e.key for e in events if e.key != "e7")]
        assert {event.message for event in found} == {"opened"}


def a_move(by: str, *, stopped: bool) -> Switch:
    return Switch(stopped=stopped, by=by, at=NOW, reason="because")


def test_the_moves_of_the_switch_are_kept_newest_first(store: SqlStore) -> None:
    with store.begin() as work:
        assert work.sending.switched() == ()
        work.sending.switch(a_move("alex", stopped=True))
        work.sending.switch(a_move("kim", stopped=False))
    with store.read() as view:
        assert [move.by for move in view.sending.switched()] == ["kim", "alex"]
        assert view.sending.switched(1) == (a_move("kim", stopped=False),)
    with broken_off(store) as work:
        work.sending.switch(a_move("lee", stopped=True))
    with store.read() as view:
        assert view.sending.switched(1)[0].by == "kim"


def test_armed_actions_are_counted_by_environment_service_and_time(store: SqlStore) -> None:
    web, other = ServiceName("web"), ServiceName("web-1")
    with store.begin() as work:
        work.sending.count(HERE, (web, web, other), NOW)
        work.sending.count(HERE, (), NOW)
        work.sending.count(ELSEWHERE, (web,), NOW)
        work.sending.count(HERE, (web,), NOW + timedelta(hours=1))
    with store.read() as view:
        before, second = NOW - timedelta(microseconds=1), timedelta(seconds=1)
        counts = [view.sending.armed(HERE, since, web) for since in (before, NOW, NOW + second)]
        assert counts == [3, 1, 1]  # later than that moment, not at it
        assert view.sending.armed(HERE, before) == 4
        assert view.sending.armed(HERE, before, other) == 1
        assert view.sending.armed(HERE, before, ServiceName("we%")) == 0
        assert view.sending.armed(ELSEWHERE, before) == 1


def test_a_breaker_is_kept_by_environment_and_service(store: SqlStore) -> None:
    web = ServiceName("web")
    with store.begin() as work:
        untouched = work.sending.breaker(HERE, web)
        assert (untouched.failed, untouched.closed_until) == ((), None)
        closed = untouched.failing("INC-0001", NOW).failing("INC-0002", NOW)
        work.sending.put(closed)
        work.sending.put(work.sending.breaker(ELSEWHERE, web).failing("INC-0003", NOW))
        work.sending.put(closed)
    with store.read() as view:
        assert view.sending.breaker(HERE, web) == closed
        assert [one.environment for one in view.sending.breakers()] == [HERE, ELSEWHERE]
        assert view.sending.breaker(HERE, ServiceName("we")).failed == ()


def test_the_largest_time_is_kept_and_can_be_put_back(store: SqlStore) -> None:
    with store.begin() as work:
        assert work.clock.latest() is None
        work.clock.put(NOW)
        work.clock.put(NOW - timedelta(days=1))
    with store.read() as view:
        assert view.clock.latest() == NOW - timedelta(days=1)
        assert view.clock.now(NOW) == NOW  # without a clock of its own


def test_a_server_has_a_clock_of_its_own_that_nobody_can_set_from_here(engine: sa.Engine) -> None:
    wall = NOW - timedelta(days=3650)
    with SqlStore(engine, own_clock=True).read() as view:
        told = view.clock.now(wall)
        assert told.tzinfo is not None
        assert (told == wall) is (engine.dialect.name == "sqlite")
