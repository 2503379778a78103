"""`aiops investigate` and `aiops status`: an answer, a code, and nothing that stays behind."""

import io
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from aiops_agent.bootstrap.looking import Looking
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.watch import Unusual, WatchMode, WatchRecord
from aiops_agent.interfaces.cli import door
from aiops_agent.settings.load import load
from aiops_agent.settings.sections import Settings
from tests.interfaces.cli.conftest import Aiops
from tests.interfaces.cli.played import NOW, PlayedHouse

ALERT = {"labels": {"alertname": "HighErrorRate", "service": "orders", "severity": "critical"}}
FAR = {"labels": {"alertname": "HighLatency", "service": "mail-worker"}}


@cache
def shop(scenario: str, seed: int) -> Looking:
    """One shop for all tests of a scenario: nothing that looks changes it."""
    return Looking(load(environ={}, folder=Path("/nonexistent")).settings, scenario=scenario)


@pytest.fixture(autouse=True)
def looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def looking(settings: Settings, *, scenario: str = "", seed: int = 1) -> Looking:
        if any(one.sources.any for one in settings.resolved):
            return Looking(settings, scenario=scenario)
        return shop(scenario, seed)

    monkeypatch.setattr(door, "looking", looking)


def test_the_shop_s_alert_is_looked_at_without_any_configuration(aiops: Aiops) -> None:
    ran = aiops("investigate")

    assert ran.code == 0
    for told in ("HighLatency", "harm is seen", "payments-api", "Root cause", "raised by", "E1"):
        assert told in ran.out
    assert "simulated shop" in ran.err


def test_a_look_answers_in_json_with_everything_it_rests_on(aiops: Aiops) -> None:
    ran = aiops("investigate", "--service", "payments-api", "-o", "json", "-q")

    assert (ran.code, ran.err) == (0, "")
    assert ran.data["diagnosis"]["certainty"]["raised"]
    assert {"apiVersion", "quiet", "triage", "diagnosis", "at"} <= set(ran.data)


def test_a_service_that_is_well_is_said_to_be(aiops: Aiops) -> None:
    ran = aiops("investigate", "--service", "cart", "-q")

    assert ran.code == 0
    assert "Nothing is wrong at cart" in ran.out
    assert "Root cause" not in ran.out
    assert "to look there: aiops investigate --service payments-api" in ran.out


def test_an_alert_comes_from_a_file_and_others_are_named(aiops: Aiops) -> None:
    Path("alerts.json").write_text(json.dumps([ALERT, FAR]))

    ran = aiops("investigate", "alerts.json", "-q")

    assert ran.code == 0
    assert ran.out.startswith("orders")
    assert "also firing HighLatency (mail-worker)" in ran.out


def test_an_alert_comes_from_stdin(aiops: Aiops, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(json.dumps(ALERT).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)

    ran = aiops("investigate", "-", "-q", "--json")

    assert ran.data["alerts"]["shown"][0]["labels"] == ALERT["labels"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--fail-on", "sev2"), 3),
        (("--fail-on", "SEV1"), 0),
        (("--service", "cart", "--fail-on", "SEV4"), 0),
    ],
)
def test_a_script_may_fail_on_how_bad_it_is(
    aiops: Aiops, words: tuple[str, ...], code: int
) -> None:
    assert aiops("investigate", "-q", *words).code == code


WRONG = {
    ("gone.json",): (2, "gone.json cannot be read: No such file"),
    ("bad.json",): (2, "bad.json is not JSON"),
    ("resolved.json",): (2, "None of these alerts fires"),
    ("odd.json",): (2, "odd.json cannot be read: alerts[0].labels is a list"),
    ("--service", "paymens-api"): (2, "Did you mean payments-api?"),
    ("--alert", "Nope"): (2, "There are: HighErrorRate, HighLatency."),
    ("--environment", "prod"): (2, "There is no environment 'prod'."),
    ("--since", "7 days"): (2, "such as 500ms"),
    ("--since", "3d"): (2, "between 1s and 24h"),
    ("--fail-on", "bad"): (2, "there are SEV1, SEV2, SEV3, SEV4"),
    ("--model",): (4, "add a section `models:`"),
    ("--prometheus", "nonsense"): (4, "sources.prometheus.url"),
}


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_looked_at_is_one_sentence(aiops: Aiops, words: tuple[str, ...]) -> None:
    Path("bad.json").write_text("nope")
    resolved = {"version": "4", "alerts": [{**ALERT, "status": "resolved"}]}
    Path("resolved.json").write_text(json.dumps(resolved))
    Path("odd.json").write_text('{"alerts": [{"labels": []}]}')
    code, told = WRONG[words]

    ran = aiops("investigate", *words)

    assert (ran.code, ran.out) == (code, "")
    assert told in " ".join(ran.err.split())


