"""How values are spelt in a section: addresses, paths, secrets by reference, units, time zones."""

import ipaddress
import re
from datetime import time
from pathlib import Path
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo

from aiops_agent.domain.duration import duration
from aiops_agent.domain.value import Json

_CLOCK = re.compile(r"(\d{1,2}):(\d{2}(?::\d{2})?)")
_MOST_FAILING = 0.5  # nobody promises that more than half of the requests may fail


def referred(value: Json, info: ValidationInfo) -> Json:
    """Follow ${env:NAME} and file:/path, so that no secret needs to stand in the file."""
    if not isinstance(value, str):
        return value
    if named := re.fullmatch(r"\$\{env:(\w+)\}", value):
        try:
            return (info.context or {})[named[1]]
        except KeyError:
            raise ValueError(f"the environment has no {named[1]}") from None
    if value.startswith("file:"):
        try:
            return Path(value.removeprefix("file:")).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{value} cannot be read") from error
    return value


def _web_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise ValueError("an address begins with http:// or https:// and a host")
    return value.rstrip("/")


def _plain_address(value: str) -> str:
    parts = urlsplit(value)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("an address without user, `?` and `#`, such as https://aiops.example.org")
    return value


def _host_name(value: str) -> str:
    name = value.lower().removesuffix(".")
    if ":" in name or not re.fullmatch(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?", name):
        raise ValueError(
            "a name or IPv4 address without scheme and port, such as aiops.example.org"
        )
    return name


def _network(value: str) -> str:
    try:
        found = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError("an address or a network, such as 10.0.0.7 or 10.1.0.0/16") from None
    if found.prefixlen == 0:
        raise ValueError("everybody is no proxy; name its address")
    return str(found)


def _absolute(value: Path) -> Path:
    return value.expanduser().absolute()


def _seconds(value: Json) -> Json:
    return duration(value).total_seconds() if isinstance(value, str) else value


def _share(value: Json) -> Json:
    text = value.strip() if isinstance(value, str) else ""
    return float(text[:-1]) / 100 if text.endswith("%") else value


def _promised_seconds(value: Json) -> Json:
    if isinstance(value, int | float):  # 300 may be meant as milliseconds
        raise ValueError(f"say the unit, such as {value}ms or {value}s")
    return _seconds(value)


def _promised_share(value: Json) -> Json:
    """Return what may fail; 1 may be meant as a percent, and 99.9% as what must not fail."""
    if isinstance(value, int | float) and value >= 1:
        raise ValueError(f"say the unit, such as {value}%, or write a share such as 0.01")
    share = _share(value)
    if isinstance(share, float) and share > _MOST_FAILING:
        raise ValueError("is the share that may fail; for 99.9% of success write 0.1%")
    return share


def _clock(value: Json) -> Json:
    if isinstance(value, str) and (read := _CLOCK.fullmatch(value.strip())):
        return f"{read[1]:0>2}:{read[2]}"
    if isinstance(value, str | int | float):
        raise ValueError("write a time of day as 06:30")
    return value


def _end_of_day(value: Json) -> Json:
    return None if isinstance(value, str) and value.strip() == "24:00" else _clock(value)


def _bearer(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]{20,1000}", value.get_secret_value()):
        raise ValueError(
            "a token has 20 to 1000 letters, digits and signs of ._~+/=-, "
            "such as `openssl rand -hex 24` prints"
        )
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {value!r}; write one as Europe/Berlin") from None
    return value


Secret: TypeAlias = Annotated[SecretStr, BeforeValidator(referred)]
BearerToken: TypeAlias = Annotated[Secret, AfterValidator(_bearer)]
Referred: TypeAlias = Annotated[str, BeforeValidator(referred)]
WebAddress: TypeAlias = Annotated[str, AfterValidator(_web_address)]
PlainAddress: TypeAlias = Annotated[WebAddress, AfterValidator(_plain_address)]
HostName: TypeAlias = Annotated[str, AfterValidator(_host_name)]
Network: TypeAlias = Annotated[str, AfterValidator(_network)]
LocalPath: TypeAlias = Annotated[Path, AfterValidator(_absolute)]
Seconds: TypeAlias = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
Share: TypeAlias = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]
PromisedSeconds: TypeAlias = Annotated[float, BeforeValidator(_promised_seconds), Field(gt=0)]
PromisedShare: TypeAlias = Annotated[float, BeforeValidator(_promised_share), Field(ge=0, le=1)]
ClockTime: TypeAlias = Annotated[time, BeforeValidator(_clock)]
EndOfDay: TypeAlias = Annotated[time | None, BeforeValidator(_end_of_day)]  # 24:00 is None
TimeZone: TypeAlias = Annotated[str, AfterValidator(_timezone)]
