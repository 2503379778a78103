"""How often did an action help in the like of this, and how sure is that?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from aiops_agent.domain.remediation import ActionKind, Precedent, Recovery

HALF_LIFE = timedelta(days=180)  # after which a case weighs half
LEAST_WEIGHT = 0.05  # what is old still tells something
SHORT = timedelta(days=7)  # what comes back within it was eased, not mended
MIND_CHANGES = 2  # failures in a row at one service with one release that outweigh the past
FAILED = (Recovery.NOT_RECOVERED, Recovery.WORSE)


@dataclass(frozen=True)
class TrackRecord:
    """Weighted counts of what an action did, and the share of the like that healed by itself."""

    helped: float = 0.0
    failed: float = 0.0
    heals: float = 0.0

    @property
    def rate(self) -> float:
        """The expected success rate: the mean of a Beta distribution that began as even."""
        return (self.helped + 1.0) / (self.helped + self.failed + 2.0)

    @property
    def standing(self) -> float:
        """What memory adds to an action (-0.5..0.5): 0 is what is said of one never tried.

        A success counts only above the rate at which the like healed by itself.
        """
        if self.rate < 0.5:
            return self.rate - 0.5
        return max(self.rate - max(0.5, self.heals), 0.0)

    @property
    def interval(self) -> tuple[float, float]:
        """The range in which the success rate lies with 90 %."""
        at = (np.arange(2000) + 0.5) / 2000
        log = self.helped * np.log(at) + self.failed * np.log1p(-at)
        mass = np.cumsum(np.exp(log - log.max()))
        low, high = np.searchsorted(mass / mass[-1], (0.05, 0.95))
        return float(at[low]), float(at[high])


def weight(ended_at: datetime, now: datetime, held: timedelta | None) -> float:
    """Return what a case weighs: less with age, half when the trouble came back soon."""
    age = max((now - ended_at) / HALF_LIFE, 0.0)
    faded = max(0.5**age, LEAST_WEIGHT)
    return float(faded / 2 if held is not None and held < SHORT else faded)


def track_record(tries: Iterable[Precedent]) -> TrackRecord:
    """Add up what is known of one kind of action."""
    helped = failed = heals = 0.0
    for one in tries:
        helped += one.weight if one.recovery is Recovery.RECOVERED else 0.0
        failed += one.weight if one.recovery in FAILED else 0.0
        heals = max(heals, one.heals)
    return TrackRecord(helped, failed, heals)


def standing(kinds: set[ActionKind], known: Sequence[Precedent]) -> float:
    """Return what memory says for (above 0) or against (below) doing these kinds of action."""
    own = [one for one in known if one.action.kind in kinds]
    if changed_mind(own):
        return -1.0
    return track_record(own).standing


def changed_mind(own: Sequence[Precedent]) -> bool:
    """Whether it failed the last times at this very service, with the release that runs now."""
    here = sorted((one for one in own if one.here), key=lambda one: one.ended_at, reverse=True)
    said = [one.recovery for one in here if one.recovery is not Recovery.INCONCLUSIVE]
    last = said[:MIND_CHANGES]
    return len(last) == MIND_CHANGES and all(one in FAILED for one in last)
