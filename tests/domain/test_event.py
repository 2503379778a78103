"""Every event that we give out is as the public schema says."""

import json
from typing import Any, get_args

import pytest

from aiops_agent.domain.event import PHASES, Event, schema
from aiops_agent.domain.payload import EventType, Payload
from tests.contracts.payloads import PAYLOADS
from tests.contracts.samples import an_event

SCHEMA = schema()
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}


def faults(value: Any, rule: Any, place: str = "event") -> list[str]:
    """Return where the value breaks the schema; as much of JSON Schema as ours makes use of."""
    if "$ref" in rule:
        return faults(value, SCHEMA["$defs"][rule["$ref"].rpartition("/")[2]], place)
    choices = rule.get("anyOf") or rule.get("oneOf")
    if choices:
        tried = [faults(value, choice, place) for choice in choices]
        return [] if [] in tried else [f"{place} is none of {len(tried)}", *min(tried, key=len)]
    found = []
    if "type" in rule and not isinstance(value, TYPES[rule["type"]]):
        found.append(f"{place} is no {rule['type']}")
    if value != rule.get("const", value) or value not in rule.get("enum", [value]):
        found.append(f"{place} is {value!r}")
    return [*found, *faults_inside(value, rule, place)]


def faults_inside(value: Any, rule: Any, place: str) -> list[str]:
    """The same for the fields of an object and the items of an array."""
    found: list[str] = []
    if isinstance(value, dict):
        found += [f"{place}.{name} is missing" for name in set(rule.get("required", ())) - {*value}]
        known, others = rule.get("properties", {}), rule.get("additionalProperties", True)
        for name, inner in value.items():
            if name in known:
                found += faults(inner, known[name], f"{place}.{name}")
            elif others is False:
                found.append(f"{place}.{name} is not known")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += faults(inner, rule.get("items", {}), f"{place}[{number}]")
    return found


@pytest.mark.parametrize("kind", EventType)
def test_an_event_of_every_type_keeps_the_public_schema(kind: EventType) -> None:
    event = an_event("k", payload=PAYLOADS[kind])
    public = json.loads(json.dumps(event.public()))

    assert faults(public, SCHEMA) == []
    assert (public["type"], public["phase"]) == (kind, PHASES[kind][0])


@pytest.mark.parametrize("kind", EventType)
def test_an_event_that_breaks_the_schema_is_caught(kind: EventType) -> None:
    """A planted defect: a payload loses its type, an event gains a field."""
    public = an_event("k", payload=PAYLOADS[kind]).public()

    assert faults({**public, "more": 1}, SCHEMA)
    assert faults({**public, "payload": {**public["payload"], "type": "other"}}, SCHEMA)
    assert faults({**public, "payload": {"type": kind, "what": "odd"}}, SCHEMA)


def test_every_type_has_one_payload_and_one_phase() -> None:
    union = get_args(get_args(Payload)[0])

    assert {one.model_fields["type"].default for one in union} == set(EventType) == set(PHASES)
    assert len(union) == len(EventType)


@pytest.mark.parametrize("kind", EventType)
def test_a_stored_event_comes_back_equal(kind: EventType) -> None:
    event = an_event("k", payload=PAYLOADS[kind])

    assert Event.of(json.loads(json.dumps(event.document()))) == event
