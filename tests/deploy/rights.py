"""What the chart's accounts may do at most; whatever else a rule grants is a flaw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Rule = dict[str, Any]
LOOK = {"get", "list", "watch"}
# What the executor may do, in words of the API: group, resource, verb.
ACT = {("apps", one, "patch") for one in ("daemonsets", "deployments", "statefulsets")}
ACT |= {("", "pods/eviction", "create")}
ACT_ON_CONFIG = {("", "configmaps", "patch")}  # of those that values name, by their names
ACT_ON_NODES = {("", "nodes", "patch")}  # of the whole cluster, where values say so
# Reading these is reading secrets, running something, or becoming somebody.
NEVER = ("secrets", "serviceaccounts", "exec", "attach", "proxy", "portforward", "token")


def grants(rules: Iterable[Rule]) -> Iterator[tuple[str, str, str]]:
    """Yield group, resource and verb of all that some rules allow."""
    for rule in rules:
        for group in rule.get("apiGroups", [""]):
            for resource in (*rule.get("resources", ()), *rule.get("nonResourceURLs", ())):
                for verb in rule["verbs"]:
                    yield group, resource, verb


def flaws(rules: Iterable[Rule], *, acts: bool) -> list[str]:
    """Return what is granted that must not be, each in a few words."""
    found = []
    for group, resource, verb in grants(rules):
        words = f"{verb} {resource} of {group or 'core'}"
        if "*" in (group, resource, verb):
            found.append(f"everything: {words}")
        if any(part in NEVER for part in resource.split("/")):
            found.append(f"never: {words}")
        if not ((group, resource, verb) in ACT if acts else verb in LOOK):
            found.append(f"{'not its work' if acts else 'more than looking'}: {words}")
    return found
