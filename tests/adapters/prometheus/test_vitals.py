"""Signals of single instances: asked for with every label that may name one."""

from aiops_agent.adapters.prometheus.discover import Discovery
from aiops_agent.adapters.prometheus.vitals import PrometheusVitals
from aiops_agent.domain.telemetry import ServiceName, Signal, Vital

from .fake_prometheus import FakePrometheus, FixedClock

SERIES = [
    {"__name__": "http_request_duration_seconds_bucket", "service": "pay", "job": "shop"},
    {"__name__": "http_request_duration_seconds_bucket", "service": "cart", "job": "shop"},
]


def row(value: str, **labels: str) -> dict[str, object]:
    return {"metric": labels, "value": [0, value]}


async def vitals(fake: FakePrometheus, service: str = "pay") -> tuple[Vital, ...]:
    discovery = Discovery(fake.client, FixedClock())
    return await PrometheusVitals(fake.client, discovery).vitals(ServiceName(service))


async def test_each_instance_is_told_apart_and_known_by_its_address() -> None:
    fake = FakePrometheus(
        series=SERIES,
        now={
            "histogram_quantile": [
                row("0.1", instance="10.0.0.1:8080"),
                row("NaN", instance="10.0.0.2:8080"),
            ],
            "up{": [row("1", instance="10.0.0.1:8080"), row("0", instance="10.0.0.2:8080")],
        },
    )

    found = await vitals(fake)

    assert [(one.signal, one.value) for one in found] == [
        (Signal.LATENCY, 0.1),
        (Signal.REPLICAS, 1.0),
        (Signal.REPLICAS, 0.0),
    ]
    assert all({"10.0.0.1", "10.0.0.2"} & set(one.names) for one in found)


async def test_only_this_service_is_asked_about_and_by_every_name_of_an_instance() -> None:
    fake = FakePrometheus(series=SERIES, now={"histogram_quantile": [row("1")], "up{": [row("1")]})

    await vitals(fake)

    latency, up = fake.asked[1:]
    assert 'service="pay"' in latency
    assert "by (instance, pod, container, container_name, name, id, service_instance_id, le)" in (
        latency
    )
    assert up == 'up{service="pay"}'


async def test_of_a_service_without_signals_nothing_is_known() -> None:
    assert await vitals(FakePrometheus(series=SERIES), "nobody") == ()
