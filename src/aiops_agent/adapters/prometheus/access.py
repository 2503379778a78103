"""How a Prometheus lets us in: a login, a token, a tenant's header, certificates."""

import re
import ssl
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, model_validator

from aiops_agent.domain.duration import Span
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.naming import MARK
from aiops_agent.domain.value import Json, Value
from aiops_agent.ports.spellings import LocalPath, Secret, WebAddress, referred

TENANTS = ("x-scope-orgid", "thanos-tenant")  # names of teams, no secrets: they may be shown
_OURS = ("authorization", "connection", "content-length", "content-type", "expect", "host")
_FRAMING = ("te", "trailer", "transfer-encoding", "upgrade")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


def _headers(value: Json, info: ValidationInfo) -> Json:
    if not isinstance(value, dict):
        return value
    read: dict[str, Json] = {}
    for name, given in value.items():
        text = referred(str(given) if isinstance(given, int) else given, info)
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header")
        if name.lower() in (*_OURS, *_FRAMING):
            raise ValueError(f"{name} is ours to send; use basic_auth, bearer or token_file")
        if isinstance(text, str) and not _sendable(text):
            raise ValueError(f"the value of {name} cannot be sent in a header")
        secret = isinstance(text, str) and name.lower() not in TENANTS
        read[name] = SecretStr(text) if secret else text
    return read


def _sendable(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip() and bool(text)


class BasicAuth(Value):
    """A name and its password."""

    username: str = Field(min_length=1, pattern=r"^[^:\x00-\x1f\x7f]+\z")
    password: Secret


class Tls(Value):
    """Files in PEM: whom we believe instead of the usual authorities, and who we are."""

    ca: LocalPath | None = None
    cert: LocalPath | None = None
    key: LocalPath | None = None  # may stand in the file of `cert`


NO_TLS = Tls()


class PrometheusSettings(Value):
    """Where signals are read, and how we are let in: by one of a login, a token and a file."""

    url: WebAddress
    timeout: Span = timedelta(seconds=5)
    basic_auth: BasicAuth | None = None
    bearer: Secret | None = None
    token_file: LocalPath | None = None  # read for each request, so that it may be renewed
    headers: Annotated[dict[str, str | SecretStr], BeforeValidator(_headers)] = {}
    tls: Tls | None = None

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        if "@" in urlsplit(self.url).netloc:
            raise ValueError("write the login of `url` as basic_auth: {username, password}")
        if sum(one is not None for one in (self.basic_auth, self.bearer, self.token_file)) > 1:
            raise ValueError("use one of basic_auth, bearer and token_file")
        if self.bearer and not _sendable(self.bearer.get_secret_value()):
            raise ValueError("the text of `bearer` cannot be sent in a header")
        if self.tls and not self.url.lower().startswith("https://"):
            raise ValueError("tls needs a `url` that begins with https://")
        if self.tls and self.tls.key and not self.tls.cert:
            raise ValueError("tls.key needs tls.cert beside it")
        return self


@dataclass(frozen=True)
class Access:
    """What is sent and shown to be let in; its text names no secret."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    token_file: Path | None = None
    tls: Tls = NO_TLS

    @classmethod
    def of(cls, section: PrometheusSettings) -> "Access":
        """Return what a section says."""
        sent = {
            name: text.get_secret_value() if isinstance(text, SecretStr) else text
            for name, text in section.headers.items()
        }
        if section.bearer:
            sent["Authorization"] = f"Bearer {section.bearer.get_secret_value()}"
        if login := section.basic_auth:
            pair = f"{login.username}:{login.password.get_secret_value()}"
            sent["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        return cls(sent, section.token_file, section.tls or NO_TLS)

    def sent(self) -> dict[str, str]:
        """Return the headers of one request; raises SourceError when the token cannot be read."""
        if self.token_file is None:
            return dict(self.headers)
        try:
            token = self.token_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            token = ""
        if not _sendable(token):
            told = f"The token of Prometheus cannot be read from {self.token_file}."
            raise SourceError(told)
        return {**self.headers, "Authorization": f"Bearer {token}"}

    def context(self) -> ssl.SSLContext | bool:
        """Return how TLS is spoken, True for as usual; raises SourceError naming a wrong file."""
        tls, file = self.tls, self.tls.ca
        if tls == NO_TLS:
            return True
        try:
            made = ssl.create_default_context(cafile=file)
            if file := tls.cert:
                # A key with a pass phrase is refused: nobody is there to type it.
                made.load_cert_chain(file, tls.key, password=lambda: b"")
        except OSError as error:  # ssl.SSLError is one
            told = f"The certificate or key of Prometheus in {file} cannot be used"
            raise SourceError(f"{told}: {error.strerror or error}.") from error
        return made


OPEN = Access()  # to everybody


def hidden(text: str, sent: Mapping[str, str]) -> str:
    """Return an answer's text without what was sent to be let in: a server may give it back."""
    for name, value in sent.items():
        kind, _, token = value.rpartition(" ")
        known = [] if name.lower() in TENANTS else [token]
        if kind == "Basic":
            pair = b64decode(token).decode()
            known += [pair, pair.partition(":")[2]]
        for secret in known:
            text = text.replace(secret, MARK)
    return text
