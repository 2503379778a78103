"""Opens what may be looked at: read ports alone, and nothing that keeps or sends anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from aiops_agent.adapters.models.opening import LateModels, Wiring, reasoning
from aiops_agent.agents.asking import Desk
from aiops_agent.agents.diagnose import reason
from aiops_agent.bootstrap.desk import desk_of, own_pages
from aiops_agent.bootstrap.environments import OpenEnvironments
from aiops_agent.bootstrap.pace import pace_of
from aiops_agent.domain.alert import Alert
from aiops_agent.domain.errors import SettingsError, UsageError
from aiops_agent.domain.investigated import Investigated
from aiops_agent.domain.model import ModelCall, Spending
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.routing import Claim, Routes
from aiops_agent.domain.service_status import EnvironmentNow
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.ports.telemetry import Environment, SenderAlerts
from aiops_agent.readonly.alerts import as_webhook, named, of_senders
from aiops_agent.readonly.investigate import LookRequest, investigate
from aiops_agent.readonly.status import read_status
from aiops_agent.settings.sections import Settings, secrets
from aiops_agent.simulator.plug import imagined_shop
from aiops_agent.simulator.scenarios import DEFAULT
from aiops_agent.workflow.intake import without_secrets

NO_MODELS = (
    "No language model may be asked: add a section `models:` to aiops.yaml, and a key "
    "(GEMINI_API_KEY or OPENAI_API_KEY)."
)


@dataclass(frozen=True)
class ReadablePlace:
    """One environment to look at; `alerts` are those of a simulated shop."""

    environment: Environment
    senders: tuple[SenderAlerts, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()


@dataclass
class CallsOfOneLook:
    """ports.model.CallLog in memory: the budget of one incident holds, and nothing is kept."""

    calls: list[ModelCall] = field(default_factory=list)

    def keep(self, call: ModelCall) -> None:
        """Remember a call while this process lasts."""
        self.calls.append(call)

    def answered(self, incident: str, about: str) -> ModelCall | None:
        """Return None: one look asks each question once."""
        del incident, about
        return None

    def spent(self, incident: str) -> Spending:
        """Return what all calls so far used up."""
        del incident
        return self.spent_since(datetime.min.replace(tzinfo=UTC))

    def spent_since(self, moment: datetime) -> Spending:
        """Return what the calls since then used up."""
        counted = [one for one in self.calls if one.started_at >= moment]
        spent = Spending()
        for one in counted:
            spent = Spending(
                usage=spent.usage + one.usage,
                usd=spent.usd + (one.usage.cost or 0.0),
                seconds=spent.seconds + one.took,
            )
        return spent


class Looking:
    """Everything that looks need. Without a configured source a simulated shop is looked at."""

    def __init__(self, settings: Settings, *, scenario: str = "", seed: int = 1) -> None:
        self._settings = settings
        self.redactor = Redactor(secrets(settings))
        self.places = self._opened(scenario, seed)

    @property
    def simulated(self) -> bool:
        """Whether it is a shop of this process's memory."""
        return self.places[0].environment.ref.simulated

    def decoded(self, body: bytes, name: str) -> tuple[Alert, ...]:
        """Return the alerts of a body that a person gave; UsageError says what is wrong."""
        source, webhook = as_webhook(body, name)
        return self._decoded(source, webhook, name)

    async def firing(self, name: str = "") -> tuple[ReadablePlace, tuple[Alert, ...]]:
        """Return where what fires, by those who send alerts, else by those who evaluate rules.

        Raises UsageError when nobody can be asked or nothing fires, SourceError when none answers.
        """
        place = self.place(name)
        if self.simulated:
            return place, place.alerts
        if not place.senders:
            raise UsageError(
                "Nobody can be asked what fires: name a service with --service NAME, give an "
                "alert file, or set sources.alertmanager or sources.prometheus."
            )
        heard = [one for sender in place.senders for one in await sender.firing() if not one.muted]
        if not heard:
            raise UsageError("No alert fires there; name a service with --service NAME.")
        return place, self._decoded("alertmanager", of_senders(heard), "its list of alerts")

    def place(self, name: str = "", alerts: Sequence[Alert] = ()) -> ReadablePlace:
        """Return an environment by its name, else the one that claims the alerts, else the only."""
        known = {one.environment.ref.name: one for one in self.places}
        if name:
            if name in known:
                return known[name]
            hint = did_you_mean(name, known) or f" There are: {', '.join(known)}."
            raise UsageError(f"There is no environment {name!r}.{hint}")
        if len(known) == 1:
            return self.places[0]
        claims = (
            Claim(environment=one.environment.ref, labels=dict(one.labels)) for one in self.places
        )
        routed = Routes(tuple(claims)).route(alerts[0].labels) if alerts else None
        if routed is not None and routed.environment is not None:
            return known[routed.environment.name]
        raise UsageError(f"Say which environment: --environment {' or '.join(known)}.")

    async def investigate(
        self,
        place: ReadablePlace,
        *,
        service: str = "",
        alerts: tuple[Alert, ...] = (),
        alert: str = "",
        since: timedelta | None = None,
        model: bool = False,
    ) -> Investigated:
        """Look at a service, or at what alerts speak of; `alert` names those that are meant."""
        meant = named(alerts, alert) if alert else alerts
        question = LookRequest(service, meant, since)
        pace = pace_of(self._settings)
        if not model:
            return await investigate(place.environment, question, pace)
        models, desk = self._models()
        try:
            return await investigate(place.environment, question, pace, partial(reason, desk))
        finally:
            await models.close()

    async def status(self, name: str = "") -> tuple[EnvironmentNow, ...]:
        """Return how the services of one environment, or of each, are now."""
        wanted = (self.place(name),) if name else self.places
        harm = pace_of(self._settings).harm
        return tuple([await read_status(one.environment, harm) for one in wanted])

    def _models(self) -> tuple[LateModels, Desk]:
        settings, now = self._settings, lambda: datetime.now(UTC)
        wiring = Wiring(CallsOfOneLook(), now, None, self.redactor)
        found = reasoning(settings.models, settings.keys, wiring)
        if found.real is None:
            raise SettingsError(f"{NO_MODELS[:-1]}: {found.flaw}." if found.flaw else NO_MODELS)
        pages = own_pages(settings)
        if pages.flaws:
            raise SettingsError("\n".join(pages.flaws))
        return found.real, desk_of(found.real, pages)

    def _opened(self, scenario: str, seed: int) -> tuple[ReadablePlace, ...]:
        configured = OpenEnvironments(self._settings, self.redactor).configured
        seen = [one for one in configured if one.configured.sources.any]
        if seen and scenario:
            raise UsageError("--scenario is for the simulated shop, and sources are configured.")
        if not seen:
            shop = imagined_shop(scenario or DEFAULT, seed)
            return (ReadablePlace(environment=shop.environment, alerts=shop.alerts),)
        return tuple(
            ReadablePlace(
                one.environment, one.senders or one.evaluators, dict(one.configured.labels)
            )
            for one in seen
        )

    def _decoded(self, source: str, body: bytes, name: str) -> tuple[Alert, ...]:
        decode = self._settings.registry.decoders[source]
        delivery = decode(body, received_at=datetime.now(UTC))
        if delivery.rejected:
            raise UsageError(f"{name} cannot be read: {delivery.rejected}")
        return without_secrets(delivery, self.redactor).alerts
