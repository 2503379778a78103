"""What is kept of an incident, which of those are like this one, and what they say of an action.

Shape first (by role in the call graph, so that an incident of another service is found), then
names, then identifiers; fused by rank. Whatever is recalled is untrusted: it puts fitting actions
in order and is told to people, and can add none.
"""

# limit: what is kept, how it is found and why it was found are one thought.

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from aiops_agent.domain.diagnosis import CauseKind, Trigger
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Attempt, Incident
from aiops_agent.domain.model import ModelError, Trouble
from aiops_agent.domain.postmortem import PastIncident, PersonRating, Postmortem, TriedAction
from aiops_agent.domain.remediation import Recovery
from aiops_agent.domain.signature import Signature
from aiops_agent.memory.copied import VectorCopy
from aiops_agent.memory.index import NEAR, UNBELIEVED, CaseIndex, Found, Meant
from aiops_agent.memory.meanings import packed, told_by
from aiops_agent.memory.terms import CaseTerms, name_terms, shape_terms, terms_of, word_terms
from aiops_agent.ports.archive import CaseRow
from aiops_agent.ports.meaning import Embedder, Whose
from aiops_agent.ports.memory import Hit, RecallQuery
from aiops_agent.ports.store import Store, View

log = logging.getLogger(__name__)

MOST = 30  # cases that are looked at whole
AT_ONCE = 64  # cases that are read for their meaning in one go
SAME_SHAPE = 0.6  # shared part from which two shapes are called the same
SIMILAR_SHAPE = 0.3  # as `index.SHAPED`: below it little is shared


def case_of(incident: Incident) -> PastIncident:
    """Return the case: what was seen and believed, what was tried, and what came of it."""
    diagnosis = incident.diagnosis
    best = diagnosis.best if diagnosis else None
    return PastIncident(
        id=incident.id,
        environment=incident.environment,
        title=incident.title,
        service=incident.service,
        alert_names=incident.alert_names,
        signal=incident.triage.signal if incident.triage else None,
        cause=best.kind if best else CauseKind.UNKNOWN,
        cause_service=best.service if best else incident.service,
        tried=tuple(one for attempt in incident.attempts for one in _tried(attempt)),
        status=incident.status,
        summary=incident.note,
        ended_at=incident.ended_at or incident.opened_at,
        started_at=incident.started_at,
        ending=incident.ending,
        signature=diagnosis.signature if diagnosis else Signature(),
        confidence=diagnosis.confidence if diagnosis else None,
        trigger=best.trigger if best else Trigger.NONE_SEEN,
        change=best.change if best else "",
        release=diagnosis.release if diagnosis else "",
        declined=tuple(
            one for attempt in incident.attempts for one in _declined(incident, attempt)
        ),
    )


def _tried(attempt: Attempt) -> Iterable[TriedAction]:
    plan, done, seen = attempt.plan, attempt.outcome, attempt.verification
    if plan is None or done is None or not done.effects:
        return
    for action in plan.actions:
        yield TriedAction(
            action=action,
            recovery=seen.recovery if seen else Recovery.INCONCLUSIVE,
            state=done.state,
            undone=attempt.undo is not None and attempt.undo.begun,
        )


def _declined(incident: Incident, attempt: Attempt) -> Iterable[str]:
    if attempt.plan is not None and attempt.prepared is not None and attempt.outcome is None:
        for action in attempt.plan.actions:
            yield f"{action.text}: {incident.note}"


