"""The chart's two accounts on a real cluster: its files of rights and policies, as they are."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from aiops_agent.adapters.kubernetes.client import KubeClient
from bench.apply import Applier, Raw

FILES = Path(__file__).parents[1] / "deploy" / "chart" / "files"
READER, EXECUTOR = "aiops", "aiops-executor"
# ConfigMaps: those that the policies let it set a value of, and one more that only its rights do.
MAPS, BEYOND = ("shop", "settings"), "other"
_RBAC = "rbac.authorization.k8s.io"
_POLICIES = "admissionregistration.k8s.io/v1"
GRANTED = {
    READER: ("investigator.yaml",),
    EXECUTOR: ("executor.yaml", "executor-configmaps.yaml"),
}


def rules(file: str) -> list[Raw]:
    """Return the rules of a file of the chart."""
    text = (FILES / file).read_text("utf-8").replace("CONFIGMAPS", json.dumps([*MAPS, BEYOND]))
    found: list[Raw] = yaml.safe_load(text)
    return found


@dataclass
class Accounts:
    """Both accounts in one namespace, which they read and change; `folder` keeps their tokens."""

    admin: KubeClient
    folder: Path
    namespace: str

    def __post_init__(self) -> None:
        self.applier = Applier(self.admin)

    async def install(self) -> None:
        """Make the accounts and give them their rights. Raises SourceError."""
        made: list[Raw] = []
        for name, files in GRANTED.items():
            made.append({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
            made += self.granted(name, [rule for file in files for rule in rules(file)])
        await self.applier.apply(made, self.namespace)
        for name in (READER, EXECUTOR):
            path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{name}/token"
            answer: Any = await self.admin.ask(path, {"spec": {"expirationSeconds": 7200}})
            self.token(name).write_text(answer["status"]["token"], "utf-8")

    def granted(self, account: str, rules: Sequence[Raw]) -> list[Raw]:
        """Return a role of these rules and what binds an account to it."""
        about = {"apiVersion": f"{_RBAC}/v1", "metadata": {"name": account}}
        subject = {"kind": "ServiceAccount", "name": account, "namespace": self.namespace}
        role = {"apiGroup": _RBAC, "kind": "Role", "name": account}
        return [
            {**about, "kind": "Role", "rules": [*rules]},
            {**about, "kind": "RoleBinding", "roleRef": role, "subjects": [subject]},
        ]

    def policies(self, most: int = 20) -> list[Raw]:
        """Return the admission policies as the chart would make them, without what binds them."""
        text = (FILES / "admission.yaml").read_text("utf-8")
        text = text.replace("EXECUTOR", self.user(EXECUTOR)).replace("MOST", str(most))
        text = text.replace("CONFIGMAPS", json.dumps(MAPS, separators=(",", ":")))
        about = {"apiVersion": _POLICIES, "kind": "ValidatingAdmissionPolicy"}
        return [
            {**about, "metadata": {"name": f"{self.namespace}-{one['name']}"}, "spec": one["spec"]}
            for one in yaml.safe_load(text)
        ]

    async def bind(self, policies: Sequence[Raw]) -> None:
        """Have policies judge. Raises SourceError."""
        for one in policies:
            spec = {"policyName": one["metadata"]["name"], "validationActions": ["Deny"]}
            kind = {"apiVersion": _POLICIES, "kind": "ValidatingAdmissionPolicyBinding"}
            bound = {**kind, "metadata": {"name": one["metadata"]["name"]}, "spec": spec}
            await self.applier.apply([one, bound], self.namespace)

    def user(self, name: str) -> str:
        """Return how the API server calls an account."""
        return f"system:serviceaccount:{self.namespace}:{name}"

    def token(self, name: str) -> Path:
        """Return the file with the token of an account."""
        return self.folder / f"{name}.token"

    def client(self, name: str) -> KubeClient:
        """Return the API as an account sees it."""
        return KubeClient(self.admin.kubeconfig, self.admin.context, token=self.token(name))
