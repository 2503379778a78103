"""Hands on Docker: restart a service, run it on more or fewer containers, or on an older image."""

# limit: the write port is one class; what each action does stands in a file of its own

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.actions.platform import Accepted, Begin, Sight, at_once
from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.adapters.docker.back import WayBack
from aiops_agent.adapters.docker.client import DockerClient, Reply
from aiops_agent.adapters.docker.clone import HeldBack, held_back, without_defaults
from aiops_agent.adapters.docker.containers import OPERATION, Containers, Inspected, Listed
from aiops_agent.adapters.docker.ill import ill_of
from aiops_agent.adapters.docker.look import sight_of
from aiops_agent.adapters.docker.model import model_of
from aiops_agent.adapters.docker.payload import ContainerChange, Payload, Staying
from aiops_agent.adapters.docker.restart import Restart
from aiops_agent.adapters.docker.rights import rights_of
from aiops_agent.adapters.docker.rollback import Rollback, present_release
from aiops_agent.adapters.docker.scale import Downward, Upward
from aiops_agent.adapters.docker.topology import release_of
from aiops_agent.adapters.docker.way import Way
from aiops_agent.domain.errors import PlatformError, RequestRefused, SourceError, TargetMissing
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.remediation import Action, ActionKind, BlastRadius, Draft, Request
from aiops_agent.domain.text import shell
from aiops_agent.domain.value import Document
from aiops_agent.ports.release import Releases
from aiops_agent.ports.telemetry import Topology, Vitals

_SO_ALREADY = 304  # what the engine answers when nothing was to be done


