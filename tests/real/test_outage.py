"""PostgreSQL stops or hangs under load and comes back: nothing is lost, nothing is done twice.

The server lets ten connections in, seven of them for ordinary users. AIOPS_TEST_OUTAGE says for
how many seconds it is away; `AIOPS_TEST_OUTAGE=60 tests/real/run.sh tests/real/test_outage.py`.
"""

from __future__ import annotations

import gc
import os
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from aiops_agent.adapters.sql.engine import CONNECTIONS, make_engine
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Ending, IncidentId, Status
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.point import Point
from tests.workflow.running import Run

from .load import Load, NoSeries
from .postgres import Postgres
from .processes import answers, until
from .product import Product

AWAY = float(os.environ.get("AIOPS_TEST_OUTAGE", "10"))  # seconds
MOST = 10  # max_connections; three are kept for the owner of the server
BACK = 150.0  # seconds within which all goes on; a busy machine takes most of them
Record = Callable[[str, object], None]
# DBOS drops its listening connection when that dies, and does not close it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with Postgres(MOST) as server:
        server.make_database()
        yield server
    gc.collect()  # here, where the warning of that is expected


@contextmanager
def stopped(server: Postgres) -> Iterator[None]:
    server.stop()
    yield
    server.start()


def serving(folder: Path, server: Postgres, prometheus: NoSeries) -> Product:
    """Return the product on that store; its stories look each two seconds and find nothing."""
    config = {
        "apiVersion": "aiops-agent/v1",
        "environment": "docker:shop",
        "store": {"url": server.url},
        "sources": {"prometheus": {"url": prometheus.url}},
        "story": {"look": "2s"},
    }
    return Product(folder, config)


@pytest.mark.timeout(AWAY * 3 + 300)
@pytest.mark.parametrize("away", [stopped, Postgres.held], ids=["stopped", "hanging"])
def test_an_outage_under_load_loses_nothing_and_ends_no_story(
    away: Callable[[Postgres], AbstractContextManager[None]],
    postgres: Postgres,
    tmp_path: Path,
    record_property: Record,
) -> None:
    with NoSeries() as prometheus:
        product = serving(tmp_path / "product", postgres, prometheus)
        server = product.serve()
        try:
            with Load(product.url) as load:
                _works_beside(product, postgres)
                until(lambda: len(load.answers) >= 30, BACK, "thirty alerts to be answered")
                with away(postgres):
                    seen = _outage(product, load)
                back, moment = datetime.now(UTC), time.monotonic()
                until(lambda: answers(f"{product.url}/readyz"), BACK, "the server to be ready")
                ready = time.monotonic() - moment
                answered = len(load.answers)
                until(lambda: load.since(answered)[200] >= 20, BACK, "alerts to be taken again")
                _works_beside(product, postgres)
            handled = _gone_on(postgres, load, back)
            assert server.exit_code is None
            until(lambda: not _troubled(product), BACK, "every loop to be well")
            with stopped(postgres):
                began = time.monotonic()
                assert product.stop() == 0, server.tail()
                ended = time.monotonic() - began
        finally:
            product.stop()
        log = server.log.read_text()
        assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:4000]
    codes, slowest = load.since(0), max(one.seconds for one in load.answers)
    record_property(
        "count",
        f"outage of {AWAY:.0f} s ({away.__name__}): {sum(codes.values())} alerts, {codes[200]} "
        f"answered 200, {codes[503]} 503, slowest answer {slowest:.1f} s; {handled} handled, none "
        f"twice; {seen}; ready {ready:.1f} s after it; ended without a store in {ended:.1f} s",
    )


def _outage(product: Product, load: Load) -> str:
    """See how the server speaks of a store that is away, until it is to come back."""
    began, answered, unready = time.monotonic(), len(load.answers), 0.0
    while (past := time.monotonic() - began) < AWAY:
        assert answers(f"{product.url}/healthz")
        code, text = _get(f"{product.url}/readyz")
        unready = unready or (past if code == 503 else 0.0)
        assert past < 5 or code == 503, text
        assert code == 200 or any(one in text for one in ("store", "database", "inbox")), text
        time.sleep(0.5)
    codes = load.since(answered)
    assert set(codes) <= {200, 503}, codes
    assert codes[503] > 0
    ran = product.aiops("incident", "list")
    assert ran.code == 1, ran
    assert ran.err.count("\n") == 1, ran  # one sentence
    assert "database server" in ran.err
    return f"not ready {unready:.1f} s after its begin"


