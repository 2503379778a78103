"""What one pod template may do and another may not: a rollback adds nothing."""

from typing import Any

import pytest

from aiops_agent.adapters.kubernetes.privilege import beyond_walls, gained
from tests.adapters.kubernetes.fake_api import template
from tests.adapters.kubernetes.fake_patch import Raw


def pod(**fields: Any) -> Raw:
    made = template("web")
    made["spec"] |= fields
    return made


def app(**fields: Any) -> Raw:
    made = template("web")
    made["spec"]["containers"][0] |= fields
    return made


def context(**fields: Any) -> Raw:
    return app(securityContext=fields)


def noted(**annotations: str) -> Raw:
    made = template("web")
    made["metadata"]["annotations"] = annotations
    return made


PLAIN = template("web")
HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
SECRET = {"name": "X", "valueFrom": {"secretKeyRef": {"name": "db", "key": "p"}}}


@pytest.mark.parametrize(
    ("then", "words"),
    [
        (pod(hostNetwork=True), "the network of its node"),
        (pod(hostPID=True), "the processes of its node"),
        (pod(hostIPC=True), "the shared memory of its node"),
        (pod(shareProcessNamespace=True), "the processes of its other containers"),
        (pod(serviceAccountName="admin"), "service account admin"),
        (pod(volumes=[{"name": "v", "hostPath": {"path": "/etc"}}]), "/etc of its node"),
        (pod(volumes=[{"name": "v", "secret": {"secretName": "db"}}]), "the Secret db"),
        (pod(volumes=[{"name": "v", "csi": {"driver": "x"}}]), "a volume of kind csi"),
        (
            pod(volumes=[{"name": "v", "projected": {"sources": [{"secret": {"name": "db"}}]}}]),
            "the Secret db",
        ),
        (pod(tolerations=[{"operator": "Exists"}]), "nodes with the taint"),
        (pod(imagePullSecrets=[{"name": "reg"}]), "the Secret reg to pull images"),
        (pod(runtimeClassName="none"), "another runtimeClassName"),
        (pod(priorityClassName="system-node-critical"), "another priorityClassName"),
        (pod(fieldOfLater=True), "another fieldOfLater"),
        (pod(securityContext={"sysctls": [{"name": "a", "value": "b"}]}), "sysctls"),
        (pod(initContainers=[{"name": "i", "image": "x", **HARDENED}]), "capability CHOWN of i"),
        (context(privileged=True), "every right on its node"),
        (context(capabilities={"add": ["NET_ADMIN"]}), "capability NET_ADMIN"),
        (context(capabilities={"add": ["CAP_SYS_ADMIN"]}), "capability SYS_ADMIN"),
        (context(procMount="Unmasked"), "the kernel's hidden paths"),
        (context(runAsUser=1000), "user 1000"),
        (context(seLinuxOptions={"level": "s0"}), "securityContext.seLinuxOptions"),
        (app(ports=[{"hostPort": 22}]), "port 22 of its node"),
        (app(env=[SECRET]), "the Secret db"),
        (app(envFrom=[{"secretRef": {"name": "db"}}]), "the Secret db"),
        (app(volumeDevices=[{"name": "d", "devicePath": "/dev/x"}]), "the device"),
        (app(fieldOfLater={"a": 1}), "another fieldOfLater of app"),
        (noted(**{"vault.test/inject": "true"}), "annotation vault.test/inject"),
    ],
)
def test_what_a_release_would_add_is_told(then: Raw, words: str) -> None:
    assert any(words in one for one in gained(PLAIN, then)), gained(PLAIN, then)


@pytest.mark.parametrize("less", HARDENED)
def test_what_a_hardened_container_gives_up_is_told_when_it_is_taken_again(less: str) -> None:
    now, then = context(**HARDENED), context(**{k: v for k, v in HARDENED.items() if k != less})
    assert gained(now, then)
    assert gained(then, now) == ()


@pytest.mark.parametrize(
    "then",
    [
        app(image="registry.test/shop:1.0.0", command=["serve"], args=["-v"]),
        app(env=[{"name": "POOL", "value": "2"}], resources={"limits": {"memory": "64Mi"}}),
        app(envFrom=[{"configMapRef": {"name": "settings"}}], livenessProbe={"exec": {}}),
        pod(nodeSelector={"disk": "ssd"}, terminationGracePeriodSeconds=5, restartPolicy="Always"),
        pod(volumes=[{"name": "v", "configMap": {"name": "c"}}, {"name": "e", "emptyDir": {}}]),
        noted(**{"checksum/config": "ab", "prometheus.io/port": "1"}),
        context(**HARDENED),
    ],
)
def test_what_only_another_release_is_adds_nothing(then: Raw) -> None:
    assert gained(PLAIN, then) == ()


def test_what_reaches_beyond_the_walls_is_told_and_nothing_else() -> None:
    made = pod(hostNetwork=True, volumes=[{"name": "v", "hostPath": {"path": "/var/log"}}])
    made["spec"]["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/logs"}]
    assert beyond_walls(made) == (
        "the network of its node (hostNetwork)",
        "/var/log of its node",
        "writing to /var/log of its node",
    )
    assert beyond_walls(PLAIN) == ()
