"""What people do with memory: look into it, rate, forget, take out, bring in. Nothing here acts."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.postmortem import (
    CaseSource,
    KeptCase,
    PastIncident,
    Pattern,
    PersonRating,
)
from aiops_agent.domain.remediation import Recovery
from aiops_agent.domain.value import Document, Value
from aiops_agent.memory.advise import outcomes
from aiops_agent.memory.calibration import ConfidenceRecord, calibration
from aiops_agent.memory.compact import Merge, beyond, cited, merges, spoken
from aiops_agent.memory.odds import FAILED, TrackRecord
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.memory.terms import terms_of
from aiops_agent.memory.told import ToldReading
from aiops_agent.ports.archive import ColdStorage, KeepLimits
from aiops_agent.ports.memory import Hit
from aiops_agent.ports.store import Work

LONGEST_WORDS = 500  # characters of what a person says of an incident
_PAGE = 500  # cases that are read at once
_MOST_OPEN = 10_000  # open incidents that are looked through for names of old ones


class RemedyRecord(Value):
    """What one kind of action did against one kind of cause; `low`..`high` holds 90 %."""

    action: str
    cause: CauseKind
    helped: int
    failed: int
    low: float
    high: float


class MemoryStats(Value):
    """What memory holds, and what it learnt."""

    cases: int
    stood_for: int  # others that live on in them
    imported: int
    rated_right: int
    rated_wrong: int
    endings: dict[str, int]
    remedies: tuple[RemedyRecord, ...]
    confidence: tuple[ConfidenceRecord, ...]


class Compaction(Value):
    """What compaction did, or would do."""

    cases: int  # before
    size: int  # of them, in bytes
    over: int  # that are beyond the limits
    merged: int  # of them, that live on in another
    patterns: int  # cases that took others in


@dataclass(frozen=True)
class Casebook:
    """Blocking calls; errors are AiopsError with one sentence. `clean` takes secrets out."""

    memory: ArchiveMemory
    now: Callable[[], datetime]  # wall time
    clean: Callable[[str], str]
    cold: ColdStorage
    # Cases over the limits of which nothing tells the same story: not read each hour again.
    settled: set[str] = field(default_factory=set)

    def search(self, text: str, limit: int = 10) -> tuple[Hit, ...]:
        """Return the cases that answer words best, of all environments."""
        if not text.strip():
            raise UsageError("Say what to look for, such as: aiops memory search checkout is slow.")
        return self.memory.search(text, limit)

    def case(self, name: str) -> KeptCase:
        """Return a case, or the one that it lives on in, with its report; raises UsageError."""
        found = self._holder(name.upper())
        with self.memory.store.read() as view:
            return KeptCase(case=found, report=view.archive.postmortem(found.id))

    def _holder(self, name: str) -> PastIncident:
        """Return the case of an id, or the one that it lives on in; raises UsageError."""
        with self.memory.store.read() as view:
            own, gone = view.archive.named((name,)), view.archive.forgotten(name)
        if gone is not None:
            raise UsageError(f"{name} was forgotten by {gone.by} at {gone.at:%Y-%m-%d %H:%M} UTC.")
        others = own or [hit.case for hit in self.memory.search(name)]
        for case in others:
            if case.id == name or (case.pattern and name in case.pattern.members):
                return case
        raise _unknown(name)

    def rate(
        self, name: str, by: str, *, right: bool, cause: CauseKind | None = None, words: str = ""
    ) -> PastIncident:
        """Keep what a person says of an ended incident; it counts from the next recall on."""
        said = self.clean(" ".join(words.split()))
        if len(said) > LONGEST_WORDS:
            raise UsageError(f"A reason has at most {LONGEST_WORDS} characters.")
        wanted = name.upper()
        rating = PersonRating(by=by, at=self.now(), right=right, cause=cause, words=said)
        rated = self.memory.rate(wanted, rating)
        if rated is None:
            raise _unknown(wanted)
        return rated

    def forget(self, name: str, by: str) -> str:
        """Remove an incident that has ended from everywhere, and return its id; raises UsageError.

        That it was forgotten, by whom, and who decided for which plan is kept. The others of its
        pattern are kept one by one again, until the next compaction.
        """
        wanted = name.upper()
        with self.memory.store.read() as view:
            lived = view.incidents.get(wanted)
        if lived is not None and (lived.active or not lived.closed):
            raise UsageError(f"{wanted} still goes on; forget it when its report is written.")
        found = self._holder(wanted)
        members = found.pattern.members if found.pattern else ()
        self.cold.remove((wanted,))
        apart = self.cold.read(members)
        with self.memory.store.begin() as work:
            work.archive.forget(wanted, by, self.now())
            left = None if apart else _without(found.pattern, wanted)
            kept = () if found.id == wanted else (KeptCase(case=found),)
            for one in (*kept, *apart):  # of a pattern of patterns all are apart
                case = one.case.model_copy(update={"pattern": left if one in kept else None})
                work.archive.add(case, one.report, terms_of(case).text)
        self.cold.remove(members)  # last: killed before, they would be nowhere
        return wanted

    def compact(self, limits: KeepLimits, *, rehearse: bool = False) -> Compaction:
        """Make old cases beyond the limits that tell the same story one.

        With `rehearse` nothing is changed. What somebody changes meanwhile, and what an open
        incident or a person names, stays as it is.
        """
        with self.memory.store.read() as view:
            sizes = view.archive.sizes()
        over = beyond(limits, sizes, self.now())
        cases = [] if over <= self.settled else list(self.kept())
        named = cited((*map(spoken, cases), *self._open())) if cases else frozenset()
        found = list(merges(cases, over - named))
        done = found if rehearse else [one for one in found if self._merge(one)]
        if not rehearse and not found:
            self.settled.update(over - named)
        merged = sum(len(one.members) - 1 for one in done)
        size = sum(one.size for one in sizes)
        return Compaction(
            cases=len(sizes), size=size, over=len(over), merged=merged, patterns=len(done)
        )

    def _open(self) -> Iterator[str]:
        """Yield what is known of each open incident, as text."""
        with self.memory.store.read() as view:
            for one in view.incidents.loaded(open_only=True, limit=_MOST_OPEN):
                yield one.model_dump_json()

    def _merge(self, one: Merge) -> bool:
        others = [str(case.id) for case in one.members if case.id != one.made.id]
        with self.memory.store.read() as view:
            reports = {name: view.archive.postmortem(name) for name in others}
        by_id = {str(case.id): case for case in one.members}
        self.cold.put([KeptCase(case=by_id[name], report=reports[name]) for name in others])
        with self.memory.store.begin() as work:
            if same := _still(work, one):
                work.archive.remove(others)
                work.archive.add(one.made, None, terms_of(one.made).text)
        if not same:
            self.cold.remove(others)
        return same

    def kept(self) -> Iterator[PastIncident]:
        """Yield every case, those remembered first first."""
        with self.memory.store.read() as view:
            numbers = sorted(view.archive.numbers())
        for first in range(0, len(numbers), _PAGE):
            with self.memory.store.read() as view:
                rows = view.archive.rows(numbers=numbers[first : first + _PAGE])
                page = view.archive.named([row.id for row in rows])
            yield from page  # outside: whoever reads on may ask the store too

    def taken_out(self) -> Iterator[Document]:
        """Yield every case with its report as JSON."""
        for case in self.kept():
            with self.memory.store.read() as view:
                report = view.archive.postmortem(case.id)
            yield KeptCase(case=case, report=report).document()

    def tell(self, page: str, text: str, environment: EnvironmentRef) -> int:
        """Keep what a page of that name tells of incidents; return how many there were."""
        reading = ToldReading(environment, self.now())
        table = page.lower().endswith((".csv", ".tsv", ".jsonl", ".json"))
        return self.bring_in(reading.table(text) if table else [reading.markdown(text)])

    def bring_in(self, cases: Iterable[PastIncident]) -> int:
        """Keep cases that others tell, without their secrets; return how many."""
        told = [case.model_copy(update=self._washed(case)) for case in cases]
        self.memory.remember_all(told)
        return len(told)

    def _washed(self, case: PastIncident) -> Document:
        texts = {name: self.clean(getattr(case, name)) for name in ("title", "summary", "text")}
        return {
            **texts,
            "change": self.clean(case.change),
            "source": CaseSource.IMPORTED,
            "pattern": None,
        }

    def stats(self) -> MemoryStats:
        """Add up what memory holds."""
        endings: Counter[str] = Counter()
        tries: Counter[tuple[str, CauseKind, bool]] = Counter()
        imported = right = wrong = stood_for = 0
        cases = list(self.kept())
        for case in cases:
            stood_for += len(case.pattern.members) if case.pattern else 0
            imported += case.source is CaseSource.IMPORTED
            endings[case.status] += 1
            right += bool(case.ratings) and not case.doubted
            wrong += case.doubted
            tries.update(_tries(case))
        pairs = sorted({(action, cause) for action, cause, _ in tries})
        return MemoryStats(
            cases=sum(endings.values()),
            stood_for=stood_for,
            imported=imported,
            rated_right=right,
            rated_wrong=wrong,
            endings=dict(sorted(endings.items())),
            remedies=tuple(
                _record(*pair, tries[(*pair, True)], tries[(*pair, False)]) for pair in pairs
            ),
            confidence=calibration(cases),
        )


def _unknown(name: str) -> UsageError:
    return UsageError(
        f"Memory holds no {name}: it keeps incidents that have ended. To find one: "
        "aiops memory search WORDS."
    )


def _without(pattern: Pattern | None, name: str) -> Pattern | None:
    """Return a pattern that does not name a case; what came of that cannot be told apart."""
    members = tuple(one for one in pattern.members if one != name) if pattern else ()
    return pattern.model_copy(update={"members": members}) if pattern else None


def _still(work: Work, one: Merge) -> bool:
    """Whether nobody changed a case since the merge was thought out."""
    return work.archive.named([case.id for case in one.members]) == one.members


def _tries(case: PastIncident) -> Mapping[tuple[str, CauseKind, bool], int]:
    """Return what was done whole and judged by telemetry, with whether it helped."""
    if case.source is not CaseSource.OWN or case.doubted:
        return {}
    judged = [one for one in outcomes(case) if one.recovery in (Recovery.RECOVERED, *FAILED)]
    counts: Counter[tuple[str, CauseKind, bool]] = Counter()
    for one in judged:
        helped = one.recovery is Recovery.RECOVERED
        counts[str(one.action.kind), case.believed, helped] += one.times
    return counts


def _record(action: str, cause: CauseKind, helped: int, failed: int) -> RemedyRecord:
    low, high = TrackRecord(helped, failed).interval
    return RemedyRecord(
        action=action,
        cause=cause,
        helped=helped,
        failed=failed,
        low=round(low, 3),
        high=round(high, 3),
    )
