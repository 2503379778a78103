"""Does a model help? Incidents of the shop with degraded telemetry: engine, model, and both.

The models here are dice that know the truth and tell it as often as they are told to. They prove
what the product makes of right and wrong answers; how often a real model is right they do not say.
"""

# limit: one benchmark, from the dice to the rows

import asyncio
import atexit
import gc
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import partial
from itertools import product
from multiprocessing import get_context
from random import Random
from typing import Any, TypeVar, get_args

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.crew import Crew, with_models, without_llm
from aiops_agent.domain.answer import Answer, Author, AuthorKind, Effort, Usage
from aiops_agent.domain.diagnosis import CauseKind, Diagnosis
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.reasoning import Direction, Stand, Suspect
from aiops_agent.domain.value import Value
from aiops_agent.evaluation.degrade import degraded, losses
from aiops_agent.evaluation.goals import Goal, share
from aiops_agent.evaluation.outcomes import EvaluationCase, case, cured, done
from aiops_agent.evaluation.run import Runner
from aiops_agent.ports.model import Asking, ModelQuestion
from aiops_agent.simulator.faults import FaultKind
from aiops_agent.simulator.scenarios import SCENARIOS

T = TypeVar("T")

CAUSES: dict[FaultKind, CauseKind] = {
    FaultKind.SURGE: CauseKind.CAPACITY,
    FaultKind.HANG: CauseKind.HANG,
    FaultKind.SLOW_RELEASE: CauseKind.RELEASE,
    FaultKind.LEAK: CauseKind.LEAK,
    FaultKind.POOL_CUT: CauseKind.CONFIG,
    FaultKind.SLOW_QUERY: CauseKind.RELEASE,
    FaultKind.OUTAGE: CauseKind.DEPENDENCY,
    FaultKind.COLD_CACHE: CauseKind.COLD_CACHE,
}
HARD = 0.5  # how often a model is right where the engine errs, when their errors go together
_FINDING = re.compile(r"^(E\d+): (\S+) (.*)$", re.MULTILINE)
_MOST_CLAIMS = 4  # more than an adopted suspect needs
BETWEEN = (0.25, 0.5, 0.75)  # one of them for each incident: all would take twice the time


class Voice(StrEnum):
    """Who names the cause."""

    ENGINE = "engine"
    MODEL = "model"
    BOTH = "both"


