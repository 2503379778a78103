"""What could be found of each service: which series, who calls it, where its logs are."""

from typing import Self

from aiops_agent.domain.telemetry import (
    GOLDEN,
    Service,
    ServiceGraph,
    ServiceKind,
    ServiceName,
    Signal,
)
from aiops_agent.domain.value import Value

# How a golden signal is declared; NAMES in capitals are to be filled in.
_DECLARED = {
    Signal.LATENCY: "{ metric: HISTOGRAM_IN_SECONDS, kind: histogram, labels: { job: JOB } }",
    Signal.TRAFFIC: "{ metric: REQUESTS_TOTAL, kind: counter, labels: { job: JOB } }",
    Signal.ERRORS: "{ metric: FAILED_TOTAL, whole: REQUESTS_TOTAL, kind: counter, "
    "labels: { job: JOB } }",
    Signal.SATURATION: "{ metric: BUSY, whole: MOST, kind: gauge, labels: { job: JOB } }",
}


class Instances(Value):
    """A running service and every name by which one of its replicas may be known.

    `aliases` are container names, ids, host names and addresses (without ports).
    """

    service: ServiceName
    aliases: tuple[str, ...] = ()


class SignalSource(Value):
    """Where one signal comes from; `query` is fit to be pasted into the vendor's page.

    `why` says why nothing is read, although there is a series for it.
    """

    signal: Signal
    recipe: str = ""
    query: str = ""
    why: str = ""


class ServiceSurvey(Value):
    """One service as found. Empty `logs` or `changes` means that nobody tells them."""

    service: ServiceName
    replicas: int | None = None
    signals: tuple[SignalSource, ...] = ()
    callers: tuple[ServiceName, ...] = ()
    callees: tuple[ServiceName, ...] = ()
    logs: str = ""
    changes: str = ""
    missing: tuple[str, ...] = ()

    @classmethod
    def joined(
        cls, graph: ServiceGraph, service: Service, signals: tuple[SignalSource, ...], teller: str
    ) -> Self:
        """Return the survey of one service; `teller` names who tells its logs and changes."""
        seen = {one.signal for one in signals if not one.why}
        why = {one.signal: one.why for one in signals if one.signal not in seen}
        callers, callees = graph.callers(service.name), graph.callees(service.name)
        missing = [str(signal) for signal in GOLDEN if signal not in {*seen, *why}]
        missing += [f"{signal} ({reason})" for signal, reason in why.items()]
        missing += [] if callers or callees else ["who calls whom"]
        missing += [] if teller else ["logs", "changes"]
        return cls(
            service=service.name,
            replicas=service.replicas,
            signals=tuple(one for one in signals if not one.why),
            callers=callers,
            callees=callees,
            logs=teller,
            changes=teller,
            missing=() if service.kind is ServiceKind.EXTERNAL else tuple(missing),
        )

    @property
    def snippets(self) -> tuple[str, ...]:
        """Lines of `aiops.yaml` that declare the golden signals that are missing."""
        seen = {source.signal for source in self.signals}
        return tuple(
            f"services.{self.service}.signals.{signal}: {_DECLARED[signal]}"
            for signal in GOLDEN
            if signal not in seen and self.missing
        )

    @property
    def blind(self) -> bool:
        """Whether it has neither a latency nor an error signal, so that no fix can be verified."""
        seen = {source.signal for source in self.signals}
        return not seen & {Signal.LATENCY, Signal.ERRORS}
