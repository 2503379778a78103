"""How values are spelt in a section: addresses, paths, secrets by reference."""

import re
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo

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


Secret: TypeAlias = Annotated[SecretStr, BeforeValidator(_reference)]
Referred: TypeAlias = Annotated[str, BeforeValidator(_reference)]
WebAddress: TypeAlias = Annotated[str, AfterValidator(_web_address)]
LocalPath: TypeAlias = Annotated[Path, AfterValidator(_absolute)]
