"""Is every body that Alertmanager sends read for what it is?"""

import gzip
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.adapters import alertmanager
from aiops_agent.domain.alert import AlertGroup, AlertState, Delivery

FOLDER = Path(__file__).parent.parent / "data" / "alertmanager"
INDEX = json.loads((FOLDER / "index.json").read_text("utf-8"))
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def body(number: int) -> bytes:
    (path,) = FOLDER.glob(f"{number:02d}_*")
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def decode(given: bytes) -> Delivery:
    return alertmanager.decode(given, received_at=NOW)


def delivery(number: int) -> Delivery:
    return decode(body(number))


def states(found: Delivery) -> list[str]:
    return [alert.state.value for alert in found.alerts]


@pytest.mark.parametrize("number", range(1, 28))
def test_a_real_body_is_accepted_as_the_index_says(number: int) -> None:
    told = INDEX[number - 1]
    found = delivery(number)

    assert found.rejected == ""
    assert (len(found.alerts), found.truncated) == (told["alerts"], told["truncatedAlerts"])
    assert found.digest == hashlib.sha256(body(number)).hexdigest()
    assert found.digest.startswith(told["sha256"])
    assert all(alert.received_at == NOW for alert in found.alerts)
    assert Delivery.of(found.document()) == found


def test_a_firing_alert_has_no_end_though_the_sender_gives_the_zero_time() -> None:
    for number in (1, 2, 3):
        (alert,) = delivery(number).alerts
        assert alert.state is AlertState.FIRING
        assert alert.ends_at is None
        assert alert.starts_at is not None
        assert alert.starts_at.utcoffset() == UTC.utcoffset(None)


def test_three_versions_of_alertmanager_name_the_same_alert() -> None:
    labels = [delivery(number).alerts[0].labels["alertname"] for number in (1, 2, 3)]

    assert len(set(labels)) == 1


def test_alerts_of_a_group_are_told_apart() -> None:
    assert len({alert.identity(()) for alert in delivery(4).alerts}) == 3


def test_one_resolved_alert_in_a_firing_group_is_resolved_alone() -> None:
    assert sorted(states(delivery(5))) == ["firing", "firing", "resolved"]


def test_a_resolved_alert_is_gone_from_the_repeat() -> None:
    assert states(delivery(6)) == ["firing", "firing"]


def test_a_group_resolves_alert_by_alert() -> None:
    found = delivery(7)

    assert states(found) == ["resolved"] * 3
    assert all(alert.ends_at is not None for alert in found.alerts)


def test_alerts_left_out_are_counted_and_never_taken_as_resolved() -> None:
    firing, trap = delivery(8), delivery(9)

    assert (len(firing.alerts), firing.truncated) == (3, 7)
    assert json.loads(body(9))["status"] == "resolved"
    assert (len(trap.alerts), trap.truncated) == (3, 7)
    assert {a.identity(()) for a in trap.alerts} <= {a.identity(()) for a in firing.alerts}


def test_grouping_and_receivers_do_not_change_who_an_alert_is() -> None:
    by_all, by_none, first, second = (delivery(n).alerts[0] for n in (10, 11, 12, 13))

    assert by_all.name.startswith("Sc_")
    assert by_none.name.startswith("Sc_")
    assert first.identity(()) == second.identity(())
    assert delivery(12).digest != delivery(13).digest


def test_hostile_texts_are_kept_as_they_are_but_for_the_nul() -> None:
    (alert,) = delivery(14).alerts

    assert alert.annotations["lines"] == "a\nb\r\nc\u2028d\u2029e\x85f\ufffdg\x7fh"
    assert alert.annotations["terminal"].startswith("\x1b[2J")
    assert alert.annotations["summary"].startswith("<script>")
    assert alert.labels["pod"] == 'p"};drop \\ {x="\n--all'
    assert "\0" not in json.dumps(alert.document(), ensure_ascii=False)


