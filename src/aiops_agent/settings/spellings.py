"""How values are spelt in the file: numbers with units, time zones, names of actions."""

from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

from aiops_agent.domain.duration import duration
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.value import Json
from aiops_agent.registry import CATALOGUE


def _seconds(value: Json) -> Json:
    return duration(value).total_seconds() if isinstance(value, str) else value


def _share(value: Json) -> Json:
    text = value.strip() if isinstance(value, str) else ""
    return float(text[:-1]) / 100 if text.endswith("%") else value


def _registered(value: ActionKind) -> ActionKind:
    if value not in CATALOGUE.kinds:
        raise ValueError(f"there is no action {value!r}.{did_you_mean(value, CATALOGUE.kinds)}")
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {value!r}; write one as Europe/Berlin") from None
    return value


Seconds: TypeAlias = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
Share: TypeAlias = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]
TimeZone: TypeAlias = Annotated[str, AfterValidator(_timezone)]
ActionName: TypeAlias = Annotated[ActionKind, AfterValidator(_registered)]
