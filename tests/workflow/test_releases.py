"""An image is remembered as good once it ran well for ten minutes, with traffic and no incident."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from aiops_agent.domain.diagnosis import CauseKind, Hypothesis
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Status
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.telemetry import (
    Change,
    ChangeKind,
    Series,
    ServiceName,
    Signal,
    Window,
    Workload,
)
from aiops_agent.ports.telemetry import Environment
from aiops_agent.reasoning.gather import Scene
from aiops_agent.reasoning.propose import Means, PastRelease, release_before, remedies
from aiops_agent.registry import CATALOGUE
from aiops_agent.workflow.releases import WELL, ReleaseWatch, image_of, served_well
from tests.safety.plans import an_incident
from tests.workflow.place import HERE, START, Company, Place

WEB = ServiceName("web")
GOOD, BAD = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def an_instance(**given: Any) -> Workload:
    told: dict[str, Any] = {"state": "running", "health": "healthy", "image": "web:1"}
    told |= {"image_id": GOOD, "started_at": START - WELL}
    return Workload(service=WEB, name="web-1", **(told | given))


def a_series(signal: Signal, *values: float | None) -> Series:
    times = tuple(START - timedelta(minutes=n) for n in range(len(values)))
    return Series(service=WEB, signal=signal, times=times, values=values, source="p", query="q")


CALM = (a_series(Signal.TRAFFIC, 9, 8, 7), a_series(Signal.ERRORS, 0, 0.01, 0))


@dataclass
class Seen:
    """What the sources say: instances, and series."""

    running: Sequence[Workload] = (an_instance(),)
    read_: Sequence[Series] = CALM
    asked: list[tuple[ServiceName, ...]] = field(default_factory=list)

    async def workloads(self, services: Sequence[ServiceName]) -> tuple[Workload, ...]:
        return tuple(self.running)

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        self.asked.append(tuple(services))
        return tuple(self.read_)


def watch(place: Place, seen: Seen) -> ReleaseWatch:
    deps = place.deps

    def opened(environment: EnvironmentRef) -> Environment:
        return replace(deps.environments(environment), workloads=seen, metrics=seen)

    return ReleaseWatch(replace(deps, environments=opened), HERE)


def remembered(place: Place) -> list[GoodRelease]:
    with place.store.read() as view:
        return list(view.releases.listed(HERE, WEB))


async def test_what_ran_well_is_remembered_and_looked_at_again_only_after_an_hour(
    place: Place,
) -> None:
    seen = Seen()
    looks = watch(place, seen)
    assert await looks.look() == 1
    (found,) = remembered(place)
    assert (found.image_id, found.image, found.seen) == (GOOD, "web:1", place.clock.at)
    assert found.text == "web:1 (111111111111)"
    place.clock.go(minutes=59)
    assert await looks.look() == 0
    place.clock.go(minutes=1)
    assert await looks.look() == 1
    assert len(seen.asked) == 2
    assert [one.seen for one in remembered(place)] == [place.clock.at]


NOT_WELL: dict[str, Any] = {
    "ended": {"running": (an_instance(state="exited"),)},
    "starts again and again": {"running": (an_instance(state="restarting"),)},
    "ill": {"running": (an_instance(health="unhealthy"),)},
    "not up yet": {"running": (an_instance(health="starting"),)},
    "young": {"running": (an_instance(started_at=START - timedelta(minutes=9)),)},
    "of unknown age": {"running": (an_instance(started_at=None),)},
    "of two images": {"running": (an_instance(), an_instance(image_id=BAD))},
    "of no image": {"running": (an_instance(image_id=""),)},
    "gone": {"running": ()},
    "nobody calls it": {"read_": (a_series(Signal.TRAFFIC, 0, 0, 0),)},
    "nobody knows whether": {"read_": ()},
    "called now and then": {"read_": (a_series(Signal.TRAFFIC, 1, None, None, None),)},
    "it fails": {"read_": (CALM[0], a_series(Signal.ERRORS, 0, 0.2, 0))},
}


@pytest.mark.parametrize("given", NOT_WELL.values(), ids=NOT_WELL)
async def test_what_did_not_run_well_is_not_remembered(place: Place, given: Any) -> None:
    assert await watch(place, Seen(**given)).look() == 0
    assert remembered(place) == []


async def test_sources_that_do_not_answer_are_no_trouble_and_nothing_is_noted(
    place: Place,
) -> None:
    away = watch(place, Seen())
    assert await ReleaseWatch(place.deps, HERE).look() == 0, "none is configured"
    place.topology = Company(away=True)
    assert await away.look() == 0
    assert remembered(place) == []


async def test_nothing_is_good_while_an_incident_is_about_it(place: Place) -> None:
    about = an_incident().subject.model_copy(update={"environment": HERE, "name": "web"})
    place.put(an_incident(environment=HERE, subject=about))
    assert await watch(place, Seen()).look() == 0
    place.put(an_incident(environment=HERE, subject=about, status=Status.RESOLVED))
    assert await watch(place, Seen()).look() == 1


def test_one_that_was_stopped_on_request_does_not_count() -> None:
    stopped = an_instance(state="exited", wanted=False, image_id=BAD)
    found = image_of((an_instance(), stopped), WEB, START)
    assert found is not None
    assert found.image_id == GOOD


def test_without_an_error_signal_traffic_alone_tells() -> None:
    assert served_well(CALM[:1], WEB, 0.05)
    assert not served_well(CALM[:1], ServiceName("mail"), 0.05)


@pytest.mark.parametrize(
    ("traffic", "well"), [((9, 8, None), True), ((9, None), False), ((9, 8, 0, None), False)]
)
def test_requests_must_have_come_in_two_thirds_of_the_time(
    traffic: tuple[float | None, ...], well: bool
) -> None:
    assert served_well((a_series(Signal.TRAFFIC, *traffic),), WEB, 0.05) is well


@pytest.mark.parametrize(("share", "well"), [(0.05, True), (0.051, False)])
def test_errors_within_the_limit_are_well(share: float, well: bool) -> None:
    errors = a_series(Signal.ERRORS, 0, share, None)
    assert served_well((CALM[0], errors), WEB, 0.05) is well


def good(image: str, minutes: int) -> GoodRelease:
    at = START - timedelta(minutes=minutes)
    return GoodRelease(service=WEB, image_id=image, image="web", seen=at)


@pytest.mark.parametrize(
    ("known", "image"),
    [
        ((good(GOOD, 5),), GOOD),
        ((good(BAD, 1), good(GOOD, 5)), GOOD),  # what runs is no way back, however well it ran
        ((good(BAD, 1),), None),
        ((), None),
    ],
)
def test_the_way_back_is_the_image_that_ran_well_last_and_does_not_run(
    known: tuple[GoodRelease, ...], image: str | None
) -> None:
    running = (an_instance(image_id=BAD), an_instance(image_id=BAD), an_instance(image_id=GOOD))
    found = release_before(running, known).image
    assert (found.image_id if found else None) == image


@pytest.mark.parametrize(
    ("before", "after", "image"),
    [
        ("web:1", "web:2", GOOD),
        ("web:1, log:1", "web:2, log:1", GOOD),
        ("log:1, web:2", "log:2, web:2", None),  # what was left was never seen to run well
        ("an older web", "web", None),  # a name that means another image now tells none
        ("", "web:2", None),
    ],
)
def test_while_a_release_that_does_not_start_is_rolled_out_the_one_before_is_the_way_back(
    before: str, after: str, image: str | None
) -> None:
    still = an_instance(image_id=GOOD)
    running = (still, still, an_instance(image_id=""))
    change = RELEASE.model_copy(update={"before": before, "after": after})
    known = (good(GOOD, 5).model_copy(update={"image": "web:1"}),)
    found = release_before(running, known, change).image
    assert (found.image_id if found else None) == image


def test_images_are_kept_by_environment_service_and_id(place: Place) -> None:
    other = EnvironmentRef.parse("docker:other")
    with place.store.begin() as work:
        work.releases.put(HERE, good(GOOD, 5))
        work.releases.put(HERE, good(BAD, 9))
        work.releases.put(HERE, good(BAD, 1))
        work.releases.put(other, good(BAD, 0))
    assert [(one.image_id, one.seen) for one in remembered(place)] == [
        (BAD, START - timedelta(minutes=1)),
        (GOOD, START - timedelta(minutes=5)),
    ]
    with place.store.read() as view:
        assert len(view.releases.listed(HERE)) == 2
        assert len(view.releases.listed(other)) == 1


RELEASE = Change(
    at=START,
    service=WEB,
    kind=ChangeKind.RELEASE,
    title="web runs web:2 instead of web:1",
    source="docker",
    before="web:1",
    after="web:2",
)


@pytest.mark.parametrize("kind", [CauseKind.RELEASE, CauseKind.CONFIG, CauseKind.LEAK])
@pytest.mark.parametrize("found", [good(GOOD, 5), None], ids=["known", "unknown"])
def test_a_rollback_goes_to_an_image_that_ran_well_or_is_not_possible(
    kind: CauseKind, found: GoodRelease | None
) -> None:
    cause = Hypothesis(kind=kind, service=WEB, statement="bad", score=1, held=3, checks=3)
    menu = CATALOGUE.offers("docker", CATALOGUE.kinds, {})
    scene = cast("Scene", None)  # a release needs nothing of it
    first = remedies(Means(HERE, scene, cause, RELEASE, menu, PastRelease(found)))[0]
    if found is None:
        assert first.why_not == "no older image of web was seen to run well"
        assert first.actions == ()
    else:
        (action,) = first.actions
        assert action.wished == {"release": "web (111111111111)", "image": GOOD}
        assert first.reason.startswith("bad; web (111111111111) ran well before, last seen 2026-")
        CATALOGUE.check(action, menu)
