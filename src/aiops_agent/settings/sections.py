"""Everything that can be set in `aiops.yaml`, section by section, with its built-in value."""

# limit: every setting stands in one file, in the order of `aiops config show`.

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from importlib.util import find_spec
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeAlias
from urllib.parse import unquote, urlsplit

import platformdirs
from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, create_model

from aiops_agent.adapters.models.opening import NEEDS
from aiops_agent.adapters.models.section import ModelSettings, ambient
from aiops_agent.adapters.otel import sink as otel
from aiops_agent.adapters.yaml_file import Place
from aiops_agent.domain.alert import REPLICA_LABELS
from aiops_agent.domain.declaration import Declaration
from aiops_agent.domain.duration import Pause, Span
from aiops_agent.domain.environment import NAME, EnvironmentRef
from aiops_agent.domain.policy import Freeze, Mode
from aiops_agent.domain.remediation import ActionKind
from aiops_agent.domain.sending import Limits, Rate
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.value import Value
from aiops_agent.ports.plug import AnyChannel, AnyVendor, Needs
from aiops_agent.ports.spellings import (
    BearerToken,
    ClockTime,
    EndOfDay,
    HostName,
    LocalPath,
    Network,
    PlainAddress,
    Share,
    TimeZone,
)
from aiops_agent.registry import REGISTRY, Registry
from aiops_agent.settings.executor import ExecutorSettings
from aiops_agent.settings.memory import MemorySettings
from aiops_agent.settings.promise import Promise
from aiops_agent.settings.store import StoreSettings
from aiops_agent.settings.watch import WatchSettings

EnvironmentName: TypeAlias = Annotated[str, Field(pattern=rf"^{NAME}\z")]
_KIND = "docker"  # of an environment that does not say


class Sections(Value):
    """One section for each vendor of the registry; what is not named in the file is off."""

    def section(self, name: str) -> Value | None:
        """Return a vendor's section, or None when it is not configured."""
        found = getattr(self, name, None)
        return found if isinstance(found, Value) else None

    @property
    def any(self) -> bool:
        """Whether anything is configured."""
        return any(isinstance(found, Value) for _, found in self)


class ServiceSettings(Declaration):
    """What discovery cannot know of a service, or gets wrong."""

    objective: Promise = Promise()


class ApprovalSettings(Value):
    """How long a question waits for its answer, and how long a yes may begin anything."""

    expires: Span = timedelta(minutes=15)
    use_within: Span = timedelta(minutes=10)


class Notify(Sections):
    """How people are told."""

    bell: bool = True


class Server(Value):
    """Where `aiops serve` listens, and by which names others call it.

    Without a token only requests to loopback's names, `names` or the host of `external_url` are
    answered, and through a proxy only when it is one of `trusted_proxies`. `token` counts beside
    those that `aiops token create` makes, so that a deployment can bring its own.
    """

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8088, ge=0, le=65535)
    names: tuple[HostName, ...] = ()
    external_url: PlainAddress | None = None
    trusted_proxies: tuple[Network, ...] = ()
    token: BearerToken | None = None


class AlertSettings(Value):
    """What makes an alert the same alert: its labels, less those of the sender's replicas."""

    replica_labels: tuple[str, ...] = REPLICA_LABELS
    deadman: Span = timedelta(minutes=10)  # of silence of an alert that fires always


class Story(Value):
    """How long an incident's steps look and wait, in the environment's time."""

    baseline: Span = timedelta(minutes=30)
    settle: Pause = timedelta(seconds=60)
    hold: Span = timedelta(seconds=60)
    within: Span = timedelta(minutes=5)
    watch: Span = timedelta(minutes=10)
    look: Span = timedelta(seconds=30)
    window: Span = timedelta(minutes=5)  # alerts of one cause this far apart are one incident
    flap_window: Span = timedelta(hours=1)  # what fires so soon after an end fires again
    max_attempts: int = Field(default=3, ge=1, le=3)
    # Harm where no objective is set: this share of failures, and so many within ten minutes.
    harm_errors: Share = 0.05
    harm_failures: int = Field(default=20, ge=1)


class ActionSections(Value):
    """How each action may be done: a section for every registered one that has bounds."""

    def bounds(self) -> dict[ActionKind, Value]:
        """Return all sections by the action's name."""
        return {ActionKind(kind): bounds for kind, bounds in self if isinstance(bounds, Value)}


class FreezeSettings(Freeze):
    """A freeze as people write it: `from` and `to` are times of day such as 16:00."""

    start: ClockTime = Field(default=time(0), alias="from")
    end: EndOfDay = Field(default=None, alias="to")
    timezone: TimeZone = "UTC"


class RunbookSettings(Value):
    """Where the pages lie that people wrote for incidents; what they say is advice."""

    folder: LocalPath | None = None


