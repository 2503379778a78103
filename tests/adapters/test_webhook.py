"""Is a notice sent once, signed, and is a failure told for what it is?"""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from aiops_agent.adapters.webhook import Webhook, signature, text_of, waited
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import NotifyError
from aiops_agent.domain.notice import Notice, NoticeLine, Occasion, Receipt
from aiops_agent.domain.remediation import Risk

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
NOTICE = Notice(
    key="INC-0001.1:approval_needed",
    occasion=Occasion.APPROVAL_NEEDED,
    incident="INC-0001",
    environment=EnvironmentRef.parse("docker:local"),
    title="INC-0001: payments-api is slow",
    services=("payments-api", "cart"),
    what="a plan waits for an answer",
    action="scale_pods payments-api replicas=4 \x1b[31m\u202e",
    severity=Severity.SEV2,
    plan="ab" * 32,
    expires_at=NOW + timedelta(minutes=15),
    risk=Risk.LOW,
    undo="scale back",
    approve="aiops approve INC-0001 --plan abababababab",
    reject="aiops reject INC-0001 --plan abababababab",
    show="aiops incident show INC-0001",
    at=NOW,
)
URL = "https://hooks.example/aiops"


class Receiver(httpx2.AsyncBaseTransport):
    """A receiver that answers as told and remembers what came."""

    def __init__(self, answer: int | Exception) -> None:
        self.answer = answer
        self.after = ""
        self.got: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.got.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        headers = {"Location": "https://elsewhere.example/", "Retry-After": self.after}
        return httpx2.Response(self.answer, headers=headers)


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
    assert text == (
        "SEV2 INC-0001: payments-api is slow (payments-api, cart): a plan waits for an answer. "
        "Do: scale_pods payments-api replicas=4 \\x1b[31m\\u{202e}. Risk: low. Undo: scale back. "
        "Answer until 2026-11-24 09:45:00 UTC: aiops approve INC-0001 --plan abababababab "
        "or: aiops reject INC-0001 --plan abababababab. See: aiops incident show INC-0001"
    )


def test_a_digest_in_one_line_says_how_many_which_and_where_all_of_them_are() -> None:
    lines = [
        NoticeLine(
            key=f"k{n}",
            occasion=Occasion.ESCALATED,
            incident=f"INC-{n:04}",
            environment=NOTICE.environment,
            severity=Severity.SEV3,
            title="slow",
        )
        for n in range(1, 13)
    ]
    digest = Notice(
        key="digest:k1",
        occasion=Occasion.DIGEST,
        incident="",
        severity=Severity.SEV3,
        environment=NOTICE.environment,
        title="20 notices of 20 incidents",
        what="20 escalated",
        show="aiops incident list",
        digest=tuple(lines),
        left_out=8,
        at=NOW,
    )
    named = ", ".join(line.incident for line in lines[:10])
    assert text_of(digest) == (
        "SEV3 20 notices of 20 incidents: 20 escalated. "
        f"Of: {named} and 10 more. See: aiops incident list"
    )


def test_what_ends_with_a_stop_ends_with_one_in_a_line() -> None:
    told = NOTICE.model_copy(update={"what": "Prometheus is away."})
    assert ". See: " in text_of(told)
    assert ".." not in text_of(told)


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


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        ("Tue, 24 Nov 2026 09:31:00 GMT", 60),
        ("Tue, 24 Nov 2026 09:00:00 GMT", 0),
        ("Tue, 24 Nov 2026 10:31:00 +0100", 60),
        ("9" * 5000, 86_400),
        ("-5", 0),
        ("soon", 0),
        ("\u0663", 0),
        ("", 0),
    ],
)
async def test_the_pause_that_a_receiver_asks_for_is_read(header: str, seconds: int) -> None:
    assert waited(header, NOW) == timedelta(seconds=seconds)
    receiver = Receiver(429)
    receiver.after = "30"
    with pytest.raises(NotifyError) as told:
        await webhook(receiver).tell(NOTICE)
    assert told.value.after == 30


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