def test_replaced_invalid_utf8_is_read_as_it_came() -> None:
    (alert,) = delivery(15).alerts

    assert alert.labels["pod"] == "x\ufffd\ufffdy"
    assert alert.generator_url is None


def test_an_alert_without_a_name_gets_a_stand_in() -> None:
    assert delivery(16).alerts[0].name == "unnamed alert"


def test_a_start_in_the_future_or_in_1970_is_kept_beside_our_own_time() -> None:
    future, past = delivery(17).alerts[0], delivery(18).alerts[0]

    assert past.starts_at is not None
    assert past.starts_at.year == 1970
    assert future.starts_at is not None
    assert future.starts_at > past.starts_at
    assert future.received_at == past.received_at == NOW


def test_a_link_that_runs_a_script_is_dropped() -> None:
    assert "javascript:" in body(19).decode()
    assert delivery(19).alerts[0].generator_url is None


def test_label_names_may_be_any_text() -> None:
    assert delivery(20).alerts[0].labels["ключ"] == "1"


def test_a_thousand_alerts_are_a_thousand_alerts() -> None:
    found = delivery(21)

    assert len({alert.identity(()) for alert in found.alerts}) == 1000
    assert len(found.body) == alertmanager.MAX_BODY
    assert found.body.endswith("… [cut: 605915 bytes]")


def test_alerts_of_a_dead_prometheus_come_as_resolved_for_the_same_series() -> None:
    firing, false = delivery(22), delivery(23)

    assert [a.identity(()) for a in firing.alerts] == [a.identity(()) for a in false.alerts]
    assert states(false) == ["resolved", "resolved"]
    assert firing.alerts[0].labels["service"] == "payments"


def test_a_flapping_alert_is_the_same_alert_with_a_new_start() -> None:
    gone, back = delivery(24).alerts[0], delivery(25).alerts[0]

    assert gone.identity(()) == back.identity(())
    assert gone.starts_at != back.starts_at


def test_copies_of_two_peers_are_two_deliveries_of_one_alert() -> None:
    one, two = delivery(26), delivery(27)

    assert one.digest != two.digest
    assert one.alerts == two.alerts


DEEP = 100_000


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"\x1f\x8b\x08gzip", "not JSON"),
        (b'{"alerts": [', "not JSON"),
        (b'{"version": NaN}', "not JSON"),
        (b"[" * DEEP + b"]" * DEEP, "not JSON"),
        (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "not JSON"),
        (b'{"version": "4", "alerts": [], "x": "\\ud800"}', "not JSON"),
        (b'{"version": "4", "alerts": [], "x": "\0"}', "not JSON"),
        (b"null", "null or missing, not an object"),
        (b"[]", "a list, not an object"),
        (b"12", "a number, not an object"),
        (b"{}", "alerts is null or missing"),
        (b'{"alerts": {}}', "alerts is a object, not a list"),
        (b'{"version": "5", "alerts": []}', "version 5 is unknown"),
        (b'{"alerts": [1]}', "alerts[0] is a number"),
        (b'{"alerts": [{"status": "firing"}]}', "alerts[0].labels is null or missing"),
        (b'{"alerts": [{"labels": {}}]}', "alerts[0].status is neither"),
        (b'{"alerts": [{"labels": {"a": 1}, "status": "firing"}]}', "holds a number"),
    ],
)
def test_a_body_that_is_wrong_is_rejected_with_its_reason(given: bytes, reason: str) -> None:
    found = decode(given)

    assert reason.replace("a object", "an object") in found.rejected
    assert (found.alerts, found.truncated) == ((), 0)
    assert found.digest == hashlib.sha256(given).hexdigest()
    assert len(found.body) <= alertmanager.MAX_BODY
    assert "\0" not in found.body


