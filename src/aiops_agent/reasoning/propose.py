"""Which remedies fit the kind of cause, and what speaks against the others?"""

# limit: what fits each kind of cause stands on one page

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aiops_agent.domain.diagnosis import CauseKind, Hypothesis
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.naming import MARK
from aiops_agent.domain.quantity import amount
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    Alternative,
    Offer,
    PlanKind,
    Target,
    TargetKind,
)
from aiops_agent.domain.telemetry import Change, ChangeKind, ServiceKind, Signal, Workload
from aiops_agent.reasoning.gather import Scene
from aiops_agent.reasoning.instances import Headcount

COMFORTABLE = 0.6  # share of capacity in use that we aim for
FULL = 0.85  # share of capacity from which it is this that runs out
CLIPPED = 0.95  # a saturation that high hides how much is asked for
CHANGED = 3600.0  # seconds before the trouble: a change since may be why instances are ill
MOST_GROWTH = 3  # times as many replicas as now, never more

# Those that a cause calls for; whether the environment offers them is looked up in its menu.
RESTART, SCALE = ActionKind("restart_service"), ActionKind("scale_pods")
DELETE_POD, CORDON_NODE = ActionKind("delete_pod"), ActionKind("cordon_node")
ROLLBACK, SET_CONFIG = ActionKind("rollback_release"), ActionKind("set_config")


@dataclass(frozen=True)
class Remedy:
    """One thing that could be done; `why_not` says why it cannot be."""

    kind: PlanKind
    actions: tuple[Action, ...] = ()
    reason: str = ""
    stop_gap: bool = False
    why_not: str = ""


@dataclass(frozen=True)
class PastRelease:
    """The release to which a rollback would go, where releases are images; None: there is none."""

    image: GoodRelease | None


def release_before(
    running: Iterable[Workload], good: Sequence[GoodRelease], change: Change | None = None
) -> PastRelease:
    """Return the image that ran well and that the change took away, by its name.

    Where none is known, it is the one that ran well last and that most instances do not run now:
    while a release that does not start is rolled out, most still run the one before it.
    """
    left = set(_images(change.before)) - set(_images(change.after)) if change else set()
    if (named := next((one for one in good if one.image in left), None)) is not None:
        return PastRelease(named)
    counts = Counter(one.image_id for one in running if one.image_id and one.wanted)
    present = max(counts, key=lambda image: counts[image], default="")
    return PastRelease(next((one for one in good if one.image_id != present), None))


def _images(told: str) -> list[str]:
    return [one.strip() for one in told.split(",") if one.strip()]


@dataclass(frozen=True)
class Means:
    """What a remedy is made from: the scene, the cause, its change, and the menu."""

    environment: EnvironmentRef
    scene: Scene
    cause: Hypothesis
    change: Change | None
    menu: tuple[Offer, ...]
    release: PastRelease | None = None  # None where a release is known by its name
    standing: Headcount | None = None  # of who is to blame or, where that is none, of who alerts
    sick: Mapping[str, str] = field(default_factory=dict)  # machines that fail, says the platform

    @property
    def target(self) -> Target:
        """The service that is to blame, as a target."""
        return Target(environment=self.environment, name=self.cause.service)

    def offer(self, kind: ActionKind) -> Offer | None:
        """Return the menu's line for a kind of action, or None."""
        return next((offer for offer in self.menu if offer.kind == kind), None)

    def act(
        self, kind: ActionKind, reason: str, *wished: dict[str, str | int], stop_gap: bool = False
    ) -> Remedy:
        """Return the remedy of one action for each wish; it cannot be if nobody offers it."""
        if self.offer(kind) is None:
            return _cannot(f"{kind} is not offered here")
        actions = tuple(Action(kind=kind, target=self.target, wished=wish) for wish in wished)
        return Remedy(PlanKind.ACT, actions, reason, stop_gap)


def remedies(means: Means) -> tuple[Remedy, ...]:
    """Return remedies for the cause, the fittest first; those not possible carry `why_not`."""
    made = (make(means) for make in FITTING[means.cause.kind])
    return (*moves(means), *(one for one in made if one is not None))


def moves(means: Means) -> tuple[Remedy, ...]:
    """Return what the platform's own words call for, however sure the mechanism is; () for nothing.

    Instances that are ill leave a machine that fails; those that fail their health check are ended
    where others are well, nothing was changed and no mechanism is known.
    """
    return _off_a_machine(means) or _unserving(means)


def _unserving(means: Means) -> tuple[Remedy, ...]:
    standing, scene = means.standing, means.scene
    ended = _ended(means) if means.cause.kind is CauseKind.UNKNOWN else None
    if ended is None or standing is None or standing.service != scene.service:
        return ()
    since = scene.began - CHANGED
    changes = (one.at.timestamp() for one in scene.changes if one.service == standing.service)
    checked = all(one.health == "unhealthy" for one in standing.stuck)
    if not checked or any(at >= since for at in changes):
        return ()  # what was just changed fails its check again when it is made anew
    told = f"{ended.wished['pods']} of {standing.service} fails its health check"
    reason = f"{told}, the others are well; why is not known, so this is a stop-gap"
    return (Remedy(PlanKind.ACT, (ended,), reason, stop_gap=True),)


