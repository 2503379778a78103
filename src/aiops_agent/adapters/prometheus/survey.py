"""What was found of each service, and what is missing."""

from collections.abc import Sequence
from datetime import timedelta

from aiops_agent.adapters.prometheus.mapping import SignalMap
from aiops_agent.adapters.prometheus.signals import question
from aiops_agent.domain.survey import Instances, ServiceSurvey, SignalSource
from aiops_agent.domain.telemetry import GOLDEN, Service, ServiceGraph, ServiceKind


def service_surveys(
    found: SignalMap | None, graph: ServiceGraph, running: Sequence[Instances], source: str
) -> tuple[ServiceSurvey, ...]:
    """Return a survey of each service in the graph, in its order.

    `found` is None when the source of signals does not answer; `source` names who tells the logs
    and changes of what is `running`.
    """
    told = {one.service for one in running}
    return tuple(
        _one(found, graph, service, source if service.name in told else "")
        for service in graph.services
    )


def _one(
    found: SignalMap | None, graph: ServiceGraph, service: Service, source: str
) -> ServiceSurvey:
    sources = found.of(service.name) if found else ()
    signals = tuple(
        SignalSource(
            signal=one.signal,
            recipe=one.recipe,
            query=question([one], timedelta(0)).expression.render(),
        )
        for one in sources
    )
    seen = {one.signal for one in sources}
    missing = [str(signal) for signal in GOLDEN if signal not in seen]
    callers, callees = graph.callers(service.name), graph.callees(service.name)
    missing += [] if callers or callees else ["who calls whom"]
    missing += [] if source else ["logs", "changes"]
    return ServiceSurvey(
        service=service.name,
        replicas=service.replicas,
        signals=signals,
        callers=callers,
        callees=callees,
        logs=source,
        changes=source,
        missing=() if service.kind is ServiceKind.EXTERNAL else tuple(missing),
    )
