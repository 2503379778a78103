"""The image as who runs it has it: `make image` checks it, then a restricted pod's rules hold."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.image import CONTEXT, RESTRICTED

from .docker import IMAGE, OURS, docker
from .processes import answers, until

pytestmark = [pytest.mark.built, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
TAG = "local.test/aiops-agent:test"
TOKEN = "0123456789abcdef0123"
ALERT = ROOT / "tests" / "data" / "alertmanager" / "01_firing_single_am0.25.0.json"


@pytest.fixture(scope="module")
def image(engine: None) -> Iterator[str]:
    """Build it twice and check it, as `make image` does; every limit is kept."""
    program = (sys.executable, str(ROOT / "tools" / "image.py"), "--base", IMAGE, "--tag", TAG)
    ran = subprocess.run(program, check=False, capture_output=True, text=True)
    print(ran.stdout, ran.stderr)
    try:
        assert ran.returncode == 0, ran.stdout + ran.stderr
        yield TAG
    finally:
        subprocess.run(["docker", "rmi", "-f", TAG, f"{TAG}-again"], check=False)


@pytest.fixture
def serving(image: str) -> Iterator[tuple[str, str]]:
    """A container that serves as any number; its id and address."""
    given = (*RESTRICTED, f"--env=AIOPS_SERVER_TOKEN={TOKEN}", "--publish=127.0.0.1::8088")
    made = docker("run", "--detach", f"--label={OURS}=", *given, image)
    try:
        url = "http://" + docker("port", made, "8088/tcp").splitlines()[0]
        until(lambda: answers(f"{url}/readyz"), 40, "the container to be ready")
        yield made, url
    finally:
        docker("rm", "--force", made)


def post(url: str, token: str) -> int:
    """Post an alert and return the status of the answer."""
    asked = urllib.request.Request(f"{url}/api/v1/alertmanager", data=ALERT.read_bytes())
    asked.add_header("Content-Type", "application/json")
    asked.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(asked, timeout=20) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_it_takes_alerts_with_the_token_of_the_deployment_alone(serving: tuple[str, str]) -> None:
    made, url = serving

    assert post(url, "another-token-of-20-signs") == 401
    assert post(url, TOKEN) == 200
    listed = docker("exec", made, "aiops", "token", "list", "-o", "json")
    assert [one["name"] for one in json.loads(listed)] == ["server.token"]
    assert TOKEN not in listed


def test_it_ends_at_once_when_it_is_asked_to(serving: tuple[str, str]) -> None:
    made, _ = serving

    docker("stop", "--time", "20", made)

    assert docker("inspect", "--format", "{{.State.ExitCode}}", made) == "0"


def test_without_a_token_it_says_what_is_missing(image: str) -> None:
    command = ("docker", "run", "--rm", f"--label={OURS}=", *RESTRICTED, image)
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)

    assert ran.returncode == 4
    assert "create one with `aiops token create alertmanager`" in ran.stdout + ran.stderr


def test_the_demo_runs_in_it(image: str) -> None:
    command = ("docker", "run", "--rm", f"--label={OURS}=", *RESTRICTED, image, "demo", "--yes")
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_what_is_inside_is_listed(image: str) -> None:
    told = json.loads((CONTEXT / "sbom.cdx.json").read_text())

    names = {one["name"] for one in told["components"]}
    assert {"aiops-agent", "numpy", "pydantic-ai-slim", "libc6"} <= names
    assert "pytest" not in names
