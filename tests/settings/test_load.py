"""Flags over variables over files, and every flaw told with its place."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from aiops_agent.adapters.webhook import WebhookSettings
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.domain.value import Json
from aiops_agent.settings.load import BUILT_IN, Loaded, load, no_input


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "xdg/aiops").mkdir(parents=True)
    return tmp_path


def read(
    home: Path, text: str = "", flags: dict[str, Json] | None = None, **environ: str
) -> Loaded:
    (home / "aiops.yaml").write_text(text)
    variables = {"XDG_CONFIG_HOME": str(home / "xdg"), **environ}
    return load(None, flags, environ=variables, folder=home)


def flaw(home: Path, text: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(home, text, None, **environ)
    return str(caught.value).replace(f"{home}/", "")


def test_nothing_written_is_a_whole_configuration(home: Path) -> None:
    settings = read(home, AIOPS_STATE_DIR="/var/lib/x").settings

    assert settings.mode is Mode.PROPOSE
    assert settings.environment == EnvironmentRef.parse("docker:local")
    assert settings.store.url == "sqlite:////var/lib/x/aiops.db"
    assert settings.policy.freeze == ()


def test_flags_win_over_variables_over_the_near_file_over_the_far_one(home: Path) -> None:
    (home / "xdg/aiops/config.yaml").write_text("server: {host: far, port: 1}\nmode: act")

    found = read(
        home, "server: {port: 2}\nmode: observe", {"server.port": 4}, AIOPS_SERVER_PORT="3"
    )

    server = found.settings.server
    assert (server.host, server.port, found.settings.mode) == ("far", 4, Mode.OBSERVE)
    assert len(found.files) == 2


def test_every_value_tells_its_origin(home: Path) -> None:
    found = read(home, "server: {port: 2}", {"server.host": "h"}, AIOPS_MODE="act")

    origins = {key: origin for key, _, origin in found.rows()}
    assert origins["server.port"].endswith("aiops.yaml:1:10")
    assert origins["server.host"] == "--host"
    assert origins["mode"] == "AIOPS_MODE"
    assert origins["approvals.expires"] == BUILT_IN


FLAWS = {
    "prometeus": (
        "sources:\n  prometeus: {url: http://x}",
        "aiops.yaml:2:3: unknown key `prometeus` in `sources`. Did you mean prometheus?",
    ),
    "top": ("srver: {}", "aiops.yaml:1:1: unknown key `srver`. Did you mean server?"),
    "stranger": ("qqqq: 1", "aiops.yaml:1:1: unknown key `qqqq`."),
    "deep": (
        "services:\n  pay:\n    objektive: {}",
        "aiops.yaml:3:5: unknown key `objektive` in `services.pay`. Did you mean objective?",
    ),
    "list": (
        "policy:\n  freeze:\n  - reason: x\n    form: 1",
        "aiops.yaml:4:5: unknown key `form` in `policy.freeze.0`. Did you mean from?",
    ),
    "mode": ("mode: x", "aiops.yaml:1:1: mode: input should be 'observe', 'propose' or 'act'."),
    "unit": (
        "story: {settle: 10}",
        "aiops.yaml:1:9: story.settle: say the unit, such as 10s or 10m.",
    ),
    "zero": (
        "story: {hold: 0s}",
        "aiops.yaml:1:9: story.hold: must be longer than 0s.",
    ),
    "address": (
        "sources: {prometheus: {url: prom}}",
        (
            "aiops.yaml:1:24: sources.prometheus.url: an address begins with http:// or https:// "
            "and a host."
        ),
    ),
    "missing": (
        "notify:\n  webhook: {}",
        "aiops.yaml:2:3: notify.webhook.url: field required.",
    ),
    "secret": (
        "notify: {webhook: {url: 'http://h', secret: '${env:NO}'}}",
        "aiops.yaml:1:37: notify.webhook.secret: the environment has no NO.",
    ),
    "file": (
        "store: {url: 'file:/nowhere'}",
        "aiops.yaml:1:9: store.url: file:/nowhere cannot be read.",
    ),
    "zone": (
        "policy: {freeze: [{reason: x, timezone: Mars}]}",
        (
            "aiops.yaml:1:31: policy.freeze.0.timezone: there is no time zone 'Mars'; "
            "write one as Europe/Berlin."
        ),
    ),
    "twice": ("mode: act\nmode: act", "aiops.yaml:2:1: duplicate key `mode`."),
    "list on top": ("- 1", "aiops.yaml:1:1: expected `key: value` lines at the top."),
}


@pytest.mark.parametrize("name", FLAWS)
def test_a_flaw_is_told_with_line_and_column(home: Path, name: str) -> None:
    text, told = FLAWS[name]

    assert flaw(home, text) == told


def test_a_wrong_variable_is_told_by_its_name(home: Path) -> None:
    assert flaw(home, "", AIOPS_SERVER_PORT="x").startswith("AIOPS_SERVER_PORT: server.port: ")


def test_all_flaws_are_told_at_once_but_no_consequence_of_them(home: Path) -> None:
    told = flaw(home, "sources: {x: 1}\nmode: y\nserver: {port: -1}").splitlines()

    assert len(told) == 3


def test_a_secret_is_read_by_reference_and_never_shown(home: Path) -> None:
    (home / "secret").write_text("hush\n")
    text = f"notify: {{webhook: {{url: 'http://u:pw@h', secret: 'file:{home}/secret'}}}}"

    found = read(home, text)

    webhook = found.settings.notify.section("webhook")
    assert isinstance(webhook, WebhookSettings)
    assert webhook.secret
    assert webhook.secret.get_secret_value() == "hush"
    shown = str(list(found.rows()))
    assert "hush" not in shown
    assert "pw" not in shown


def test_a_token_of_the_server_is_long_and_no_flaw_shows_it(home: Path) -> None:
    (home / "secret").write_text("0123456789abcdef0123\n")
    found = read(home, "", AIOPS_SERVER_TOKEN=f"file:{home}/secret")
    token = found.settings.server.token
    assert token
    assert token.get_secret_value() == "0123456789abcdef0123"
    assert "0123456789abcdef0123" not in str(list(found.rows()))

    told = flaw(home, "server: {token: hush-hush}")
    assert "a token has 20 to 1000 letters" in told
    assert "hush-hush" not in told


def test_a_friday_freeze_is_written_in_one_line(home: Path) -> None:
    line = "{days: [friday], actions: [restart_service], from: 16:00, timezone: Europe/Berlin"

    (freeze,) = read(home, f"policy: {{freeze: [{line}, reason: no}}]}}").settings.policy.freeze

    restart = ActionKind("restart_service")
    assert freeze.covers(restart, datetime(2026, 11, 20, 15, 30, tzinfo=UTC))
    assert not freeze.covers(restart, datetime(2026, 11, 20, 14, 30, tzinfo=UTC))
    assert not freeze.covers(restart, datetime(2026, 11, 19, 15, 30, tzinfo=UTC))


def test_a_freeze_names_registered_actions_only(home: Path) -> None:
    with pytest.raises(SettingsError) as told:
        read(home, "policy: {freeze: [{actions: [restart_servise], reason: no}]}")

    assert "there is no action 'restart_servise'. Did you mean restart_service?" in str(told.value)


def test_what_the_server_is_called_is_checked(home: Path) -> None:
    server = read(
        home,
        "server: {names: [AIOPS.example.org.], external_url: 'https://ops.example.org/a/',"
        " trusted_proxies: [10.0.0.7, 10.1.2.3/16, '::1']}",
    ).settings.server

    assert server.names == ("aiops.example.org",)
    assert server.external_url == "https://ops.example.org/a"
    assert server.trusted_proxies == ("10.0.0.7/32", "10.1.0.0/16", "::1/128")


@pytest.mark.parametrize(
    "server",
    [
        *(
            f"names: ['{name}']"
            for name in ("*", "*.x.org", "http://x", "x:80", "x/y", "x@y", "", "x y", "[::1]")
        ),
        *(
            f"external_url: '{url}'"
            for url in ("x.org", "ftp://x", "http://", "http://a@x", "http://x?a", "http://x#a", "")
        ),
        *(
            f"trusted_proxies: ['{proxy}']"
            for proxy in ("*", "0.0.0.0/0", "::/0", "proxy.org", "10.0.0.7:80", "")
        ),
        "trusted_proxies: '*'",
        "names: localhost",
    ],
)
def test_a_server_by_a_name_that_is_none_is_refused(home: Path, server: str) -> None:
    assert f"server.{server.partition(':')[0]}" in flaw(home, f"server: {{{server}}}")


def test_an_objective_is_written_with_units(home: Path) -> None:
    text = (
        "{a: {objective: {latency: 300ms, errors: 1%}}, b: {objective: {latency: 2s, errors: 0}}}"
    )

    one, other = read(home, f"services: {text}").settings.services.values()

    assert (one.objective.latency, one.objective.errors) == (0.3, 0.01)
    assert (other.objective.latency, other.objective.errors) == (2, 0)


@pytest.mark.parametrize(
    ("promise", "told"),
    [
        ("latency: 300", "say the unit, such as 300ms or 300s"),
        ("errors: 1", "say the unit, such as 1%"),
        ("errors: 99.9%", "for 99.9% of success write 0.1%"),
    ],
)
def test_a_promise_that_may_mean_two_things_is_refused(home: Path, promise: str, told: str) -> None:
    assert told in flaw(home, f"services: {{pay: {{objective: {{{promise}}}}}}}")


def test_a_freeze_lasts_to_the_end_of_the_day_and_hours_need_no_zero(home: Path) -> None:
    line = "{from: 6:30, to: 24:00, reason: no}"

    (freeze,) = read(home, f"policy: {{freeze: [{line}]}}").settings.policy.freeze

    assert (freeze.start, freeze.end) == (time(6, 30), None)


def test_a_time_of_day_is_no_number(home: Path) -> None:
    assert "write a time of day as 06:30" in flaw(home, "policy: {freeze: [{from: 7, reason: no}]}")


def test_the_environment_is_named_after_the_project(home: Path) -> None:
    assert read(
        home, "sources: {docker: {project: shop}}"
    ).settings.environment == EnvironmentRef.parse("docker:shop")


def test_a_named_file_must_exist(home: Path) -> None:
    with pytest.raises(SettingsError, match="There is no configuration file"):
        load(home / "gone.yaml", environ={})


def test_a_variable_that_sets_nothing_is_named(home: Path) -> None:
    assert read(home, AIOPS_SERVR_PORT="1").strange == ("AIOPS_SERVR_PORT",)


def test_a_variable_that_the_file_refers_to_is_not_strange(home: Path) -> None:
    text = "notify: {webhook: {url: 'http://h', secret: '${env:AIOPS_HOOK}'}}"

    assert read(home, text, AIOPS_HOOK="hush").strange == ()


def test_nobody_is_asked_in_continuous_integration() -> None:
    assert no_input({"CI": "true"})
    assert no_input({"AIOPS_NO_INPUT": "1"})
    assert not no_input({"CI": "false"})


def test_a_pause_may_be_none_but_a_span_may_not(home: Path) -> None:
    assert read(home, "story: {settle: 0s}").settings.story.settle == timedelta()


def test_settings_import_no_engine() -> None:
    code = "import sys, aiops_agent.settings.load; print(*sys.modules)"
    kept = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=kept
    )

    assert not {"dbos", "sqlalchemy", "numpy", "fastapi"} & set(done.stdout.split())


def test_the_worked_examples_of_the_page_on_metrics_are_read(home: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)

    services = [read(home, example).settings.services for example in examples]

    assert len(examples) == 3
    assert services[1][ServiceName("importer")].signals[Signal.LATENCY].scale == 0.001
    assert services[2][ServiceName("billing-db")].match.labels["server"] == "billing-db:5432"
