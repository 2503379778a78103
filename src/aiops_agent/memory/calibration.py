"""Does a confidence hold what it promises? What was said beside what people and telemetry found.

A person's word decides; else a diagnosis was right when an action of its plan mended the trouble,
and wrong when all that was done whole did not. What ended by itself tells nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from aiops_agent.domain.diagnosis import Confidence
from aiops_agent.domain.postmortem import CaseSource, HeldConfidence, PastIncident
from aiops_agent.domain.remediation import EffectState, Recovery
from aiops_agent.domain.value import Value
from aiops_agent.memory.odds import FAILED, TrackRecord

# From this belief on the word is said (reasoning.belief): so often it has to be right.
PROMISED: Mapping[Confidence, float] = {Confidence.HIGH: 0.75, Confidence.MEDIUM: 0.6}


class ConfidenceRecord(Value):
    """One word of confidence; its share of right ones lies in `low`..`high` with 90 %."""

    confidence: Confidence
    right: int
    wrong: int
    low: float
    high: float
    promised: float  # the belief from which on the word is said; 0 when it promises nothing

    @property
    def drifts(self) -> bool:
        """Whether it is surely right less often than it promises."""
        return self.high < self.promised


def verdict(case: PastIncident) -> bool | None:
    """Return whether the last diagnosis of a case was right; None when nobody can tell."""
    if case.source is not CaseSource.OWN:
        return None
    if case.ratings:
        return case.ratings[-1].right
    whole = {one.recovery for one in case.tried if one.state is EffectState.APPLIED}
    if Recovery.RECOVERED in whole:
        return True
    return False if whole and whole <= set(FAILED) else None


def held(cases: Iterable[PastIncident]) -> tuple[HeldConfidence, ...]:
    """Add up what held of each word of confidence, in the cases and those that they stand for."""
    counts: Counter[tuple[Confidence, bool]] = Counter()
    for case in cases:
        found = verdict(case)
        if case.confidence is not None and found is not None:
            counts[case.confidence, found] += 1
        for one in case.pattern.held if case.pattern else ():
            counts[one.confidence, True] += one.right
            counts[one.confidence, False] += one.wrong
    return tuple(
        HeldConfidence(confidence=word, right=counts[word, True], wrong=counts[word, False])
        for word in Confidence
        if counts[word, True] or counts[word, False]
    )


def calibration(cases: Iterable[PastIncident]) -> tuple[ConfidenceRecord, ...]:
    """Return each word of confidence that was judged, the surest first."""
    return tuple(
        ConfidenceRecord(
            **dict(one),
            low=round(low, 3),
            high=round(high, 3),
            promised=PROMISED.get(one.confidence, 0.0),
        )
        for one in held(cases)
        for low, high in (TrackRecord(one.right, one.wrong).interval,)
    )
