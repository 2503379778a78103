"""Who reads changes nothing, and who changes reads nothing: two tokens, kept apart."""

from pathlib import Path

import pytest

from aiops_agent.adapters.clock import WallClock
from aiops_agent.adapters.kubernetes.platform import KubernetesPlatform
from aiops_agent.adapters.kubernetes.plug import SOURCE, KubernetesSettings, platform
from aiops_agent.adapters.off import NoTopology
from aiops_agent.domain.errors import PlatformError
from aiops_agent.ports.plug import Surroundings
from tests.adapters.kubernetes.fake_api import FakeApi
from tests.adapters.kubernetes.test_platform import OPERATION, scale
from tests.sending import applied


def hands(folder: Path, token: Path) -> KubernetesPlatform:
    """Open the platform as a configuration would."""
    section = KubernetesSettings(kubeconfig=folder / "kubeconfig", executor_token=token)
    around = Surroundings(declared={}, clock=WallClock())
    return platform(SOURCE.connect(section, around), NoTopology(), {})


async def test_only_the_account_that_acts_sends_a_patch(api: FakeApi, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("executor\n")
    acting = hands(tmp_path, token)

    draft = await acting.prepare(scale(4), OPERATION)
    assert await acting.unchanged(draft)
    sent = await applied(acting, draft.requests)
    await applied(acting, await acting.take_back(draft, sent, "INC-0001.1.undo.1"))

    assert set(api.tokens) == {("GET", "loopback"), ("PATCH", "executor")}
    assert api.one("payments-api")["spec"]["replicas"] == 2


async def test_a_token_that_cannot_be_read_is_one_sentence_and_sends_nothing(
    api: FakeApi, tmp_path: Path
) -> None:
    acting = hands(tmp_path, tmp_path / "none")
    with pytest.raises(PlatformError, match="none cannot be read"):
        await acting.prepare(scale(4), OPERATION)
    assert {method for method, _ in api.tokens} == {"GET"}
