"""The commands of docs/kubernetes.md from a cluster to the first verified fix, as they stand there.

Only the images are others (the tests' node pulls none), and where Prometheus and the server listen.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from .cluster_shop import GOOD, ClusterShop
from .cluster_stage import ClusterStage
from .processes import Process, free_port, get_json, until

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
HEADING = "## From a cluster to the first verified fix"
MOST = 10  # commands
FOUND = 3  # how doctor ends where something is wrong, as an administrator's rights are
IMAGES = {"ghcr.io/stefanprodan/podinfo:6.9.2": GOOD, "busybox:1.36": "local.test/busybox:1"}


def commands() -> list[str]:
    """Return the commands of the page, in order."""
    page = (ROOT / "docs" / "kubernetes.md").read_text("utf-8")
    part = page.partition(HEADING)[2].partition("\n## ")[0]
    [block] = re.findall(r"```console\n(.*?)```", part, re.DOTALL)
    return re.findall(r"^\$ (.*?)(?: +#.*)?$", block, re.MULTILINE)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ClusterShop]:
    """A cluster with a Prometheus that finds its pods, and images on its node."""
    made = ClusterShop(ClusterStage.cluster(), tmp_path, "aiops-try")
    try:
        made.prepare()
        made.watch()
        yield made
    finally:
        made.stop()
        made.kubectl("delete", "namespace", made.namespace, "--ignore-not-found", "--wait=false")


class Newcomer:
    """Somebody with a terminal in `deploy/try`."""

    def __init__(self, folder: Path, kubeconfig: Path, metrics: str) -> None:
        self.folder = folder / "try"
        shutil.copytree(ROOT / "deploy" / "try", self.folder)
        manifest = self.folder / "shop.yaml"
        text = manifest.read_text("utf-8")
        for theirs, ours in IMAGES.items():
            assert theirs in text
            text = text.replace(theirs, ours)
        manifest.write_text(text, "utf-8")
        self.port = free_port()
        config: dict[str, Any] = yaml.safe_load((self.folder / "aiops.yaml").read_text("utf-8"))
        config["sources"]["prometheus"]["url"] = metrics
        config["server"] = {"port": self.port}
        (self.folder / "aiops.yaml").write_text(yaml.safe_dump(config), "utf-8")
        self.given = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig),
            "TERM": "xterm",
        }
        self.url = f"http://127.0.0.1:{self.port}"

    def begin(self, command: str) -> Process:
        """Start what goes on while others are typed."""
        return Process(
            ["bash", "-c", f"cd {self.folder}; exec {command}"],
            self.folder / "serve.txt",
            self.given,
        )

    def type(self, command: str) -> None:
        """Run a command; say `y` to what it asks."""
        command = command.replace("127.0.0.1:8088", f"127.0.0.1:{self.port}")
        hand, terminal = pty.openpty()
        child = subprocess.Popen(
            ("bash", "-c", command),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=self.given,
            cwd=self.folder,
            start_new_session=True,
        )
        os.close(terminal)
        said, asked = b"", False
        with suppress(OSError):  # it ended
            while part := os.read(hand, 4096):
                said += part
                if b"[y/N]" in said and not asked:
                    asked = True
                    os.write(hand, b"y\n")
        os.close(hand)
        told = said.decode("utf-8", "replace")
        print(f"$ {command}\n{told}")
        assert child.wait(120) in (0, FOUND), told

    def state(self) -> str:
        """Return the state of the first incident."""
        found = get_json(f"{self.url}/api/v1/incidents")["incidents"]
        return str(found[0]["status"]) if found else ""

    def wait(self, state: str) -> None:
        """Wait until the first incident is in a state."""
        until(lambda: self.state() == state, 240, f"the incident to be {state}")


def test_ten_commands_lead_from_a_cluster_to_the_first_verified_fix(
    shop: ClusterShop, tmp_path: Path
) -> None:
    typed = commands()
    assert len(typed) <= MOST
    newcomer = Newcomer(tmp_path, ClusterStage.cluster(), shop.metrics)
    waits: dict[str, Callable[[], None]] = {
        "kubectl -n aiops-try exec": lambda: shop.calm("web"),
        "aiops approve": lambda: newcomer.wait("awaiting_approval"),
        "aiops report": lambda: newcomer.wait("resolved"),
    }
    for command in typed:
        if command.startswith(("pip ", "cd ")):
            continue  # `make wheel` installs it; we are there
        for begin, wait in waits.items():
            if command.startswith(begin):
                wait()
        if command.endswith("&"):
            shop.children.append(newcomer.begin(command.rstrip("& ")))
            shop.children[-1].wait_ready(f"{newcomer.url}/readyz", 40)
        else:
            newcomer.type(command)
