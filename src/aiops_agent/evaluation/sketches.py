"""Plans with one planted defect each, and clean ones that are nearly the same."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from random import Random

from aiops_agent.domain.policy import Mode
from aiops_agent.evaluation.laws import (
    DEEDS,
    PLACES,
    ROLLBACK,
    SCALE,
    SERVICES,
    SET,
    DefectKind,
    Law,
    PageSet,
    PlanState,
    Sketch,
)

FIRST, DAYS = datetime(2026, 10, 1, tzinfo=UTC), 110  # the days that plans are made on
MOST_DRAWS = 20_000  # a law that every plan breaks another one with is a mistake of ours
_NEAR = 400  # draws for a clean plan that differs in one thing only
Redraw = Callable[[Sketch], Sketch]


@dataclass(frozen=True)
class CriticCase:
    """A plan before the pages of one set; `planted` is the one sentence that it breaks, if any."""

    number: int
    pages: PageSet
    kind: DefectKind
    sketch: Sketch
    planted: Law | None


@dataclass(frozen=True)
class Drawer:
    """Draws sketches; the same seed gives the same ones."""

    dice: Random
    laws: Sequence[Law]

    def defect(self, law: Law) -> Sketch:
        """Return a plan that breaks this sentence and no other."""
        for _ in range(MOST_DRAWS):
            drawn = self._drawn(law)
            if self._broken(drawn) == [law]:
                return drawn
        raise AssertionError(f"no plan breaks nothing but {law.quote!r}")

    def clean(self, law: Law) -> Sketch:
        """Return a plan that breaks nothing, and is one change away from breaking this one."""
        near = self.defect(law)
        for _ in range(_NEAR):
            changed = self.dice.choice(self._changes(law))(near)
            if not self._broken(changed):
                return changed
        raise AssertionError(f"no clean plan is near {law.quote!r}")

    def _broken(self, sketch: Sketch) -> list[Law]:
        return [law for law in self.laws if law.broken(sketch)]

    def _drawn(self, law: Law) -> Sketch:
        """Return a plan that is likely to break the sentence."""
        dice = self.dice
        deed = dice.choice(law.deeds or DEEDS)
        sketch = Sketch(
            deed=deed,
            service=dice.choice(law.services or tuple(SERVICES)),
            wished=self._wished(deed),
            now=self._moment(law),
            place=law.place or dice.choice(PLACES),
            mode=law.mode or dice.choice(tuple(Mode)),
            states=self._states(),
        )
        return replace(sketch, states=sketch.states | {law.state}) if law.state else sketch

    def _changes(self, law: Law) -> list[Redraw]:
        """Return ways to change what the sentence is about, one thing each."""
        dice = self.dice
        ways: list[Redraw] = []
        if law.deeds:
            ways.append(self._other_deed)
        if law.services:
            ways.append(lambda one: replace(one, service=dice.choice(tuple(SERVICES))))
        if law.weekdays or law.hours or law.dates:
            ways += [lambda one: replace(one, now=self._moment(None))] * 2
        if law.above is not None or law.below is not None:
            ways += [lambda one: replace(one, wished=self._wished(one.deed))] * 2
        if law.place:
            ways += [lambda one: replace(one, place=dice.choice(PLACES))] * 2
        if law.mode:
            ways += [lambda one: replace(one, mode=dice.choice(tuple(Mode)))] * 2
        if state := law.state:
            ways += [lambda one: replace(one, states=one.states - {state})] * 2
        return ways

    def _other_deed(self, sketch: Sketch) -> Sketch:
        deed = self.dice.choice(DEEDS)
        return replace(sketch, deed=deed, wished=self._wished(deed))

    def _wished(self, deed: str) -> tuple[tuple[str, str | int], ...]:
        dice = self.dice
        if deed == SCALE:
            return (("replicas", dice.randint(1, 14)),)
        if deed == SET:
            return (("name", "pool_size"), ("value", str(dice.randint(2, 120))))
        return (("release", f"r{dice.randint(10, 99)}"),) if deed == ROLLBACK else ()

    def _moment(self, law: Law | None) -> datetime:
        dice, dates = self.dice, law.dates if law else None
        start = datetime.combine(dates[0], FIRST.timetz()) if dates else FIRST
        length = (dates[1] - dates[0]).days + 1 if dates else DAYS
        for _ in range(MOST_DRAWS):
            day = start + timedelta(days=dice.randrange(length))
            at = day + timedelta(minutes=dice.randrange(24 * 60))
            if law is None or not law.weekdays or at.weekday() in law.weekdays:
                return at
        raise AssertionError("no such day")

    def _states(self) -> frozenset[PlanState]:
        return frozenset(state for state in PlanState if self.dice.random() < 0.3)


def cases(seed: int, count: int, laws: dict[PageSet, Sequence[Law]]) -> Iterator[CriticCase]:
    """Yield so many plans with a defect, each followed by a clean one, kinds and halves mixed.

    Whoever stops early has seen of everything about the same.
    """
    dice = Random(seed)  # noqa: S311 -- a benchmark; the same for the same seed
    drawers = {pages: Drawer(dice, given) for pages, given in laws.items()}
    turns = {
        (pages, kind): cycle([law for law in given if law.kind is kind])
        for pages, given in laws.items()
        for kind in DefectKind
    }
    order = cycle((pages, kind) for kind in DefectKind for pages in laws)
    for number, (pages, kind) in enumerate(islice(order, count)):
        law, drawer = next(turns[pages, kind]), drawers[pages]
        yield CriticCase(2 * number + 1, pages, kind, drawer.defect(law), law)
        yield CriticCase(2 * number + 2, pages, kind, drawer.clean(law), None)
