"""What is known of one kind of a cluster's objects, and until when that counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from aiops_agent.adapters.kubernetes import fields
from aiops_agent.adapters.kubernetes.client import PARTIAL, ObjectList, too_many
from aiops_agent.adapters.kubernetes.kinds import Kind
from aiops_agent.adapters.kubernetes.trim import Trimmer
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.value import Document, Json

MOST_KEPT = 10_000  # objects, as of one list
_LONGEST = 200  # characters of what the API server says
_Name = tuple[str, str]


@dataclass
class KeptKind:
    """The objects of a kind (in the namespace `home`), as a list and all news since then tell.

    `version` is what the next news follow. `flaw` says why it cannot be read, "" when it can.
    `until` is the moment, in seconds of a monotonic clock, after which nobody knows any more.
    """

    kind: Kind
    home: str
    trimmer: Trimmer
    objects: dict[_Name, Document] = field(default_factory=dict)
    version: str = ""
    more: bool = False  # than are kept
    flaw: str = ""
    broken: str = ""  # why it was last not followed
    until: float = 0.0
    tried: bool = False  # it was listed, or could not be

    def listed(self, found: ObjectList) -> None:
        """Take over what a list tells."""
        trimmed = [self.trimmer.trimmed(self.kind, one) for one in found.objects]
        self.objects = {name: one for one in trimmed if (name := _name(one)) is not None}
        self.version, self.more, self.flaw, self.tried = found.version, found.more, "", True

    def lost(self, why: str) -> None:
        """Say that it cannot be read: what was known of it is given up."""
        self.objects, self.version, self.more, self.flaw, self.tried = {}, "", False, why, True

    def take(self, line: bytes) -> bool:
        """Take one line of news and return whether an object changed.

        Raises SourceError for what is not understood: only a list tells then how it stands.
        """
        kind, one = self._read(line)
        version, name = fields.text(one, "metadata", "resourceVersion"), _name(one)
        if not version or (name is None and kind != "BOOKMARK"):
            raise self._strange("no name or version")
        self.version = version
        if name is None or kind == "BOOKMARK":
            return False
        if kind == "DELETED":
            self.objects.pop(name, None)
        elif name in self.objects or len(self.objects) < MOST_KEPT:
            trimmed = self.trimmer.trimmed(self.kind, one)
            for key in ("kind", "apiVersion"):  # as in a list, where objects bear neither
                trimmed.pop(key, None)
            if self.objects.get(name) == trimmed:
                return False
            self.objects[name] = trimmed
        else:
            self.more = True
        return True

    def _read(self, line: bytes) -> tuple[str, Document]:
        try:
            news: Json = orjson.loads(line)
        except ValueError as error:
            raise self._strange("no JSON") from error
        kind, one = fields.text(news, "type"), fields.field(news, "object")
        if not isinstance(one, dict):
            raise self._strange("no object")
        if kind == "ERROR":
            said = fields.text(one, "message") or fields.text(one, "reason") or "it says not why"
            words = " ".join(said.split())[:_LONGEST].rstrip(".")
            raise SourceError(f"Kubernetes ended the watch of {self.kind.plural}: {words}.")
        if kind not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
            raise self._strange("news of a kind that we do not know")
        if one.get("kind") != (PARTIAL if self.kind.metadata_only else self.kind.title):
            raise self._strange("an object of another kind")
        if self.home and kind != "BOOKMARK" and _home(one) != self.home:
            raise self._strange("an object of another namespace")
        return kind, one

    def _strange(self, what: str) -> SourceError:
        return SourceError(f"Kubernetes' watch of {self.kind.plural} brought {what}.")

    def unknown(self, now: float) -> str:
        """Say why nobody knows how it stands at a moment; "" when it is known."""
        if self.flaw or now <= self.until:
            return self.flaw
        why = f": {self.broken.rstrip('.')}" if self.broken else ""
        return f"Kubernetes' {self.kind.plural} are not followed at the moment{why}."


def together(
    parts: Sequence[KeptKind], now: float
) -> tuple[Mapping[Kind, Sequence[Document]], Mapping[Kind, str]]:
    """Return the objects by kind, and why a kind is not known, or not all of it.

    One namespace of which it is not known leaves the kind unknown, whatever others tell.
    """
    unknown, refused = dict[Kind, str](), dict[Kind, str]()
    objects: dict[Kind, list[Document]] = {}
    for part in parts:
        if why := part.unknown(now):
            unknown.setdefault(part.kind, why)
        elif part.more:
            refused.setdefault(part.kind, too_many(part.kind, len(part.objects)))
        objects.setdefault(part.kind, []).extend(part.objects.values())
    known = {kind: found for kind, found in objects.items() if kind not in unknown}
    return known, refused | unknown


def _name(one: Document) -> _Name | None:
    name = fields.text(one, "metadata", "name")
    return (_home(one), name) if name else None


def _home(one: Document) -> str:
    return fields.text(one, "metadata", "namespace")
