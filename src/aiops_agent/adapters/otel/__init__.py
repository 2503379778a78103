"""OpenTelemetry: the trace of an incident, sent by OTLP over HTTP when it has ended."""
