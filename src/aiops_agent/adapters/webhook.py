"""Tells people through their own program: a signed JSON message to an address of theirs."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx2
import orjson

from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import NotifyError
from aiops_agent.domain.notice import Notice, Receipt
from aiops_agent.domain.text import safe
from aiops_agent.domain.value import Value
from aiops_agent.ports.plug import Channel
from aiops_agent.ports.spellings import Secret, WebAddress

TIMEOUT = timedelta(seconds=10)  # receivers that take longer are tried again
_NAMED = 10  # incidents of a digest, or services, in its text
_DAY = 86_400  # seconds
_ATTEMPT_LATER = (408, 425, 429)  # the only 4xx that time can mend


def _wall() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Webhook:
    """ports.people.Notifier by HTTP POST.

    With a secret the receiver can check `X-Aiops-Signature: v1=` HMAC-SHA256 of
    "timestamp.body", and drop what is old by `X-Aiops-Timestamp` (seconds since 1970). Every
    receiver should drop what came before by `Idempotency-Key`: after a crash or an answer that was
    lost the same notice comes again under the same key.
    """

    url: str
    secret: str = field(default="", repr=False)
    name: str = "webhook"
    now: Callable[[], datetime] = _wall
    transport: httpx2.AsyncBaseTransport | None = None

    async def tell(self, notice: Notice) -> Receipt:
        """Send the notice once; raises NotifyError, which says whether to try again."""
        body = orjson.dumps({**notice.document(), "text": text_of(notice)})
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "aiops-agent",
            "Idempotency-Key": notice.key,
            **self._seal(body),
        }
        try:
            status, after = await self._post(body, headers)
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL, ValueError) as error:
            text = f"The webhook {self.name} cannot be used; check its address."
            raise NotifyError(text, retry=False) from error
        except httpx2.HTTPError as error:
            text = f"The webhook {self.name} was not reached: {type(error).__name__}."
            raise NotifyError(text, retry=True) from error
        self._judge(status, after)
        return Receipt(channel=self.name, id=notice.key, at=self.now())

    async def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        client = httpx2.AsyncClient(
            transport=self.transport,
            timeout=TIMEOUT.total_seconds(),
            follow_redirects=False,
            trust_env=False,
        )
        # The answer's body is of no use to us, and may be endless: it is not read.
        async with client, client.stream("POST", self.url, content=body, headers=headers) as answer:
            return answer.status_code, answer.headers.get("Retry-After", "")

    def _judge(self, status: int, after: str) -> None:
        if 200 <= status < 300:
            return
        retry = status >= 500 or status in _ATTEMPT_LATER
        hint = " (redirects are not followed)" if 300 <= status < 400 else ""
        text = f"The webhook {self.name} answered {status}{hint}."
        raise NotifyError(text, retry=retry, after=waited(after, self.now()).total_seconds())

    def _seal(self, body: bytes) -> dict[str, str]:
        stamp = str(int(self.now().timestamp()))
        sealed = {"X-Aiops-Timestamp": stamp}
        if self.secret:
            sealed["X-Aiops-Signature"] = f"v1={signature(self.secret, stamp, body)}"
        return sealed


def waited(header: str, now: datetime) -> timedelta:
    """Return how long a `Retry-After` (RFC 9110, 10.2.3: seconds or a date) asks to wait."""
    if header.isascii() and header.isdigit():
        return timedelta(seconds=min(int(header[:9]), _DAY))
    try:
        until = parsedate_to_datetime(header)
    except ValueError:  # none, or none that can be read
        return timedelta()
    return max(until.astimezone(UTC) - now, timedelta())


def text_of(notice: Notice) -> str:
    """Return the notice as one line, for receivers that show text only."""
    named, others = notice.services[:_NAMED], len(notice.services[_NAMED:])
    left_out = f" and {others} more" if others else ""
    services = f" ({', '.join(named)}{left_out})" if named else ""
    until = f" until {notice.expires_at:%Y-%m-%d %H:%M:%S} UTC" if notice.expires_at else ""
    asks = bool(notice.plan)
    listed = ", ".join(one.incident for one in notice.digest[:_NAMED])
    more = len(notice.digest) - _NAMED + notice.left_out
    parts = (
        f"{notice.severity} {notice.title}{services}: {notice.what}",
        listed and f"Of: {listed}{f' and {more} more' if more > 0 else ''}",
        notice.action and f"{'Do' if asks else 'Done'}: {notice.action}",
        f"Risk: {notice.risk}" if notice.risk else "",
        notice.undo and f"Undo: {notice.undo}",
        f"Answer{until}: {notice.approve} or: {notice.reject}" if asks else "",
        notice.show and f"See: {notice.show}",
    )
    return safe(". ".join(part.rstrip(".") for part in parts if part))


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Return the HMAC-SHA256 (hex) of "stamp.body"."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookSettings(Value):
    """An address that is told of what a person must know, signed when there is a secret."""

    url: WebAddress
    secret: Secret | None = None


def _open(section: WebhookSettings) -> Webhook:
    return Webhook(section.url, section.secret.get_secret_value() if section.secret else "")


async def _check(section: WebhookSettings) -> Checkup:
    # It is not called: a person would be told of nothing.
    host = urlsplit(section.url).hostname
    signed = "signed" if section.secret else "not signed (notify.webhook.secret)"
    return Checkup(group="notify", name="webhook", health=Health.OK, words=f"{host}, {signed}")


CHANNEL = Channel(name="webhook", settings=WebhookSettings, open=_open, check=_check)
