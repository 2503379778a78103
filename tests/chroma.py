"""A Chroma server in memory that speaks as much of the HTTP API (v2) as we ask."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import numpy as np

from aiops_agent.adapters.chroma.section import ChromaSettings
from aiops_agent.adapters.chroma.server import ChromaServer

COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"
Row = tuple[list[float], dict[str, Any]]


@dataclass
class FakeChroma:
    """Answers like the real one, or as `instead` says of a path and a body."""

    rows: dict[str, dict[str, Row]] = field(default_factory=dict)  # by id of the collection
    names: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    instead: Callable[[str, Any], httpx2.Response | None] = lambda _path, _body: None
    made: int = 0

    def server(self) -> ChromaServer:
        """Return ours, connected to it."""
        section = ChromaSettings(url="http://chroma.test:8000")
        return ChromaServer(section, httpx2.MockTransport(self.answer))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        path, body = request.url.path, json.loads(request.content or b"null")
        self.asked.append(f"{request.method} {path.removeprefix(COLLECTIONS)}")
        if (told := self.instead(path, body)) is not None:
            return told
        if path == "/api/v2/version":
            return httpx2.Response(200, json="1.5.9")
        name, _, verb = path.removeprefix(COLLECTIONS).strip("/").partition("/")
        if request.method == "DELETE":
            self.rows.pop(self.names.pop(name))
            return httpx2.Response(200, json={})
        if not verb:
            return self._named(name, body)
        if name not in self.rows:
            return _missing(name)
        return httpx2.Response(200, json=getattr(self, f"_{verb}")(self.rows[name], body))

    def _named(self, name: str, body: Any) -> httpx2.Response:
        if body is not None:
            self.made += 1
            name = body["name"]
            self.names[name] = f"00000000-{self.made}"
            self.rows[self.names[name]] = {}
        if name not in self.names:
            return _missing(name)
        return httpx2.Response(200, json={"id": self.names[name], "name": name})

    def _count(self, rows: dict[str, Row], _body: Any) -> int:
        return len(rows)

    def _upsert(self, rows: dict[str, Row], body: Any) -> dict[str, Any]:
        told = zip(body["embeddings"], body["metadatas"], strict=True)
        rows.update(zip(body["ids"], told, strict=True))
        return {}

    def _delete(self, rows: dict[str, Row], body: Any) -> dict[str, Any]:
        for key in body["ids"]:
            rows.pop(key, None)
        return {}

    def _get(self, rows: dict[str, Row], body: Any) -> dict[str, Any]:
        keys = [key for key in rows if _fits(rows[key][1], body.get("where"))]
        keys = keys[body.get("offset", 0) :][: body["limit"]]
        if not body["include"]:
            return {"ids": keys, "embeddings": None, "metadatas": None}
        return {
            "ids": keys,
            "embeddings": [rows[key][0] for key in keys],
            "metadatas": [rows[key][1] for key in keys],
        }

    def _query(self, rows: dict[str, Row], body: Any) -> dict[str, Any]:
        (vector,) = body["query_embeddings"]
        keys = [key for key in rows if _fits(rows[key][1], body.get("where"))]
        keys.sort(key=lambda key: -float(np.dot(rows[key][0], vector)))
        return {"ids": [keys[: body["n_results"]]], "distances": None}


def _fits(told: dict[str, Any], where: Any) -> bool:
    if not where:
        return True
    if "$and" in where:
        return all(_fits(told, one) for one in where["$and"])
    ((name, wanted),) = where.items()
    return told[name] in wanted["$in"] if "$in" in wanted else bool(told[name] == wanted["$eq"])


def _missing(name: str) -> httpx2.Response:
    told = {"error": "NotFoundError", "message": f"Collection [{name}] does not exist"}
    return httpx2.Response(404, json=told)
