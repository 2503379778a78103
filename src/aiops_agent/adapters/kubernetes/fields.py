"""Fields of documents that others wrote: what is absent or of another shape reads as empty.

So a look never fails at an object; what it cannot read, it does not see.
"""

import re
from datetime import UTC, datetime, timedelta

from aiops_agent.domain.value import Document, Json

_FRACTION = re.compile(r"\.(\d{1,6})\d*")  # Kubernetes writes up to nine digits
_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_UNITS |= {"n": 1e-9, "u": 1e-6} | {f"{u}i": 2.0 ** (10 * n) for n, u in enumerate("KMGTPE", 1)}
_MOST = 1e30  # nothing in a cluster is as large; NaN is not less either
_QUANTITY = re.compile(r"([+-]?\d{1,20}(?:\.\d{1,12})?(?:[eE][+-]?\d{1,2})?)([numkMGTPE]i?|Ki)?")


def field(document: Json, *path: str) -> Json:
    """Return what stands at a path of keys, or None."""
    found = document
    for key in path:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def text(document: Json, *path: str) -> str:
    """Return the text at a path, or ""."""
    found = field(document, *path)
    return found if isinstance(found, str) else ""


def number(document: Json, *path: str) -> int | None:
    """Return the whole number at a path, or None."""
    found = field(document, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def count(document: Json, *path: str) -> int:
    """Return the whole number at a path, or 0."""
    return number(document, *path) or 0


def many(document: Json, *path: str) -> list[Document]:
    """Return the documents of the list at a path."""
    found = field(document, *path)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def texts(document: Json, *path: str) -> list[str]:
    """Return the texts of the list at a path."""
    found = field(document, *path)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def pairs(document: Json, *path: str) -> dict[str, str]:
    """Return the texts by name at a path, such as labels."""
    found = field(document, *path)
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def moment(document: Json, *path: str) -> datetime | None:
    """Return the time (UTC) at a path, or None."""
    found = text(document, *path)
    try:
        at = datetime.fromisoformat(_FRACTION.sub(r".\1", found))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def quantity(said: Json) -> float | None:
    """Return a quantity such as "128Mi" or "250m" in bytes or cores, or None."""
    if isinstance(said, int | float) and not isinstance(said, bool):
        return float(said) if abs(said) < _MOST else None
    read = _QUANTITY.fullmatch(said) if isinstance(said, str) else None
    return float(read[1]) * _UNITS.get(read[2] or "", 1.0) if read else None


def condition(document: Json, kind: str) -> Document:
    """Return the condition of that type in the status of an object, or {}."""
    return next((o for o in many(document, "status", "conditions") if o.get("type") == kind), {})


def selects(selector: Json, labels: dict[str, str]) -> bool:
    """Whether a label selector (matchLabels, matchExpressions) takes these labels."""
    wanted = pairs(selector, "matchLabels")
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    return all(_holds(one, labels) for one in many(selector, "matchExpressions"))


def _holds(expression: Document, labels: dict[str, str]) -> bool:
    name, values = text(expression, "key"), texts(expression, "values")
    match expression.get("operator"):
        case "In":
            return labels.get(name) in values
        case "NotIn":
            return labels.get(name) not in values
        case "Exists":
            return name in labels
        case "DoesNotExist":
            return name not in labels
        case _:
            return False


def age(at: datetime | None, now: datetime) -> timedelta | None:
    """Return how long ago a moment was, at least nothing: clocks of nodes differ."""
    return None if at is None else max(now - at, timedelta())
