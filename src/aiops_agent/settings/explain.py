"""What may stand where in a configuration; what is wrong with one, where, what was meant."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from aiops_agent.adapters.yaml_file import Place
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.settings.sections import Settings

MOST = 10  # flaws in one message; mending those often mends the rest


def explain(error: ValidationError, marks: Mapping[Place, str], model: type[Settings]) -> str:
    """Return one line per flaw: origin (file:line:column or variable), key, what is wrong."""
    found = error.errors(include_url=False, include_input=False)
    # A default that rests on a flawed value is no flaw of its own.
    flaws = [flaw for flaw in found if flaw["type"] != "default_factory_not_called"]
    lines = [_line(flaw, marks, model) for flaw in flaws[:MOST]]
    left = len(flaws) - MOST
    return "\n".join([*lines, f"... and {left} more."] if left > 0 else lines)


def told(place: Place, flaw: str, marks: Mapping[Place, str]) -> str:
    """Return the line of one flaw: its origin, its key, what is wrong."""
    return f"{_where(place, marks)}: {'.'.join(map(str, place))}: {flaw}."


def _line(flaw: ErrorDetails, marks: Mapping[Place, str], model: type[Settings]) -> str:
    place = tuple(part for part in flaw["loc"] if part != "[key]")
    where = _where(place, marks)
    if flaw["type"] == "extra_forbidden":
        section = ".".join(map(str, place[:-1]))
        hint = did_you_mean(str(place[-1]), _keys_at(model, place[:-1]))
        inside = f" in `{section}`" if section else ""
        return f"{where}: unknown key `{place[-1]}`{inside}.{hint}"
    message = flaw["msg"].removeprefix("Value error, ").rstrip(".")
    end = "" if message.endswith("?") else "."
    return f"{where}: {'.'.join(map(str, place))}: {message[:1].lower()}{message[1:]}{end}"


def _where(place: Place, marks: Mapping[Place, str]) -> str:
    for length in range(len(place), 0, -1):
        if place[:length] in marks:
            return marks[place[:length]]
    below = (mark for found, mark in marks.items() if place and found[:1] == place[:1])
    return next(below, "settings")


def _keys_at(model: type[BaseModel], place: Place) -> tuple[str, ...]:
    """Return the known keys of the section at `place`, as they are spelt in the file."""
    kind: Any = model
    for part in place:
        kind = _inside(kind, part)
    found = _section(kind)
    return tuple(field.alias or name for name, field in found.model_fields.items()) if found else ()


def leaves(model: type[BaseModel], place: Place = ()) -> Iterator[Place]:
    """Yield the places of single values, which a variable or a flag can set."""
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section is not None:
            yield from leaves(section, (*place, name))
        elif get_origin(field.annotation) not in (dict, tuple) and name != "apiVersion":
            yield (*place, name)


def _inside(kind: Any, part: str | int) -> Any:
    section = _section(kind)
    if section is not None:
        fields = section.model_fields.items()
        return next((f.annotation for name, f in fields if part in (name, f.alias)), None)
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return arguments[1]
    return arguments[0] if get_origin(kind) is tuple else None


def _section(kind: Any) -> type[BaseModel] | None:
    """Return the section itself, also of `Section | None`."""
    if get_origin(kind) in (dict, tuple):
        return None
    for one in get_args(kind) or (kind,):
        if isinstance(one, type) and issubclass(one, BaseModel) and one is not EnvironmentRef:
            return one
    return None
