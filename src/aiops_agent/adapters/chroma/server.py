"""A Chroma server, asked by its HTTP API (v2).

Its own thin client (chromadb-client) sets no limit to how long an answer takes or how large it is.
What is embedded is ours to say: Chroma gets vectors, and no text that it could embed itself.
"""

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import quote

import httpx2
import numpy as np
import numpy.typing as npt
import orjson

from aiops_agent.adapters.chroma.section import ChromaSettings
from aiops_agent.domain.errors import CopyError
from aiops_agent.domain.value import Json
from aiops_agent.ports.nearest import CopiedVector

MOST_BYTES = 32 * 2**20  # of an answer: a page of vectors as JSON is a tenth of it
PAGE = 1000  # keys of an answer
_PATIENCE = 10  # timeouts for a whole answer of many vectors; one that is waited for gets one
_ODD = re.compile(r"[^A-Za-z0-9._-]+")  # what no name of a collection holds
_ID = re.compile(r"[0-9a-fA-F-]{1,64}")  # it becomes a part of addresses
_ABSENT = 404  # HTTP: no such collection


@dataclass
class ChromaServer:
    """ports.nearest.VectorServer; several threads may ask at once."""

    section: ChromaSettings
    transport: httpx2.BaseTransport | None = None
    clock: Callable[[], float] = time.monotonic
    _opened: httpx2.Client | None = None
    _lock: Lock = field(default_factory=Lock)  # of opening it, which costs some milliseconds

    @property
    def address(self) -> str:
        """Return where it is, for people."""
        return f"Chroma at {self.section.url}"

    def version(self) -> str:
        """Return what answers there."""
        found = self._asked("GET", "/version")
        if not isinstance(found, str):
            raise self._strange
        return f"Chroma {found[:30]}"

    def found(self, name: str) -> str:
        """Return the id of the collection of that name; "" when there is none."""
        answer = self._asked("GET", f"{self._place}/{_spelt(name)}", absent={})
        return self._id(answer) if answer else ""

    def make(self, name: str) -> str:
        """Make a collection, and return its id."""
        asked = {
            "name": _spelt(name),
            "configuration": {"hnsw": {"space": "cosine"}},
            "metadata": {"made_by": "aiops-agent"},
        }
        return self._id(self._asked("POST", self._place, asked))

    def drop(self, name: str) -> None:
        """Remove a collection with all that is in it."""
        self._asked("DELETE", f"{self._place}/{_spelt(name)}", absent={})

    def count(self, collection: str) -> int:
        """Return how many vectors a collection holds."""
        found = self._asked("GET", f"{self._place}/{collection}/count")
        if not isinstance(found, int):
            raise self._strange
        return found

    def keys(self, collection: str) -> Iterator[str]:
        """Yield the keys of a collection."""
        path, total = f"{self._place}/{collection}/get", self.count(collection)
        for offset in range(0, total, PAGE):
            asked = {"limit": PAGE, "offset": offset, "include": []}
            page = self._texts(self._asked("POST", path, asked, slow=True), "ids")
            yield from page[:PAGE]

    def put(self, collection: str, rows: Sequence[CopiedVector]) -> None:
        """Keep vectors; one of the same key is replaced."""
        asked = {
            "ids": [one.key for one in rows],
            "embeddings": [one.vector for one in rows],
            "metadatas": [
                {"family": one.family, "told": one.told, "words": one.words} for one in rows
            ],
        }
        self._asked("POST", f"{self._place}/{collection}/upsert", asked, slow=True)

    def remove(self, collection: str, keys: Sequence[str]) -> None:
        """Remove vectors; unknown keys are no trouble."""
        self._asked("POST", f"{self._place}/{collection}/delete", {"ids": list(keys)}, slow=True)

    def near(
        self,
        collection: str,
        vector: npt.NDArray[np.float32],
        most: int,
        *,
        families: Sequence[str] = (),
        told: bool = False,
    ) -> tuple[str, ...]:
        """Return the keys of the nearest, the nearest first; of all families if none is named."""
        wanted: list[Json] = [{"family": {"$in": list(families)}}] if families else []
        wanted += [{"told": {"$eq": True}}] if told else []
        asked: dict[str, Any] = {"query_embeddings": [vector], "n_results": most, "include": []}
        if wanted:
            asked["where"] = wanted[0] if len(wanted) == 1 else {"$and": wanted}
        answer = self._asked("POST", f"{self._place}/{collection}/query", asked)
        lists = answer.get("ids") if isinstance(answer, dict) else None
        if not isinstance(lists, list) or len(lists) != 1:
            raise self._strange
        return tuple(self._texts({"ids": lists[0]}, "ids")[:most])

    def read(self, collection: str, words: Sequence[str]) -> Mapping[str, npt.NDArray[np.float32]]:
        """Return vectors by the digests of their words, of those digests; whatever is told."""
        asked = {
            "where": {"words": {"$in": list(words)}},
            "include": ["embeddings", "metadatas"],
            "limit": 2 * len(words),
        }
        answer = self._asked("POST", f"{self._place}/{collection}/get", asked, slow=True)
        try:
            rows = zip(answer["metadatas"], answer["embeddings"], strict=True)
            found = {str(told["words"]): np.asarray(one, np.float32) for told, one in rows}
        except (KeyError, TypeError, ValueError) as error:
            raise self._strange from error
        return {key: found[key] for key in words if key in found and _plain(found[key])}

    def close(self) -> None:
        """Give the connections back; a later question opens new ones."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
            self._opened = None

    @property
    def _place(self) -> str:
        return f"/tenants/{self.section.tenant}/databases/{self.section.database}/collections"

    @property
    def _strange(self) -> CopyError:
        return CopyError(f"{self.address} answered in a shape that we cannot read; is it one?")

    def _id(self, answer: Json) -> str:
        found = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(found, str) or not _ID.fullmatch(found):
            raise self._strange
        return found

    def _texts(self, answer: Json, name: str) -> list[str]:
        found = answer.get(name) if isinstance(answer, dict) else None
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self._strange
        return found

    def _asked(
        self, method: str, path: str, body: Json = None, *, absent: Json = None, slow: bool = False
    ) -> Json:
        """Return what the server answers; `absent`, if given, where it knows no such thing."""
        content = None if body is None else orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
        status, answer = self._sent(method, path, content, slow=slow)
        if status == _ABSENT and absent is not None:
            return absent
        if status >= 300:
            raise CopyError(f"{self.address} answered {status}{_why(answer)}.")
        try:
            return orjson.loads(answer)
        except ValueError as error:
            raise self._strange from error

    def _sent(
        self, method: str, path: str, content: bytes | None, *, slow: bool
    ) -> tuple[int, bytes]:
        seconds = self.section.timeout.total_seconds() * (_PATIENCE if slow else 1)
        until, body = self.clock() + seconds, bytearray()
        url = f"{self.section.url}/api/v2{quote(path)}"
        try:
            with self._client().stream(method, url, content=content, timeout=seconds) as answer:
                for chunk in answer.iter_bytes(65_536):
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise CopyError(f"{self.address} answered more than we can read.")
                    if self.clock() > until:  # one that trickles would never end
                        raise self._late(seconds)
        except httpx2.TimeoutException as error:
            raise self._late(seconds) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            told = f"{self.address} cannot be reached: {type(error).__name__}."
            raise CopyError(told) from error
        return answer.status_code, bytes(body)

    def _late(self, seconds: float) -> CopyError:
        return CopyError(f"{self.address} did not answer in {seconds:g} s.")

    def _client(self) -> httpx2.Client:
        with self._lock:
            if self._opened is None:
                bearer = self.section.bearer
                headers = {"content-type": "application/json"}
                if bearer is not None:
                    headers["authorization"] = f"Bearer {bearer.get_secret_value()}"
                self._opened = httpx2.Client(
                    headers=headers,
                    transport=self.transport,
                    follow_redirects=False,
                    trust_env=False,
                )
            return self._opened


def _spelt(name: str) -> str:
    return _ODD.sub("-", name)


def _plain(vector: npt.NDArray[np.float32]) -> bool:
    return vector.ndim == 1 and math.isfinite(float(np.abs(vector).sum()))


def _why(answer: bytes) -> str:
    """Return what the server says of it, in a few words."""
    try:
        said = orjson.loads(answer)["message"]
    except (KeyError, TypeError, ValueError):
        return ""
    return f": {' '.join(said.split())[:200].rstrip('.')}" if isinstance(said, str) else ""
