"""What stands behind actions that need no person: marked answers, or approved runs."""

from collections.abc import Iterator, Mapping

from aiops_agent.backtest.tally import actions
from aiops_agent.bootstrap.backtest import file_of
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.backtest import ActionRow
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import StoreError
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.remediation import ActionKind, Risk
from aiops_agent.settings.sections import ResolvedEnvironment, Settings
from aiops_agent.workflow.queries import Queries

ENOUGH = 20  # approved runs of a kind that stand behind it
_LOOKED_AT = 500  # of the latest approvals: older ones were of another program


def unproven(settings: Settings, queries: Queries) -> tuple[Checkup, ...]:
    """Return a note for each kind of action that mode `act` allows with nothing behind it.

    It never holds anything up. Raises StoreError.
    """
    return tuple(note for one in settings.resolved for note in _notes(settings, queries, one))


def _notes(settings: Settings, queries: Queries, one: ResolvedEnvironment) -> Iterator[Checkup]:
    if one.mode is not Mode.ACT or not one.sources.any:
        return
    kinds = [
        spec.kind
        for spec in settings.registry.actions
        if one.ref.kind in spec.platforms and spec.risk is Risk.LOW and spec.reversible
    ]
    runs, marked = _approved(queries, one.ref, kinds), _marked(settings, one)
    for kind in kinds:
        row = marked.get(kind)
        if runs[kind] >= ENOUGH or (row is not None and row.right > row.wrong):
            continue
        said = f"{row.right} of {row.right + row.wrong}" if row else "0 of 0"
        yield Checkup(
            group="core",
            name=f"act {one.ref.name}/{kind}",
            health=Health.NOTE,
            words=f"mode act does {kind} without a person where its risk is low, and little stands"
            f" behind it: {said} marked backtest answers are right, {runs[kind]} of {ENOUGH}"
            " approved runs",
            remedy="aiops backtest; then aiops backtest --mark ID right|wrong; or mode: propose",
        )


def _approved(
    queries: Queries, ref: EnvironmentRef, kinds: list[ActionKind]
) -> dict[ActionKind, int]:
    """Return how many plans of this environment a person let run, by kind of action."""
    runs = dict.fromkeys(kinds, 0)
    for short in queries.approvals((ApprovalState.USED,), limit=_LOOKED_AT):
        person = short.decision is not None and short.decision.surface.by_person
        wanted = {kind for kind in kinds if any(text.startswith(kind) for text in short.actions)}
        if not person or all(runs[kind] >= ENOUGH for kind in wanted):
            continue
        prepared = queries.approval(short.id).prepared
        if prepared.environment == ref:
            for kind in {step.action.kind for step in prepared.steps} & wanted:
                runs[kind] += 1
    return runs


def _marked(settings: Settings, one: ResolvedEnvironment) -> Mapping[ActionKind, ActionRow]:
    file = file_of(settings, one)
    try:
        answers, marks = file.answers(), file.marks()
    except StoreError:  # what cannot be read stands behind nothing
        return {}
    return {row.kind: row for row in actions(tuple(answers.values()), marks)}
