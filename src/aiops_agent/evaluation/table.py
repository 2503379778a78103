"""How often does the service end a broken shop as it should? The outcome table."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from aiops_agent.domain.incident import Incident
from aiops_agent.evaluation.endings import accepted, pinned
from aiops_agent.evaluation.scenarios import case

# Breaks a shop, lets the real service work with every plan approved, returns the ended incident.
ScenarioRunner = Callable[[str, int, Mapping[str, str] | None], Awaitable[Incident]]


@dataclass(frozen=True)
class EvaluationResult:
    """How one scenario with one seed ended."""

    scenario: str
    seed: int
    right: bool
    why: str
    attempts: int
    pinned: bool  # the first diagnosis had the truth on top


async def measure(
    run: ScenarioRunner,
    scenarios: Iterable[str],
    seeds: Sequence[int],
    names: Mapping[str, str] | None = None,
) -> tuple[EvaluationResult, ...]:
    """Run every scenario with every seed, one after the other."""
    results = []
    for scenario, seed in product(scenarios, seeds):
        incident, told = await run(scenario, seed, names), case(scenario, seed, names)
        right, why = accepted(told, incident)
        first, attempts = pinned(told, incident), len(incident.attempts)
        results.append(EvaluationResult(scenario, seed, right, why, attempts, first))
    return tuple(results)


def rendered(results: Sequence[EvaluationResult]) -> str:
    """Return the table as Markdown: a row per scenario, then every wrong ending with its reason."""
    rows = [
        "| scenario | right | at the first attempt | cause on top | endings |",
        "|---|---|---|---|---|",
    ]
    names = dict.fromkeys(result.scenario for result in results)
    rows += [_row(name, [r for r in results if r.scenario == name]) for name in names]
    rows.append(_row("all", list(results)))
    wrong = [f"- {r.scenario}, seed {r.seed}: {r.why}" for r in results if not r.right]
    return "\n".join([*rows, "", *(wrong or ["No wrong ending."])]) + "\n"


def _row(name: str, results: list[EvaluationResult]) -> str:
    count = len(results)
    right = sum(result.right for result in results)
    first = sum(result.right and result.attempts <= 1 for result in results)
    on_top = sum(result.pinned for result in results)
    endings = dict.fromkeys(result.why for result in results if result.right)
    words = "" if name == "all" else ", ".join(endings)
    return f"| {name} | {right}/{count} | {first}/{count} | {on_top}/{count} | {words} |"
