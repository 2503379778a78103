"""Foreign packages: off unless `plugins` names them, and never able to change anything."""

from dataclasses import replace
from importlib.metadata import entry_points

from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.value import Json
from aiops_agent.registry import Plugin, Registry
from aiops_agent.safety.assess import Case, Rule

GROUP = "aiops_agent.plugins"


def extended(registry: Registry, names: Json, where: str) -> Registry:
    """Return the registry with what the named packages bring; raises SettingsError."""
    if not isinstance(names, list):
        return registry  # nothing, or a flaw that validation tells
    for name in map(str, names):
        registry = _joined(registry, _checked(name, _loaded(name, where), where))
    return registry


def _loaded(name: str, where: str) -> object:
    known = {point.name: point for point in entry_points(group=GROUP)}
    if name not in known:
        hint = did_you_mean(name, tuple(known))
        raise SettingsError(f"{where}: no installed package brings a plugin {name!r}.{hint}")
    try:
        return known[name].load()
    except Exception as error:  # border: a foreign package may fail at its import in any way
        flaw = f"{type(error).__name__}: {error}"
        text = f"{where}: the plugin {name!r} cannot be loaded ({flaw}); take it out of `plugins`."
        raise SettingsError(text) from error


def _checked(name: str, found: object, where: str) -> Plugin:
    if not isinstance(found, Plugin):
        flaw = f"is a {type(found).__name__} and no aiops_agent.registry.Plugin"
    elif found.actions or found.platforms:
        flaw = "brings actions or platforms, which only our own package may"
    else:
        return found
    raise SettingsError(f"{where}: the plugin {name!r} {flaw}; take it out of `plugins`.")


def _joined(registry: Registry, plugin: Plugin) -> Registry:
    taken, brought = set(_names(registry)), _names(plugin)
    if again := next((name for name in brought if name in taken), None):
        raise SettingsError(f"{again!r} is registered already; a plugin needs names of its own.")
    return replace(
        registry,
        sources=(*registry.sources, *plugin.sources),
        decoders={**registry.decoders, **plugin.decoders},
        notifiers=(*registry.notifiers, *plugin.notifiers),
        rules=(*registry.rules, *map(stricter, plugin.rules)),
    )


def _names(seats: Plugin) -> list[str]:
    sources, notifiers = seats.sources, seats.notifiers
    return [*(one.name for one in sources), *(one.name for one in notifiers), *seats.decoders]


def stricter(rule: Rule) -> Rule:
    """Return a foreign rule whose yes is no opinion, and whose failure asks a person."""
    name = getattr(rule, "__name__", "plugin")

    def asked(case: Case) -> Opinion | None:
        try:
            opinion = rule(case)
        except Exception as error:  # noqa: BLE001 -- border: a foreign rule may fail in any way
            reason = f"the rule failed: {type(error).__name__}: {error}"
            return Opinion(rule=name, ruling=Ruling.ASK, reason=reason)
        return None if opinion is None or opinion.ruling is Ruling.ALLOW else opinion

    return asked
