"""What of an incident's shape tells one trouble from another."""

import numpy as np

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.signature import MoveSize, Onset, Role, RoleLine, SignalMove, Signature
from aiops_agent.domain.telemetry import Signal
from aiops_agent.memory.scan import Postings
from aiops_agent.memory.terms import WEIGHTS, shape_terms

WAITS = RoleLine(role=Role.SUBJECT, template="timed out after <n> ms waiting for a connection")


def move(
    signal: Signal,
    *,
    up: bool = True,
    role: Role = Role.SUBJECT,
    size: MoveSize = MoveSize.SOME,
    onset: Onset = Onset.JUMP,
) -> SignalMove:
    return SignalMove(role=role, signal=signal, up=up, size=size, onset=onset)


def terms(*moves: SignalMove, lines: tuple[RoleLine, ...] = ()) -> tuple[str, ...]:
    return tuple(shape_terms(Signature(moves=moves, lines=lines), None))


def likeness(asked: tuple[str, ...], *kept: tuple[str, ...]) -> list[float]:
    """Return the shared part of each kept shape, among others that share nothing of it."""
    postings = Postings()
    for shape in (*kept, *[("inside.queue.up",), ("claims.absent",)] * 10):
        postings.add(shape)
    found: list[float] = np.round(postings.overlap(asked, WEIGHTS)[: len(kept)], 3).tolist()
    return found


def test_how_bad_it_was_does_not_tell_what_it_was() -> None:
    """A pool that is used up makes others wait seconds or minutes; a surge is no retry."""
    mild = terms(move(Signal.LATENCY), move(Signal.POOL, size=MoveSize.SOME))
    bad = terms(
        move(Signal.LATENCY, size=MoveSize.FAR, onset=Onset.GROWTH),
        move(Signal.POOL, size=MoveSize.FAR),
    )
    assert mild == bad
    assert terms(move(Signal.TRAFFIC)) != terms(move(Signal.TRAFFIC, size=MoveSize.FAR))


def test_what_wears_out_inside_weighs_more_than_the_pain_that_all_troubles_share() -> None:
    pain = (move(Signal.LATENCY), move(Signal.ERRORS))
    hang = terms(*pain, move(Signal.SATURATION, up=False))
    milder = terms(pain[0], move(Signal.SATURATION, up=False))
    overload = terms(*pain, move(Signal.SATURATION))
    same, other = likeness(hang, milder, overload)
    assert same > other


def test_a_leak_grows_and_a_burst_jumps() -> None:
    grows = terms(move(Signal.MEMORY, onset=Onset.GROWTH), move(Signal.LATENCY))
    jumps = terms(move(Signal.MEMORY), move(Signal.LATENCY))
    again = terms(move(Signal.MEMORY, onset=Onset.GROWTH), move(Signal.ERRORS))
    same, other = likeness(grows, again, jumps)
    assert same > other


def test_what_callers_suffer_is_no_part_of_the_shape() -> None:
    far = [move(Signal.ERRORS, role=role) for role in (Role.CALLER, Role.UPSTREAM, Role.BESIDE)]
    assert terms(*far, move(Signal.POOL)) == terms(move(Signal.POOL))


def test_a_kind_of_line_is_one_part_wherever_nearby_it_was_written() -> None:
    below = WAITS.model_copy(update={"role": Role.CALLEE})
    assert terms(lines=(WAITS,)) == terms(lines=(below,)) != ()


def test_what_weighs_nothing_counts_for_and_against_none() -> None:
    believed = tuple(shape_terms(Signature(moves=(move(Signal.POOL),)), CauseKind.CONFIG))
    postings = Postings()
    postings.add(believed)
    silent = {**WEIGHTS, "cause": 0.0, "kind": 0.0}
    assert postings.overlap(terms(move(Signal.POOL)), silent).tolist() == [1.0]
    assert postings.overlap(terms(move(Signal.POOL)), WEIGHTS).tolist() < [1.0]
