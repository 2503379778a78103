"""Section `executor`: who sends what was approved."""

from aiops_agent.domain.value import Value


class ExecutorSettings(Value):
    """Who sends what was approved: `aiops serve` itself, or a process of its own.

    With `separate` only `aiops execute` sends, and only what is armed; every other process needs no
    rights to change anything.
    """

    separate: bool = False
