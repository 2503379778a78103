"""What Alertmanager lists as firing, of one or of a cluster."""

import asyncio
from typing import Any

import httpx2
import pytest

from aiops_agent.adapters.alertmanager_api import AlertmanagerList, AlertmanagerSettings
from aiops_agent.domain.errors import SourceError

ONE, TWO = "http://am-1.test:9093", "http://am-2.test:9093/prefix/"


def listed(name: str, state: str = "active", by: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "labels": {"alertname": name},
        "annotations": {"summary": "s"},
        "startsAt": "2026-11-22T09:17:47.234Z",
        "endsAt": "2026-11-22T09:21:47.234Z",
        "updatedAt": "2026-11-22T09:17:47.334Z",
        "fingerprint": "f",
        "generatorURL": "http://prometheus.test/graph?g0.expr=up",
        "receivers": [{"name": "aiops"}],
        "status": {"state": state, "silencedBy": list(by), "inhibitedBy": []},
    }


def source(answers: dict[str, Any], **more: Any) -> AlertmanagerList:
    def answer(request: httpx2.Request) -> httpx2.Response:
        found = answers[request.url.host]
        if isinstance(found, Exception):
            raise found
        if isinstance(found, int):
            return httpx2.Response(found)
        assert request.url.path.endswith("/api/v2/alerts")
        return httpx2.Response(200, json=found)

    section = AlertmanagerSettings.model_validate({"url": ONE, **more})
    return AlertmanagerList(section, httpx2.MockTransport(answer))


async def test_what_fires_is_read_with_all_that_it_brings() -> None:
    (found,) = await source({"am-1.test": [listed("A")]}).firing()
    assert (found.labels, found.muted) == ({"alertname": "A"}, "")
    assert found.starts_at == "2026-11-22T09:17:47.234Z"
    assert found.generator_url.startswith("http://prometheus.test/")


async def test_a_pair_says_each_alert_once_and_the_silence_of_either_counts() -> None:
    answers = {
        "am-1.test": [listed("A"), listed("B")],
        "am-2.test": [listed("A", "suppressed", ("5b3c",)), listed("C")],
    }
    found = await source(answers, peers=[TWO]).firing()
    assert {one.labels["alertname"]: one.muted for one in found} == {
        "A": "silenced (5b3c)",
        "B": "",
        "C": "",
    }


@pytest.mark.parametrize("flaw", [503, httpx2.ConnectError("refused")])
async def test_one_of_a_pair_is_enough_and_none_is_an_error(flaw: Any) -> None:
    answers = {"am-1.test": flaw, "am-2.test": [listed("A")]}
    assert len(await source(answers, peers=[TWO]).firing()) == 1
    with pytest.raises(SourceError, match=r"Alertmanager at http://am-1\.test"):
        await source({"am-1.test": flaw}).firing()


async def test_with_a_receiver_only_what_is_routed_to_it_counts() -> None:
    answers = {"am-1.test": [listed("A")]}
    assert len(await source(answers, receiver="aiops").firing()) == 1
    assert await source(answers, receiver="pager").firing() == ()


@pytest.mark.parametrize(
    "body", [{"a": 1}, [1], [{"labels": {}}], "x", [{**listed("A"), "labels": 7}]]
)
def test_an_answer_of_another_shape_is_an_error_in_a_sentence(body: Any) -> None:
    with pytest.raises(SourceError, match=r"shape that we cannot read"):
        asyncio.run(source({"am-1.test": body}).firing())
