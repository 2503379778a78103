"""What keeps a cause from coming back, softens it, or shows it earlier?"""

from aiops_agent.domain.diagnosis import CauseKind

# By kind of cause: what sort of action item it is, and its text for the service.
_FOLLOW_UPS: dict[CauseKind, tuple[tuple[str, str], ...]] = {
    CauseKind.CAPACITY: (
        ("prevent", "Size {0} for its peak traffic, or let it scale by itself"),
        ("detect", "Alert on the saturation of {0} before its latency suffers"),
    ),
    CauseKind.HANG: (
        ("prevent", "Find why {0} stopped answering (thread dump, core, dependencies)"),
        ("mitigate", "Give {0} a liveness check that notices a process that does not answer"),
    ),
    CauseKind.RELEASE: (
        ("prevent", "Reproduce the defect of the release of {0} in a test"),
        ("detect", "Compare a new release of {0} with the old one before it takes all traffic"),
    ),
    CauseKind.CONFIG: (
        ("prevent", "Check the changed setting of {0} against its load before it is released"),
        ("detect", "Alert on waiting for connections in {0}"),
    ),
    CauseKind.LEAK: (
        ("prevent", "Find the leak in {0}; a restart only buys time"),
        ("detect", "Alert on the trend of memory in {0}, hours before the limit"),
    ),
    CauseKind.DEPENDENCY: (
        ("mitigate", "Let callers degrade when {0} does not answer (time-out, fallback)"),
        ("detect", "Watch {0} from outside, and keep its support contact at hand"),
    ),
    CauseKind.ERRORS: (
        ("prevent", "Reproduce the failing requests of {0} in a test"),
        ("detect", "Alert on the errors of each path of {0}, not only on all of them"),
    ),
    CauseKind.CONTENTION: (
        ("prevent", "Find what uses up the capacity of {0}, and give it a limit of its own"),
        ("detect", "Watch what else runs where {0} runs"),
    ),
    CauseKind.CRASH: (
        ("prevent", "Find why {0} ended (its last lines, its exit code, its limits)"),
        ("detect", "Alert when instances of {0} end, before its callers suffer"),
    ),
    CauseKind.COLD_CACHE: (
        ("prevent", "Find out who emptied {0}, and warm it before it takes traffic"),
        ("mitigate", "Protect the database behind {0} from a cold cache (request coalescing)"),
    ),
}


def prevention(cause: CauseKind, service: str) -> list[tuple[str, str]]:
    """Return action items as (text, "prevent" | "mitigate" | "detect"); none for the unknown."""
    return [(text.format(service), sort) for sort, text in _FOLLOW_UPS.get(cause, ())]
