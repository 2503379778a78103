"""What is said today of faults that struck real software, from what Prometheus saw of them then?

python -m bench struck --kept DIR

DIR is AIOPS_TEST_KEEP of tests/real/test_faults.py. Each kept Prometheus is started on a copy, and
`aiops investigate` is asked at the same moments, with the same alerts.
"""

import argparse
import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from aiops_agent.adapters.prometheus.client import PrometheusClient, ScrapeTarget
from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.failing import PrometheusRoutes
from aiops_agent.adapters.prometheus.past import PastClient, PastRules
from aiops_agent.adapters.prometheus.telemetry import PrometheusMetrics
from aiops_agent.adapters.prometheus.topology import PrometheusTopology
from aiops_agent.adapters.prometheus.words import Words, words
from aiops_agent.bootstrap.looking import Looking, ReadablePlace
from aiops_agent.domain.diagnosis import Confidence
from aiops_agent.domain.investigated import Investigated
from aiops_agent.evaluation.goals import Goal, share
from aiops_agent.ports.past import PastClock
from aiops_agent.settings.load import load

START_SECONDS = 30.0


@dataclass(frozen=True)
class KeptClient(PastClient):
    """Prometheus as of then; its targets are those that it still lists, and none answers now."""

    pages: Mapping[str, Any] = field(default_factory=dict)

    async def targets(self) -> tuple[ScrapeTarget, ...]:  # type: ignore[override]  # it knows
        """Return what was scraped, and how often."""
        return await PrometheusClient.targets(self)

    async def metadata(self) -> Mapping[str, Words]:
        """Return what the scraped pages said of each metric."""
        return words(dict(self.pages))


@dataclass(frozen=True)
class Struck:
    """A fault, and what was made of it then and now."""

    kept: str
    truth: Mapping[str, Any]
    found: Investigated

    @property
    def right(self) -> bool:
        """Whether the right service stands first."""
        best = self.found.diagnosis.best if self.found.diagnosis else None
        return best is not None and best.service in self.truth["right"]

    @property
    def misleading(self) -> bool:
        """Whether a wrong service stands first with HIGH."""
        diagnosis = self.found.diagnosis
        return bool(diagnosis and diagnosis.confidence is Confidence.HIGH and not self.right)

    @property
    def words(self) -> str:
        """A line for people."""
        diagnosis, truth = self.found.diagnosis, self.truth
        now = "nothing"
        if diagnosis is not None and (best := diagnosis.best) is not None:
            now = f"{best.kind} of {best.service} ({diagnosis.confidence}, {best.belief:.2f})"
        then = f"{truth['kind']} of {truth['named']} ({truth['confidence']})"
        return f"{self.kept}: {truth['fault']} of {truth['victim']}: then {then}, now {now}"


def main(arguments: list[str]) -> int:
    """Print the rows and each answer; 1 when a goal is missed, 2 when nothing is kept."""
    parser = argparse.ArgumentParser(prog="bench struck", description="Kept faults, asked anew.")
    parser.add_argument("--kept", type=Path, required=True, help="AIOPS_TEST_KEEP of the real test")
    parser.add_argument("--only", default="", help="faults or folders whose name has this in it")
    asked = parser.parse_args(arguments)
    folders = sorted(file.parent for file in asked.kept.glob("*/truth.json"))
    if not folders:
        print(f"bench struck: {asked.kept} keeps no fault.", file=sys.stderr)
        return 2
    found = [one for folder in folders for one in again(folder, asked.only)]
    for one in found:
        print(f"{'right ' if one.right else 'missed'}: {one.words}", file=sys.stderr)
    goals = list(rows(found))
    print("\n".join(goal.json() for goal in goals))
    return 0 if all(goal.met for goal in goals) else 1


def again(folder: Path, only: str = "") -> list[Struck]:
    """Return what is made today of the faults that a folder keeps."""
    told = json.loads((folder / "truth.json").read_text())
    wanted = [one for one in told if only in f"{folder.name} {one['fault']}"]
    if not wanted:
        return []
    with running(folder) as url:
        return [Struck(folder.name, one, asyncio.run(asked(folder, url, one))) for one in wanted]


async def asked(folder: Path, url: str, truth: Mapping[str, Any]) -> Investigated:
    """Return what `aiops investigate` says at the moment of a kept answer."""
    settings = load(folder / "product" / "aiops.yaml", {"sources.prometheus.url": url}).settings
    looking, asked_at = Looking(settings), f"{truth['asked_at']:.0f}"
    # A busy machine takes seconds from the question to the look.
    then = json.loads((folder / f"answer-{asked_at}.json").read_text())["at"]
    clock = PastClock(datetime.fromisoformat(then))
    pages = json.loads((folder / "metadata.json").read_text())
    client = KeptClient(url=url, clock=clock, pages=pages)
    discovery = Discovery(client, clock)
    place = replace(
        looking.places[0].environment,
        metrics=PrometheusMetrics(client, discovery),
        rules=PastRules(client),
        topology=PrometheusTopology(discovery),
        routes=PrometheusRoutes(client, discovery),
        clock=clock,
    )
    file, front = folder / f"alerts-{asked_at}.json", str(truth["front"])
    alerts = () if front else looking.decoded(file.read_bytes(), file.name)
    return await looking.investigate(ReadablePlace(place), service=front, alerts=alerts)


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start the kept Prometheus on a copy, and give its address; at the end nothing is left."""
    with tempfile.TemporaryDirectory() as place, socket.socket() as probe:
        shutil.copytree(folder / "tsdb", Path(place) / "tsdb")
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        command = [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={Path(place) / 'tsdb'}",
            f"--web.listen-address={address}",
            "--log.level=error",
        ]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            _ready(f"http://{address}/api/v1/targets")
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait()


def _ready(url: str) -> None:
    """Wait until it lists its targets: they tell how often each was scraped."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2) as reply:
                if json.load(reply)["data"]["activeTargets"]:
                    return
        except (OSError, urllib.error.URLError):
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{url} does not answer.")


def rows(found: Sequence[Struck]) -> Iterator[Goal]:
    """Yield how often the right service stands first, and how often a wrong one with HIGH."""
    yield Goal("kept faults, service first", *share(one.right for one in found), ">= 0.875")
    yield Goal("kept faults, wrong with HIGH", *share(o.misleading for o in found), "<= 0")
