"""What every store promises of the outbox, on every database at hand."""

from datetime import timedelta

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.outbox import OutboxState
from tests.contracts.samples import NOW, an_entry


def test_an_outbox_keeps_one_entry_a_key_and_gives_what_is_due(store: SqlStore) -> None:
    first = an_entry("k1", expires_at=NOW + timedelta(minutes=3))
    second = an_entry("k2", at=NOW + timedelta(seconds=30), severity=Severity.SEV1)
    with store.begin() as work:
        added = [work.outbox.add(one) for one in (first, second, first)]
        assert added == [True, True, False]
        assert work.outbox.add(first.model_copy(update={"receiver": "bell"}))
    with store.read() as view:
        due = view.outbox.due
        assert due("phone", NOW, limit=9) == (first,)
        assert due("phone", NOW + timedelta(seconds=59), limit=9) == (first, second)
        assert due("phone", NOW, urgent=True) == ()
        assert due("phone", NOW + timedelta(seconds=61), urgent=True, limit=9) == (first, second)
        assert due("phone", NOW - timedelta(hours=1), limit=9) == (first, second), "set back"
        assert view.outbox.waiting("phone", incident="INC-0001") == (first, second)
        assert view.outbox.waiting("phone", message="digest:k1") == ()


def test_an_outbox_says_what_was_told_and_what_waits(store: SqlStore) -> None:
    with store.begin() as work:
        for number, state in enumerate(OutboxState):
            work.outbox.add(an_entry(f"k{number}"))
            ended = {"state": state, "why": "because", "at": NOW + timedelta(seconds=number)}
            work.outbox.put(an_entry(f"k{number}", **ended))
        work.outbox.add(an_entry("k9", state=OutboxState.TOLD, message="digest:k9"))
    late = NOW + timedelta(seconds=9)
    with store.read() as view:
        assert view.outbox.told("phone", NOW, late) == (1, 1)
        assert view.outbox.told("phone", late, late) == (0, 0)
        (standing,) = view.outbox.standing(NOW)
        assert view.outbox.standing(late)[0].given_up == 0
    assert (standing.receiver, standing.waiting, standing.given_up) == ("phone", 1, 1)
    assert (standing.oldest, standing.why) == (NOW, "because")
