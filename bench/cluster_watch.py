"""Cost of following a large cluster at rest: requests, memory, processor time, a look at it.

An API server of another process holds objects (500 nodes, 5,000 pods of 500 Deployments, each with
three revisions), answers lists page by page and keeps watches open; each minute every kind brings a
bookmark, and each second some nodes and pods change. Ours reads it as `aiops serve` does: who calls
whom each second, what is wrong each 30 s. `--seconds N` says how long, `--pods N` how many.
"""

import argparse
import asyncio
import copy
import gc
import itertools
import json
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import Cluster as Address
from lightkube.config.models import Context, User

from aiops_agent.adapters.clock import WallClock
from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.follow import ClusterWatch
from aiops_agent.adapters.kubernetes.kinds import KINDS, PODS
from aiops_agent.adapters.kubernetes.logs import KubernetesLogs
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.sickness import KubernetesTroubles
from aiops_agent.adapters.kubernetes.topology import KubernetesTopology

Raw = dict[str, Any]
PER_WORKLOAD, REVISIONS, PER_NODE = 10, 3, 10
NODES_A_SECOND, PODS_A_SECOND = 2, 1  # that change: each node tells each five minutes how it is
BOOKMARK_SECONDS = 60.0
MADE = "2026-03-01T12:00:00Z"


def _meta(name: str, version: int, **other: Any) -> Raw:
    fields_of: Raw = {"f:metadata": {"f:labels": {f"f:l{n}": {} for n in range(8)}}}
    noted = [{"manager": "kubelet", "operation": "Update", "fieldsV1": fields_of}]
    given = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "creationTimestamp": MADE}
    return {**given, "resourceVersion": str(version), "managedFields": noted, **other}


def _template(app: int) -> Raw:
    called = [f"http://app-{(app + n) % 500}:8080" for n in range(8)]
    env = [{"name": f"SETTING_{n}", "value": one} for n, one in enumerate(called)]
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    mount = {"name": f"kube-api-access-{app:05}", "mountPath": "/var/run/secrets", "readOnly": True}
    main = {"name": "main", "image": f"registry.test/app-{app}:2.4.1", "env": env,
            "resources": {"limits": {"memory": "128Mi"}, "requests": {"cpu": "100m"}},
            "readinessProbe": probe, "livenessProbe": probe, "volumeMounts": [mount],
            "terminationMessagePath": "/dev/termination-log", "imagePullPolicy": "IfNotPresent",
            "ports": [{"containerPort": 8080, "protocol": "TCP"}]}  # fmt: skip
    tolerations = [{"key": f"node.kubernetes.io/{k}", "operator": "Exists", "effect": "NoExecute"}
                   for k in ("not-ready", "unreachable")]  # fmt: skip
    return {"containers": [main], "restartPolicy": "Always", "tolerations": tolerations,
            "dnsPolicy": "ClusterFirst", "serviceAccountName": "default", "securityContext": {},
            "volumes": [{"name": mount["name"], "projected": {"sources": [{}] * 3}}]}  # fmt: skip


def _pod(number: int) -> Raw:
    app, name = number // PER_WORKLOAD, f"app-{number // PER_WORKLOAD}-{REVISIONS}-{number}"
    owner = {"kind": "ReplicaSet", "name": f"app-{app}-{REVISIONS}", "controller": True, "uid": "u"}
    meta = _meta(name, number + 1, labels={"app": f"app-{app}"}, ownerReferences=[owner])
    names = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    conditions = [{"type": n, "status": "True", "lastProbeTime": None, "lastTransitionTime": MADE}
                  for n in names]  # fmt: skip
    runs = {"name": "main", "ready": True, "restartCount": 0, "started": True,
            "image": f"registry.test/app-{app}:2.4.1", "imageID": f"sha256:{app:064}",
            "containerID": f"containerd://{number:064}", "lastState": {},
            "state": {"running": {"startedAt": MADE}}}  # fmt: skip
    status = {"phase": "Running", "conditions": conditions, "containerStatuses": [runs],
              "podIP": f"10.0.{number // 250}.{number % 250}", "qosClass": "Burstable",
              "podIPs": [{"ip": f"10.0.{number // 250}.{number % 250}"}]}  # fmt: skip
    return {"metadata": meta, "spec": {**_template(app), "nodeName": f"node-{number // PER_NODE}"},
            "status": status}  # fmt: skip


