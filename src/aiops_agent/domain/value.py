"""The one base class of all nouns: frozen, closed, and equal by content."""

import hashlib
import json
from typing import Any, Self, TypeAlias

from pydantic import BaseModel, ConfigDict

Json: TypeAlias = Any  # any JSON value: None, bool, int, float, str, list, dict
Document: TypeAlias = dict[str, Json]


class Value(BaseModel):
    """A frozen record that refuses unknown fields."""

    # Built on first use, or by `build_all`: a command that needs none starts without their cost.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def document(self) -> Document:
        """Return plain JSON data from which `of` rebuilds an equal value."""
        return self.model_dump(mode="json")

    @classmethod
    def of(cls, document: Json) -> Self:
        """Rebuild a value from `document()`; raises pydantic.ValidationError if it cannot."""
        return cls.model_validate(document)


def build_all(kind: type[Value] = Value) -> None:
    """Build every record that is imported by now, so that none is built in the middle of work."""
    for record in kind.__subclasses__():
        record.model_rebuild()
        build_all(record)


def digest(kind: str, content: Json) -> str:
    """Return the SHA-256 (64 hex digits) of canonical JSON `content`, named by kind."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{kind}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()