def _off_a_machine(means: Means) -> tuple[Remedy, ...]:
    offer, standing = means.offer(CORDON_NODE), means.standing
    if offer is None or standing is None or not standing.stuck:
        return ()
    nodes = {one.node for one in standing.stuck}
    node = next(iter(nodes))
    if len(nodes) > 1 or node not in means.sick or (ended := _ended(means)) is None:
        return ()
    told = f"node {node} fails ({means.sick[node]})"
    if not offer.bounds.get("allowed"):
        why = f"{told}, and {CORDON_NODE} is not allowed (actions.{CORDON_NODE}.allowed)"
        return (_cannot(why),)
    target = Target(environment=means.environment, kind=TargetKind.NODE, name=node)
    cordon = Action(kind=CORDON_NODE, target=target, wished={"new_pods": "no"})
    reason = f"{told}; all of {standing.service} that is ill is on it, and the others are well"
    return (Remedy(PlanKind.ACT, (cordon, ended), reason, stop_gap=True),)


def replicas_now(scene: Scene, service: str) -> int | None:
    """Return on how many replicas a service runs, or None when nobody says."""
    known = scene.graph.service(service)
    if known is not None and known.replicas is not None:
        return known.replicas
    seen = scene.tracks.get((service, Signal.REPLICAS))
    return round(float(seen.values[-1])) if seen is not None else None


def replicas_wished(scene: Scene, service: str, present: int) -> int:
    """Return how many replicas would serve the demand in comfort, at most MOST_GROWTH times."""
    traffic = scene.shift(service, Signal.TRAFFIC)
    used = scene.shift(service, Signal.SATURATION)
    growth = traffic.ratio if traffic is not None and traffic.up else 1.0
    demand = 0.0
    if used is not None:
        demand = present * max(used.worst, used.before * growth) / COMFORTABLE
    if used is None or used.worst < FULL:
        demand = max(demand, present * growth)  # something else than what is measured runs out
    if used is None or used.worst >= CLIPPED:
        demand = max(demand, 2.0 * present)  # how much more is asked for is hidden: be generous
    return max(present + 1, min(math.ceil(demand), MOST_GROWTH * present))


def rejected(means: Means) -> tuple[Alternative, ...]:
    """Return what else a person may think of, with its drawback by the cause."""
    target = means.target
    offered = {offer.kind for offer in means.menu}
    return tuple(
        Alternative(
            actions=(Action(kind=kind, target=target),) if kind and not text else (),
            text=text.format(service=target.name),
            drawback=drawback.format(service=target.name),
        )
        for kind, text, drawback in DRAWBACKS.get(means.cause.kind, ())
        if kind is None or kind in offered
    )


def _cannot(why: str) -> Remedy:
    return Remedy(PlanKind.ACT, why_not=why)


def _scale(means: Means) -> Remedy | None:
    service = means.cause.service
    offer = means.offer(SCALE)
    if offer is None:
        return _cannot(f"{SCALE} is not offered here")
    known = means.scene.graph.service(service)
    if known is not None and known.kind is not ServiceKind.APPLICATION:
        return _cannot(f"{service} is a {known.kind}: more replicas may not help")
    present = replicas_now(means.scene, service)
    if present is None:
        return _cannot(f"replica count of {service} unknown")
    most = offer.bounds.get("max_replicas", MOST_GROWTH * present)
    if present >= most:
        return _cannot(
            f"{service} already has {present} replicas ({most} is the configured maximum)"
        )
    wished = min(replicas_wished(means.scene, service, present), most)
    reason = f"{means.cause.statement}; {wished} replicas instead of {present} can serve it"
    bound = f" ({most} is the configured maximum)" if wished == most else ""
    return means.act(SCALE, reason + bound, {"replicas": wished})


def _restart(means: Means) -> Remedy:
    if means.cause.kind is CauseKind.LEAK:
        reason = f"{means.cause.statement}; a restart frees it (stop-gap: it will grow again)"
        return means.act(RESTART, reason, {}, stop_gap=True)
    return means.act(RESTART, f"{means.cause.statement}; a restart starts it afresh", {})


def _restart_ill(means: Means) -> Remedy | None:
    """Restart some of the instances of who is to blame, where others of them do well."""
    standing = means.standing
    own = standing is not None and standing.service == means.cause.service
    ended = _ended(means) if own else None
    if ended is None:
        return None
    names = str(ended.wished["pods"]).split(",")
    told = f"only {', '.join(names)} {'is' if len(names) == 1 else 'are'} ill"
    reason = f"{means.cause.statement}; {told}, and the others stay as they are"
    leak = means.cause.kind is CauseKind.LEAK
    return Remedy(PlanKind.ACT, (ended,), reason, stop_gap=leak)


