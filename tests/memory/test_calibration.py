"""What a confidence promised, beside what people and telemetry found."""

from datetime import UTC, datetime
from typing import Any

import pytest

from aiops_agent.domain.diagnosis import Confidence
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.postmortem import CaseSource, PastIncident, PersonRating
from aiops_agent.memory.calibration import PROMISED, calibration, held, verdict
from aiops_agent.reasoning import belief
from tests.contracts.samples import a_case
from tests.memory.test_compact import CUT, FIXED, IN_VAIN

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def rated(right: bool) -> PersonRating:
    return PersonRating(by="pat", at=NOW, right=right)


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"tried": (FIXED,)}, True),
        ({"tried": (IN_VAIN, FIXED)}, True),
        ({"tried": (IN_VAIN,)}, False),
        ({"tried": (CUT,)}, None),
        ({"tried": ()}, None),
        ({"tried": (), "ending": Ending.HEALED}, None),
        ({"tried": (FIXED,), "ratings": (rated(True), rated(False))}, False),
        ({"tried": (IN_VAIN,), "ratings": (rated(True),)}, True),
        ({"tried": (FIXED,), "source": CaseSource.IMPORTED}, None),
        ({"ratings": (rated(True),), "source": CaseSource.IMPORTED}, None),
    ],
)
def test_a_person_decides_and_else_telemetry(facts: dict[str, Any], found: bool | None) -> None:
    assert verdict(a_case(**facts)) is found


def judged(confidence: Confidence, right: int, wrong: int) -> list[PastIncident]:
    tries = [(FIXED,)] * right + [(IN_VAIN,)] * wrong
    return [a_case(confidence=confidence, tried=one) for one in tries]


def test_a_word_that_is_right_too_seldom_drifts() -> None:
    made = calibration(
        [
            *judged(Confidence.HIGH, 3, 8),
            *judged(Confidence.MEDIUM, 5, 3),
            *judged(Confidence.LOW, 0, 9),
            a_case(tried=(FIXED,)),  # of before confidences were kept
        ]
    )
    told = [(one.confidence, one.right, one.wrong, one.drifts) for one in made]
    assert told == [
        (Confidence.HIGH, 3, 8, True),
        (Confidence.MEDIUM, 5, 3, False),
        (Confidence.LOW, 0, 9, False),
    ]


def test_little_is_no_alarm() -> None:
    (one,) = calibration(judged(Confidence.HIGH, 0, 1))
    assert not one.drifts
    assert held([]) == ()


def test_what_is_promised_is_what_the_belief_means() -> None:
    assert PROMISED == {Confidence.HIGH: belief.SURE, Confidence.MEDIUM: belief.LIKELY}
