"""For machines: alerts in, health, metrics, incidents as JSON."""
