"""How the durable engine writes values down: plain JSON, never pickle."""

import json
from typing import Any

from dbos import Serializer

ERROR = "$error"


class PlainJson(Serializer):
    """JSON for values and (type name, text) for errors; anything else is refused."""

    def name(self) -> str:
        """Return the name stored beside each value."""
        return "aiops_json_1"

    def serialize(self, data: Any) -> str:
        """Return `data` as JSON text; raises TypeError for what is not JSON."""
        return json.dumps(data, separators=(",", ":"), default=_error)

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value; a stored error comes back as a RuntimeError with its text."""
        value = json.loads(serialized_data)
        if isinstance(value, dict) and set(value) == {ERROR}:
            kind, text = value[ERROR]
            return RuntimeError(f"{kind}: {text}")
        if isinstance(value, dict) and set(value) == {"args", "kwargs"}:
            value["args"] = tuple(value["args"])  # DBOS puts the instance in front of it
        return value


def _error(value: object) -> dict[str, list[str]]:
    if isinstance(value, BaseException):
        return {ERROR: [type(value).__name__, str(value)]}
    raise TypeError(f"{type(value).__qualname__} is not plain JSON.")
