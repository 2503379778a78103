"""What our accounts may do in a cluster: enough, and nothing else. Asked of the cluster itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.kinds import CONFIG_MAPS, EVICTIONS, KINDS, NODES, Kind
from aiops_agent.adapters.kubernetes.live import CHANGEABLE, mapped
from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.value import Document

_ASKED = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
_ALL = "*"
_LOOKS = frozenset(("get", "list", "watch"))
# What every account may ask about itself; it changes nothing.
_OF_ITSELF = frozenset(("authorization.k8s.io", "authentication.k8s.io"))
_OF_EVERYBODY = frozenset(("clustertrustbundles",))  # certificates of the cluster, to read
_MOST_TOLD = 4  # rights of one kind
_MOST_NAMESPACES = 5  # that are asked about
_SETTING = "sources.kubernetes.executor_token"
_NAMED = "sources.kubernetes.config_maps"


@dataclass(frozen=True, order=True)
class KubeRight:
    """One verb on one kind of thing, "*" for any; where `only` names some, on those."""

    verb: str
    group: str
    resource: str
    only: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The right in words: `delete pods`."""
        only = f" ({', '.join(self.only)})" if self.only else ""
        return "everything" if self.everything else f"{self.verb} {self.resource}{only}"[:80]

    @property
    def everything(self) -> bool:
        """Whether it is that of a cluster's administrator."""
        return (self.verb, self.resource) == (_ALL, _ALL)

    def covers(self, verb: str, kind: Kind) -> bool:
        """Whether it lets that be done to a kind, or to some objects of it."""
        group = kind.group.rpartition("/")[0]
        return (
            self.verb in (_ALL, verb)
            and self.group in (_ALL, group)
            and self.resource in (_ALL, kind.plural)
        )

    def covers_one(self, verb: str, kind: Kind, name: str) -> bool:
        """Whether it lets that be done to one object."""
        return self.covers(verb, kind) and (not self.only or name in self.only)


async def judged(
    found: Checkup,
    writes: Writes,
    namespaces: Sequence[str],
    config_maps: Sequence[str] = (),
    *,
    acts: bool = True,
) -> Checkup:
    """Add to how a cluster is reached what our accounts may do there, and the worst of it.

    `config_maps` are those that may be changed. Without `acts` another process changes things, and
    ours has to be unable to.
    """
    if found.health is not Health.OK:
        return found
    try:
        homes = list(namespaces[:_MOST_NAMESPACES]) or [await writes.reader.home()]
        asked = [await _of_home(writes, home, config_maps, acts=acts) for home in homes]
        told = [one for found_there in asked for one in found_there]
    except SourceError as error:
        told = [(Health.NOTE, f"what our account may do is not known: {error}", "")]
    problems = [one for one in told if one[0] is Health.PROBLEM]
    words = [found.words, *(one[1].rstrip(".") for one in problems or told)]
    if not config_maps and not problems:
        words.append(f"set_config is not offered ({_NAMED} names none)")
    remedy = next((one[2] for one in problems or told if one[2]), "")
    health = Health.PROBLEM if problems else Health.NOTE if told else found.health
    return found.model_copy(
        update={"words": "; ".join(dict.fromkeys(words)), "health": health, "remedy": remedy}
    )


async def _of_home(
    writes: Writes, home: str, config_maps: Sequence[str], *, acts: bool
) -> list[tuple[Health, str, str]]:
    """Return what is wrong in one namespace, with its remedy."""
    reader = await _rights(writes.reader, home)
    apart = writes.writer is not writes.reader and acts
    writer = await _rights(writes.writer, home) if apart else reader if acts else ()
    found = [*_too_wide(reader, writer, config_maps, apart=apart or not acts)]
    unread = [one.plural for one in KINDS if not _may(reader, "list", one)]
    if unread:
        told = f"{', '.join(unread)} cannot be read in {home}"
        found.append((Health.NOTE, told, "give the account that reads `get` and `list` of them"))
    found += _unable(writer, home) if acts else []
    asked = ((reader, "get", "reads"), (writer, "patch", "acts"))
    for rights, verb, who in asked if acts else asked[:1]:
        lacking = [
            one
            for one in config_maps
            if not any(right.covers_one(verb, CONFIG_MAPS, one) for right in rights)
        ]
        if lacking:
            told = f"no `{verb}` of ConfigMap {', '.join(lacking[:_MOST_TOLD])} in {home}"
            remedy = f"give the account that {who} `{verb}` of it, or take it out of {_NAMED}"
            found.append((Health.NOTE, f"{told}: set_config of it is refused", remedy))
    return found