def _works_beside(product: Product, postgres: Postgres) -> None:
    """Several commands at once find room beside the server."""
    commands = (("incident", "list"), ("approval", "list"))
    ran: list[int] = []
    people = [
        threading.Thread(target=lambda one=one: ran.append(product.aiops(*one).code))
        for one in commands
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert ran == [0] * len(commands)
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'aiops'"
    assert int(postgres.sql(query)) <= CONNECTIONS + 1


def _gone_on(postgres: Postgres, load: Load, back: datetime) -> int:
    """Return how many alerts were handled: each that was answered 200, and none twice."""
    engine = make_engine(postgres.url)
    store = SqlStore(engine)

    def handled() -> Counter[int]:
        with store.read() as view:
            incidents = view.incidents.loaded(limit=1000)
            found = [view.alerts.of_incident(one.id, 10_000).shown for one in incidents]
        return Counter(int(alert.labels["number"]) for alerts in found for alert in alerts)

    def waiting() -> set[IncidentId]:
        """Return the incidents of which nothing has been heard since it came back."""
        with store.read() as view:
            unended = {one.id for one in view.incidents.loaded(limit=1000) if not one.ended}
            return unended - {e.incident for e in _events(view.events.after) if e.written_at > back}

    try:
        until(lambda: load.kept() <= set(handled()), BACK, "every alert to be handled")
        until(lambda: not waiting(), BACK, "every story to go on")
        found = handled()
        with store.read() as view:
            events = _events(view.events.after)
    finally:
        engine.dispose()
    assert set(found.values()) == {1}
    told = Counter(e.payload.alert for e in events if e.payload.type == EventType.ALERT_RECEIVED)
    assert set(told.values()) <= {1}
    assert [e.message for e in events if "agent itself failed" in e.message] == []
    return len(found)


def _events(after: Callable[..., tuple[Event, ...]]) -> list[Event]:
    found: list[Event] = []
    while more := after(found[-1].id if found else 0, limit=5000):
        found += more
    return found


def _troubled(product: Product) -> list[str]:
    """Return the loops that do not work."""
    with urllib.request.urlopen(f"{product.url}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    trouble = [line for line in lines if line.startswith("aiops_loop_trouble_seconds{")]
    assert trouble, lines
    return [line for line in trouble if float(line.split()[-1]) > 0]


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_without_a_free_connection_a_command_says_so_in_one_sentence(
    postgres: Postgres, tmp_path: Path
) -> None:
    with NoSeries() as prometheus:
        product = serving(tmp_path / "product", postgres, prometheus)
        assert product.aiops("incident", "list").code == 0
        crowd = sa.create_engine(sa.make_url(postgres.url).set(drivername="postgresql+psycopg"))
        taken = [crowd.connect() for _ in range(4)]
        with pytest.raises(sa.exc.OperationalError):
            taken += [crowd.connect() for _ in range(MOST)]
        ran = product.aiops("incident", "list")
        for one in taken:
            one.close()
        crowd.dispose()
    assert (ran.code, ran.err.count("\n")) == (1, 1), ran
    assert "no connection left" in ran.err


def restarted(postgres: Postgres, seconds: float) -> Callable[[Run], None]:
    """Return what stops the server, and starts it again after so many seconds."""

    def away(_run: Run) -> None:
        postgres.stop()
        threading.Timer(seconds, postgres.start).start()

    return away


@pytest.mark.parametrize("point", [Point.ASKED, Point.SENDING, Point.AFTER_SEND])
def test_wherever_a_story_is_when_the_server_stops_it_acts_once(
    point: Point, postgres: Postgres, tmp_path: Path
) -> None:
    """A send in flight is not done again, and a question that waits can still be answered."""
    answer = {EventType.APPROVAL_PENDING: lambda run: _insist(run.answer)}
    away = {point: restarted(postgres, 2)}
    run = Run(tmp_path, "hung-process", store=postgres.url, when=answer, at=away)
    incident = run.go()
    assert (incident.status, incident.ending) == (Status.RESOLVED, Ending.FIXED)
    assert [operation.id for operation in run.effects] == [f"{run.name}.1.1.1"]
    assert run.request.state is ApprovalState.USED


def test_a_question_whose_time_passed_during_an_outage_is_expired(
    postgres: Postgres, tmp_path: Path
) -> None:
    def late(run: Run) -> None:
        postgres.stop()
        postgres.start()
        _insist(lambda: run.pass_time(minutes=16))  # it sleeps until it would remind

    run = Run(tmp_path, "hung-process", store=postgres.url, when={EventType.APPROVAL_PENDING: late})
    incident = run.go()
    assert (incident.ending, run.effects) == (Ending.EXPIRED, ())


def _insist(act: Callable[[], None]) -> None:
    """Do it as a person does who tries again while the store is away."""

    def done() -> bool:
        try:
            act()
        except StoreError:
            return False
        return True

    until(done, 30, "the store to take an answer")
