"""The releases of a Deployment: each ReplicaSet holds the exact template of one."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from aiops_agent.adapters.kubernetes.live import LiveWorkload, mapped
from aiops_agent.domain.value import Document

_HASH = "pod-template-hash"  # the Deployment's controller adds it, and would refuse it
_REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class PastTemplate:
    """One ReplicaSet of a Deployment."""

    raw: Document

    @property
    def name(self) -> str:
        """Its name."""
        return str(mapped(self.raw, "metadata").get("name", ""))

    @property
    def uid(self) -> str:
        """Its identity; its revision is renumbered when it is used again."""
        return str(mapped(self.raw, "metadata").get("uid", ""))

    @property
    def revision(self) -> int:
        """Its number at this moment, 0 when it has none."""
        number = str(mapped(mapped(self.raw, "metadata"), "annotations").get(_REVISION, ""))
        return int(number) if number.isdecimal() else 0

    @property
    def template(self) -> Document:
        """The template of the Deployment as it was: without what the controller added."""
        template = dict(mapped(mapped(self.raw, "spec"), "template"))
        metadata = dict(mapped(template, "metadata"))
        labels = {k: v for k, v in mapped(metadata, "labels").items() if k != _HASH}
        return {**template, "metadata": {**metadata, "labels": labels}}

    @property
    def images(self) -> tuple[str, ...]:
        """The images of its containers, by name."""
        containers = mapped(self.template, "spec").get("containers") or ()
        return tuple(str(one.get("image")) for one in containers)


def releases_of(live: LiveWorkload, replica_sets: Iterable[Document]) -> tuple[PastTemplate, ...]:
    """Return those that the Deployment itself controls, the latest first."""
    own = [
        PastTemplate(one)
        for one in replica_sets
        for owner in mapped(one, "metadata").get("ownerReferences") or ()
        if owner.get("controller") and owner.get("uid") == live.uid
    ]
    return tuple(sorted(own, key=lambda one: -one.revision))


def present(live: LiveWorkload, releases: Iterable[PastTemplate]) -> PastTemplate | None:
    """Return the one of which the template is the Deployment's now."""
    now = template_digest(live.template)
    return next((one for one in releases if template_digest(one.template) == now), None)


def template_digest(template: Document) -> str:
    """Return the SHA-256 of a template, whatever the order of its keys.

    An absent creation time and one of null are the same to the server, and it writes either.
    """
    metadata = {k: v for k, v in mapped(template, "metadata").items() if v is not None}
    whole = {**template, "metadata": metadata}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