@dataclass(frozen=True)
class ArchiveMemory:
    """ports.memory.Memory over the store's archive: cases of the same kind of environment.

    With an `embedder`, words are found by what they mean too; with a `copy` of the vectors at a
    server, that finds which ones are near.
    """

    store: Store
    index: CaseIndex = field(default_factory=CaseIndex)
    embedder: Embedder | None = None
    copy: VectorCopy | None = None

    def remember(self, case: PastIncident, report: Postmortem | None) -> None:
        """Keep a case and its report; what people said of it before stays."""
        with self.store.begin() as work:
            before = next(iter(work.archive.named((case.id,))), None)
            if before is not None and not case.ratings:
                case = case.model_copy(update={"ratings": before.ratings})
            work.archive.add(case, report, terms_of(case).text)
        self.read_up()

    def rate(self, name: str, rating: PersonRating) -> PastIncident | None:
        """Add what a person says of a case, and return the case; None when there is none."""
        with self.store.begin() as work:
            for case in work.archive.named((name,)):
                rated = case.model_copy(update={"ratings": (*case.ratings, rating)})
                work.archive.add(rated, None, terms_of(rated).text)
                return rated
        return None

    def read_up(self, most: int = AT_ONCE) -> int:
        """Give so many cases that have none a vector, the newest first; return how many got one.

        Who has no embedder, or one that cannot, has nothing to do. What is changed meanwhile is
        read another time.
        """
        if self.embedder is None:
            return 0
        with self.store.read() as view:
            census = view.archive.census()
            if census == self.index.read_up:
                return 0
            unread = view.archive.unread(self.embedder.name, most)
        if not unread:
            self.index.read_up = census
        # What is paid for is kept at once, and one that fails holds up no other.
        parts = [unread] if self.embedder.quick else [(one,) for one in unread]
        count = 0
        for part in parts:
            vectors = self._vectors([case for _, case in part])
            if vectors:
                numbers = (number for number, _ in part)
                with self.store.begin() as work:
                    work.archive.place(self._model, list(zip(numbers, vectors, strict=True)))
            count += len(vectors)
        return count

    def remember_all(self, cases: Iterable[PastIncident]) -> None:
        """Keep many cases in one transaction, without reports, with their vectors.

        Of an id that comes twice the last one is kept.
        """
        kept = list({case.id: case for case in cases}.values())
        vectors = self._vectors(kept) if self.embedder and self.embedder.quick else []
        with self.store.begin() as work:
            numbers = work.archive.add_all((case, terms_of(case).text) for case in kept)
            placed = zip(map(numbers.get, (case.id for case in kept)), vectors, strict=False)
            known = [(number, vector) for number, vector in placed if number is not None]
            work.archive.place(self._model, known, new=True)

    @property
    def kept_up(self) -> bool:
        """Whether there is something to be brought up to date again and again."""
        return self.copy is not None or (self.embedder is not None and not self.embedder.quick)

    def keep_up(self) -> None:
        """Give some cases their vector, and bring a copy up to date; raises CopyError."""
        self.read_up()
        if self.copy is not None:
            self.copy.sync()

    def read_all(self) -> None:
        """Give all cases that have none a vector: a hundred take about two seconds."""
        while self.read_up() == AT_ONCE:
            continue

    def recall(self, query: RecallQuery) -> tuple[Hit, ...]:
        """Return what is alike, the likest first, then the newest."""
        incident, terms = query.incident, asked(query)
        kind, text = incident.environment.kind, f"{incident.title}. {incident.summary}"
        whose = Whose(str(incident.id), incident.environment, asks=True)
        with self._meant(text, (kind,), whose, told=True) as (view, meant):
            found = self.index.alike(terms, kind, incident.id, MOST, meant=meant)
            cases = view.archive.named([one.id for one in found])
        return _hits(found, cases, query)

    def search(self, text: str, limit: int = 10, families: Sequence[str] = ()) -> tuple[Hit, ...]:
        """Return the cases that answer a person's words best."""
        terms = CaseTerms(words=tuple(word_terms((text,))))
        if self.embedder is not None and self.embedder.quick:
            self.read_all()  # what was kept by who had none
        else:
            self.read_up()
        with self._meant(text, families) as (view, meant):
            found = self.index.search(terms, families, limit, meant=meant)
            cases = {str(one.id): one for one in view.archive.named([one.id for one in found])}
        return tuple(
            Hit(
                case=cases[one.id],
                points=one.rank,
                reasons=_words_shared(text, terms, cases[one.id], one),
            )
            for one in found
            if one.id in cases
        )

    def _vectors(self, cases: Sequence[PastIncident]) -> list[bytes]:
        """Return the vectors of the words of cases; none where they cannot be had now."""
        whose = [Whose(str(one.id), one.environment) for one in cases]
        found = self._embedded(list(map(told_by, cases)), whose) if cases else None
        return [] if found is None else packed(found)

    def _embedded(
        self, texts: Sequence[str], whose: Sequence[Whose]
    ) -> npt.NDArray[np.float32] | None:
        try:
            return self.embedder.embed(texts, whose) if self.embedder else None
        except ModelError as error:
            if error.trouble is not Trouble.CLOSED:  # said when it began
                log.warning("memory does without meaning", extra={"why": str(error)})
            return None

    @property
    def _model(self) -> str:
        return self.embedder.name if self.embedder else ""

    @contextmanager
    def _meant(
        self, text: str, families: Sequence[str], whose: Whose | None = None, *, told: bool = False
    ) -> Iterator[tuple[View, Meant]]:
        """Open the store, with the index up to date, and with what a text means.

        That is the cosines of the cases that are near where a server found these, else its vector.
        """
        rows = self._embedded((text,), (whose,) if whose else ())
        vector = None if rows is None else rows[0]
        found = None
        if self.copy is not None and vector is not None:
            found = self.copy.near(vector, families, told=told)
        with self.store.read() as view:
            near = None
            if self.copy is not None and vector is not None and found is not None:
                near = self.copy.scored(view.archive, vector, found)
            self.index.refresh(view.archive, self._model if near is None else "")
            yield view, vector if near is None else near


