"""The terms by which a case is found: its shape, its names, its words."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from aiops_agent.domain.diagnosis import CauseKind, Trigger
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.domain.signature import Role, SignalMove, Signature
from aiops_agent.domain.telemetry import Signal

_USUAL = 32  # characters of a word that is kept with its terms
_MOST_USUAL = 4096  # of them
LONGEST = 20_000  # characters that are read, of all texts together
MOST_WORDS = 2_000  # terms of a text: what a long report says first tells the most
_WORD = re.compile(r"[^\W_]+(?:[._-][^\W_]+){0,8}")
_RELEASE = re.compile(r"(?:^|(?<=[-_v]))\d+(?:\.\d+)+(?:-[^\W_]+)*$")
_AMOUNT = re.compile(r"#(?:\d+(?:\.\d+)?[a-z]{0,3}|\d{4}-\d\d-\d\d.{0,20})")
_DIGIT = re.compile(r"\d")
_PART = re.compile(r"[^\W_]+")
_ENDINGS = ("ations", "ation", "ingly", "ings", "ing", "ies", "ied", "ers", "es", "ed", "er", "ly")
_STOPPED = """
a an the is are was were be been of to in on at by for from with and or not no it its this that as
so since after because too all any every each which who they them we us one two has have had do does
did will would can cannot could our up out off over into than then there what when why how
"""
_STOP = frozenset(_STOPPED.split())
_NEAR = (Role.SUBJECT, Role.CALLEE)
_PAIN = (Signal.LATENCY, Signal.ERRORS)  # what callers feel, whatever the trouble
# What kinds of term weigh beside how rare they are, others 1: what wears out inside a service and
# how, whether it hurts below, and what the logs say tell one mechanism from another.
WEIGHTS = {"inside": 2.0, "below": 2.0, "says": 2.0}
_PROSE = re.compile(r"(?<![\w/<])[a-z]{2,}(?![\w>])")
_SAID = 4  # words of a line that tell its kind; paths and statements follow them
# What people call what our signals and causes measure. Short on purpose: a long list looks
# wonderful on the questions that it was written for, and adds little on others.
_SAME = {
    word: f"~{words.split()[0]}"
    for words in (
        "latency slow slowness p95 p99 delay delayed lag laggy sluggish stall stalls timeout",
        "errors error 5xx 500 503 fail fails failing failed failure failures exception broken",
        "memory ram heap oom oomkilled leak leaks",
        "load traffic surge spike spikes overload overloaded demand busy",
        "restart restarts restarted crash crashes crashed crashloop crashloopbackoff dies died",
        "hang hangs hung stuck frozen freeze freezes deadlock blocked unresponsive",
        "release released deploy deployed deployment rollout version upgrade upgraded",
        "config configuration setting settings flag toggle environment variable",
        "disk storage volume space filesystem",
        "certificate cert certs tls ssl",
        "database db sql postgres mysql",
        "queue backlog kafka consumer messages",
        "cache redis evictions hits misses",
        "scale scaled scaling replicas instances pods",
    )
    for word in words.split()
}


@dataclass(frozen=True)
class CaseTerms:
    """CaseTerms hold no blank."""

    shape: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of them as text from which `terms_in` reads them."""
        return "\n".join(" ".join(one) for one in (self.shape, self.names, self.words))


def terms_in(text: str) -> CaseTerms:
    """Read terms as `CaseTerms.text` writes them."""
    return CaseTerms(*map(tuple, lists_in(text)))


def lists_in(text: str) -> list[list[str]]:
    """Read shape, names and words as `CaseTerms.text` writes them."""
    return [one.split() for one in (*text.split("\n"), "", "", "")[:3]]


def terms_of(case: PastIncident) -> CaseTerms:
    """Return all terms of a case."""
    cause = case.believed
    tried = (one.action.kind for one in case.tried)
    said = (one.words for one in case.ratings)
    lines = (one.template for one in case.signature.lines)
    names = (case.service, case.cause_service, *case.alert_names, case.change, case.release)
    texts = (
        case.id,
        case.title,
        case.summary,
        *names,
        *_causes(cause),
        *tried,
        *case.declined,
        *said,
    )
    return CaseTerms(
        shape=tuple(shape_terms(case.signature, cause, case.trigger)),
        names=tuple(name_terms(case.service, case.alert_names, case.signal, cause)),
        words=tuple(word_terms((*texts, *lines, case.text, *_members(case)))),
    )


