"""The product against real servers: Docker Engine, Prometheus, Alertmanager, PostgreSQL."""
