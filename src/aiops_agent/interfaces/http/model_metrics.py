"""Counts of what was asked of language models, for Prometheus."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aiops_agent.domain.model import CallSummary, ModelRef

ANSWERED = "answered"  # the outcome of a request that brought an answer
# The buckets of OpenTelemetry's gen_ai.client.operation.duration.
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)


class ModelCounts:
    """Requests, tokens in disjoint kinds, cost, troubles and breakers.

    Labels are agents of ours and models of the settings: what a provider calls itself is none.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        broken: Callable[[], Mapping[ModelRef, bool]] = dict,
    ) -> None:
        self._broken = broken
        of = ("agent", "provider", "model")

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"aiops_model_{name}", text, (*of, *labels), registry=registry)

        self._requests = counter("requests", "Requests to language models.", "outcome")
        self._tokens = counter("tokens", "Their tokens; the kinds add up to all.", "kind")
        self._cost = counter("cost_usd", "What they cost, as far as it is known.")
        self._unpriced = counter("unpriced", "Requests whose price is unknown.")
        text = "Wall time of one request."
        name = "aiops_model_request_duration_seconds"
        self._took = Histogram(name, text, of[1:], buckets=SECONDS, registry=registry)
        text = "Whether a model is not tried because it failed too often lately."
        self._open = Gauge("aiops_model_breaker_open", text, of[1:], registry=registry)

    def count(self, call: CallSummary) -> None:
        """Count one request."""
        of, used = (call.agent, call.model.provider, call.model.name), call.usage
        self._requests.labels(*of, call.trouble or ANSWERED).inc()
        self._took.labels(*of[1:]).observe(call.took)
        kinds = {
            "input": used.input - used.cached_input,
            "cached_input": used.cached_input,
            "output": used.output - used.reasoning,
            "reasoning": used.reasoning,
        }
        for kind, tokens in kinds.items():
            self._tokens.labels(*of, kind).inc(max(tokens, 0))
        if used.cost is None:
            self._unpriced.labels(*of).inc()
        else:
            self._cost.labels(*of).inc(used.cost)

    def look(self) -> None:
        """Take in which models are not tried now."""
        for model, broken in self._broken().items():
            self._open.labels(model.provider, model.name).set(broken)
