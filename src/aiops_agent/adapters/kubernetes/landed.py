"""Has a patch landed? Read from the workload, never from an answer: our mark says so."""

from aiops_agent.actions.platform import Landing, Sight
from aiops_agent.adapters.kubernetes.live import LiveWorkload
from aiops_agent.adapters.kubernetes.payload import WorkloadPatch


def sight_of(patch: WorkloadPatch, live: LiveWorkload | None) -> Sight:
    """Tell whether the workload bears the mark of the patch.

    Without it, and still as it was when the plan was made, it has not landed, and whatever is on
    its way has the same effect once: its tests hold of this generation only.
    """
    if live is None:
        return Sight(landing=Landing.DIVERGED, note=f"{patch.target} is gone")
    if live.uid != patch.uid:
        return Sight(landing=Landing.DIVERGED, note=f"{patch.target} is another one by now")
    if live.mark == patch.operation:
        note = f"{patch.target} bears the mark of {patch.operation}"
        return Sight(landing=Landing.LANDED, note=note, made=patch.made)
    if live.generation == patch.generation:
        note = f"{patch.target} is as it was"
        return Sight(landing=Landing.NOT_LANDED, note=note)
    by = f", last by {live.mark}" if live.mark else ""
    note = f"{patch.target} was changed otherwise{by[:80]}"
    return Sight(landing=Landing.DIVERGED, note=note)
