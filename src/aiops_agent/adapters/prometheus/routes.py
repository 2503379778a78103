"""Requests that are nobody's work: health checks, scrapes, and streams where time is meant.

Probes ask each replica every few seconds: at little traffic they are a third of all requests,
always quick and never failing. Streams and long polls last as long as somebody listens.
"""

# Labels that hold the route, as instrumentations document them.
ROUTES = (
    "handler", "path", "route", "uri", "url", "view", "endpoint", "http_route", "http_target",
    "url_path", "http_path", "request_path", "url_rule", "target", "grpc_service", "rpc_service",
    "controller", "grpc_method", "rpc_method", "operation", "path_template", "http_url",
)  # fmt: skip

# Kubernetes' *z, Spring's /actuator, Quarkus' /q, Prometheus' /-, Rails' /up, gRPC's health.
HEALTH = (
    r"(?i:(.*[/.])?(health|healthz|healthy|healthcheck|health[-_]checks?|health-?probe|livez?|"
    r"liveness|alive|readyz?|readiness|startupz|heartbeat|_*ping|metrics|prometheus|"
    r"prometheus-django-metrics)(/.*)?([?].*)?|/up|.*/actuator(/.*)?|.*healthcontroller.*|"
    r"grpc\.health\.v1\.health|grpc\.reflection\..*)"
)
STREAM = (
    r"(?i:(.*[/.])?(streams?|streaming|sse|ws|wss|websockets?|socket\.io|long-?poll(ing)?|watch|"
    r"subscribe|signalr)(/.*)?([?].*)?)"
)