class Calendar(Value):
    """When nothing may be changed."""

    freeze: tuple[FreezeSettings, ...] = ()


class Policy(Calendar):
    """The calendar of freezes, and how many actions may be done: 3/h, 10/30m, 0/d."""

    limits: Limits = Limits()


class OwnLimits(Value):
    """Limits of one of several environments; what is None is as it is at the top of the file."""

    per_service: Rate | None = None
    per_environment: Rate | None = None


class OwnPolicy(Calendar):
    """The policy of one of several environments: its own calendar, its own or the top's limits."""

    limits: OwnLimits = OwnLimits()

    def over(self, top: Policy) -> Policy:
        """Return the whole policy of the environment below the top of the file."""
        limits = {name: value for name, value in self.limits if value is not None}
        return Policy(freeze=self.freeze, limits=top.limits.model_copy(update=limits))


def _own_store(known: dict[str, Any]) -> StoreSettings:
    # The two signs that an address would read as its own.
    folder = str(known["state_dir"]).replace("%", "%25").replace("?", "%3F")
    return StoreSettings(url=f"sqlite:///{folder}/aiops.db")


def _environment(known: dict[str, Any]) -> EnvironmentRef:
    """Name the environment of the short form after its platform's section."""
    sources: Sections = known.get("sources") or Sections()
    for kind in REGISTRY.platforms:
        if name := getattr(sources.section(kind), "environment", ""):
            return EnvironmentRef(kind=kind, name=name)
    return EnvironmentRef(kind=_KIND, name="local")


def _word(noun: str, known: Collection[str]) -> Any:
    """Return the type of a word that the registry knows."""

    def registered(value: str) -> str:
        if value not in known:
            raise ValueError(f"there is no {noun} {value!r}.{did_you_mean(value, known)}")
        return value

    return Annotated[str, AfterValidator(registered)]


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # what it stands in is missing too
        return False


class EnvironmentSettings(Value):
    """One of several environments; what is None is as it is at the top of the file.

    An alert that carries all of `labels` belongs to it.
    """

    labels: dict[str, str] = {}
    sources: Sections = Sections()
    kind: str = Field(default_factory=lambda known: _environment(known).kind)
    services: dict[ServiceName, ServiceSettings] = {}
    actions: ActionSections | None = None
    mode: Mode | None = None
    policy: OwnPolicy | None = None
    watch: WatchSettings | None = None


@dataclass(frozen=True)
class ResolvedEnvironment:
    """One environment as it is configured; `section` is where in the file, "" for the top."""

    ref: EnvironmentRef
    section: str
    labels: Mapping[str, str]
    sources: Sections
    services: Mapping[ServiceName, ServiceSettings]
    actions: ActionSections
    mode: Mode
    policy: Policy
    watch: WatchSettings