def _unable(writer: Sequence[KubeRight], home: str) -> list[tuple[Health, str, str]]:
    """Return what the account that acts cannot do in a namespace."""
    found = []
    fixed = [one.plural for one in CHANGEABLE.values() if not _may(writer, "patch", one)]
    if fixed:
        told = f"{', '.join(fixed)} cannot be changed in {home}: what would is refused"
        found.append((Health.NOTE, told, "give the account that acts `patch` of them"))
    if not _may(writer, "create", EVICTIONS):
        told = f"no pod can be evicted in {home}: to restart only the ill ones is refused"
        found.append((Health.NOTE, told, "give the account that acts `create` of pods/eviction"))
    return found


def _too_wide(
    reader: Sequence[KubeRight],
    writer: Sequence[KubeRight],
    config_maps: Sequence[str],
    *,
    apart: bool,
) -> Iterator[tuple[Health, str, str]]:
    remedy = "give it the rights of docs/kubernetes_actions.md and no others"
    if any(one.everything for one in (*reader, *writer)):
        yield Health.PROBLEM, "our account may do everything in the cluster", remedy
        return
    secrets = [one for one in reader if one.resource == "secrets" and one.verb in {_ALL, *_LOOKS}]
    if secrets:
        yield Health.PROBLEM, "our account may read Secrets", remedy
    if not apart:
        yield Health.NOTE, "one account reads and changes", f"a token of its own: {_SETTING}"
        return
    if more := [one for one in reader if one.verb not in _LOOKS]:
        yield Health.PROBLEM, f"the account that reads may also {_told(more)}", remedy
    fine = set(product(("patch",), ("apps",), (one.plural for one in CHANGEABLE.values())))
    fine |= {("create", "", EVICTIONS.plural), ("patch", "", NODES.plural)}
    more = [one for one in writer if (one.verb, one.group, one.resource) not in fine]
    if more := [one for one in more if not _of_maps(one, config_maps)]:
        yield Health.PROBLEM, f"the account that acts may also {_told(more)}", remedy


def _of_maps(one: KubeRight, config_maps: Sequence[str]) -> bool:
    """Whether it is to change ConfigMaps that may be, by their names."""
    patch = one.covers("patch", CONFIG_MAPS) and _ALL not in (one.verb, one.group, one.resource)
    return patch and bool(one.only) and set(one.only) <= set(config_maps)


async def _rights(client: KubeClient, namespace: str) -> tuple[KubeRight, ...]:
    """Return what an account may do in a namespace. Raises SourceError."""
    answer = await client.ask(_ASKED, {"spec": {"namespace": namespace}})
    rules = mapped(answer if isinstance(answer, dict) else {}, "status").get("resourceRules") or ()
    found = {right for rule in rules if isinstance(rule, dict) for right in _of_rule(rule)}
    return tuple(sorted(found))


def _of_rule(rule: Document) -> Iterator[KubeRight]:
    """Yield the rights of a rule; to some objects of a kind is less than to the kind."""
    parts = (rule.get(part) or () for part in ("verbs", "apiGroups", "resources"))
    only = tuple(map(str, rule.get("resourceNames") or ()))
    for verb, group, resource in product(*parts):
        if group not in _OF_ITSELF and resource not in _OF_EVERYBODY:
            yield KubeRight(str(verb), str(group), str(resource), only)


def _may(rights: Sequence[KubeRight], verb: str, kind: Kind) -> bool:
    return any(one.covers(verb, kind) for one in rights)


def _told(rights: Sequence[KubeRight]) -> str:
    more = f" and {len(rights) - _MOST_TOLD} more" if len(rights) > _MOST_TOLD else ""
    return ", ".join(one.words for one in rights[:_MOST_TOLD]) + more
