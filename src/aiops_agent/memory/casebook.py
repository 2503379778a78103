"""What people do with memory: look into it, rate, forget, take out, bring in. Nothing here acts."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.postmortem import CaseSource, PastIncident, PersonRating, Postmortem
from aiops_agent.domain.remediation import EffectState, Recovery
from aiops_agent.domain.value import Document, Value
from aiops_agent.memory.odds import FAILED, TrackRecord
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.memory.told import ToldReading
from aiops_agent.ports.memory import Hit

LONGEST_WORDS = 500  # characters of what a person says of an incident
_PAGE = 500  # cases that are read at once


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
    imported: int
    rated_right: int
    rated_wrong: int
    endings: dict[str, int]
    remedies: tuple[RemedyRecord, ...]


class KeptCase(Value):
    """A case with its report, as it is taken out."""

    case: PastIncident
    report: Postmortem | None = None


@dataclass(frozen=True)
class Casebook:
    """Blocking calls; errors are AiopsError with one sentence. `clean` takes secrets out."""

    memory: ArchiveMemory
    now: Callable[[], datetime]  # wall time
    clean: Callable[[str], str]

    def search(self, text: str, limit: int = 10) -> tuple[Hit, ...]:
        """Return the cases that answer words best, of all environments."""
        if not text.strip():
            raise UsageError("Say what to look for, such as: aiops memory search checkout is slow.")
        return self.memory.search(text, limit)

    def case(self, name: str) -> KeptCase:
        """Return a case with its report; raises UsageError when there is none."""
        wanted = name.upper()
        with self.memory.store.read() as view:
            found = view.archive.named((wanted,))
            if not found:
                raise _unknown(wanted)
            return KeptCase(case=found[0], report=view.archive.postmortem(wanted))

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
        """Remove a case and its report for ever, and return its id; raises UsageError."""
        found = self.case(name).case.id
        with self.memory.store.begin() as work:
            work.archive.forget(found, by, self.now())
        return found

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
        return {**texts, "change": self.clean(case.change), "source": CaseSource.IMPORTED}

    def stats(self) -> MemoryStats:
        """Add up what memory holds."""
        endings: Counter[str] = Counter()
        tries: Counter[tuple[str, CauseKind, bool]] = Counter()
        imported = right = wrong = 0
        for case in self.kept():
            imported += case.source is CaseSource.IMPORTED
            endings[case.status] += 1
            right += bool(case.ratings) and not case.doubted
            wrong += case.doubted
            tries.update(_tries(case))
        pairs = sorted({(action, cause) for action, cause, _ in tries})
        return MemoryStats(
            cases=sum(endings.values()),
            imported=imported,
            rated_right=right,
            rated_wrong=wrong,
            endings=dict(sorted(endings.items())),
            remedies=tuple(
                _record(*pair, tries[(*pair, True)], tries[(*pair, False)]) for pair in pairs
            ),
        )


def _unknown(name: str) -> UsageError:
    return UsageError(
        f"Memory holds no {name}: it keeps incidents that have ended. To find one: "
        "aiops memory search WORDS."
    )


def _tries(case: PastIncident) -> Sequence[tuple[str, CauseKind, bool]]:
    """Return what was done whole and judged by telemetry, with whether it helped."""
    if case.source is not CaseSource.OWN or case.doubted:
        return ()
    judged = [
        one
        for one in case.tried
        if one.state is EffectState.APPLIED and one.recovery in (Recovery.RECOVERED, *FAILED)
    ]
    helped = Recovery.RECOVERED
    return [(str(one.action.kind), case.believed, one.recovery is helped) for one in judged]


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