def _node(number: int) -> Raw:
    images = [{"names": [f"registry.test/i{n}@sha256:{n:064}"], "sizeBytes": n} for n in range(50)]
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": MADE}
    status = {"conditions": [ready], "images": images, "nodeInfo": {"kernelVersion": "6.1"}}
    meta = _meta(f"node-{number}", number + 1)
    del meta["namespace"]
    return {"metadata": meta, "spec": {}, "status": status}


def _objects(pods: int) -> dict[str, list[Raw]]:
    apps = range(pods // PER_WORKLOAD)
    sets = []
    for app, revision in itertools.product(apps, range(1, REVISIONS + 1)):
        owner = {"kind": "Deployment", "name": f"app-{app}", "controller": True}
        notes = {"deployment.kubernetes.io/revision": str(revision)}
        meta = _meta(f"app-{app}-{revision}", 1, ownerReferences=[owner], annotations=notes)
        template = {"metadata": {"labels": {"app": f"app-{app}"}}, "spec": _template(app)}
        sets.append({"metadata": meta, "spec": {"template": template}})
    made = [{"metadata": _meta(f"app-{app}", 1), "status": {"replicas": PER_WORKLOAD},
             "spec": {"replicas": PER_WORKLOAD, "template": sets[app]["spec"]["template"]}}
            for app in apps]  # fmt: skip
    events = [{"metadata": _meta(f"e{n}", 1), "reason": "Scheduled", "message": "Assigned" * 10,
               "involvedObject": {"kind": "Pod", "namespace": "shop", "name": f"p{n}"},
               "lastTimestamp": MADE} for n in range(pods // 10)]  # fmt: skip
    services = [{"metadata": _meta(f"app-{app}", 1), "spec": {"selector": {"app": f"app-{app}"}}}
                for app in apps]  # fmt: skip
    nodes = [_node(number) for number in range(pods // PER_NODE)]
    return {"pods": [_pod(number) for number in range(pods)], "nodes": nodes, "replicasets": sets,
            "deployments": made, "services": services, "events": events}  # fmt: skip


@dataclass
class Server:
    """Serves objects over HTTP; `asked` counts requests, `watchers` are open by plural."""

    objects: dict[str, list[Raw]]
    asked: int = 0
    version: int = 100_000
    watchers: dict[str, set[asyncio.StreamWriter]] = field(default_factory=dict)
    changing: asyncio.Task[None] | None = None

    async def serve(self, ours: Connection) -> None:
        """Serve until the other side says so."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        ours.send(server.sockets[0].getsockname()[1])
        self.changing = asyncio.create_task(self._change())
        while (await asyncio.to_thread(ours.recv)) == "asked":
            ours.send(self.asked)
        os._exit(0)  # connections that are open are nobody's any more

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():  # until it hangs up
            while (await reader.readline()).strip():
                pass
            url = urlsplit(head.split(b" ")[1].decode())
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            self.asked += 1
            plural = url.path.rsplit("/", 1)[-1]
            if "watch" in query:
                await self._watched(plural, float(query["timeoutSeconds"]), writer)
                continue
            start, most = int(query.get("continue", "0")), int(query.get("limit", "500"))
            found = self.objects.get(plural, [])
            rest = str(start + most) if start + most < len(found) else ""
            meta = {"continue": rest, "resourceVersion": str(self.version)}
            body = json.dumps({"items": found[start : start + most], "metadata": meta}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()

    async def _watched(self, plural: str, seconds: float, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.watchers.setdefault(plural, set()).add(writer)
        await asyncio.sleep(seconds)
        self.watchers[plural].discard(writer)
        writer.write(b"0\r\n\r\n")

    async def _change(self) -> None:
        for second in itertools.count():
            await asyncio.sleep(1.0)
            for plural, count in (("nodes", NODES_A_SECOND), ("pods", PODS_A_SECOND)):
                found = self.objects[plural]
                for n in range(count):
                    self._tell(plural, "MODIFIED", found[(second * count + n) % len(found)])
            if second % BOOKMARK_SECONDS == 0:
                for plural in self.watchers:
                    self._tell(plural, "BOOKMARK", {"metadata": {}})

    def _tell(self, plural: str, kind: str, one: Raw) -> None:
        self.version += 1
        told = copy.deepcopy(one)
        told["metadata"]["resourceVersion"] = str(self.version)
        if plural == "pods":
            told["status"]["message"] = str(self.version)  # one that is not as it was
        known = next(kind for kind in KINDS if kind.plural == plural)
        told["kind"] = "PartialObjectMetadata" if known.metadata_only else known.title
        line = json.dumps({"type": kind, "object": told}).encode() + b"\n"
        for writer in self.watchers.get(plural, ()):
            writer.write(b"%x\r\n%b\r\n" % (len(line), line))


def _serve(ours: Connection, pods: int) -> None:
    asyncio.run(Server(_objects(pods)).serve(ours))


def _megabytes() -> float:
    told = Path("/proc/self/status").read_text()
    return int(told.split("VmRSS:")[1].split()[0]) / 1024.0


async def _measure(port: int, theirs: Connection, seconds: float, pods: int) -> list[Raw]:
    address = Address(server=f"http://127.0.0.1:{port}")
    config = SingleConfig("bench", Context("bench"), address, User(token="bench"))
    watch = ClusterWatch(KubeClient(_config=[config]))
    cluster = Cluster(watch.client, WallClock(), (), watch)
    topology = KubernetesTopology(cluster)
    troubles = KubernetesTroubles(cluster, KubernetesLogs(cluster))
    await watch.client.get("/version")
    before = _megabytes()
    keeping = asyncio.create_task(watch.keep(lambda: None))
    await asyncio.sleep(0)
    began = time.perf_counter()
    assert len((await cluster.state()).all(PODS)) == pods
    listed, looks = time.perf_counter() - began, list[float]()

    def asked() -> int:
        theirs.send("asked")
        return int(theirs.recv())

    requests, used, start = await asyncio.to_thread(asked), time.process_time(), time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        began = time.process_time()
        await topology.graph()
        looks.append(time.process_time() - began)
        if round(passed) % 30 == 0:
            await troubles.troubles()
        await asyncio.sleep(1.0)
    used = time.process_time() - used
    passed = time.perf_counter() - start
    requests = await asyncio.to_thread(asked) - requests
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    gc.collect()
    return [
        _row("requests a second at rest", requests / passed, 1.0, len(looks)),
        # On a busy machine there are fewer looks than one a second; each costs the same.
        _row("share of one core at rest", used / min(passed, len(looks)), 0.1, len(looks)),
        _row("megabytes of the whole process", _megabytes(), 200.0, pods),
        _row("megabytes before the cluster was read", before, None, 1),
        _row("seconds until all was listed", listed, None, 1),
        _row("seconds of the slowest look at all services", max(looks), 2.0, len(looks)),
    ]


def _row(name: str, measured: float, goal: float | None, n: int) -> Raw:
    return {"row": name, "n": n, "goal": goal, "measured": round(measured, 3)}


def main(arguments: list[str]) -> int:
    """Print the rows as lines of JSON; 1 when one misses its goal."""
    parser = argparse.ArgumentParser(prog="python -m bench cluster-watch")
    parser.add_argument("--seconds", type=float, default=150.0)
    parser.add_argument("--pods", type=int, default=5000)
    given = parser.parse_args(arguments)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs, given.pods), daemon=True)
    server.start()
    port = int(ours.recv())
    rows = asyncio.run(_measure(port, ours, given.seconds, given.pods))
    ours.send("end")
    server.join(5)
    for row in rows:
        print(json.dumps(row))
    missed = [row for row in rows if row["goal"] is not None and row["measured"] > row["goal"]]
    for row in missed:
        print(f"missed: {row}", file=sys.stderr)
    return 1 if missed else 0
