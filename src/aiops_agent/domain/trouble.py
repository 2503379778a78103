"""What a platform says by itself is wrong: no metric is needed to see it."""

from datetime import datetime
from enum import StrEnum

from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.value import Value


class TroubleKind(StrEnum):
    """The states that are told apart, by the name that the platform's users know."""

    CRASH_LOOP = "crash_loop"  # a container ends again and again
    OUT_OF_MEMORY = "out_of_memory"  # it was killed at its own limit
    IMAGE = "image"  # its image cannot be had
    START = "start"  # its command cannot be started
    CONFIG_MISSING = "config_missing"  # a ConfigMap, a Secret, a key or a volume is not there
    UNSCHEDULABLE = "unschedulable"  # no node takes the pod
    NOT_READY = "not_ready"  # it runs, and its readiness probe fails
    UNHEALTHY = "unhealthy"  # it is killed again and again by its liveness or startup probe
    INIT = "init"  # an init container does not end
    EVICTED = "evicted"  # pods were thrown off their node
    ROLLOUT_STUCK = "rollout_stuck"  # a new version does not become available
    CREATE_REFUSED = "create_refused"  # quota, admission or a policy refuses new pods
    JOB_FAILED = "job_failed"
    VOLUME = "volume"  # a claim is not bound, or a volume cannot be mounted
    NO_ENDPOINTS = "no_endpoints"  # a Service has nobody to send requests to
    SCALED_TO_ZERO = "scaled_to_zero"  # a Service's workload is wanted zero times
    AUTOSCALER = "autoscaler"  # it is at its maximum, or cannot count
    BUDGET_BLOCKS = "budget_blocks"  # a disruption budget forbids every eviction
    NODE = "node"  # not ready, under pressure or cordoned
    TERMINATING = "terminating"  # a pod does not end


class PlatformTrouble(Value):
    """One thing that is wrong, whose it is, and the right next step. All words are untrusted.

    `harm` says that something that is wanted does not work now; without it, it is worth knowing.
    `what` and `name` are the object that says it, such as "Pod" and its name; `service` is "" where
    it belongs to none, such as a node.
    """

    kind: TroubleKind
    service: ServiceName
    what: str
    name: str
    namespace: str = ""
    words: str
    step: str
    harm: bool = True
    since: datetime | None = None
    instances: int = 1  # pods that say the same
    last_words: str = ""  # the last lines that a container wrote before it ended

    @property
    def subject(self) -> str:
        """The object that says it, as people write it: "Pod shop/cart-1"."""
        return f"{self.what} {self.namespace}/{self.name}" if self.namespace else self.place

    @property
    def place(self) -> str:
        """The object without its namespace: "Node node1"."""
        return f"{self.what} {self.name}"
