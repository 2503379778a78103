"""What may stand where: the keys of every section, and those that a variable can set."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from aiops_agent.adapters.yaml_file import Place
from aiops_agent.domain.environment import EnvironmentRef


def keys_at(model: type[BaseModel], place: Place) -> tuple[str, ...]:
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
    candidates = (kind,) if isinstance(kind, type) else get_args(kind)
    if get_origin(kind) in (dict, tuple):
        return None
    found = (
        c
        for c in candidates
        if isinstance(c, type) and issubclass(c, BaseModel) and c is not EnvironmentRef
    )
    return next(found, None)
