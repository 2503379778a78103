"""A process whose models are scripted: a provider of ours on loopback, and nothing beyond it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from pydantic import SecretStr

from aiops_agent.adapters.models.opening import NEEDS
from aiops_agent.adapters.models.section import GEMINI, ModelSettings
from aiops_agent.domain.errors import UsageError
from aiops_agent.settings.sections import BaseSettings
from aiops_agent.simulator.provider.server import KEY, MODELS, ScriptedProvider

QUICK, THOROUGH = (f"{GEMINI}:{name}" for name in MODELS)
PATIENCE = 10.0  # seconds for an answer that is made in milliseconds


def scripted_models(url: str) -> ModelSettings:
    """Return the section that names a provider's two models, as Gemini's are named by default."""
    return ModelSettings(
        default=QUICK,
        fallback=THOROUGH,
        agents={"diagnose": THOROUGH, "plan": THOROUGH},
        base_url=url,
        api_key=SecretStr(KEY),
        timeout=PATIENCE,
    )


@contextmanager
def scripted(settings: BaseSettings) -> Iterator[BaseSettings]:
    """Open a provider, and the settings with its models in place of all others and of every key.

    Raises UsageError when the clients that ask it are not installed.
    """
    if find_spec(NEEDS[0][0]) is None:
        module, extra = NEEDS[0]
        raise UsageError(
            f"The scripted model is asked through {module}, which is not installed: "
            f"pip install 'aiops-agent[{extra}]', or leave --model out."
        )
    with ScriptedProvider() as provider:
        yield settings.reasoning_with(scripted_models(provider.gemini))
