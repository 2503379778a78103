"""Memory grows until the service suffers."""

from collections.abc import Iterator

import numpy as np

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import Change, ChangeKind, ServiceKind, ServiceName, Signal
from aiops_agent.reasoning.causes.expectations import hurts_itself, same_traffic, written
from aiops_agent.reasoning.measure import Track, slope
from aiops_agent.reasoning.mine import MEMORY
from aiops_agent.reasoning.suspect import Investigation, Prediction, Suspicion, expect, fact

STEADY_FIT = 0.6  # of a straight line; noise alone fits worse
FAR = 0.1  # share of the limit by which memory must have grown
FEW = 7  # samples, of which the middle one counts
NEAR_LIMIT = 0.8  # share of the limit: from here memory is what hurts


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every service in pain, or about to be, whose memory grew far.

    Of one that is well and whose memory rises and falls, nothing is suspected.
    """
    for name in case.scene.names:
        memory = case.scene.tracks.get((name, Signal.MEMORY))
        if memory is None or case.kind(name) is ServiceKind.EXTERNAL:
            continue
        if _grown(memory) < FAR:
            continue
        predictions = tuple(_predictions(case, name))
        if name not in case.hurting and not any(p.sign and p.held for p in predictions):
            continue
        found = _release(case, name)
        since = f" since release {found.after}" if found is not None and found.after else ""
        told = f"the memory of {name} grows to its limit{since}"
        yield Suspicion(CauseKind.LEAK, name, told, predictions, found)


def _grown(memory: Track) -> float:
    """Return how far memory grew at the most, single samples set aside: those are noise."""
    few = np.lib.stride_tricks.sliding_window_view(memory.values, min(FEW, len(memory.values)))
    course = np.sort(few, axis=1)[:, few.shape[1] // 2]
    return float(course.max() - course[0])


def _predictions(case: Investigation, name: ServiceName) -> Iterator[Prediction]:
    memory = case.scene.tracks[(name, Signal.MEMORY)]
    rising = _rising_since(case, name)
    shown, pain_began = fact(Signal.MEMORY, name), case.onset(name)
    _, fit = slope(memory, rising if rising is not None else memory.at[0])
    yield expect(
        f"the memory of {name} grows steadily", fit >= STEADY_FIT, shown, weight=2.0, sign=True
    )
    # A leak fills for minutes before it hurts; memory that rises after the pain is its effect.
    before = rising is not None and rising <= pain_began - 120.0
    after = rising is not None and rising > pain_began + 60.0
    yield expect("it grew well before the pain", before, shown, weight=2.0, against=after)
    peak = float(memory.between(case.scene.now - 600.0, case.scene.now + 1.0).max(initial=0.0))
    near = peak >= NEAR_LIMIT
    yield expect("it is near its limit", near, shown, weight=2.0, against=peak < 0.6)
    yield hurts_itself(case, name)
    yield same_traffic(case, name)
    yield written(case, f"{name} writes of memory", case.log(name, MEMORY), weight=0.5)


def _rising_since(case: Investigation, name: str) -> float | None:
    """Return when memory began to grow: where it last was near its lowest level."""
    memory = case.scene.tracks[(ServiceName(name), Signal.MEMORY)]
    lowest, highest = float(memory.values.min()), float(memory.values.max())
    top = int(memory.values.argmax())
    # The last time it was within a tenth of its lowest: there the climb to the top begins.
    low = memory.values[: top + 1] <= lowest + 0.1 * (highest - lowest)
    return float(memory.at[int(low.nonzero()[0][-1])]) if low.any() else None


def _release(case: Investigation, name: str) -> Change | None:
    """Return the release of the service with which its memory began to grow, if there is one."""
    rising = _rising_since(case, name)
    if rising is None:
        return None
    releases = (
        change
        for change in case.scene.changes
        if change.service == name and change.kind is ChangeKind.RELEASE and change.before
    )
    # Six minutes for a release to roll out, and a sample or two by which the clocks may differ.
    near = [one for one in releases if -360.0 <= one.at.timestamp() - rising <= 90.0]
    return near[-1] if near else None
