"""Flags over environment over files over what is built in, and where each value came from."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from pydantic import ValidationError

from aiops_agent.adapters.ownership import flaw, message
from aiops_agent.adapters.yaml_file import Place, read_yaml
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.value import Document, Json
from aiops_agent.registry import REGISTRY, Registry
from aiops_agent.settings.explain import explain, leaves, told
from aiops_agent.settings.plugins import extended
from aiops_agent.settings.sections import Settings, settings_model

SYSTEM_FILE = Path("/etc/aiops/config.yaml")
BUILT_IN = "built-in"
PREFIX = "AIOPS_"
SWITCHES = {"AIOPS_CONFIG", "AIOPS_NO_INPUT"}


@dataclass(frozen=True)
class Loaded:
    """The settings; `marks` says where a place was set, `files` which were read, strongest first.

    `strange` are variables with our prefix that set nothing.
    """

    settings: Settings
    marks: dict[Place, str]
    files: tuple[Path, ...]
    strange: tuple[str, ...] = ()

    def rows(self) -> Iterator[tuple[str, Json, str]]:
        """Yield key, value and origin of every setting; no secret is among the values."""
        document = self.settings.model_dump(mode="json", by_alias=True)
        for place, value in _flat(document, ()):
            shown = re.sub(r"://[^/@]*@", "://***@", value) if isinstance(value, str) else value
            yield ".".join(map(str, place)), shown, self.marks.get(place, BUILT_IN)


def load(
    config: Path | None = None,
    flags: Mapping[str, Json] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    registry: Registry = REGISTRY,
) -> Loaded:
    """Read all layers; raises SettingsError with file, line and column of what is wrong.

    `flags` maps dotted keys ("server.port") to values. Packages that `plugins` names add to
    `registry`.
    """
    environ = os.environ if environ is None else environ
    files = [read_yaml(path) for path in _paths(config, environ, folder or Path())]
    data: Document = {}
    marks: dict[Place, str] = {}
    for layer in reversed(files):
        data = _overlay(data, layer.data)
        marks.update(layer.marks)
    registry = extended(registry, data.get("plugins"), marks.get(("plugins",), "plugins"))
    model = settings_model(registry)
    variables = {PREFIX + "_".join(map(str, place)).upper(): place for place in leaves(model)}
    given = [(place, environ[name], name) for name, place in variables.items() if environ.get(name)]
    for key, value in (flags or {}).items():
        given.append((tuple(key.split(".")), value, f"--{key.rpartition('.')[2]}"))
    for place, value, origin in given:
        data = _overlay(data, _nested(place, value))
        marks[place] = origin
    try:
        settings = model.model_validate(data, context=environ)
    except ValidationError as error:
        raise SettingsError(explain(error, marks, model)) from error
    if wrong := [told(place, what, marks) for place, what in settings.contradictions()]:
        raise SettingsError("\n".join(wrong))
    # No error: Kubernetes sets AIOPS_PORT and the like for a service that is called aiops.
    known = {*variables, *SWITCHES, *re.findall(r"\$\{env:(\w+)\}", str(data))}
    strange = sorted(n for n in environ if n.startswith(PREFIX) and n not in known)
    return Loaded(settings, marks, tuple(file.path for file in files), tuple(strange))


def no_input(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment says that nobody can be asked: AIOPS_NO_INPUT or CI is true."""
    environ = os.environ if environ is None else environ
    off = {"", "0", "false", "no"}
    return any(environ.get(name, "").lower() not in off for name in ("AIOPS_NO_INPUT", "CI"))


def _paths(config: Path | None, environ: Mapping[str, str], folder: Path) -> Sequence[Path]:
    named = config or (Path(environ["AIOPS_CONFIG"]) if environ.get("AIOPS_CONFIG") else None)
    if named and not named.is_file():
        raise SettingsError(f"There is no configuration file {named}.")
    home = environ.get("XDG_CONFIG_HOME", "")
    own = Path(home) / "aiops" if home else platformdirs.user_config_path("aiops")
    usual = (own / "config.yaml", SYSTEM_FILE)
    found = [path for path in (named or folder / "aiops.yaml", *usual) if path.is_file()]
    if flaws := message(filter(None, map(flaw, found))):
        raise SettingsError(flaws)
    return found


def _nested(place: Place, value: Json) -> Document:
    for part in reversed(place):
        value = {part: value}
    return dict(value)


def _overlay(below: Json, above: Json) -> Json:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    joined = {name: _overlay(below[name], above[name]) for name in below.keys() & above.keys()}
    return {**below, **above, **joined}


def _flat(value: Json, place: Place) -> Iterator[tuple[Place, Json]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(inner, (*place, name))
    else:
        yield place, value