def shape_terms(
    signature: Signature, cause: CauseKind | None, trigger: Trigger = Trigger.NONE_SEEN
) -> Iterator[str]:
    """Yield what of an incident's shape can be shared; what stands before a dot is its kind.

    Whoever calls the subject suffers from it, whatever the trouble: only near and below it a move
    tells one trouble from another. How far a signal moved says how bad it is, and not what it is:
    of traffic alone it tells a rush from those who try again.
    """
    for one in signature.moves:
        if one.role in _NEAR:
            yield from _move_terms(one)
    near = (change for change in signature.changes if change.role in _NEAR)
    yield from (f"changed.{change.role}.{change.kind}" for change in near)
    for line in signature.lines:
        said = "_".join(_PROSE.findall(line.template.split(" /")[0])[:_SAID])
        if said and line.role in _NEAR:
            yield f"says.{said}"
    yield from (f"claims.{claim}" for claim in signature.claims)
    if cause not in (None, CauseKind.UNKNOWN):
        yield from (f"cause.{cause}", f"cause.{cause}.{signature.blamed}", f"kind.{cause}")
        if trigger is not Trigger.NONE_SEEN:
            yield f"trigger.{trigger}"


def _move_terms(one: SignalMove) -> Iterable[str]:
    way = f"{one.signal}.{'up' if one.up else 'down'}"
    hurts = one.signal in _PAIN
    if one.role is Role.CALLEE:
        return (f"{'below' if hurts else 'callee'}.{way}",)
    if one.signal is Signal.TRAFFIC:
        return (f"asked.{way}.{one.size}",)
    return (f"hurts.{way}",) if hurts else (f"inside.{way}", f"inside.{way}.{one.onset}")


def name_terms(
    service: str, alerts: Iterable[str], signal: str | None, cause: CauseKind | None
) -> Iterator[str]:
    """Yield the names that an incident shares with the like of it."""
    yield _glued(f"service={service}")
    for alert in alerts:
        yield _glued(f"alert={alert}")
    if signal:
        yield f"signal={signal}"
    if cause not in (None, CauseKind.UNKNOWN):
        yield f"cause={cause}"


def word_terms(texts: Iterable[str]) -> list[str]:
    """Return the words of texts by their stems; names with digits in them also whole."""
    words = _WORD.findall("\n".join(texts)[:LONGEST].casefold())
    return list(islice(chain.from_iterable(map(_WORDS.__getitem__, words)), MOST_WORDS))


def identifier(term: str) -> bool:
    """Whether a word is a name that somebody gave out: a release, a code, an id.

    Amounts ("500ms", "1.25"), dates and short names ("p95", "web-1") are none.
    """
    if not term.startswith("#") or _AMOUNT.fullmatch(term):
        return False
    return sum(sign.isdigit() for sign in term) >= 3 or term.count("_") >= 2


def released(term: str) -> bool:
    """Whether an identifier is the bare number of a release, as any service may have it."""
    return bool(_RELEASE.fullmatch(term.removeprefix("#").removeprefix("v")))


class _WordTerms(dict[str, list[str]]):
    """The terms of each word: people use the same again and again, and each incident its own id."""

    def __missing__(self, word: str) -> list[str]:
        found = _terms_of_word(word)
        if len(word) <= _USUAL:  # of strange long ones none is kept
            if len(self) >= _MOST_USUAL:
                self.clear()
            self[word] = found
        return found


_WORDS = _WordTerms()


def _terms_of_word(word: str) -> list[str]:
    found: list[str] = []
    if "_" in word or (_DIGIT.search(word) and not word.isdigit()):
        found.append(f"#{word}")
        release = _RELEASE.search(word) if "." in word else None  # with "v" or a name in front
        if release and release[0] != word:
            found.append(f"#{release[0]}")
    for part in (word,) if word.isalnum() else _PART.findall(word):
        if part not in _STOP:
            found.append(_stem(part))
            if same := _SAME.get(part):
                found.append(same)
    return found


def _stem(word: str) -> str:
    for ending in _ENDINGS if word.endswith(_ENDINGS) else ():
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def _members(case: PastIncident) -> tuple[str, ...]:
    return tuple(map(str, case.pattern.members)) if case.pattern else ()


def _causes(cause: CauseKind) -> tuple[str, ...]:
    return () if cause is CauseKind.UNKNOWN else (cause.value.replace("_", " "),)


def _glued(name: str) -> str:
    return "_".join(name.split())
