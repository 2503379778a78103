"""Which signal an alert speaks of."""

import pytest

from aiops_agent.domain.telemetry import Signal
from aiops_agent.reasoning.read_alert import spoken_of
from tests.reasoning.world import World


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("HighLatency", Signal.LATENCY),
        ("ApiSlowP95", Signal.LATENCY),
        ("request_duration_too_long", Signal.LATENCY),
        ("Http5xxRate", Signal.ERRORS),
        ("CheckoutFailures", Signal.ERRORS),
        ("ContainerMemoryHigh", Signal.MEMORY),
        ("CPUThrottling", Signal.SATURATION),
        ("KafkaBacklog", Signal.QUEUE),
        ("InstanceDown", Signal.REPLICAS),
    ],
)
def test_an_alerts_name_tells_its_signal(name: str, signal: Signal) -> None:
    assert spoken_of(World(alert=name).incident()) == (signal,)


def test_the_first_alert_of_several_leads() -> None:
    names = {"alert_names": ("HighLatency", "HighErrorRate")}
    incident = World().incident().model_copy(update=names)
    assert spoken_of(incident) == (Signal.LATENCY, Signal.ERRORS)


def test_a_name_without_a_known_word_leaves_the_text() -> None:
    texts = {"alert_names": ("A17",), "title": "", "summary": "the service is slow"}
    assert spoken_of(World().incident().model_copy(update=texts)) == (Signal.LATENCY,)
