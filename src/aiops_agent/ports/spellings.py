"""How values are spelt in a section: addresses, paths, secrets by reference, units, time zones."""

import re
from pathlib import Path
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo

from aiops_agent.domain.duration import duration
from aiops_agent.domain.value import Json


def _reference(value: Json, info: ValidationInfo) -> Json:
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


def _absolute(value: Path) -> Path:
    return value.expanduser().absolute()


def _seconds(value: Json) -> Json:
    return duration(value).total_seconds() if isinstance(value, str) else value


def _share(value: Json) -> Json:
    text = value.strip() if isinstance(value, str) else ""
    return float(text[:-1]) / 100 if text.endswith("%") else value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {value!r}; write one as Europe/Berlin") from None
    return value


Secret: TypeAlias = Annotated[SecretStr, BeforeValidator(_reference)]
Referred: TypeAlias = Annotated[str, BeforeValidator(_reference)]
WebAddress: TypeAlias = Annotated[str, AfterValidator(_web_address)]
LocalPath: TypeAlias = Annotated[Path, AfterValidator(_absolute)]
Seconds: TypeAlias = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
Share: TypeAlias = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]
TimeZone: TypeAlias = Annotated[str, AfterValidator(_timezone)]