@dataclass(frozen=True)
class DockerPlatform:  # limit: the whole write port of one engine
    """The Platform port. `topology` tells who depends on a target; `grace` is given to stop.

    `vitals` tell which containers of a service are ill, `releases` which images ran well.
    """

    containers: Containers
    topology: Topology | None = None
    grace: timedelta = timedelta(seconds=10)
    vitals: Vitals | None = None
    releases: Releases | None = None

    @property
    def kinds(self) -> Sequence[ActionKind]:
        """What it offers."""
        rollback = (ROLLBACK.kind,) if self.releases is not None else ()
        return (RESTART.kind, SCALE.kind, *rollback)

    async def prepare(self, action: Action, operation: str) -> Draft:
        """Read the target and freeze everything about the action; changes nothing."""
        try:
            group = await self.containers.of(action.target.name)
            if not group:
                raise TargetMissing(f"Docker runs no service called {action.target.name}.")
            if action.kind == RESTART.kind:
                return await self._restart(action, operation, group)
            if action.kind == SCALE.kind:
                return await self._scale(action, operation, group)
            if action.kind == ROLLBACK.kind:
                return await self._rollback(action, operation, group)
        except SourceError as error:
            raise PlatformError(str(error)) from error
        raise PlatformError(f"Docker does not offer {action.kind}.")

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        """Whether the same containers run, started at the same time, but for what `applied` did.

        Before a rollback it is the image that must be the same, whatever crashes and starts again.
        """
        try:
            group = await self.containers.of(prepared.action.target.name)
            if image := prepared.precondition.get("image"):
                return _same_image(image, group, applied)
            now = (await self._running(group))["containers"]
        except SourceError as error:
            raise PlatformError(str(error)) from error
        was = dict(prepared.precondition["containers"])
        for payload in (Payload.of(one.request.payload) for one in applied):
            if payload.container in was and payload.effect is ContainerChange.STOPPED:
                del was[payload.container]
            elif payload.container in was and payload.effect is ContainerChange.RESTARTED:
                was[payload.container] = now.get(payload.container)
        ours = {one.made for one in applied}
        return {one: at for one, at in now.items() if one not in ours} == was

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        """Send the stored request as it is, once, if its container still is the one meant."""
        payload = Payload.of(request.payload)
        await self._same(payload)
        held = await self._held(payload)
        body = held.within(payload.body) if payload.body else payload.body
        await begin()
        try:
            answer = await self._client.send(payload.method, payload.path, body, payload.timeout)
        except PlatformError as error:
            raise type(error)(held.scrubbed(str(error))) from error
        already = " (it was so already)" if answer.status == _SO_ALREADY else ""
        made = _made(payload, answer)
        return Accepted(words=f"HTTP {answer.status}{already}", made=made)

    async def look(self, request: Request, armed_at: datetime) -> Sight:
        """Tell whether the request has landed."""
        try:
            payload = Payload.of(request.payload)
            return await sight_of(payload, self.containers, armed_at, self.grace)
        except SourceError as error:
            raise PlatformError(str(error)) from error

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        """Return what removes the containers that were made, and starts those that were stopped."""
        try:
            service, version = step.action.target.name, await self._version()
            back = WayBack(self.containers, service, version, self.grace)
            return _requests(await back.payloads(applied), operation)
        except SourceError as error:
            raise PlatformError(str(error)) from error

    @property
    def _client(self) -> DockerClient:
        return self.containers.client

    async def _version(self) -> str:
        return f"/v{await self._client.api_version()}"

    async def _restart(self, action: Action, operation: str, group: Sequence[Listed]) -> Draft:
        inspected = await self._inspected(group)
        candidates = [one for one in group if one.present] or list(group)
        illness = await ill_of(candidates, inspected, self.vitals)
        started = {one.id: one.started for one in inspected if one.id in illness.ill}
        restart = Restart(candidates, illness, started, await self._version(), self.grace)
        way = restart.way()
        return await self._prepared(action, operation, group, way, None)

    async def _scale(self, action: Action, operation: str, group: Sequence[Listed]) -> Draft:
        running, wished = [one for one in group if one.running], int(action.wished["replicas"])
        if wished > len(running):
            source, about = await self._model(running)
            rights = await rights_of(source, self.containers)
            # The image by its name while that still means the same image, else by its id.
            name, image = source.raw["Config"].get("Image"), str(source.raw.get("Image", ""))
            if name and await self.containers.image_id(str(name)) == image:
                image = str(name)
            version = await self._version()
            way = Upward(group, source, rights, about, image, version).way(wished, operation)
        else:
            started = {one.id: one.started for one in await self._inspected(running)}
            way = Downward(running, started, await self._version(), self.grace).way(wished)
        inverse = action.model_copy(update={"wished": {"replicas": len(running)}})
        return await self._prepared(action, operation, group, way, inverse)

    async def _rollback(self, action: Action, operation: str, group: Sequence[Listed]) -> Draft:
        service = action.target.service
        good = await self.releases.good(service) if self.releases is not None else ()
        wished = known_good(action, good)
        leaving = present_release(group)
        if not leaving or leaving[0].image_id == wished.image_id:
            raise PlatformError(f"{service} runs no release that {wished.text} could replace.")
        if not await self.containers.image(wished.image_id):
            again = shell("aiops", "incident", "reopen", operation.partition(".")[0])
            told = f"The image {wished.text} of {service} is gone from this engine"
            raise PlatformError(f"{told}; pull it, then {again}.")
        source, about = model_of(await self._inspected(leaving))
        if about:
            raise PlatformError(f"The containers of {service} are not alike ({about}).")
        image = await self.containers.image(leaving[0].image_id)
        bare = without_defaults(source, image)
        rights = await rights_of(source, self.containers)
        version = await self._version()
        way = Rollback(group, leaving, bare, wished, rights, version, self.grace).way(operation)
        old = leaving[0]
        back = {"release": release_of(old.image, old.image_id), "image": old.image_id}
        inverse = action.model_copy(update={"wished": back})
        draft = await self._prepared(action, operation, group, way, inverse)
        return draft.model_copy(update={"precondition": {"image": old.image_id}})

    async def _model(self, running: Sequence[Listed]) -> tuple[Inspected, str]:
        instances = [one for one in await self._inspected(running) if one.running]
        if not instances:
            raise TargetMissing("No container of the service runs, so there is none to copy.")
        return model_of(instances)

    async def _prepared(
        self,
        action: Action,
        operation: str,
        group: Sequence[Listed],
        way: Way,
        inverse: Action | None,
    ) -> Draft:
        requests = _requests(way.payloads, operation)
        service = action.target.service
        dependants = (await self.topology.graph()).upstream(service) if self.topology else ()
        blast = BlastRadius(
            services=(service, *dependants),
            replicas=way.touched,
            interrupts=way.interrupts,
            words=way.words,
        )
        return Draft(
            action=action,
            requests=requests,
            precondition=await self._running(group),
            inverse=inverse if requests else None,
            blast=blast,
            run=way.run or "nothing: it is so already",
            undo=way.undo,
            rights=way.rights,
        )

    async def _inspected(self, group: Sequence[Listed]) -> tuple[Inspected, ...]:
        return await self.containers.inspect_all([one.id for one in group])

    async def _running(self, group: Sequence[Listed]) -> Document:
        """Return which of the containers run, by id, and since when: the precondition."""
        inspected = await self._inspected(group)
        return {"containers": {one.id: one.started for one in inspected if one.running}}

    async def _same(self, payload: Payload) -> None:
        """Raise RequestRefused, directly before a send, when another container would be met."""
        if payload.effect is ContainerChange.CREATED:
            return
        try:
            found = await self.containers.inspect(payload.container)
        except SourceError as error:
            raise PlatformError(str(error)) from error
        if found is None:
            raise RequestRefused(f"Container {payload.container[:60]} is gone: nothing was sent.")
        if payload.operation and found.label(OPERATION) != payload.operation:
            raise RequestRefused(f"{found.name} is not the container that was made: not sent.")
        if payload.staying and found.running:
            await self._left_enough(payload.staying, found)
        if payload.started and found.started != payload.started:
            raise RequestRefused(f"{found.name} was started since the plan was made: not sent.")

    async def _left_enough(self, staying: Staying, leaving: Inspected) -> None:
        try:
            group = await self.containers.of(staying.service)
        except SourceError as error:
            raise PlatformError(str(error)) from error
        others = [one for one in group if one.running and one.id not in staying.leaving]
        if len(others) < staying.least:
            told = f"{leaving.name} is needed: beside it only {len(others)} run"
            raise RequestRefused(f"{told} of {staying.service}, not {staying.least}; not sent.")

    async def _held(self, payload: Payload) -> HeldBack:
        """Read again what the plan does not hold. Raises RequestRefused when it has changed."""
        if payload.held is None:
            return HeldBack({})
        image = str((payload.body or {}).get("Image", ""))
        try:
            source = await self.containers.inspect(payload.held.container)
            now = await self.containers.image_id(image)
            less = payload.held.less
            brings = await self.containers.image(less) if less else {}
        except SourceError as error:
            raise PlatformError(str(error)) from error
        if source and payload.held.less:
            source = without_defaults(source, brings)
        held = held_back(source, payload.held.parts) if source else HeldBack({})
        if source is None or held.sha256 != payload.held.sha256:
            told = "The container to be copied is gone or was given other variables or commands."
            raise RequestRefused(told)
        if not now:
            raise RequestRefused(f"The image {image} is gone: nothing was sent.")
        if now != payload.image_id:
            raise RequestRefused(f"{image} is another image than when the plan was made: not sent.")
        return held


