"""Is a notice sent once, signed, and is a failure told for what it is?"""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from aiops_agent.adapters.webhook import Webhook, signature
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import NotifyError
from aiops_agent.domain.notice import Notice, Occasion, Receipt

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
NOTICE = Notice(
    key="INC-0001.1:approval_needed",
    occasion=Occasion.APPROVAL_NEEDED,
    incident="INC-0001",
    environment=EnvironmentRef.parse("docker:local"),
    title="payments-api is slow",
    what="a plan waits for an answer",
    action="scale_pods payments-api replicas=4 \x1b[31m\u202e",
    severity=Severity.SEV2,
    plan="ab" * 32,
    expires_at=NOW + timedelta(minutes=15),
    at=NOW,
)
URL = "https://hooks.example/aiops"


class Receiver(httpx2.AsyncBaseTransport):
    """A receiver that answers as told and remembers what came."""

    def __init__(self, answer: int | Exception) -> None:
        self.answer = answer
        self.got: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.got.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return httpx2.Response(self.answer, headers={"Location": "https://elsewhere.example/"})


def webhook(receiver: Receiver, secret: str = "s3cret") -> Webhook:
    return Webhook(URL, secret, now=lambda: NOW, transport=receiver)


async def test_a_receiver_can_check_who_sent_it_and_what_was_sent() -> None:
    receiver = Receiver(204)
    receipt = await webhook(receiver).tell(NOTICE)

    (request,) = receiver.got
    assert receipt == Receipt(channel="webhook", id=NOTICE.key, at=NOW)
    stamp = request.headers["X-Aiops-Timestamp"]
    sealed = hmac.new(b"s3cret", f"{stamp}.".encode() + request.content, hashlib.sha256)
    assert request.headers["X-Aiops-Signature"] == f"v1={sealed.hexdigest()}"
    assert stamp == str(int(NOW.timestamp()))
    assert request.headers["Idempotency-Key"] == NOTICE.key
    assert (request.method, str(request.url)) == ("POST", URL)
    sent = json.loads(request.content)
    text = sent.pop("text")
    assert Notice.of(sent) == NOTICE
    answers = [f"aiops {verb} INC-0001 --plan abababababab" for verb in ("approve", "reject")]
    assert text == f"{NOTICE.what}. Do: {NOTICE.action}. Answer: {' or: '.join(answers)}"


async def test_without_a_secret_nothing_is_signed() -> None:
    receiver = Receiver(200)
    await webhook(receiver, secret="").tell(NOTICE)

    assert "X-Aiops-Signature" not in receiver.got[0].headers


def test_any_changed_byte_makes_another_signature() -> None:
    one = signature("s", "1", b"body")

    assert len({one, signature("t", "1", b"body"), signature("s", "2", b"body")}) == 3
    assert signature("s", "1", b"Body") != one


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 425, 429])
async def test_a_receiver_in_trouble_is_tried_again(status: int) -> None:
    with pytest.raises(NotifyError, match=str(status)) as told:
        await webhook(Receiver(status)).tell(NOTICE)

    assert told.value.retry


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413])
async def test_a_refusal_is_final(status: int) -> None:
    with pytest.raises(NotifyError, match=str(status)) as told:
        await webhook(Receiver(status)).tell(NOTICE)

    assert not told.value.retry


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    receiver = Receiver(status)
    with pytest.raises(NotifyError, match="not followed") as told:
        await webhook(receiver).tell(NOTICE)

    assert (len(receiver.got), told.value.retry) == (1, False)


@pytest.mark.parametrize(
    "error", [httpx2.ConnectError("no"), httpx2.ReadTimeout("slow"), httpx2.ReadError("cut")]
)
async def test_a_receiver_that_is_away_is_tried_again(error: Exception) -> None:
    with pytest.raises(NotifyError, match="not reached") as told:
        await webhook(Receiver(error)).tell(NOTICE)

    assert told.value.retry


@pytest.mark.parametrize("url", ["ftp://hooks.example/", "hooks.example", "http://a:b:c/", ""])
async def test_an_address_that_is_none_is_final(url: str) -> None:
    with pytest.raises(NotifyError, match="check its address") as told:
        await Webhook(url, now=lambda: NOW).tell(NOTICE)

    assert not told.value.retry


def test_the_secret_is_never_shown() -> None:
    assert "s3cret" not in repr(Webhook(URL, "s3cret"))
