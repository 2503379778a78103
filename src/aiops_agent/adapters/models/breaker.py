"""A model that failed too often lately is not tried for a while."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.domain.model import ModelError, ModelRef, Trouble

FAILURES = 3  # rounds in a row, each already tried several times
FIRST_BREAK = timedelta(seconds=30)  # as long as most overloads last
LONGEST_BREAK = timedelta(minutes=10)  # after a day's outage it is back within this time
_AWAY = (Trouble.OVERLOAD, Trouble.SILENCE)


@dataclass
class Breaker:
    """Counts the rounds of each model that failed in a row; a good answer forgets them."""

    now: Callable[[], datetime]
    _failed: dict[ModelRef, int] = field(default_factory=dict)
    _until: dict[ModelRef, datetime] = field(default_factory=dict)

    def check(self, ref: ModelRef) -> None:
        """Raise ModelError while a model is not to be tried."""
        until = self._until.get(ref)
        if until is not None and self.rests(ref):
            left = (until - self.now()).total_seconds()
            text = f"{ref} failed {self._failed[ref]} times in a row; tried again in {left:.0f} s."
            raise ModelError(text, Trouble.CLOSED)

    def rests(self, ref: ModelRef) -> bool:
        """Whether a model is not to be tried now."""
        until = self._until.get(ref)
        return until is not None and self.now() < until

    def note(self, ref: ModelRef, trouble: Trouble | None) -> None:
        """Note how a round ended; None is an answer."""
        if trouble not in _AWAY:
            self._failed.pop(ref, None)
            self._until.pop(ref, None)
            return
        failed = self._failed[ref] = self._failed.get(ref, 0) + 1
        if failed >= FAILURES:
            pause = min(FIRST_BREAK * 2 ** min(failed - FAILURES, 10), LONGEST_BREAK)
            self._until[ref] = self.now() + pause