def known_good(action: Action, good: Sequence[GoodRelease]) -> GoodRelease:
    """Return the wished image as it is remembered. Raises PlatformError when it never ran well."""
    wished = next((one for one in good if one.image_id == action.wished.get("image")), None)
    if wished is None:
        told = f"{action.wished['release']} of {action.target.name} was never seen to run well here"
        raise PlatformError(f"{told}: roll back by hand.")
    return wished


def _same_image(image: str, group: Sequence[Listed], applied: Sequence[Intent]) -> bool:
    """Whether what `applied` left of the containers of an image is still what a service runs."""
    done = [(Payload.of(one.request.payload), one.made) for one in applied]
    gone = {one.container for one, _ in done if one.effect is ContainerChange.STOPPED}
    gone |= {made or one.instead for one, made in done} | {one.instead for one, _ in done}
    rest = [one for one in group if one.id not in gone]
    if applied:  # what had ended before is older than the plan
        rest = [one for one in rest if one.present]
    present = present_release(rest)
    return present[0].image_id == image if present else bool(applied)


def _made(payload: Payload, answer: Reply) -> str:
    """Return which container the request made or stopped, "" when it found it so."""
    if payload.effect is ContainerChange.STOPPED:
        return "" if answer.status == _SO_ALREADY else payload.container
    document = answer.document
    return str(document.get("Id", "")) if isinstance(document, dict) else ""


def _requests(payloads: Sequence[Payload], operation: str) -> tuple[Request, ...]:
    return tuple(
        Request(
            operation=f"{operation}.{ordinal}",
            part=payload.part or payload.container,
            words=payload.words,
            payload=payload.document(),
            repeatable=payload.effect is not ContainerChange.RESTARTED,
        )
        for ordinal, payload in enumerate(payloads, start=1)
    )
