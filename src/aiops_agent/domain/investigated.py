"""What one look at an environment found, with all that it rests on; nothing of it is kept."""

from datetime import datetime

from aiops_agent.domain.alert import NO_ALERTS, AlertList
from aiops_agent.domain.answer import Effort
from aiops_agent.domain.diagnosis import Diagnosis, Finding, Triage, TriageVerdict
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.reasoning import SecondOpinion
from aiops_agent.domain.service_status import ServiceNow
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.trouble import PlatformTrouble
from aiops_agent.domain.value import Document, Value

API_VERSION = "aiops-agent/v1"


class Investigated(Value):
    """One look. Without `triage` or `diagnosis`, `missing` says why there is none.

    `at` is the environment's time. `left_out` names alerts that speak of something else.
    """

    environment: EnvironmentRef
    service: ServiceName
    at: datetime
    alerts: AlertList = NO_ALERTS
    left_out: tuple[str, ...] = ()
    now: ServiceNow | None = None  # of a service that was asked for
    troubles: tuple[
        PlatformTrouble, ...
    ] = ()  # of it, or of no service, as its platform tells them
    triage: Triage | None = None
    diagnosis: Diagnosis | None = None
    opinion: SecondOpinion | None = None  # what a model makes of it, where one was asked
    effort: Effort | None = None  # of that model, with each change of hands
    missing: tuple[str, ...] = ()

    @property
    def quiet(self) -> bool:
        """Whether nothing is wrong there, by what was seen; what is not seen is never quiet."""
        if any(one.harm for one in self.troubles):
            return False
        if self.triage is None or self.triage.verdict is TriageVerdict.CONFIRMED:
            return False
        if self.triage.verdict is TriageVerdict.CONTRADICTED:
            return True
        asked = not self.alerts.total  # nobody claims that anything is wrong
        return asked and self.now is not None and self.now.seen and not self.now.severity

    @property
    def elsewhere(self) -> tuple[Finding, ...]:
        """What changed at other services, where nothing is wrong at this one."""
        found = self.diagnosis.findings if self.diagnosis and self.quiet else ()
        return tuple(one for one in found if one.changed and one.service != self.service)

    def told(self) -> Document:
        """Return the JSON form."""
        return {"apiVersion": API_VERSION, "quiet": self.quiet, **self.document()}