def asked(query: RecallQuery) -> CaseTerms:
    """Return the terms of the present incident."""
    incident, diagnosis = query.incident, query.incident.diagnosis
    signature = query.signature or (diagnosis.signature if diagnosis else None)
    signal = incident.triage.signal if incident.triage else None
    best = diagnosis.best if diagnosis else None
    believed = best if query.cause else None
    trigger = believed.trigger if believed else Trigger.NONE_SEEN
    texts = (incident.title, incident.summary, believed.change if believed else "")
    return CaseTerms(
        shape=tuple(shape_terms(signature, query.cause, trigger)) if signature else (),
        names=tuple(name_terms(incident.service, incident.alert_names, signal, query.cause)),
        words=tuple(word_terms(texts)),
    )


def alike(cases: Iterable[PastIncident], query: RecallQuery) -> tuple[Hit, ...]:
    """Return the cases that are like the query, the likest first, then the newest."""
    ordered = sorted(cases, key=lambda one: one.ended_at)
    family, index = query.incident.environment.kind, CaseIndex()
    index.take(
        CaseRow(number, case.id, family, str(case.environment), terms_of(case).text)
        for number, case in enumerate(ordered, start=1)
    )
    return _hits(index.alike(asked(query), family, query.incident.id, MOST), ordered, query)


def _hits(
    found: Sequence[Found], cases: Iterable[PastIncident], query: RecallQuery
) -> tuple[Hit, ...]:
    known = {str(one.id): one for one in cases}
    hits = [
        Hit(case=known[one.id], points=one.rank, reasons=_reasons(known[one.id], one, query))
        for one in found
        if one.id in known
    ]
    same: dict[tuple[str, str, str], list[PastIncident]] = {}
    for hit in hits:
        same.setdefault(hit.story, []).append(hit.case)
    return tuple(hit.model_copy(update={"held": _held(hit.case, same[hit.story])}) for hit in hits)


def _held(case: PastIncident, same: Sequence[PastIncident]) -> timedelta | None:
    """Return how long after its end the same came back, as far as what was recalled tells."""
    later = [
        other.began - case.ended_at
        for other in same
        if other.id != case.id and other.began >= case.ended_at
    ]
    return min(later, default=None)


def _reasons(case: PastIncident, found: Found, query: RecallQuery) -> tuple[str, ...]:
    incident, triage = query.incident, query.incident.triage
    shared = [name for name in incident.alert_names if name in case.alert_names]
    believed = query.cause not in (None, CauseKind.UNKNOWN)
    here = case.service == incident.service
    signal = bool(triage and triage.signal and triage.signal is case.signal)
    told = (
        (found.shape >= SAME_SHAPE, "same shape"),
        (SIMILAR_SHAPE <= found.shape < SAME_SHAPE, "similar shape"),
        (UNBELIEVED <= found.shape < SIMILAR_SHAPE, "part of the shape"),
        (here, "same service"),
        (not here, "other service"),
        (bool(shared), f"same alert {', '.join(shared)}"),
        (signal, "same signal"),
        (believed and case.believed is query.cause, "same cause"),
        (bool(found.identifiers), f"names {', '.join(found.identifiers)}"),
        (found.near >= NEAR, "told in words that mean about the same"),
        (_elsewhere(case.environment, incident.environment), f"in {case.environment}"),
        (case.doubted, "a person says that we were wrong there"),
    )
    return tuple(words for so, words in told if so)


def _elsewhere(one: EnvironmentRef, other: EnvironmentRef) -> bool:
    return one != other and not other.simulated  # each shop is a world of its own


def _words_shared(text: str, terms: CaseTerms, case: PastIncident, found: Found) -> tuple[str, ...]:
    there = set(terms_of(case).words)
    plain = {one for one in terms.words if one[0] not in "#~"} & there
    shared = [
        word for word in dict.fromkeys(text.split()) if plain.intersection(word_terms((word,)))
    ]
    meant = [one[1:] for one in dict.fromkeys(terms.words) if one in there and one[0] == "~"]
    told = (
        (bool(found.identifiers), f"names {', '.join(found.identifiers)}"),
        (bool(shared), f"says {', '.join(shared)}"),
        (bool(meant), f"about {', '.join(meant)}"),
        (found.near >= NEAR, "means about the same"),
    )
    return tuple(words for so, words in told if so)
