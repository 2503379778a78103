"""The section `models:`: which model answers which agent, where it is, what may be spent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import Field, SecretStr

from aiops_agent.domain.model import Budget, ModelRef
from aiops_agent.domain.value import Value
from aiops_agent.ports.spellings import LocalPath, Seconds, Secret, WebAddress

GEMINI, OPENAI = "gemini", "openai"
HOMES = {GEMINI: "https://generativelanguage.googleapis.com", OPENAI: "https://api.openai.com/v1"}
# The variables that bring a key, the first one set counts. They reach the providers' own addresses
# only: a key of OpenAI is not sent to another server.
KEY_NAMES = {GEMINI: ("GEMINI_API_KEY", "GOOGLE_API_KEY"), OPENAI: ("OPENAI_API_KEY",)}
QUICK, THOROUGH, CHEAP = "gemini-3.5-flash-lite", "gemini-3.8-flash", "gemini-3.1-flash-lite"
AgentName = Literal["triage", "diagnose", "plan", "critique", "verify", "report", "ask"]
AGENTS: tuple[str, ...] = get_args(AgentName)
THOROUGH_AGENTS = frozenset({"diagnose", "plan"})
RETIRED = ("gemini-2.5", "gemini-2.0", "gemini-1.5", "gemini-1.0", "gemini-pro")  # November 2026
_NO_KEY = "none"  # a server at home wants no key, its client library wants one


class ModelSettings(Value):
    """Language models that reason beside the statistics; without this section there are none.

    A name is `gemini-...` or `gemini:NAME` for Gemini, any other or `openai:NAME` for a server that
    speaks OpenAI's format. `base_url` and `api_key` belong to the provider of `default`.
    """

    default: str = Field(default=QUICK, min_length=1)
    fallback: str = ""
    agents: dict[AgentName, str] = {}
    base_url: WebAddress | None = None
    api_key: Secret | None = None
    embeddings: str = ""  # a model of Gemini that turns words of memory into vectors
    timeout: Seconds = 60.0  # of one request, from first to last byte
    context: dict[str, int] = {}  # tokens that fit, for models whose limit nobody knows
    budget: Budget = Budget()
    prompts: LocalPath | None = None  # a folder of AGENT.md that replace the packaged ones
    policies: LocalPath | None = None  # a folder of *.md that the critic reads instead of ours


@dataclass(frozen=True)
class Plug:
    """How a model's server is reached."""

    ref: ModelRef
    base_url: str
    key: SecretStr


@dataclass(frozen=True)
class Lineup:
    """Which models are asked for which agent, in order; those without a key are left out."""

    section: ModelSettings
    keys: Mapping[str, SecretStr]  # by provider, from the environment

    def chain(self, agent: str) -> tuple[ModelRef, ...]:
        """Return the models to ask for an agent, its own first, without those that lack a key.

        The critic is another model than the planner, where two are configured.
        """
        chosen = next((name for one, name in self.section.agents.items() if one == agent), "")
        refs = self._refs(chosen or self._usual(agent))
        if agent == "critique" and not chosen and refs[:1] == self.chain("plan")[:1]:
            return (*refs[1:], *refs[:1])
        return refs

    def _refs(self, named: str) -> tuple[ModelRef, ...]:
        # An agent whose own model is the fallback falls back on the default.
        given = (self.section.fallback, self.section.default) if self.section.fallback else ()
        rest = given or self._others(named)
        refs = dict.fromkeys(self.ref(name) for name in (named, *rest))
        return tuple(ref for ref in refs if self.plug(ref) is not None)

    def all(self) -> tuple[ModelRef, ...]:
        """Return every model that may be asked, by any agent."""
        chains = (self.chain(agent) for agent in (*AGENTS, *self.section.agents))
        return tuple(dict.fromkeys(ref for chain in chains for ref in chain))

    def ref(self, name: str) -> ModelRef:
        """Return the model that a name of the section means."""
        provider, _, rest = name.partition(":")
        if rest and provider in HOMES:
            return ModelRef(provider=provider, name=rest)
        bare = name.removeprefix("models/")
        own = bare.startswith("gemini") and self.section.base_url is None
        return ModelRef(provider=GEMINI if own else OPENAI, name=bare if own else name)

    def plug(self, ref: ModelRef) -> Plug | None:
        """Return how a model is reached, or None when its key is not known."""
        mine = ref.provider == self.ref(self.section.default).provider
        given = self.section.api_key if mine else None
        if mine and self.section.base_url:
            return Plug(ref, self.section.base_url, given or SecretStr(_NO_KEY))
        key = given or self.keys.get(ref.provider)
        return Plug(ref, HOMES[ref.provider], key) if key else None

    def _usual(self, agent: str) -> str:
        given = "default" in self.section.model_fields_set or self.section.base_url is not None
        return THOROUGH if agent in THOROUGH_AGENTS and not given else self.section.default

    def _others(self, named: str) -> tuple[str, ...]:
        """Return the other two of Gemini's, where nobody chose and they are at home."""
        if self.ref(named).provider != GEMINI or self.section.base_url:
            return ()
        return tuple(name for name in (QUICK, THOROUGH, CHEAP) if name != named)


def ambient(environ: Mapping[str, str]) -> dict[str, SecretStr]:
    """Return the keys that the environment brings, by provider."""
    found = {
        provider: next((environ[name] for name in names if environ.get(name)), "")
        for provider, names in KEY_NAMES.items()
    }
    return {provider: SecretStr(key) for provider, key in found.items() if key}