class BaseSettings(Value):
    """Everything that can be set, with its built-in value. The vendors' sections come later."""

    registry: ClassVar[Registry] = REGISTRY

    apiVersion: Literal["aiops-agent/v1"] = "aiops-agent/v1"  # noqa: N815 -- the file's spelling
    mode: Mode = Mode.PROPOSE
    plugins: tuple[str, ...] = ()
    sources: Sections = Sections()
    environment: EnvironmentRef = Field(default_factory=_environment)
    environments: dict[EnvironmentName, EnvironmentSettings] = {}
    services: dict[ServiceName, ServiceSettings] = {}
    approvals: ApprovalSettings = ApprovalSettings()
    executor: ExecutorSettings = ExecutorSettings()
    notify: Notify = Notify()
    server: Server = Server()
    alerts: AlertSettings = AlertSettings()
    watch: WatchSettings = WatchSettings()
    story: Story = Story()
    actions: ActionSections = ActionSections()
    policy: Policy = Policy()
    models: ModelSettings | None = None  # None: nothing is sent to a language model
    runbooks: RunbookSettings = RunbookSettings()
    telemetry: otel.TelemetrySettings = otel.TelemetrySettings()
    state_dir: LocalPath = Field(default_factory=lambda: platformdirs.user_state_path("aiops"))
    memory: MemorySettings = MemorySettings()
    store: StoreSettings = Field(default_factory=_own_store)

    _keys: dict[str, SecretStr] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:
        """Keep the keys of models that the environment brings; they are no settings."""
        self._keys.update(ambient(context or {}))

    @property
    def keys(self) -> Mapping[str, SecretStr]:
        """The keys of models that the environment brings, by provider."""
        return self._keys

    def reasoning_with(self, models: ModelSettings | None) -> Self:
        """Return the same settings with these models, and without the keys of the environment."""
        found = self.model_copy(update={"models": models})
        found._keys = {}  # noqa: SLF001 -- our own, of a copy
        return found

    @property
    def resolved(self) -> tuple[ResolvedEnvironment, ...]:
        """Every configured environment; the short form at the top is one."""
        several = [
            (EnvironmentRef(kind=one.kind, name=name), f"environments.{name}.", one)
            for name, one in self.environments.items()
        ]
        short = EnvironmentSettings.model_construct(sources=self.sources, services=self.services)
        return tuple(
            ResolvedEnvironment(
                ref=ref,
                section=section,
                labels=one.labels,
                sources=one.sources,
                services=one.services,
                actions=one.actions or self.actions,
                mode=one.mode or self.mode,
                policy=one.policy.over(self.policy) if one.policy else self.policy,
                watch=one.watch or self.watch,
            )
            for ref, section, one in several or [(self.environment, "", short)]
        )

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """Yield what is well written and cannot be meant: where it stands, and what mends it."""
        for key in ("sources", "services", "environment"):
            if self.environments and key in self.model_fields_set:
                yield (key,), f"move `{key}` into environments.NAME; it has no effect beside them"
        labelled = [one for one in self.resolved if one.labels]
        for one, other in combinations(labelled, 2):
            first, second = one.labels.items(), other.labels.items()
            if first <= second or second <= first:
                label, value = next(iter(first & second))
                flaw = f"{one.ref.name} claims alerts with {label}={value} too"
                remedy = "give each environment its own label"
                yield ("environments", other.ref.name, "labels"), f"{flaw}; {remedy}"
        for place, needs in self._needed():
            for module, extra in needs:
                if not _installed(module):
                    install = f"pip install 'aiops-agent[{extra}]'"
                    yield place, f"needs {module}, which is not installed; {install}"

    def _needed(self) -> Iterator[tuple[Place, Needs]]:
        for one in self.resolved:
            place = tuple(one.section.split(".")[:-1])
            for vendor in self.registry.sources:
                if one.sources.section(vendor.name) is not None:
                    yield (*place, "sources", vendor.name), vendor.needs
        for channel in self.registry.notifiers:
            if self.notify.section(channel.name) is not None:
                yield ("notify", channel.name), channel.needs
        if self.models is not None:
            yield ("models",), NEEDS
        if self.telemetry.otlp is not None:
            yield ("telemetry", "otlp"), otel.NEEDS


def secrets(settings: Value) -> Iterator[str]:
    """Yield every secret of a section and those below it."""
    found = settings.keys.values() if isinstance(settings, BaseSettings) else ()
    yield from (one.get_secret_value() for one in found)
    for _, value in settings:
        inner = value.values() if isinstance(value, dict) else [value]
        for one in inner:
            if isinstance(one, SecretStr):
                yield one.get_secret_value()
            elif isinstance(one, Value):
                yield from secrets(one)
    if isinstance(settings, StoreSettings) and (found_in := urlsplit(settings.url).password):
        yield unquote(found_in)


def settings_model(registry: Registry) -> type[BaseSettings]:
    """Return the settings with a section for each vendor of the registry."""

    def made(base: type[Value], name: str = "", **fields: Any) -> Any:
        return create_model(name or base.__name__, __base__=base, **fields)

    def off(brought: tuple[AnyVendor, ...] | tuple[AnyChannel, ...]) -> dict[str, Any]:
        return {one.name: (one.settings | None, None) for one in brought}

    specs = registry.actions
    bounds = {str(s.kind): (s.bounds, s.bounds()) for s in specs if s.bounds.model_fields}
    notify = made(Notify, **off(registry.notifiers))
    sources = made(Sections, "Sources", **off(registry.sources))
    actions = made(ActionSections, "Actions", **bounds)
    action = _word("action", tuple(str(spec.kind) for spec in specs))
    freeze = made(FreezeSettings, actions=(tuple[action, ...], ()))  # type: ignore[valid-type] # just made
    freezes = (tuple[freeze, ...], ())  # type: ignore[valid-type] # just made
    policy, own = made(Policy, freeze=freezes), made(OwnPolicy, freeze=freezes)
    environment = made(
        EnvironmentSettings,
        kind=(_word("platform", registry.platforms), EnvironmentSettings.model_fields["kind"]),
        sources=(sources, sources()),
        actions=(actions | None, None),
        policy=(own | None, None),
    )
    model: type[BaseSettings] = made(
        BaseSettings,
        "Settings",
        sources=(sources, sources()),
        environments=(dict[EnvironmentName, environment], {}),  # type: ignore[valid-type] # made above
        notify=(notify, notify()),
        actions=(actions, actions()),
        policy=(policy, policy()),
    )
    model.registry = registry
    return model


if TYPE_CHECKING:  # the sections are the registry's, which no type checker can know
    Settings = BaseSettings
else:
    Settings = settings_model(REGISTRY)