def test_a_prometheus_that_is_away_is_code_1_and_named(aiops: Aiops) -> None:
    ran = aiops("investigate", "--prometheus", "http://127.0.0.1:9", "--service", "x")

    assert ran.code == 1
    assert "Prometheus at http://127.0.0.1:9 cannot be reached" in " ".join(ran.out.split())


def test_nobody_to_ask_and_nothing_named_is_told(aiops: Aiops) -> None:
    Path("aiops.yaml").write_text("sources: {docker: {socket: /gone.sock, project: shop}}\n")

    ran = aiops("investigate")

    assert (ran.code, ran.out) == (2, "")
    assert "name a service with --service NAME" in ran.err


def test_status_shows_the_worst_service_first(aiops: Aiops) -> None:
    ran = aiops("status", "--json", "-q")

    [shop_now] = ran.data["environments"]
    assert shop_now["services"][0]["service"] == "payments-api"
    assert shop_now["services"][-1]["severity"] == 0
    assert ran.data["incidents"] is None  # no store was made


def test_status_tells_who_waits_for_whom_where_there_is_a_store(aiops: Aiops, state: Path) -> None:
    state.mkdir()
    (state / "aiops.db").touch()

    ran = aiops("status", "-q")

    assert ran.code == 0
    last = ran.out.splitlines()[-1]
    assert last.startswith("INC-0001  SEV2 payments-api (shop:demo): waits for you: scale_pods")
    assert "left; see: aiops approval show INC-0001" in last


def test_status_says_that_nobody_works_on_an_incident(
    aiops: Aiops, state: Path, house: PlayedHouse
) -> None:
    state.mkdir()
    (state / "aiops.db").touch()
    house.worker = ""
    house.service.end(ApprovalState.APPROVED)

    ran = aiops("status", "-q")

    assert "no process works on it; go on: aiops incident resume INC-0001" in ran.out


def test_status_shows_what_the_watch_noticed_and_that_it_opens_nothing(
    aiops: Aiops, state: Path, house: PlayedHouse
) -> None:
    state.mkdir()
    (state / "aiops.db").touch()
    given = {"service": "orders", "signal": "latency", "since": NOW, "seen": NOW}
    unusual = Unusual.model_validate({**given, "value": 2.0, "usual": 0.1, "level": 0.4})
    house.service.noticed = WatchRecord(looked_at=NOW, mode=WatchMode.LIST, unusual=(unusual,))

    ran = aiops("status", "-q")

    assert "watch of signals (list): looked at" in ran.out
    assert "! orders: latency p95 is 2 s, usually 100 ms, since" in ran.out
    assert "opens nothing" in ran.out


LOOKS = (("investigate", "-q"), ("investigate", "--service", "web", "--json"), ("status", "-q"))
DRIVER = """
import sys
from aiops_agent.interfaces.cli.main import main
code = main(sys.argv[1:])
heavy = {"sqlalchemy", "dbos", "alembic", "fastapi", "aiops_agent.adapters.sql.store"}
print("opened:", sorted(heavy & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", LOOKS)
def test_a_look_leaves_no_file_and_opens_no_store(words: tuple[str, ...], tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}

    ran = subprocess.run(
        [sys.executable, "-B", "-c", DRIVER, *words],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, bool(ran.stdout)) == (0, True), ran.stderr
    assert "opened: []" in ran.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_driver_would_see_a_store_that_is_opened(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", DRIVER, "incident", "list"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "sqlalchemy" in ran.stderr
    assert list(tmp_path.iterdir()) != []
