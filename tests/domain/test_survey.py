"""What can be seen of a service, and what would make the rest seen."""

from aiops_agent.domain.survey import ServiceSurvey, SignalSource
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceName, Signal

PAY = Service(name=ServiceName("pay"))


def survey(*signals: SignalSource) -> ServiceSurvey:
    return ServiceSurvey.joined(ServiceGraph(services=(PAY,)), PAY, signals, "docker")


def test_a_signal_that_is_not_read_is_missing_with_its_reason() -> None:
    found = survey(SignalSource(signal=Signal.LATENCY, why="pay_time does not tell its unit"))

    assert not found.signals
    assert found.blind
    assert "latency (pay_time does not tell its unit)" in found.missing


def test_a_missing_golden_signal_comes_with_the_line_that_declares_it() -> None:
    found = survey(SignalSource(signal=Signal.TRAFFIC, recipe="http", query="q"))

    assert [line.split(":")[0] for line in found.snippets] == [
        "services.pay.signals.latency",
        "services.pay.signals.errors",
        "services.pay.signals.saturation",
    ]