@dataclass(frozen=True)
class Dice:
    """A model that names the truth with a probability, and backs whatever it names as it can.

    What it claims was tried on the product's own check first: an adversary could do no better.
    """

    truth: Suspect | None
    accuracy: float
    seed: str

    async def ask(self, question: ModelQuestion[T], _asking: Asking) -> Answer[T]:
        """Answer about the cause; of everything else it knows nothing."""
        by = Author(kind=AuthorKind.MODEL, name="dice")
        effort = Effort(by=by, usage=Usage(requests=1, cost=None))
        if question.agent != "diagnose":
            return Answer(missing="the dice speak of causes only", effort=effort)
        named = self._named(question)
        facts: dict[str, Any] = {"kind": named.kind.value, "service": named.service}
        if "claims" in _fields(question.shape):
            facts["not_known"] = [{"subject": named.service, "what": "inside"}]
            facts["claims"] = list(self._claims(question, named, facts))
        return Answer(value=_shaped(question.shape, facts), effort=effort)

    def _named(self, question: ModelQuestion[Any]) -> Suspect:
        dice = Random(self.seed)  # noqa: S311 -- a benchmark; the same whenever it is asked
        if self.truth is not None and dice.random() < self.accuracy:
            return self.truth
        menus = _fields(question.shape)
        kinds = [k for k in get_args(menus["kind"].annotation) if k in set(CauseKind)]
        pairs = product(kinds, get_args(menus["service"].annotation))
        wrong = [Suspect(kind=CauseKind(kind), service=service) for kind, service in pairs]
        return dice.choice([one for one in wrong if one != self.truth])

    def _claims(
        self, question: ModelQuestion[Any], named: Suspect, facts: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        found = _FINDING.findall(question.material)
        signals = _signals(question.shape)
        told = 0
        for finding, service, _ in found:
            if service != named.service or told == _MOST_CLAIMS:
                continue
            for signal, direction in product(signals, Direction):
                claim = {
                    "subject": service,
                    "signal": signal,
                    "direction": direction.value,
                    "evidence": finding,
                }
                tried = _shaped(question.shape, {**facts, "claims": [claim]})
                if not any(one.startswith("claim") for one in question.check(tried)):
                    told += 1
                    yield claim
                    break


def _fields(shape: type[Any]) -> dict[str, Any]:
    return dict(shape.model_fields) if issubclass(shape, Value) else {}


def _signals(shape: type[Any]) -> tuple[str, ...]:
    """Return the menu of signals inside the shape's claims."""
    claims = shape.model_json_schema()["$defs"]
    menus = (
        one["properties"]["signal"] for one in claims.values() if "signal" in one["properties"]
    )
    return tuple(next(menus)["enum"])


def _shaped(shape: type[T], facts: dict[str, Any]) -> T:
    if not issubclass(shape, Value):
        raise TypeError(f"{shape!r} is no record.")
    return shape.of(facts)


@dataclass(frozen=True)
class Pair:
    """One incident in one mode, judged."""

    scenario: str
    seed: int
    voice: Voice
    accuracy: float
    named: bool  # the engine blames the right service, or nobody where nothing was wrong
    exact: bool  # and the right kind of cause
    diagnosed: bool
    shown: bool  # the truth is among those that the person is shown
    model_right: bool
    disagreed: bool
    right: bool  # what cures it was done, or nothing where nothing was to be done
    harmful: bool  # something was changed that was not to blame
    correlated: bool = False  # the model errs where the engine does


@dataclass(frozen=True)
class CrewBenchmark:
    """Runs incidents; the same seed gives the same incidents and the same answers."""

    seed: int = 1

    async def pair(self, scenario: str, seed: int, voice: Voice, accuracy: float = 0.0) -> Pair:
        """Run one incident and judge it."""
        told = case(scenario, seed)
        truth = _truth(told)
        dice = Dice(truth, accuracy, f"{self.seed} {scenario} {seed} {accuracy}")
        lost = losses(self.seed * 1_000_003 + seed)

        def crew() -> Crew:
            made = without_llm() if voice is Voice.ENGINE else with_models(Desk(dice))
            if voice is Voice.MODEL:
                made = replace(made, diagnose=_only(made))
            return _blinded(made, lambda given, of: degraded(given, lost, seed, of))

        incident = await Runner(crew=crew())(scenario, seed)
        return _judged(told, incident, voice, accuracy, truth)


def _truth(told: EvaluationCase) -> Suspect | None:
    kind = CAUSES.get(told.fault.kind)
    return None if kind is None else Suspect(kind=kind, service=told.truth)


def _blinded(crew: Crew, worse: Callable[[Any, Any], Any]) -> Crew:
    """Return the crew, each of whose members sees through degraded telemetry."""

    def seen(ask: Callable[..., Any]) -> Callable[..., Any]:
        async def asked(briefing: Briefing, *given: Any) -> Any:
            seen = worse(briefing.environment, briefing.incident.service)
            return await ask(replace(briefing, environment=seen), *given)

        return asked

    parts: dict[str, Any] = {}
    for part in fields(crew):
        ask = getattr(crew, part.name)
        parts[part.name] = seen(ask) if ask else None
    return Crew(**parts)


def _only(crew: Crew) -> Callable[[Briefing], Any]:
    """Return a diagnosis in which the model's suspect stands alone, whatever statistics say."""

    async def diagnose(briefing: Briefing) -> Answer[Diagnosis]:
        answer = await crew.diagnose(briefing)
        if answer.value is None or crew.reason is None:
            return answer
        opinion = (await crew.reason(briefing, answer.value)).value
        first = opinion.first if opinion else None
        named = [one for one in answer.value.hypotheses if first and one.key == first.key]
        alone = answer.value.model_copy(update={"hypotheses": tuple(named)})
        return answer.model_copy(update={"value": alone})

    return diagnose


def _judged(
    told: EvaluationCase, incident: Incident, voice: Voice, accuracy: float, truth: Suspect | None
) -> Pair:
    first = next((one for one in incident.attempts if one.diagnosis is not None), None)
    best = first.diagnosis.best if first and first.diagnosis else None
    opinion = first.reasoned if first else None
    by_model = opinion.first if opinion else None
    service = truth.service if truth else None
    named = best.service == service if best else told.fault.kind is FaultKind.NOTHING
    model_right = by_model is not None and by_model == truth
    return Pair(
        scenario=told.scenario.name,
        seed=told.seed,
        voice=voice,
        accuracy=accuracy,
        named=named,
        exact=best is not None and truth is not None and best.key == truth.key,
        diagnosed=best is not None,
        shown=named or bool(by_model and by_model.service == service),
        model_right=model_right,
        disagreed=opinion is not None and opinion.stand is Stand.DISAGREES,
        right=cured(told, incident),
        harmful=_harmful(told, incident),
    )


def _harmful(told: EvaluationCase, incident: Incident) -> bool:
    """Whether something was changed that is not to blame, or though nothing was to be changed."""
    cures = told.fault.kind not in (FaultKind.NOTHING, FaultKind.OUTAGE, FaultKind.COLD_CACHE)
    return any(not cures or action.target.name != told.truth for action in done(incident))


def benchmark(
    seed: int, incidents: int, seen: Callable[[str], None] = lambda _what: None
) -> Sequence[Goal]:
    """Run about so many incidents, each in every mode; return what was promised and measured."""
    first = seed * 10_000
    seeds = range(first, first + max(1, incidents // len(SCENARIOS)))
    pairs: list[Pair] = []
    # A process each: the durable engine is one to a process, which waits half of its time.
    most = 3 * (os.cpu_count() or 1)
    # Stories stay in the memory of a process, some 200 MB of a shop, and to walk through all of
    # that once more at its end took minutes.
    made = partial(ProcessPoolExecutor, mp_context=get_context("spawn"), max_tasks_per_child=2)
    with made(most, initializer=partial(atexit.register, gc.freeze)) as workers:
        for found in workers.map(partial(_measured, seed), seeds):
            pairs += found
            seen(f"{found[0].seed}")
    return tuple(crew_goals(pairs))


def _measured(seed: int, shop_seed: int) -> list[Pair]:
    return asyncio.run(measure_crew(CrewBenchmark(seed), (shop_seed,)))


async def measure_crew(
    benchmark: CrewBenchmark, seeds: Sequence[int], scenarios: Iterable[str] = tuple(SCENARIOS)
) -> list[Pair]:
    """Run every scenario with every seed: the engine alone, a model alone, and both.

    Both are run with a model that is never right, one that always is, and one in between. Where
    the engine errs they are run once more: errors that go together are the worst.
    """
    pairs: list[Pair] = []
    for place, (scenario, seed) in enumerate(product(scenarios, seeds)):
        engine = await benchmark.pair(scenario, seed, Voice.ENGINE)
        between = BETWEEN[(place + seed) % len(BETWEEN)]
        pairs += [engine, await benchmark.pair(scenario, seed, Voice.MODEL, 0.5)]
        for accuracy in (0.0, between, 1.0):
            pairs.append(await benchmark.pair(scenario, seed, Voice.BOTH, accuracy))
        if not engine.named:
            hard = await benchmark.pair(scenario, seed, Voice.BOTH, HARD)
            pairs.append(replace(hard, correlated=True))
    return pairs


def crew_goals(pairs: Sequence[Pair]) -> Iterator[Goal]:
    """Yield what is promised of the crew, each row with what came out."""
    engine = {(p.scenario, p.seed): p for p in pairs if p.voice is Voice.ENGINE}
    both = [p for p in pairs if p.voice is Voice.BOTH and not p.correlated]
    erred = [p for p in engine.values() if not p.named]
    yield Goal("engine errors among the incidents", len(engine), _share(erred, engine), ">= 0.1")
    right = [p for p in both if p.accuracy == 1.0 and not engine[p.scenario, p.seed].named]
    n, told = share(p.shown for p in right if p.diagnosed)
    yield Goal("truth among the two shown where the engine errs, right model", n, told, ">= 0.5")
    for accuracy in sorted({p.accuracy for p in both}):
        beside = [p for p in both if p.accuracy == accuracy]
        yield from _against_engine(f"model right {accuracy:.0%}", beside, engine)
    hard = [p for p in pairs if p.correlated]
    easy = [p for p in both if p.accuracy == 1.0 and engine[p.scenario, p.seed].named]
    yield from _against_engine("errors that go together", [*easy, *hard], engine)
    alone = [p for p in pairs if p.voice is Voice.MODEL]
    yield from _against_engine("the model alone, right 50%", alone, engine, promised=False)
    seen = [p for p in (*both, *hard) if p.diagnosed]
    one_wrong = [p for p in seen if p.exact is not p.model_right]
    n, raised = share(p.disagreed for p in one_wrong)
    yield Goal("disagreement raised where one of the two is wrong", n, raised, ">= 0.8")
    n, raised = share(p.disagreed for p in seen if p.exact and p.model_right)
    yield Goal("disagreement raised where both are right", n, raised, "<= 0.1")


def _against_engine(
    who: str,
    beside: Sequence[Pair],
    engine: dict[tuple[str, int], Pair],
    *,
    promised: bool = True,
) -> Iterator[Goal]:
    """Compare with the engine on the same incidents: right remedies lost (points), harm added."""
    same = [engine[p.scenario, p.seed] for p in beside]
    n = len(beside)
    lost = 100 * (sum(p.right for p in same) - sum(p.right for p in beside)) / max(n, 1)
    more = sum(p.harmful for p in beside) - sum(p.harmful for p in same)
    points, harm = ("<= 2", "<= 0") if promised else ("", "")
    yield Goal(f"points of right remedies lost, {who}", n, round(lost, 2), points)
    yield Goal(f"harmful remedies more than the engine's, {who}", n, more, harm)


def _share(some: Sequence[object], everything: dict[Any, Any]) -> float:
    return round(len(some) / max(len(everything), 1), 4)
