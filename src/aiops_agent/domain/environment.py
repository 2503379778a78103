"""Which environment: what kind of place it is, and its name in the configuration."""

import re
from functools import lru_cache
from typing import Any, Self, TypeVar

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue

from aiops_agent.domain.value import Value

SHOP = "shop"
KIND = r"[a-z][a-z0-9-]{0,30}"
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"


class EnvironmentRef(Value):
    """One environment. As text, which only borders read and write, it is `kind:name`."""

    kind: str = Field(pattern=rf"^{KIND}\z")  # a word that the registry knows
    name: str = Field(pattern=rf"^{NAME}\z")  # unique in a configuration

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @property
    def simulated(self) -> bool:
        """Whether it is a built-in shop: its clock stands still while a person is asked."""
        return self.kind == SHOP

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `kind:name`; raises ValueError when it is none."""
        kind, colon, name = text.partition(":")
        if not (colon and re.fullmatch(KIND, kind) and re.fullmatch(NAME, name)):
            raise ValueError(f"{text!r} is no environment; write one as docker:shop")
        return cls(kind=kind, name=name)

    @model_serializer
    def _written(self) -> str:
        return str(self)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, given: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        return _parsed(cls, given) if isinstance(given, str) else read(given)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: Any, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": f"^{KIND}:{NAME}$"}


R = TypeVar("R", bound=EnvironmentRef)


@lru_cache(maxsize=1024)  # each stored record names one, and few are there
def _parsed(kind: type[R], text: str) -> R:
    return kind.parse(text)
