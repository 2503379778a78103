"""Of how much does an alert speak: of a whole service, of a part of it, or of one instance?"""

import re
from dataclasses import dataclass

from aiops_agent.domain.alert import Alert
from aiops_agent.domain.telemetry import Signal

# Labels that make an alert one about a part of what a service does, by a word in their name.
PARTS = re.compile(
    r"(?:^|_)(?:handler|route|path|uri|url|method|verb|resource|operation|topic|host|vhost|quantile"
    r"|integration|client|user|database|datname|api_call|grpc_service|endpoint_name|source|code"
    r"|status|reason|action|command|cmd|view|query)(?:_|$)"
)
# Labels that name one instance, so that the others may be well while it is not.
ONE = ("pod", "instance", "kubernetes_pod_name", "pod_name", "exported_pod", "exported_instance",
        "container_id", "server")  # fmt: skip


@dataclass(frozen=True)
class Refusal:
    """Why nothing contradicts an alert, in words."""

    why: str


def one_instance(alert: Alert, signal: Signal) -> bool:
    """Whether it is about one instance, of which only a count of instances tells."""
    return signal is not Signal.REPLICAS and any(alert.labels.get(name) for name in ONE)
