"""The one base class of all nouns: frozen, closed, and equal by content."""

import hashlib
import json
from typing import Any, Self, TypeAlias

from pydantic import BaseModel, ConfigDict

Json: TypeAlias = Any  # any JSON value: None, bool, int, float, str, list, dict
Document: TypeAlias = dict[str, Json]


class Value(BaseModel):
    """A frozen record that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def document(self) -> Document:
        """Return plain JSON data from which `of` rebuilds an equal value."""
        return self.model_dump(mode="json")

    @classmethod
    def of(cls, document: Json) -> Self:
        """Rebuild a value from `document()`; raises pydantic.ValidationError if it cannot."""
        return cls.model_validate(document)


def digest(kind: str, content: Json) -> str:
    """Return the SHA-256 (64 hex digits) of canonical JSON `content`, named by kind."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{kind}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()
