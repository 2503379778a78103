"""Mouth: how a person is told."""

from typing import Protocol

from aiops_agent.domain.notice import Notice, Receipt


class Notifier(Protocol):
    """One way to tell people."""

    @property
    def name(self) -> str:
        """The channel's name, stable: it names the receiver's outbox and cursor."""

    async def tell(self, notice: Notice) -> Receipt:
        """Tell it; the same `notice.key` may be told again after a crash. Raises NotifyError."""
