"""What scraped pages say of their metrics: TYPE, UNIT and HELP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiops_agent.domain.value import Json


@dataclass(frozen=True)
class Words:
    """What pages say of a metric; "" where its targets do not agree, or say nothing."""

    type: str = ""
    unit: str = ""
    help: str = ""


def words(data: Json) -> Mapping[str, Words]:
    """Return them by metric, from the server's answer."""
    return {str(name): _agreed(entries) for name, entries in data.items()}


def _agreed(entries: Sequence[Json]) -> Words:
    said = {key: {str(one.get(key, "")) for one in entries} for key in ("type", "unit", "help")}
    alike = {key: values.pop() if len(values) == 1 else "" for key, values in said.items()}
    return Words(**alike)