def _ended(means: Means) -> Action | None:
    """Return what ends the ill instances; None where there are none, too many, or no others."""
    offer, standing = means.offer(DELETE_POD), means.standing
    if offer is None or standing is None:
        return None
    ill = sorted(one.name for one in standing.stuck)
    if not 0 < len(ill) <= offer.bounds.get("max_pods", 0) or standing.running <= len(standing.ill):
        return None
    target = Target(environment=means.environment, name=standing.service)
    return Action(kind=DELETE_POD, target=target, wished={"pods": ",".join(ill)})


def _rollback(means: Means) -> Remedy | None:
    change = means.change
    if change is None or change.kind is not ChangeKind.RELEASE or not change.before:
        return None
    if means.offer(ROLLBACK) is not None and means.release is not None:
        past = means.release.image
        if past is None:
            return _cannot(f"no older image of {means.cause.service} was seen to run well")
        seen = f"{past.seen:%Y-%m-%d %H:%M} UTC"
        reason = f"{means.cause.statement}; {past.text} ran well before, last seen {seen}"
        return means.act(ROLLBACK, reason, {"release": past.text, "image": past.image_id})
    reason = f"{means.cause.statement}; release {change.before} ran well before"
    return means.act(ROLLBACK, reason, {"release": change.before})


def _restore(means: Means) -> Remedy | None:
    change = means.change
    if change is None or not change.settings:
        return None
    if change.fixed:
        return _cannot(change.fixed)
    if secret := next((name for name, (old, _) in change.settings.items() if MARK in old), ""):
        return _cannot(f"the old value of {secret} may be a secret, and is not known here")
    reason = f"{means.cause.statement}; the old value worked before"
    before: list[dict[str, str | int]] = [
        {"name": name, "value": old} for name, (old, _) in sorted(change.settings.items())
    ]
    return means.act(SET_CONFIG, reason, *before)


def _watch(means: Means) -> Remedy | None:
    hits = means.scene.shift(means.cause.service, Signal.CACHE_HITS)
    seen = ""
    if hits is not None:
        last = amount(Signal.CACHE_HITS, float(hits.track.values[-1]))
        seen = f" ({last} of look-ups now, usually {amount(Signal.CACHE_HITS, hits.before)})"
    return Remedy(PlanKind.WATCH, reason=f"{means.cause.statement}{seen}; it heals by itself")


def _handover(means: Means) -> Remedy | None:
    if means.cause.kind is CauseKind.DEPENDENCY:
        reason = f"{means.cause.statement}: nothing that we could do to our own services helps"
    else:
        reason = f"{means.cause.statement}: a person must look"
    return Remedy(PlanKind.HANDOVER, reason=reason)


FITTING: dict[CauseKind, tuple[Callable[[Means], Remedy | None], ...]] = {
    CauseKind.CAPACITY: (_scale, _handover),
    CauseKind.HANG: (_restart_ill, _restart, _handover),
    CauseKind.RELEASE: (_rollback, _handover),
    CauseKind.CONFIG: (_rollback, _restore, _handover),
    CauseKind.LEAK: (_rollback, _restart_ill, _restart, _handover),
    CauseKind.DEPENDENCY: (_handover,),
    CauseKind.COLD_CACHE: (_watch, _handover),
    # What would help is not seen from outside: who restarts here loses the traces for nothing.
    CauseKind.ERRORS: (_handover,),
    CauseKind.CONTENTION: (_handover,),
    CauseKind.CRASH: (_handover,),
    CauseKind.UNKNOWN: (_handover,),
}
DRAWBACKS: dict[CauseKind, tuple[tuple[ActionKind | None, str, str], ...]] = {
    CauseKind.CAPACITY: (
        (
            RESTART,
            "",
            "it is overloaded, not stuck: a restart takes capacity away",
        ),
        (None, "watch", "users stay slow while traffic stays high"),
    ),
    CauseKind.HANG: (
        (SCALE, "", "stuck replicas keep losing their share of requests"),
        (None, "watch", "a hung process does not recover by itself"),
    ),
    CauseKind.RELEASE: (
        (SCALE, "", "new replicas would run the same release"),
        (None, "watch", "the release stays until someone rolls it back"),
    ),
    CauseKind.CONFIG: (
        (RESTART, "", "it would start with the same setting"),
        (None, "watch", "the setting stays until someone changes it"),
    ),
    CauseKind.LEAK: (
        (SCALE, "", "new replicas leak as well"),
        (None, "watch", "memory grows until the process is OOM-killed"),
    ),
    CauseKind.DEPENDENCY: (
        (
            RESTART,
            "restart the services that call {service}",
            "they are healthy; a restart loses requests and does not help {service}",
        ),
        (None, "watch", "recovery time unknown; its owner should be called"),
    ),
    CauseKind.ERRORS: ((RESTART, "", "the same code would fail the same requests"),),
    CauseKind.CONTENTION: (
        (RESTART, "", "what uses up its capacity may be beside it, and would go on"),
        (SCALE, "", "more replicas help only where nothing else uses them up"),
    ),
    CauseKind.CRASH: ((RESTART, "", "what ended by itself ends again; read its last lines first"),),
    CauseKind.COLD_CACHE: ((RESTART, "", "it would be empty again"),),
}
