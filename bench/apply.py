"""Applies manifests to a real cluster, for `python -m bench kubernetes`, and takes them away."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.domain.errors import SourceError

Raw = dict[str, Any]


@dataclass
class Applier:
    """Knows the addresses of kinds, and what it made."""

    client: KubeClient
    made: list[str] = field(default_factory=list)
    _kinds: dict[str, dict[str, Raw]] = field(default_factory=dict)

    async def apply(self, documents: Iterable[Raw], namespace: str) -> None:
        """Apply documents in order; those without a namespace go into this one.

        Raises SourceError with the API server's words.
        """
        await self._put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        for document in documents:
            await self._put(document, namespace)

    async def clean(self) -> None:
        """Delete what was made, the last first; what is gone is no trouble."""
        for path in reversed(self.made):
            await self.client.send("DELETE", path)
        self.made.clear()

    async def _put(self, document: Raw, home: str = "") -> None:
        version, kind = str(document.get("apiVersion")), str(document.get("kind"))
        known = (await self._of(version)).get(kind)
        if known is None:
            raise SourceError(f"The cluster knows no {kind} of {version}.")
        meta = document.setdefault("metadata", {})
        root = f"/{'apis' if '/' in version else 'api'}/{version}"
        if known["namespaced"]:
            home = meta.setdefault("namespace", home)
            root += f"/namespaces/{home}"
        path = f"{root}/{known['name']}/{meta['name']}"
        answer = await self.client.send(
            "PATCH",
            path,
            body=orjson.dumps(document),
            content_type="application/apply-patch+yaml",
            query={"fieldManager": "bench", "force": "true"},
        )
        if answer.status >= 300:
            raise SourceError(f"{path} was refused: {answer.words}")
        if not known["namespaced"]:
            self.made.append(path)

    async def _of(self, version: str) -> dict[str, Raw]:
        if version not in self._kinds:
            found: Any = await self.client.get(f"/{'apis' if '/' in version else 'api'}/{version}")
            parts = (one for one in found["resources"] if "/" not in one["name"])
            self._kinds[version] = {one["kind"]: one for one in parts}
        return self._kinds[version]
