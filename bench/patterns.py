"""Does the time of any regular expression of the source grow faster than the text?"""

import argparse
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FrameType

from aiops_agent.adapters.prometheus.recipe import OUTWARD, usual_recipes
from aiops_agent.adapters.prometheus.routes import HEALTH, STREAM
from aiops_agent.domain.passage import Passage, wrapped
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.shapes import SHAPES
from aiops_agent.domain.text import safe
from aiops_agent.evaluation.goals import Goal
from aiops_agent.reasoning import verbs
from aiops_agent.registry import ACTIONS
from aiops_agent.simulator.provider import sensible
from bench import pattern_sites
from bench.hostile_texts import KINDS
from bench.pattern_sites import ANYWHERE, AnyPattern, Site
from bench.told import tell

LENGTH = 100_000
NOISE = 0.002  # seconds; below it a ratio says nothing, and nothing is slow
WORST = 3.0  # times as long for twice the text; a quadratic one takes 4 times as long
MOST = 5.0  # seconds of the processor for one text; what takes longer is far from linear

Work = Callable[[str], object]


def main(arguments: list[str]) -> int:
    """Measure every pattern against every kind; exit 1 when one is not linear."""
    parser = argparse.ArgumentParser(prog="python -m bench patterns", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="has no effect: nothing is drawn")
    parser.add_argument("--length", type=int, default=LENGTH)
    parser.add_argument("--only", default="", help="measure those whose name contains this")
    given = parser.parse_args(arguments)
    return tell(goals(given.length, given.only))


def goals(
    length: int = LENGTH, only: str = "", kinds: Mapping[str, Callable[[int], str]] = KINDS
) -> Iterator[Goal]:
    """Yield for each pattern and each whole function its worst ratio over all kinds."""
    for name, work in (*found().items(), *WHOLE.items()):
        if only not in name:
            continue
        worst, slowest = 0.0, ""
        for kind, made in kinds.items():
            ratio = grows(work, made, length)
            if ratio > worst:
                worst, slowest = ratio, kind
        yield Goal(f"{name}, worst with {slowest or 'none'}", len(kinds), worst, f"<= {WORST}")
    yield Goal(
        "patterns that nobody measures", len(pattern_sites.sources()), len(missing()), "<= 0"
    )