@pytest.mark.parametrize("nothing", ["[]", "{}", "1", '""'])
def test_millions_of_nothings_are_rejected_before_they_are_decoded(nothing: str) -> None:
    body = f'{{"alerts": [], "x": [{f"{nothing}," * (alertmanager.MAX_VALUES + 1)}1]}}'.encode()

    assert "more than 3,000,000 values" in decode(body).rejected


def test_one_wrong_alert_rejects_the_whole_body_and_names_it() -> None:
    document = json.loads(body(4))
    document["alerts"][2]["labels"] = None

    assert decode(json.dumps(document).encode()).rejected.startswith("alerts[2].labels")


def with_alert(**other: Any) -> bytes:
    document = json.loads(body(1))
    document["alerts"][0].update(other)
    return json.dumps(document).encode()


def test_long_values_are_cut_with_a_mark_that_keeps_them_apart() -> None:
    one, two = "x" * 1_000_000 + "1", "x" * 1_000_000 + "2"
    first, second = (decode(with_alert(labels={"a": text})).alerts[0] for text in (one, two))

    assert len(first.labels["a"]) == alertmanager.MAX_VALUE
    assert "… [cut: 1000001 characters, sha256 " in first.labels["a"]
    assert first.identity(()) != second.identity(())


def test_more_names_than_an_alert_can_have_are_rejected() -> None:
    labels = {f"l{number}": "" for number in range(alertmanager.MAX_NAMES + 1)}

    assert "513 names" in decode(with_alert(labels=labels)).rejected


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//evil.example/x",
        "http://",
        "http://[::1",
        "http://a/\x1b[31m",
        "https://a/\u202egpj",
        "http://a/" + "x" * 3000,
        7,
        None,
    ],
)
def test_a_link_that_is_not_plainly_http_is_no_link(url: object) -> None:
    assert decode(with_alert(generatorURL=url)).alerts[0].generator_url is None


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-11-24T09:30:00",
        "yesterday",
        "",
        5,
        None,
        "2" * 100,
    ],
)
def test_a_start_that_is_no_moment_is_no_start(moment: object) -> None:
    found = decode(with_alert(startsAt=moment))

    assert (found.rejected, found.alerts[0].starts_at) == ("", None)


def test_a_moment_is_read_to_the_microsecond_in_utc() -> None:
    found = decode(with_alert(startsAt="2026-11-24T10:30:00.123456789+01:00"))

    assert found.alerts[0].starts_at == datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=UTC)


def test_what_is_said_of_the_group_is_kept_with_the_delivery() -> None:
    sent, group = json.loads(body(4)), delivery(4).group

    assert group.group_labels == sent["groupLabels"] != {}
    assert (group.receiver, group.alertmanager_url) == (sent["receiver"], sent["externalURL"])


@pytest.mark.parametrize("nonsense", [[], 7, {"a": 1}, {"a": None}])
def test_nonsense_about_the_group_loses_no_alert(nonsense: Any) -> None:
    sent = json.loads(body(4)) | {"groupLabels": nonsense, "receiver": 3, "externalURL": {}}
    found = decode(json.dumps(sent).encode())

    assert len(found.alerts) == 3
    assert found.group == AlertGroup()


@pytest.mark.parametrize(
    ("annotations", "runbook"),
    [
        ({"runbook_url": "https://wiki.test/slow"}, "https://wiki.test/slow"),
        ({"runbook": "http://wiki.test/slow"}, "http://wiki.test/slow"),
        ({"runbook_url": "ask alex", "runbook": "https://wiki.test"}, "https://wiki.test"),
        ({"runbook_url": "javascript:alert(1)"}, None),
        ({"runbook_url": "https://wiki.test/\x1b[2J"}, None),
        ({}, None),
    ],
)
def test_a_runbook_is_a_web_address_or_none(
    annotations: dict[str, str], runbook: str | None
) -> None:
    (alert,) = decode(with_alert(annotations=annotations)).alerts

    assert alert.runbook == runbook
    assert alert.annotations == annotations
