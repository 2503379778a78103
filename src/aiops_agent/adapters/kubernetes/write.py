"""Sends a patch once, or tries it out; what the server says becomes one of our errors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiops_agent.actions.platform import Accepted, Begin
from aiops_agent.adapters.kubernetes.client import KubeClient, KubeReply
from aiops_agent.adapters.kubernetes.kinds import Kind
from aiops_agent.adapters.kubernetes.live import MARK, LiveWorkload, mapped
from aiops_agent.adapters.kubernetes.payload import ObjectPatch, sha256
from aiops_agent.domain.errors import OutcomeUnknown, PlatformError, RequestRefused, SourceError
from aiops_agent.domain.value import Document, Json

_JSON_PATCH = "application/json-patch+json"
FIELD_MANAGER = "aiops-agent"  # the name under which we write
# Unknown fields are an error and no warning, so that nothing is left out of what was approved.
QUERY = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
_BUSY, _FAILED_TEST = 429, 422  # the server's own: turned away untouched, and no way to take it
# Of a policy that refuses with the status of a failed test; its sentence may hold a value.
_POLICY = re.compile(r"ValidatingAdmissionPolicy '([\w.-]{1,253})'")
_MOST_FIELDS = 5  # of those that are named in a refusal


@dataclass(frozen=True)
class Writes:
    """The account that may change things, and the one that reads them."""

    reader: KubeClient
    writer: KubeClient

    async def live(self, kind: Kind, namespace: str, name: str) -> LiveWorkload | None:
        """Return a workload as it is now, or None when it is gone. Raises SourceError."""
        found = await self.reader.find(kind.path(namespace, name))
        return LiveWorkload(kind, found) if isinstance(found, dict) else None

    async def found(self, patch: ObjectPatch) -> Document | None:
        """Return the object that a patch is for, or None when it is gone. Raises SourceError."""
        found = await self.reader.find(patch.path)
        return found if isinstance(found, dict) else None

    async def of(self, patch: ObjectPatch) -> LiveWorkload | None:
        """Return the workload that a patch is for, or None when it is gone. Raises SourceError."""
        found = await self.found(patch)
        return None if found is None else LiveWorkload(patch.of_kind, found)

    async def try_out(self, patch: ObjectPatch, body: str) -> None:
        """Have the server judge a patch without taking it: rights, policies, form, tests.

        Raises PlatformError with the reason when it would not be taken.
        """
        try:
            reply = await self._patch(patch, body, {"dryRun": "All"})
        except OutcomeUnknown as error:  # nothing can have been done by it
            raise PlatformError(str(error)) from error
        if reply.status != 200:
            raise PlatformError(f"{await self._why(patch, reply)} (only tried out)")

    async def send_frozen(self, patch: ObjectPatch, body: str, begin: Begin) -> Accepted:
        """Send a patch as `send` does, if these are the bytes that were frozen."""
        if sha256(body) != patch.sha256:
            raise RequestRefused(f"What is to become of {patch.target} has changed: not sent.")
        await begin()
        return Accepted(words=await self.send(patch, body), made=patch.made)

    async def send(self, patch: ObjectPatch, body: str) -> str:
        """Send a patch, once, and return the server's short answer.

        Raises RequestRefused (nothing was done), OutcomeUnknown, PlatformError (not taken up).
        """
        reply = await self._patch(patch, body, {})
        if reply.status == _BUSY:
            raise PlatformError(f"Kubernetes is too busy to take the change of {patch.target}.")
        if reply.status != 200:
            raise RequestRefused(await self._why(patch, reply))
        if mapped(mapped(_object(reply.document), "metadata"), "annotations").get(MARK) != (
            patch.operation
        ):
            # Whether it landed is seen by the mark alone: taken without it, only a look can tell.
            raise OutcomeUnknown(f"Kubernetes took the change of {patch.target} without our mark.")
        return "HTTP 200"

    async def _patch(self, patch: ObjectPatch, body: str, query: Mapping[str, str]) -> KubeReply:
        try:
            path = patch.path
        except SourceError as error:
            raise RequestRefused(str(error)) from error
        return await self.writer.send(
            "PATCH",
            path,
            body=body.encode(),
            content_type=_JSON_PATCH,
            query={**QUERY, **query},
            operation=patch.operation,
        )

    async def _why(self, patch: ObjectPatch, reply: KubeReply) -> str:
        """Return why it was refused, in a sentence that holds no value of the object.

        A test that fails and a value that is not allowed are one status: what the workload is by
        now tells them apart.
        """
        if reply.status == 404:
            return f"{patch.target} is gone: nothing was changed"
        if reply.status == 401:
            return "Kubernetes does not know the account that acts (401): nothing was changed"
        if reply.status == _FAILED_TEST:
            return await self._failed(patch, reply)
        return f"Kubernetes refused to change {patch.target} ({reply.status}): {reply.words}"

    async def _failed(self, patch: ObjectPatch, reply: KubeReply) -> str:
        try:
            found = await self.found(patch)
        except SourceError:
            return f"Kubernetes refused the change of {patch.target}, which cannot be read now"
        if found is None or mapped(found, "metadata").get("uid") != patch.uid:
            return f"{patch.target} was replaced since the plan was made: nothing was changed"
        if since := patch.since(found):
            return f"{patch.target} was changed since the plan was made ({since})"
        if reply.words.startswith("strict decoding error"):
            return f"Kubernetes does not understand the change of {patch.target}: {reply.words}"
        if policy := _POLICY.search(reply.words):
            return f"Admission policy {policy[1]} refuses the change of {patch.target}"
        details = mapped(_object(reply.document), "details")
        causes = [one for one in details.get("causes") or () if isinstance(one, dict)]
        named = [str(one["field"])[:80] for one in causes if one.get("field")]
        about = f": {', '.join(named[:_MOST_FIELDS])} not allowed" if named else ""
        return f"Kubernetes refused the change of {patch.target}{about}"


def _object(document: Json) -> Document:
    return document if isinstance(document, dict) else {}
