"""Are false alarms dismissed, and never a real outage? Ordinary rules with thresholds too low.

The telemetry is canned: services that are well, as their own exporters tell of them. Each rule
fires truly by its expression, and harms nobody. Then the same alerts come while the service fails
most requests, is frozen, or is asked by nobody any more; none may be dismissed.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aiops_agent.agents.triage import triage
from aiops_agent.domain.alert import AlertList, AlertState, IncidentAlert
from aiops_agent.domain.diagnosis import Triage, TriageVerdict
from aiops_agent.domain.telemetry import AlertRule, RuleReading, Service, ServiceName, Signal
from aiops_agent.evaluation.goals import Goal, share
from tests.reasoning.world import BEGAN, Course, World, step

FOREIGN = ("podinfo", "fastapi", "redis")  # services that nobody here wrote
HTTP = ("podinfo", "fastapi", "storefront", "checkout-api", "payments-api")


@dataclass(frozen=True)
class FalseAlarm:
    """A rule that fires for a service that is well; `value` is that of its expression now."""

    service: str
    name: str
    expression: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def who(self) -> str:
        """Its service and name."""
        return f"{self.service} {self.name}"


def alarms() -> Iterator[FalseAlarm]:
    """Return all of them."""
    for service in HTTP:
        yield from _of_requests(service)
        yield from _of_a_container(service)
    yield from _of_redis()
    yield from _of_a_container("redis")
    yield from _of_queues()


def _of_requests(service: str) -> Iterator[FalseAlarm]:
    status = '"5xx"' if service == "fastapi" else '~"5.."'
    own = f'job="{service}"'
    seconds = f"rate(http_request_duration_seconds_bucket{{{own}}}[5m])"
    bad = f"sum(rate(http_requests_total{{{own},status={status}}}[5m]))"
    asked = f"sum(rate(http_requests_total{{{own}}}[5m]))"
    mean = [f"sum(rate(http_request_duration_seconds_{one}[5m]))" for one in ("sum", "count")]
    down = f"count by (job) (up{{{own}}} == 0) / count by (job) (up{{{own}}})"
    route = (("handler", "/api"),)

    def quantile(level: float, by: str = "le") -> str:
        return f"histogram_quantile({level}, sum by ({by}) ({seconds}))"

    yield FalseAlarm(service, "HighP95", f"{quantile(0.95)} > 0.01", 0.05)
    yield FalseAlarm(service, "SlowMedian", f"{quantile(0.5)} > 0.005", 0.02)
    yield FalseAlarm(service, "HighP99", f"{quantile(0.99)} > 0.02", 0.08)
    yield FalseAlarm(service, "SlowOnAverage", f"{mean[0]} / {mean[1]} > 0.005", 0.02)
    yield FalseAlarm(service, "SlowRoute", f"{quantile(0.95, 'le, handler')} > 0.01", 0.06, route)
    yield FalseAlarm(service, "ErrorShare", f"{bad} / {asked} > 0.0005", 0.001)
    yield FalseAlarm(service, "ErrorPercent", f"100 * {bad} / {asked} > 0.05", 0.1)
    yield FalseAlarm(service, "ErrorsOfARoute", f"{bad} / {asked} > 0.0005", 0.002, route)
    yield FalseAlarm(service, "ManyRequests", f"{asked} > 10", 50.0)
    yield FalseAlarm(service, "InstanceDown", f"up{{{own}}} == 0", 0.0)  # one scrape was late
    yield FalseAlarm(service, "TargetDown", f"100 * ({down}) > 1", 50.0)


def _of_a_container(service: str) -> Iterator[FalseAlarm]:
    own = f'name="{service}"'
    cpu = f"sum(rate(container_cpu_usage_seconds_total{{{own}}}[5m]))"
    memory = f"sum(container_memory_working_set_bytes{{{own}}})"
    limit = f"sum(container_spec_memory_limit_bytes{{{own}}})"
    yield FalseAlarm(service, "ContainerCpu", f"{cpu} > 0.01", 0.1)
    yield FalseAlarm(service, "ContainerMemory", f"{memory} / {limit} > 0.2", 0.4)
    yield FalseAlarm(service, "ResidentMemory", "process_resident_memory_bytes > 1e6", 4e7)


def _of_redis() -> Iterator[FalseAlarm]:
    clients, seconds = "redis_connected_clients", "rate(redis_commands_duration_seconds_total[5m])"
    hits, misses = (f"rate(redis_keyspace_{one}_total[5m])" for one in ("hits", "misses"))
    memory = "redis_memory_used_bytes / redis_memory_max_bytes"
    yield FalseAlarm("redis", "RedisDown", "redis_up == 0", 0.0)
    yield FalseAlarm("redis", "RedisMemory", f"{memory} > 0.2", 0.4)
    yield FalseAlarm("redis", "RedisClients", f"{clients} > 2", 12.0)
    yield FalseAlarm("redis", "ClientShare", f"{clients} / redis_config_maxclients > 0.001", 0.1)
    slow = f"{seconds} / rate(redis_commands_total[5m])"
    yield FalseAlarm("redis", "RedisSlow", f"{slow} > 1e-6", 0.05)
    yield FalseAlarm("redis", "RedisHits", f"{hits} / ({hits} + {misses}) < 0.99", 0.95)
    yield FalseAlarm("redis", "RedisExporter", 'up{job="redis-exporter"} == 0', 0.0)  # a carrier's


def _of_queues() -> Iterator[FalseAlarm]:
    group = (("consumergroup", "orders-worker"),)
    yield FalseAlarm("orders-worker", "Lag", "kafka_consumergroup_lag > 1", 6.0, group)
    for queue in ("orders", "mails"):
        ready = f'rabbitmq_queue_messages_ready{{queue="{queue}"}}'
        yield FalseAlarm("rabbitmq", "Messages", f"{ready} > 1", 6.0, (("queue", queue),))


QUERIES = {  # as the recipes of the exporters ask
    Signal.LATENCY: "rate(redis_commands_duration_seconds_total[1m])"
    " / rate(redis_commands_total[1m])",
    Signal.MEMORY: "redis_memory_used_bytes / redis_memory_max_bytes",
    Signal.POOL: "redis_connected_clients / redis_config_maxclients",
    Signal.CACHE_HITS: "rate(redis_keyspace_hits_total[1m]) / (rate(redis_keyspace_hits_total[1m])"
    " + rate(redis_keyspace_misses_total[1m]))",
    Signal.REPLICAS: "sum(redis_up)",
}
WELL: Mapping[Signal, Course] = {
    Signal.LATENCY: step(0.05, 0.05),
    Signal.ERRORS: step(0.001, 0.001),
    Signal.TRAFFIC: step(50.0, 50.0),
    Signal.SATURATION: step(0.1, 0.1),
    Signal.MEMORY: step(0.4, 0.4),
    Signal.POOL: step(0.1, 0.1),
    Signal.CACHE_HITS: step(0.95, 0.95),
    Signal.QUEUE: step(6.0, 6.0),
    Signal.REPLICAS: lambda _: 1.0,
}


def _gone(course: Course) -> Course:
    return lambda t: course(t) if t < 0 else None


OUTAGES: Mapping[str, Mapping[Signal, Course]] = {
    "fails most requests": {**WELL, Signal.ERRORS: step(0.001, 0.6)},
    "frozen": {signal: _gone(course) for signal, course in WELL.items()},
    "asked by nobody": {**WELL, Signal.TRAFFIC: lambda t: 50.0 if t < 0 else 0.0},
    "slow": {**WELL, Signal.LATENCY: step(0.05, 3.0)},
}


async def seen(alarm: FalseAlarm, courses: Mapping[Signal, Course]) -> Triage:
    """Return what triage says of an alarm while a service is like that."""
    labels = {"alertname": alarm.name, "job": alarm.service, "severity": "warning"}
    if alarm.name == "RedisExporter":
        labels["job"] = "redis-exporter"
    labels |= dict(alarm.labels)
    told = IncidentAlert(
        source="alertmanager", labels=labels, state=AlertState.FIRING, received_at=BEGAN,
        key="k", incident="INC-0007", since=BEGAN, last_seen=BEGAN,
    )  # fmt: skip
    own = {name: value for name, value in labels.items() if name not in {"alertname", "severity"}}
    holds = RuleReading(labels=own, value=alarm.value)
    name = ServiceName(alarm.service)
    world = World(
        courses={(name, signal): course for signal, course in courses.items()},
        queries={(name, s): text for s, text in QUERIES.items() if alarm.service == "redis"},
        services=(Service(name=name),),
        alerting=alarm.service,
        listed=(AlertRule(name=alarm.name, expression=alarm.expression),),
        readings={alarm.name: (holds,)},
    )
    return await triage(world.briefing(alerts=AlertList(shown=(told,), total=1)))


def rows() -> tuple[list[Goal], list[str]]:
    """Return the rows, and what failed in a line each."""
    return asyncio.run(_rows())


async def _rows() -> tuple[list[Goal], list[str]]:
    faults, dismissed, foreign, outages, wrongly = [], [], [], 0, 0
    for alarm in alarms():
        found = await seen(alarm, WELL)
        good = found.verdict is TriageVerdict.CONTRADICTED
        dismissed.append(good)
        foreign += [good] if alarm.service in FOREIGN else []
        if not good:
            faults.append(
                f"false alarm {alarm.service} {alarm.name}: {found.verdict}: {found.reason}"
            )
        for outage, courses in OUTAGES.items():
            found = await seen(alarm, courses)
            outages += 1
            if found.verdict is TriageVerdict.CONTRADICTED:
                wrongly += 1
                faults.append(
                    f"dismissed: {alarm.service} {alarm.name} while {outage}: {found.reason}"
                )
    made = [
        Goal("false alarms dismissed", *share(dismissed), ">= 0.9"),
        Goal("false alarms dismissed (podinfo, FastAPI, Redis)", *share(foreign), ">= 0.9"),
        Goal("outages dismissed under the same alerts", outages, wrongly, "<= 0"),
    ]
    return made, faults
