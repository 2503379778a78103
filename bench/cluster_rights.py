"""Can our two accounts do on a real API server what they are for, and nothing else?

`python -m bench cluster-rights --kubeconfig FILE` installs the chart's rights and admission
policies in a namespace of their own, and takes everything away again. Every verb of every resource
that the server knows is asked for, and what the accounts may do there in another namespace; changes
of workloads that are out of shape are sent; each validation of the policies is taken away to see
that something needs it.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import uuid4

import orjson

from aiops_agent.adapters.kubernetes.client import KubeClient, KubeReply
from aiops_agent.adapters.kubernetes.fields import text
from aiops_agent.adapters.kubernetes.kinds import PODS
from aiops_agent.adapters.kubernetes.live import MARK
from aiops_agent.domain.errors import AiopsError, PlatformError
from aiops_agent.evaluation.goals import Goal
from bench.accounts import EXECUTOR, READER, Accounts
from bench.apply import Raw
from bench.calls import FORBIDDEN, every_call, rights, several
from bench.elsewhere import BESIDE, ELSEWHERE, Elsewhere
from bench.shapes import IN_SHAPE, OUT_OF_SHAPE, Shape, workloads
from bench.told import tell

_TAKEN = 200
_POLICY = "ValidatingAdmissionPolicy"  # as the server names who refused
_TRIES = 120  # looks until a policy judges
_PAUSE = 0.25  # seconds between two


@dataclass
class Trial:
    """Both accounts on one cluster."""

    accounts: Accounts

    def __post_init__(self) -> None:
        self.admin = self.accounts.admin
        self.home = self.accounts.namespace
        self.clients = {name: self.accounts.client(name) for name in (READER, EXECUTOR)}
        self.executor = self.clients[EXECUTOR]
        self.operations = (f"INC-0001.1.{number}.1" for number in count(1))

    async def rows(self) -> list[Goal]:
        """Return what was measured; what is wrong is told on stderr."""
        await self.accounts.install()
        await self.accounts.applier.apply(workloads(), self.home)
        found = await self._calls()
        policies = self.accounts.policies()
        await self._bind(policies)
        return [*found, *await self._shapes(), *await self._needed(policies), *await self._wide()]

    async def _calls(self) -> list[Goal]:
        """Ask for every verb of every resource, as both accounts."""
        named = {READER: "investigator.yaml", EXECUTOR: "executor.yaml"}
        may, not_403, refused, asked = 0, list[str](), list[str](), 0
        every = [call async for call in every_call(self.admin, self.home)]
        for name, file in named.items():
            own = rights(file)
            granted = [one for one in every if one.right in own]
            beyond = [one for one in every if one.right not in own]
            beyond += [one.elsewhere(self.home, "default") for one in granted]
            codes = await several(one.asked(self.clients[name]) for one in (*beyond, *granted))
            told = list(zip((*beyond, *granted), codes, strict=True))
            not_403 += [
                f"{name}: {one.words} ({code})"
                for one, code in told[: len(beyond)]
                if code != FORBIDDEN
            ]
            refused += [
                f"{name}: {one.words}" for one, code in told[len(beyond) :] if code == FORBIDDEN
            ]
            asked, may = asked + len(beyond), may + len(granted)
        return [
            _row("forbidden, and not 403", range(asked), not_403),
            _row("a right that was refused", range(may), refused),
        ]

    async def sent(self, shape: Shape, client: KubeClient, operation: str = "") -> KubeReply:
        """Have a change judged, and not made. Raises PlatformError."""
        force = {"force": "true", "fieldManager": "another"}
        return await client.send(
            "PATCH",
            shape.kind.path(self.home, shape.name_of),
            body=orjson.dumps(shape.body(operation or next(self.operations))),
            content_type=shape.content_type,
            query={"dryRun": "All", **(force if "apply" in shape.content_type else {})},
        )

    async def _bind(self, policies: Sequence[Raw]) -> None:
        """Have policies judge, and wait until they do. Raises PlatformError."""
        asked = f"asked-{uuid4().hex}"
        workload, *others = policies
        # One validation more refuses one operation, which nobody but this look writes.
        probe = f"object.metadata.annotations['{MARK}'] != '{asked}'"
        validations = [*workload["spec"]["validations"], {"expression": probe, "message": asked}]
        spec = {**workload["spec"], "validations": validations}
        await self.accounts.bind([*others, {**workload, "spec": spec}])
        for _ in range(_TRIES):
            answer = await self.sent(IN_SHAPE[0], self.executor, asked)
            if answer.status != _TAKEN and asked in str(answer.document):
                return
            await asyncio.sleep(_PAUSE)
        raise PlatformError("The admission policies do not judge: does the cluster know them?")

    async def _shapes(self) -> list[Goal]:
        let, answers = await self._let(OUT_OF_SHAPE)
        impossible = [
            f"{one.name}: {answer.words}"
            for one in OUT_OF_SHAPE
            if (answer := await self.sent(one, self.admin)).status != _TAKEN
        ]
        others = [
            f"{one.name}: {answer.status} {answer.words}"
            for one, answer in answers
            if answer.status not in (_TAKEN, FORBIDDEN)
            or (answer.status == FORBIDDEN and _POLICY not in str(answer.document))
        ]
        _, ours = await self._let(IN_SHAPE)
        refused = [f"{one.name}: {reply.words}" for one, reply in ours if reply.status != _TAKEN]
        return [
            _row("out of shape, and let through", OUT_OF_SHAPE, [*let, *others]),
            _row("out of shape, and impossible anyway", OUT_OF_SHAPE, impossible),
            _row("in shape, and refused", IN_SHAPE, refused),
        ]

    async def _let(
        self, shapes: Sequence[Shape]
    ) -> tuple[list[str], list[tuple[Shape, KubeReply]]]:
        answers = await several(self.sent(one, self.executor) for one in shapes)
        both = list(zip(shapes, answers, strict=True))
        return [one.name for one, answer in both if answer.status == _TAKEN], both

    async def _needed(self, policies: Sequence[Raw]) -> list[Goal]:
        """Take each validation away: something must be let through then."""
        idle, every = list[str](), list[str]()
        for number, judge in enumerate(policies[:2]):  # of workloads and of ConfigMaps
            spec = judge["spec"]
            for one in spec["validations"]:
                rest = [other for other in spec["validations"] if other is not one]
                less = {**judge, "spec": {**spec, "validations": rest}}
                await self._bind([*policies[:number], less, *policies[number + 1 :]])
                let, _ = await self._let(OUT_OF_SHAPE)
                every.append(one["message"])
                idle += [] if let else [one["message"]]
        await self._bind(policies)
        return [_row("validations that nothing needs", every, idle)]

    async def _wide(self) -> list[Goal]:
        """Give the account every right: the policies still let it do no other thing."""
        name = f"{self.home}-too-wide"
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole"}
        subject = {"kind": "ServiceAccount", "name": EXECUTOR, "namespace": self.home}
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {**role, "name": "cluster-admin"},
            "subjects": [subject],
        }
        about = {"name": self.home, "annotations": {"note": "a"}}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": about}
        await self.accounts.applier.apply([binding, node], self.home)
        here = {"home": self.home, **await self._pod()}
        let = [told for one in ELSEWHERE if (told := await self._judged(one, here, denied=True))]
        kept = [told for one in BESIDE if (told := await self._judged(one, here, denied=False))]
        return [
            _row("with every right, and let through", ELSEWHERE, let),
            _row("what else it is for, and refused", BESIDE, kept),
        ]

    async def _pod(self) -> dict[str, str]:
        """Return a pod of the workloads; it need not run. Raises PlatformError."""
        for _ in range(_TRIES):
            for one in await self.admin.listed(PODS, self.home):
                return {"pod": text(one, "metadata", "name"), "uid": text(one, "metadata", "uid")}
            await asyncio.sleep(_PAUSE)
        raise PlatformError("The cluster makes no pod of a Deployment: do its controllers run?")

    async def _judged(self, asked: Elsewhere, here: Mapping[str, str], *, denied: bool) -> str:
        """Return "" when the policies judge it so, else what was answered."""
        path, body = asked.of(here)
        answer = KubeReply(0, b"")
        for _ in range(_TRIES):  # until the right itself is known
            answer = await self.executor.send(
                asked.method,
                path,
                body=body,
                content_type=asked.content_type,
                query={"dryRun": "All"},
            )
            by_policy = _POLICY in answer.body.decode("utf-8", "replace")
            if by_policy or answer.status != FORBIDDEN:
                break
            await asyncio.sleep(_PAUSE)
        else:
            by_policy = False
        right = by_policy if denied else answer.status < 300
        return "" if right else f"{asked.method} {path}: {answer.status} {answer.words}"


def _row(name: str, cases: Sequence[object], wrong: Sequence[str]) -> Goal:
    for one in wrong:
        print(f"{name}: {one}", file=sys.stderr)
    return Goal(f"rights: {name}", len(cases), len(wrong), "<= 0")


@asynccontextmanager
async def installed(kubeconfig: Path, context: str = "") -> AsyncIterator[Trial]:
    """Yield a trial in a namespace of its own, which is taken away afterwards."""
    admin = KubeClient(kubeconfig, context)
    with tempfile.TemporaryDirectory() as folder:
        accounts = Accounts(admin, Path(folder), f"bench-rights-{uuid4().hex[:6]}")
        trial = Trial(accounts)
        try:
            yield trial
        finally:
            await accounts.applier.clean()
            for one in (admin, *trial.clients.values()):
                await one.close()


async def goals(kubeconfig: Path, context: str = "") -> list[Goal]:
    """Return all rows of one cluster. Raises AiopsError."""
    async with installed(kubeconfig, context) as trial:
        return await trial.rows()


def main(arguments: list[str]) -> int:
    """Measure; 1 on a miss, 2 when the cluster cannot be asked."""
    parser = argparse.ArgumentParser(prog="python -m bench cluster-rights", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--context", default="")
    asked = parser.parse_args(arguments)
    try:
        return tell(asyncio.run(goals(asked.kubeconfig, asked.context)))
    except AiopsError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
