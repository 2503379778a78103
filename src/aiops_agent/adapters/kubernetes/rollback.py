"""rollback_release in Kubernetes: the exact template of an earlier ReplicaSet, pinned by its uid.

The template is not stored: it may hold secrets. What is stored is of which ReplicaSet it is, and
the hash of the whole patch; directly before a send both are read again.
"""

from collections.abc import Sequence

from aiops_agent.adapters.kubernetes.kinds import DEPLOYMENTS
from aiops_agent.adapters.kubernetes.live import LiveWorkload
from aiops_agent.adapters.kubernetes.past import PastTemplate, present, template_digest
from aiops_agent.adapters.kubernetes.payload import PinnedTemplate, template_swap
from aiops_agent.adapters.kubernetes.privilege import beyond_walls, gained
from aiops_agent.adapters.kubernetes.way import WorkloadChange, kubectl, rolled_out
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.remediation import Action
from aiops_agent.domain.text import shell

_LONGEST = 200  # characters of the names of images
_MOST_TOLD = 4  # rights that a refusal names


def rollback(
    live: LiveWorkload, wished: GoodRelease, releases: Sequence[PastTemplate]
) -> WorkloadChange:
    """Return how the pods get the template of a release that ran well.

    Raises PlatformError where there is none, no way back, or it would be allowed more than now.
    """
    possible(live)
    now = present(live, releases)
    if now is None:
        raise PlatformError(
            f"{live.words} keeps no ReplicaSet of its present release, so there would be no way "
            "back; roll back by hand."
        )
    then = chosen(live, wished, [one for one in releases if one.uid != now.uid])
    no_more_rights(live, then)
    how = rolled_out(live)
    count = max(live.pods, live.replicas or 0)
    return WorkloadChange(
        steps=tuple(template_swap(live, then.template)),
        touched=count,
        interrupts=True,
        words=f"every pod of {live.words} ({count}) replaced {how} by {told_of(then)}; "
        "requests in flight may be lost",
        run=kubectl(live, "rollout", "undo", f"--to-revision={then.revision}"),
        undo=f"run {told_of(now)} of {live.words} again",
        rights=beyond_walls(then.template),
        pinned=_pinned(then),
        leaving=told_of(now),
        leaves={"left": _pinned(now).document(), "template": template_digest(now.template)},
    )


def told_of(release: PastTemplate) -> str:
    """Return a release in words: its revision and its images."""
    return f"revision {release.revision} ({', '.join(release.images)[:_LONGEST]})"


def _pinned(release: PastTemplate) -> PinnedTemplate:
    return PinnedTemplate(replica_set=release.name, uid=release.uid)


def possible(live: LiveWorkload) -> None:
    """Raise PlatformError for what is not rolled back here."""
    if live.kind is not DEPLOYMENTS:
        raise PlatformError(
            f"{live.words} is no deployment: an older release may not read the data of a newer "
            "one; roll back by hand."
        )
    if live.helm:
        release, namespace = live.helm
        history = shell("helm", "-n", namespace, "history", release)
        back = shell("helm", "-n", namespace, "rollback", release)
        raise PlatformError(f"Helm installed {live.words}: {history}, then {back} REVISION.")


def known_good(action: Action, good: Sequence[GoodRelease]) -> GoodRelease:
    """Return the wished image as it is remembered. Raises PlatformError when it never ran well."""
    wished = next((one for one in good if one.image_id == action.wished.get("image")), None)
    if wished is None:
        told = f"{action.wished['release']} of {action.target.name} was never seen to run well here"
        raise PlatformError(f"{told}: roll back by hand.")
    return wished


def chosen(live: LiveWorkload, wished: GoodRelease, past: Sequence[PastTemplate]) -> PastTemplate:
    """Return the latest release of an image. Raises PlatformError when none is kept."""
    found = next((one for one in past if wished.image in one.images), None)
    if found is None:
        raise PlatformError(
            f"{live.words} keeps no earlier ReplicaSet that runs {wished.text}: roll back by hand."
        )
    return found


def no_more_rights(live: LiveWorkload, then: PastTemplate) -> None:
    """Raise PlatformError when the pods would be allowed more than they are now."""
    if added := gained(live.template, then.template):
        raise PlatformError(
            f"the release of revision {then.revision} would give the pods of {live.words} "
            f"{'; '.join(added[:_MOST_TOLD])}: a person must decide, and roll back by hand."
        )
