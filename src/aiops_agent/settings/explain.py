"""What is wrong with a configuration, where, and what was probably meant."""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from aiops_agent.adapters.yaml_file import Place
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.settings.schema import keys_at
from aiops_agent.settings.sections import Settings

MOST = 10  # flaws in one message; mending those often mends the rest


def explain(
    error: ValidationError, marks: Mapping[Place, str], model: type[Settings] = Settings
) -> str:
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
        hint = did_you_mean(str(place[-1]), keys_at(model, place[:-1]))
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