def grows(work: Work, made: Callable[[int], str], length: int, most: float = MOST) -> float:
    """Return how much longer twice the text takes; 0 when both are too quick to tell.

    Infinite when one takes more than `most` seconds of the processor.
    """
    whole, half = made(length), made(length // 2)
    ratio = 0.0
    # The first look sorts out what is quick or plainly linear, the last what a busy machine did.
    for tries in (1, 5, 25):
        took = _best(work, whole, tries, most)
        if took < NOISE or took == float("inf"):
            return 0.0 if took < NOISE else took
        ratio = took / max(_best(work, half, tries, most), 1e-9)
        if ratio < WORST * 0.8:
            return ratio
    return ratio


class _TooLong(Exception):
    """A pattern was cut off."""


def _best(work: Work, text: str, tries: int, most: float) -> float:
    def cut(_signal: int, _frame: FrameType | None) -> None:
        raise _TooLong

    best, before = float("inf"), signal.signal(signal.SIGVTALRM, cut)
    try:
        for _ in range(tries):
            signal.setitimer(signal.ITIMER_VIRTUAL, most)
            began = time.thread_time()  # the timer makes that of the process coarse
            work(text)
            best = min(best, time.thread_time() - began)
    except _TooLong:
        return float("inf")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return best


def found() -> dict[str, Work]:
    """Return every pattern of the source, as it is held against a whole text."""
    kept = [
        one
        for module, text in pattern_sites.sources().items()
        for one in of_module(module, text, pattern_sites.namespace(module))
    ]
    kept += [(name, how, one) for name, (_, how, made) in BUILT.items() for one in made()]
    patterns: dict[str, Work] = {}
    known: set[tuple[AnyPattern, str]] = set()
    for name, how, pattern in kept:
        if (pattern, how) not in known and (pattern, ANYWHERE) not in known:
            known.add((pattern, how))
            patterns[f"{name}#{len(patterns)}" if name in patterns else name] = held(pattern, how)
    return patterns


def of_module(
    module: str, text: str, known: Mapping[str, object]
) -> Iterator[tuple[str, str, AnyPattern]]:
    """Yield name, method and pattern of what a module keeps, and of what its functions write."""
    used = pattern_sites.methods([text])
    for name, value in known.items():
        private = name.startswith("_")  # else another module may hold it otherwise
        how = pattern_sites.held(used.get(name, ())) if private else ANYWHERE
        for path, pattern in pattern_sites.inside(f"{module}.{name}", value):
            yield path, how if path == f"{module}.{name}" else ANYWHERE, pattern
    for site in pattern_sites.sites(module, text):
        pattern_ = site.pattern(known)
        if pattern_ is not None and not list(pattern_sites.inside("", known.get(site.owner))):
            yield site.name, pattern_sites.held([site.how]), pattern_


def held(pattern: AnyPattern, how: str) -> Work:
    """Return the work of holding a pattern against a text."""

    def work(text: str) -> object:
        given = text.encode() if isinstance(pattern.pattern, bytes) else text
        done = getattr(pattern, how)(given)
        return sum(1 for _ in done) if how == ANYWHERE else done

    return work


def missing() -> list[str]:
    """Return the places whose pattern is neither found nor answered for in BUILT, and the idle."""
    counts: dict[str, int] = {}
    for module, text in pattern_sites.sources().items():
        for site in unknown(module, text, pattern_sites.namespace(module)):
            counts[site.key] = counts.get(site.key, 0) + 1
    told = {name: count for name, (count, _, _) in BUILT.items()}
    return sorted(name for name in {*counts, *told} if counts.get(name) != told.get(name))


def unknown(module: str, text: str, known: Mapping[str, object]) -> Iterator[Site]:
    """Yield the places of a module whose pattern is built by a call that nobody can foresee."""
    for site in pattern_sites.sites(module, text):
        kept = any(pattern_sites.inside("", known.get(site.owner)))
        if not kept and site.pattern(known) is None:
            yield site


def _literal(before: str, after: str) -> Callable[[], Iterable[AnyPattern]]:
    return lambda: [re.compile(before + re.escape(one) + after) for one in ("a", "payments-api")]


def _of_recipes() -> Iterator[AnyPattern]:
    rules = [rule for recipe in usual_recipes() for rule in recipe.signals]
    texts = {OUTWARD, HEALTH, STREAM}
    for rule in rules:
        texts |= {rule.metric, rule.unless, *rule.where.values(), *rule.never.values()}
    return map(re.compile, sorted(texts - {""}))


def _of_verbs() -> Iterator[AnyPattern]:
    for spec in ACTIONS:
        for loosely in (False, True):
            yield verbs._pattern(str(spec.kind), spec.noun, loosely)  # noqa: SLF001  # built in there


def _of_shapes() -> Iterator[AnyPattern]:
    return (shape.pattern for shape in SHAPES)


def _spelled() -> Iterator[AnyPattern]:
    return (sensible._spelled(one) for one in ("config", *sensible.ALSO))  # noqa: SLF001  # built in there


def _nothing() -> tuple[()]:
    return ()


# What is built when it is needed: at how many places below a name, how it is held
# against a text, and what it can become. None is
# written by the people who configure the product: no setting takes a regular expression.
BUILT: dict[str, tuple[int, str, Callable[[], Iterable[AnyPattern]]]] = {
    "adapters.sql.erase.Erasure": (1, ANYWHERE, _literal(r"\b", r"\b")),
    "adapters.prometheus.recipe.pattern": (1, "fullmatch", _of_recipes),
    "bootstrap.environments.ConfiguredEnvironment": (1, ANYWHERE, _literal(r"\b", r"\b")),
    "domain.redact.Redactor": (1, ANYWHERE, _nothing),  # of literals; measured in WHOLE
    "domain.shapes._prefixed": (1, ANYWHERE, _of_shapes),
    "reasoning.citations._holds": (1, ANYWHERE, _literal(r"(?<![\w-])", r"(?![\w-])")),
    "reasoning.sentences.standing": (1, ANYWHERE, _literal(r"(?<!\w)", r"(?!\w)")),
    "reasoning.signature._nameless": (1, ANYWHERE, _literal("", "")),  # names of services
    "reasoning.verbs._pattern": (1, ANYWHERE, _of_verbs),
    "simulator.provider.sensible._names": (1, ANYWHERE, _literal(r"(?<![\w])", r"(?![\w])")),
    "simulator.provider.sensible._spelled": (1, ANYWHERE, _spelled),
    "workflow.pruning.erase": (1, "match", _literal("", r"(?!\w)")),
}
WHOLE: dict[str, Work] = {
    "Redactor.clean": Redactor(["a-configured-secret", "another one"]).clean,
    "text.safe": safe,
    "passage.wrapped": lambda text: wrapped([Passage("log", text)], 2 * len(text)),
}
