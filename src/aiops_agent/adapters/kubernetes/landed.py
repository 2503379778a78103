"""Has a patch landed? Read from the object, never from an answer: our mark says so."""

from aiops_agent.actions.platform import Landing, Sight
from aiops_agent.adapters.kubernetes import fields
from aiops_agent.adapters.kubernetes.live import MARK
from aiops_agent.adapters.kubernetes.payload import ObjectPatch
from aiops_agent.domain.value import Document


def sight_of(patch: ObjectPatch, found: Document | None) -> Sight:
    """Tell whether the object bears the mark of the patch.

    Without it, and still as it was when the plan was made, it has not landed, and whatever is on
    its way has the same effect once: its tests hold of this state only.
    """
    if found is None:
        return Sight(landing=Landing.DIVERGED, note=f"{patch.target} is gone")
    if fields.text(found, "metadata", "uid") != patch.uid:
        return Sight(landing=Landing.DIVERGED, note=f"{patch.target} is another one by now")
    mark = fields.text(found, "metadata", "annotations", MARK)
    if mark == patch.operation:
        note = f"{patch.target} bears the mark of {patch.operation}"
        return Sight(landing=Landing.LANDED, note=note, made=patch.made)
    if not (since := patch.since(found)):
        return Sight(landing=Landing.NOT_LANDED, note=f"{patch.target} is as it was")
    by = f", last by {mark}" if mark else ""
    note = f"{patch.target} was changed otherwise ({since}{by[:80]})"
    return Sight(landing=Landing.DIVERGED, note=note)
